"""Wrong answers to lesson 02: (exercise, answer, a part of the message that is meant for it)."""

import numpy as np

from helpers.convolution import convolve


def _raises(depthwise_kernel, pointwise_kernel):
    return depthwise_kernel @ pointwise_kernel.missing


def _one_argument(depthwise_kernel):
    return depthwise_kernel


def _nothing(depthwise_kernel, pointwise_kernel):
    depthwise_kernel * pointwise_kernel


def _constant(depthwise_kernel, pointwise_kernel):
    return np.ones((3, 3, 5, 4))


def _map_by(change_kernel=lambda kernel: kernel, change_map=lambda feature_map: feature_map, **how):
    """A solution of 02.6 with one thing done wrong."""
    return lambda image, kernel: change_map(
        convolve(image, change_kernel(kernel)[..., None], **how)[..., 0]
    )


def _no_answer(*arguments):
    return None


def _empty(*arguments):
    return [][0]


def _square_only(image, kernel):
    feature_map = _map_by()(image, kernel)
    return feature_map[: min(feature_map.shape), : min(feature_map.shape)]


def _channels_apart(image, kernel):
    return np.stack(
        [convolve(image[..., c], kernel[..., c]) for c in range(image.shape[2])], axis=2
    )


WRONG = [
    ("02.1", None, "not answered"),
    ("02.1", ..., "not answered"),
    ("02.1", 0, "is not it"),
    ("02.1", np.zeros(3), "expected one number"),
    ("02.1", "many", "expected a number"),
    ("02.1", (73, 856), "not 12,345"),
    ("02.1", 73856.1, "is not it"),
    ("02.1", 3 * 3 * 64 * 128, "biases are missing"),
    ("02.1", 3 * 3 * 128 + 128, "as deep as the sheets"),
    ("02.1", 3 * 3 * 64 * 128 + 1, "one bias for the whole layer"),
    ("02.1", 3 * 3 * 64 * 128 + 64, "one a filter"),
    ("02.1", 36 * 36 * 128, "values that come out"),
    ("02.1", (3 * 3 * 64 + 1), "that is one filter"),
    ("02.2", None, "not answered"),
    ("02.2", 0, "is not it"),
    ("02.2", 9, "right for the first map"),
    ("02.2", 81, "overlap"),
    ("02.2", 5, "side of the region"),
    ("02.2", (5, 5), "expected one number"),
    ("02.3", None, "not answered"),
    ("02.3", lambda d, p: None, "returns nothing"),
    ("02.3", _nothing, "returns nothing"),
    ("02.3", _raises, "attributeerror"),
    ("02.3", _one_argument, "typeerror"),
    ("02.3", np.zeros((3, 3, 5, 4)), "expected a function"),
    ("02.3", lambda d, p: np.zeros_like(d * p), "all values are zero"),
    ("02.3", _constant, "values are not"),
    ("02.3", lambda d, p: (d * p)[::-1, ::-1], "flipped"),
    ("02.3", lambda d, p: (d * p).swapaxes(2, 3), "axes are swapped"),
    ("02.3", lambda d, p: (d * p).swapaxes(0, 1), "height and width"),
    ("02.3", lambda d, p: d + p, "added the two kernels"),
    ("02.3", lambda d, p: (d * p).sum(axis=2), "summed over the sheets"),
    ("02.3", lambda d, p: (d * p).sum(axis=2, keepdims=True), "kept the axis"),
    ("02.3", lambda d, p: (d * p).mean(axis=2), "mean over the sheets"),
    ("02.3", lambda d, p: (d * p).mean(axis=2, keepdims=True), "mean over the sheets and kept"),
    ("02.3", lambda d, p: d[:, :, :1] * p, "first sheet's depthwise kernel"),
    ("02.3", lambda d, p: d @ p, "only multiplied"),
    ("02.3", lambda d, p: d[..., 0] @ p[0, 0], "summed over the sheets"),
    ("02.3", lambda d, p: d * np.ones_like(p), "pointwise weights are missing"),
    ("02.3", lambda d, p: d, "expected the shape"),
    ("02.3", lambda d, p: "kernel", "expected an array"),
    ("02.4", None, "not answered"),
    ("02.4", 0, "is not it"),
    ("02.4", 10, "strides out"),
    ("02.4", 1 + 2 * 2 + 2 * 2 + 1 * 4 + 4 * 4, "own stride does not widen"),
    ("02.4", 24, "begins with 1"),
    ("02.4", 13, "strides out"),
    ("02.4", 625, "the width"),
    ("02.4", [25, 25], "expected one number"),
    ("02.4", 23, "window is missing"),
    ("02.4", 34, "not kernel x jump"),
    ("02.4", 14, "last to first"),
    ("02.5", None, "not answered"),
    ("02.5", 0, "is not it"),
    ("02.5", 9, "leaves out the depthwise weights"),
    ("02.5", 5.8, "rounded too far"),
    ("02.5", 5.7, "rounded too far"),
    ("02.5", 5.75, "is not it"),
    ("02.5", 5.77, "is not it"),
    ("02.5", (5, 76), "not 0,5"),
    ("02.5", 0.1736, "upside down"),
    ("02.5", 5.54, "counted biases"),
    ("02.5", 400 / 2304, "upside down"),
    ("02.5", 2304 / 144, "pointwise weights"),
    ("02.5", 2304 - 400, "subtracted"),
    ("02.5", "about six", "expected a number"),
    ("02.6", None, "not answered"),
    ("02.6", _no_answer, "not answered"),
    ("02.6", _empty, "indexerror"),
    ("02.6", _map_by(change_map=np.zeros_like), "all values are zero"),
    ("02.6", _map_by(lambda kernel: kernel[::-1, ::-1]), "turned by 180"),
    ("02.6", _map_by(lambda kernel: kernel[::-1, ::-1, ::-1]), "in all its axes"),
    ("02.6", _map_by(change_map=lambda feature_map: feature_map.astype(int)), "whole numbers"),
    ("02.6", _map_by(lambda kernel: kernel.transpose(1, 0, 2)), "kernel's rows and columns"),
    ("02.6", _map_by(change_map=np.transpose), "rows and columns of the feature map"),
    ("02.6", _channels_apart, "add the channels up"),
    (
        "02.6",
        lambda image, kernel: convolve(image[..., 0], kernel[..., 0]),
        "only the first channel",
    ),
    (
        "02.6",
        lambda image, kernel: convolve(image[..., -1], kernel[..., -1]),
        "only the last channel",
    ),
    ("02.6", lambda image, kernel: _map_by()(image, kernel) / kernel.size, "mean of the products"),
    ("02.6", _map_by(change_map=lambda feature_map: feature_map[:-1, :-1]), "last row and column"),
    ("02.6", _square_only, "each axis needs its own size"),
    ("02.6", _map_by(padding="same"), "padded"),
    ("02.6", _map_by(change_map=lambda feature_map: feature_map[:, :, None]), "expected the shape"),
    ("02.6", 7, "expected a function"),
]
