"""Wrong answers to the exercises of lesson 01, each with a part of the message that is meant for it."""

import numpy as np

from helpers.convolution import convolve


def size_by(valid, same=lambda n, k, s: -(-n // s)):
    return lambda n, kernel, stride, padding: (valid if padding == "valid" else same)(
        n, kernel, stride
    )


def right_size(n, kernel, stride):
    return (n - kernel) // stride + 1


def map_by(change_kernel=lambda kernel: kernel, change_map=lambda feature_map: feature_map, **how):
    """A solution of 01.4 with one thing done wrong."""
    return lambda image, kernel: change_map(
        convolve(image, change_kernel(kernel)[..., None], **how)[..., 0]
    )


def no_answer(*arguments):
    return None


def raises(*arguments):
    return [][0]


def square_only(image, kernel):
    feature_map = map_by()(image, kernel)
    return feature_map[: min(feature_map.shape), : min(feature_map.shape)]


def channels_apart(image, kernel):
    return np.stack(
        [convolve(image[..., c], kernel[..., c]) for c in range(image.shape[2])], axis=2
    )


WRONG = [
    ("01.1", None, "not answered"),
    ("01.1", ..., "not answered"),
    ("01.1", 0, "is not it"),
    ("01.1", 24, "turned the kernel"),
    ("01.1", 31, "rows and columns"),
    ("01.1", 22, "mind the signs"),
    ("01.1", 19, "positive products alone"),
    ("01.1", 23, "sum of the patch"),
    ("01.1", 4, "sum of the kernel"),
    ("01.1", "sixteen", "expected a number"),
    ("01.1", [16, 0], "expected one number"),
    ("01.1", (1, 6), "not 0,5"),
    ("01.1", [[16, 0]], "expected one number"),
    ("01.1", [True], "expected one number"),
    ("01.1", [24], "turned the kernel"),
    ("01.1", 16 / 9, "mean of the nine"),
    ("01.1", 1.78, "mean of the nine"),
    ("01.1", 16.001, "is not it"),
    ("01.2", None, "not answered"),
    ("01.2", [0, 0, 0, 0], "all values are zero"),
    ("01.2", [30, 30, -30, -30], "wrong way round"),
    ("01.2", [-10, -10, 10, 10], "it has three"),
    ("01.2", [0, -30, -30, 30, 30, 0], "fits four times"),
    ("01.2", [0, -30, 0, 30], "not neighbours"),
    ("01.2", [0, 0, 30, 30], "below zero"),
    ("01.2", [30, 30, 30, 30], "the direction counts"),
    ("01.2", [[-30, -30, 30, 30]] * 4, "only one row"),
    ("01.2", [-30, 30], "shape"),
    ("01.2", 30, "expected an array or a list"),
    ("01.2", [[-30, -30, 30, 30]], "flat list of 4 numbers"),
    ("01.2", [[-30], [-30], [30], [30]], "flat list of 4 numbers"),
    ("01.2", [-30, -30, 30, 31], "as value number 4 you have 31"),
    ("01.3", None, "not answered"),
    ("01.3", no_answer, "return, not print"),
    ("01.3", raises, "indexerror"),
    ("01.3", 4, "expected a function"),
    ("01.3", lambda n: n, "typeerror"),
    ("01.3", size_by(lambda n, k, s: 0, lambda n, k, s: 0), "expected 4"),
    ("01.3", size_by(lambda n, k, s: (n - k) // s), "add 1 for the first window"),
    ("01.3", size_by(lambda n, k, s: (n - k + 1) // s), "before dividing"),
    ("01.3", size_by(lambda n, k, s: -(-(n - k) // s) + 1), "rounds down"),
    ("01.3", size_by(lambda n, k, s: (n - k) / s + 1), "without rounding down"),
    ("01.3", size_by(lambda n, k, s: n - k + 1), "leave out the stride"),
    ("01.3", size_by(right_size, lambda n, k, s: n // s), "rounds up"),
    ("01.3", size_by(right_size, lambda n, k, s: n), "leave out the stride"),
    ("01.3", size_by(right_size, right_size), 'what "valid" does'),
    ("01.3", size_by(lambda n, k, s: "4"), "expected"),
    ("01.3", size_by(lambda n, k, s: -(-n // s), right_size), "swap the two"),
    ("01.4", None, "not answered"),
    ("01.4", no_answer, "not answered"),
    ("01.4", raises, "indexerror"),
    ("01.4", map_by(change_map=np.zeros_like), "all values are zero"),
    ("01.4", map_by(lambda kernel: kernel[::-1, ::-1]), "turned by 180"),
    ("01.4", map_by(lambda kernel: kernel[::-1, ::-1, ::-1]), "in all its axes"),
    ("01.4", map_by(change_map=lambda feature_map: feature_map.astype(int)), "whole numbers"),
    ("01.4", map_by(lambda kernel: kernel.transpose(1, 0, 2)), "kernel's rows and columns"),
    ("01.4", map_by(change_map=np.transpose), "rows and columns of the feature map"),
    ("01.4", channels_apart, "add the channels up"),
    (
        "01.4",
        lambda image, kernel: convolve(image[..., 0], kernel[..., 0]),
        "only the first channel",
    ),
    (
        "01.4",
        lambda image, kernel: convolve(image[..., -1], kernel[..., -1]),
        "only the last channel",
    ),
    ("01.4", lambda image, kernel: map_by()(image, kernel) / kernel.size, "mean of the products"),
    ("01.4", map_by(change_map=lambda feature_map: feature_map[:-1, :-1]), "last row and column"),
    ("01.4", square_only, "each axis needs its own size"),
    ("01.4", map_by(padding="same"), "padded"),
    ("01.4", map_by(change_map=lambda feature_map: feature_map[:, :, None]), "expected the shape"),
    ("01.4", 7, "expected a function"),
    ("01.5", None, "not answered"),
    ("01.5", 0, "something is fixed"),
    ("01.5", 25, "each pixel could vary"),
    ("01.5", 20, "stays free"),
    ("01.5", 3, "3 x 3 kernel"),
    ("01.5", 1, "more than one"),
    ("01.5", 10, "not both"),
    ("01.5", 4.999, "is not it"),
    ("01.5", True, "expected one number"),
]
