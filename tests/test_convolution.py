"""helpers.convolution: each function against Keras, the second road to the same numbers."""

import doctest

import numpy as np
import pytest

from helpers import convolution
from helpers.models import keras

CLOSE = 1e-5
rng = np.random.default_rng(0)
PICTURE = rng.normal(size=(11, 14, 3)).astype("float32")  # odd height, even width: "same" pads them differently
KERNEL = rng.normal(size=(3, 3, 3, 4)).astype("float32")
WIDE_KERNEL = rng.normal(size=(2, 5, 3, 4)).astype("float32")
DEPTHWISE = rng.normal(size=(3, 3, 3, 1)).astype("float32")
POINTWISE = rng.normal(size=(1, 1, 3, 6)).astype("float32")

SLIDES = pytest.mark.parametrize("stride", [1, 2, 3], ids=lambda stride: f"stride {stride}")
PADDINGS = pytest.mark.parametrize("padding", ["valid", "same"])


def by_keras(layer, *weights):
    layer.build((None, *PICTURE.shape))
    layer.set_weights(weights)
    return np.asarray(layer(PICTURE[None]))[0]


def agree(ours, theirs):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < CLOSE
    return True


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(convolution).failed == 0
    assert doctest.testmod(convolution).attempted >= 3


@SLIDES
@PADDINGS
@pytest.mark.parametrize("kernel", [KERNEL, WIDE_KERNEL], ids=["3x3 kernel", "2x5 kernel"])
def test_convolve_equals_conv2d(kernel, stride, padding):
    layer = keras.layers.Conv2D(4, kernel.shape[:2], stride, padding, use_bias=False)
    assert agree(convolution.convolve(PICTURE, kernel, stride, padding), by_keras(layer, kernel))


@SLIDES
@PADDINGS
def test_depthwise_equals_depthwise_conv2d(stride, padding):
    layer = keras.layers.DepthwiseConv2D(3, stride, padding, use_bias=False)
    assert agree(convolution.depthwise(PICTURE, DEPTHWISE, stride, padding), by_keras(layer, DEPTHWISE))


@PADDINGS
def test_separable_equals_separable_conv2d(padding):
    layer = keras.layers.SeparableConv2D(6, 3, padding=padding, use_bias=False)
    ours = convolution.separable(PICTURE, DEPTHWISE, POINTWISE, padding)
    assert agree(ours, by_keras(layer, DEPTHWISE, POINTWISE))


@pytest.mark.parametrize("size", [2, 3], ids=lambda size: f"window {size}")
@SLIDES
@PADDINGS
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_equals_keras(kind, size, stride, padding):
    ours = {"max": convolution.max_pool, "average": convolution.average_pool}[kind]
    theirs = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[kind]
    assert agree(ours(PICTURE, size, stride, padding), by_keras(theirs(size, stride, padding)))


def test_the_stride_of_pooling_is_the_window_unless_told_otherwise():
    assert agree(convolution.max_pool(PICTURE, 3), by_keras(keras.layers.MaxPooling2D(3)))


def test_same_max_pooling_of_negative_values_does_not_let_the_padding_win():
    assert convolution.max_pool(-np.ones((3, 3, 1)), 2, padding="same").max() == -1


def test_global_average_pool_equals_keras():
    assert agree(convolution.global_average_pool(PICTURE), by_keras(keras.layers.GlobalAveragePooling2D()))


def test_relu_equals_keras():
    assert agree(convolution.relu(PICTURE), by_keras(keras.layers.ReLU()))


@PADDINGS
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@SLIDES
@pytest.mark.parametrize("n", [5, 6, 7, 12])
def test_the_size_of_the_output_is_the_one_keras_has(n, kernel, stride, padding):
    layer = keras.layers.Conv2D(1, kernel, stride, padding)
    size = convolution.output_size(n, kernel, stride, padding)
    assert layer.compute_output_shape((1, n, n, 1)) == (1, size, size, 1)


def test_same_padding_puts_an_odd_zero_after_the_last_pixel():
    assert convolution.same_padding(6, 3, stride=2) == (0, 1)
    assert convolution.same_padding(6, 3, stride=1) == (1, 1)


def test_the_kernel_is_not_turned():
    dot = np.zeros((3, 3))
    dot[1, 1] = 1
    kernel = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(convolution.convolve(dot, kernel, padding="same"), kernel[::-1, ::-1])


def test_8_bit_pictures_do_not_wrap_around_below_zero():
    picture = np.array([[30, 100]], "uint8")
    assert convolution.convolve(picture, np.array([[1, -1]])).tolist() == [[-70]]


def test_a_grey_picture_of_two_axes_comes_back_with_two_axes():
    assert convolution.convolve(np.ones((5, 7)), np.ones((3, 3))).shape == (3, 5)
    assert convolution.convolve(np.ones((5, 7)), np.ones((3, 3, 1, 2))).shape == (3, 5, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_keep_their_type(dtype):
    assert convolution.convolve(PICTURE.astype(dtype), KERNEL.astype(dtype)).dtype == dtype
    assert convolution.max_pool(PICTURE.astype(dtype)).dtype == dtype


WRONG = {
    "pooling a batch": (lambda: convolution.max_pool(PICTURE[None]), "got shape (1, 11, 14, 3)"),
    "a padding that does not exist": (
        lambda: convolution.output_size(5, 3, padding="full"), "'valid' or 'same', not 'full'",
    ),
    "a kernel larger than the picture": (
        lambda: convolution.convolve(np.ones((2, 9)), np.ones((3, 3))), "kernel of 3 does not fit into 2",
    ),
    "a kernel for other channels": (
        lambda: convolution.convolve(PICTURE, KERNEL[:, :, :2]), "has 3 channels, the kernel is made for 2",
    ),
    "a grey kernel on a colour picture": (
        lambda: convolution.convolve(PICTURE, np.ones((3, 3))), "has 3 channels, the kernel is made for 1",
    ),
    "patches of a picture without channels": (
        lambda: list(convolution.patches(PICTURE[..., 0], 3)), "got (11, 14). Add channels",
    ),
    "global pooling of a batch": (
        lambda: convolution.global_average_pool(PICTURE[None]), "got shape (1, 11, 14, 3)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_input_is_told_what_is_wrong_with_it(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
