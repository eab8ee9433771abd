"""helpers.convolution: each function against Keras, the second road to the same numbers."""

import doctest
import hashlib

import numpy as np
import pytest

from helpers import convolution
from helpers.models import keras

CLOSE = 1e-5
rng = np.random.default_rng(0)
# odd height, even width: "same" pads them differently
IMAGE = rng.normal(size=(11, 14, 3)).astype("float32")
KERNEL = rng.normal(size=(3, 3, 3, 4)).astype("float32")
WIDE_KERNEL = rng.normal(size=(2, 5, 3, 4)).astype("float32")

SLIDES = pytest.mark.parametrize("stride", [1, 2, 3], ids=lambda stride: f"stride {stride}")
PADDINGS = pytest.mark.parametrize("padding", ["valid", "same"])


def by_keras(layer, *weights, image=IMAGE):
    layer.build((None, *image.shape))
    layer.set_weights(weights)
    return np.asarray(layer(image[None]))[0]


def agree(ours, theirs):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < CLOSE
    return True


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(convolution).failed == 0


@SLIDES
@PADDINGS
@pytest.mark.parametrize("kernel", [KERNEL, WIDE_KERNEL], ids=["3x3 kernel", "2x5 kernel"])
def test_convolve_equals_conv2d(kernel, stride, padding):
    layer = keras.layers.Conv2D(4, kernel.shape[:2], stride, padding, use_bias=False)
    assert agree(convolution.convolve(IMAGE, kernel, stride, padding), by_keras(layer, kernel))


@pytest.mark.parametrize("size", [2, 3], ids=lambda size: f"window {size}")
@pytest.mark.parametrize("stride", [None, 1, 2, 3], ids=lambda stride: f"stride {stride}")
@PADDINGS
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_equals_keras(kind, size, stride, padding):
    ours = {"max": convolution.max_pool, "average": convolution.average_pool}[kind]
    theirs = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[kind]
    negative = IMAGE - 9  # a padding of zeros that counts would win
    expected = by_keras(theirs(size, stride, padding), image=negative)
    assert agree(ours(negative, size, stride, padding), expected)


def test_relu_and_global_average_pool_equal_keras():
    assert agree(convolution.relu(IMAGE), by_keras(keras.layers.ReLU()))
    pooled = by_keras(keras.layers.GlobalAveragePooling2D())
    assert agree(convolution.global_average_pool(IMAGE), pooled)


def test_8_bit_images_do_not_wrap_around_below_zero():
    image = np.array([[30, 100]], "uint8")
    assert convolution.convolve(image, np.array([[1, -1]])).tolist() == [[-70]]
    pooled = convolution.average_pool(image[..., np.newaxis], padding="same")
    assert pooled.ravel().tolist() == [65]


def test_a_grey_image_of_two_axes_comes_back_with_two_axes():
    assert convolution.convolve(np.ones((5, 7)), np.ones((3, 3))).shape == (3, 5)
    assert convolution.convolve(np.ones((5, 7)), np.ones((3, 3, 1, 2))).shape == (3, 5, 2)


def test_half_of_the_shapes_are_whole_circles_and_the_amount_of_light_tells_nothing():
    images, labels = convolution.shapes(2000, seed=1, radii=(4, 10))
    assert images.shape == (2000, 40, 40) and images.dtype == "float32"
    assert set(np.unique(images)) == {0, 1} and labels.mean() == 0.5
    circles, squares = (images[labels == label].mean() for label in (0, 1))
    assert circles == pytest.approx(squares, rel=0.02)


@pytest.mark.parametrize("radius", [4, 7])
def test_the_labelled_shape_is_whole_and_the_other_one_is_not(radius):
    images, labels = convolution.shapes(60, seed=2, radii=[radius])
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    circle = abs(np.hypot(down, right) - radius) < 0.5
    square = np.maximum(abs(down), abs(right)) == radius
    for image, label in zip(images, labels, strict=True):
        whole = [
            convolution.convolve(image, shape).max() == shape.sum() for shape in (circle, square)
        ]
        assert whole == [label == 0, label == 1]


def test_seed_0_gives_the_shapes_that_lesson_02_was_written_with():
    images = convolution.shapes(204, seed=0)[0]
    assert hashlib.sha256(images.astype("uint8").tobytes()).hexdigest()[:12] == "8e790239f012"


WRONG = {
    "a kernel larger than the image": (
        lambda: convolution.convolve(np.ones((2, 9)), np.ones((3, 3))), "3 does not fit into 2",
    ),
    "a kernel for other channels": (
        lambda: convolution.convolve(IMAGE, np.ones((3, 3))), "3 channels, the kernel is made for 1",
    ),
    "patches of an image without channels": (
        lambda: list(convolution.patches(IMAGE[..., 0], 3)), "got shape (11, 14). Add channels",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_input_is_told_what_is_wrong_with_it(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
