"""Checks of lesson 02, Feature maps."""

import numpy as np

from helpers.convolution import convolve
from helpers.exercises import LearnerError, array, call, number


def _parameters(answer) -> str:
    slips = {
        73728: "Those are the weights. The biases are missing: one a filter.",
        1280: "You counted filters of 3x3x1. Each filter is as deep as the sheets that come in.",
        1152: "You counted filters of 3x3x1, and no biases. Each filter is as deep as the sheets that come in.",
        73729: "You counted one bias for the whole layer; each filter has its own.",
        73792: "One bias for each incoming sheet? There is one a filter, that is, one for each outgoing sheet.",
        81920: "You counted a bias for every 3x3 plane of a filter; a filter has only one.",
        704: "That is one filter a sheet, with a bias each. Every filter looks at all 64 sheets, and there are 128.",
        147584: "Each filter is as deep as the sheets that come in: 64, not 128.",
        577: "That is one filter. There are 128 of them.",
        36 * 36 * 128: "That is the number of values that come out, not of parameters.",
        34 * 34 * 128: "That is the number of values that come out, not of parameters.",
    }
    return number(answer, 73856, slips)


def _changed_values(answer) -> str:
    slips = {
        9: "That is right for the first map. Each of those nine values lies in several windows of the second layer.",
        81: "Nine windows for each of nine values, but they overlap: you count the same value of the second map often.",
        18: "Adding nine and nine does not do: the windows of the second layer widen the 3x3 on each side.",
        5: "That is the side of the region. How many values does it hold?",
        16: "Off by one: two layers widen a single place by two on each side, 2 + 1 + 2.",
        49: "That would be three layers.",
        1: "One pixel lies in more than one window of the first layer already.",
    }
    return number(answer, 25, slips)


def _standard_kernel(answer) -> str:
    rng = np.random.default_rng()
    for size, channels, filters in ((3, 5, 4), (5, 2, 7), (3, 4, 4)):
        around, mix = (
            rng.normal(size=(size, size, channels, 1)),
            rng.normal(size=(1, 1, channels, filters)),
        )
        try:
            result = call(answer, around.copy(), mix.copy())
        except LearnerError as error:
            if "matmul" not in str(error):
                raise
            raise LearnerError(
                f"{error}. A matrix product (@) also adds up; here each pair is only multiplied (*)."
            ) from None
        expected = around * mix
        slips = {
            "The kernel is flipped. What deep learning calls convolution turns nothing round.": expected[::-1, ::-1],
            "The last two axes are swapped: Keras wants (k, k, channels in, filters).": expected.swapaxes(2, 3),
            "You added the two kernels. A pixel is multiplied by the one and then by the other.": around + mix,
            "You summed over the sheets. The standard kernel keeps them apart; summing is what the convolution does.":
                expected.sum(axis=2),
            "You summed over the sheets and kept the axis. The standard kernel has a weight for each sheet.":
                expected.sum(axis=2, keepdims=True),
            "You took the mean over the sheets. The standard kernel keeps them apart.": expected.mean(axis=2),
            "You took the mean over the sheets and kept the axis. The standard kernel has a weight for each sheet.":
                expected.mean(axis=2, keepdims=True),
            "You used the first sheet's depthwise kernel for all. Each sheet has its own.": around[:, :, :1] * mix,
            "That is the depthwise kernel repeated: the pointwise weights are missing.": around + 0 * expected,
            "That is the pointwise kernel repeated: the depthwise weights are missing.": mix + 0 * expected,
            "Height and width of the kernel are swapped.": expected.swapaxes(0, 1),
        }  # fmt: skip
        why = array(result, expected, slips)
        if why:
            return why
    return ""


def _field(answer) -> str:
    slips = {
        9: "You stopped before the last convolution: it adds (5 - 1) x jump.",
        10: "You left the strides out: one step of a later layer is worth several pixels.",
        11: "You left the strides out, and added the kernels instead of (kernel - 1).",
        12: "You added the kernels up and left the strides out.",
        13: "You added the kernels up and left the strides out.",
        29: "A layer's own stride does not widen its own window: add to the field first, then multiply the jump.",
        24: "One pixel is there from the start: the field begins with 1, not 0.",
        14: "You went through the layers from last to first. Begin with the one at the image.",
        23: "The pooling's window is missing: it adds (2 - 1) x jump, like a convolution.",
        34: "Add (kernel - 1) x jump, not kernel x jump.",
        33: "Add (kernel - 1) x jump, not kernel x jump.",
        36: "The strides already widen the later layers; do not multiply the sum again.",
        40: "You multiplied the field without strides by all strides. Each layer's window counts with the jump it has.",
        17: "The last jump is 4, not 2: both strides of 2 lie below the last layer.",
        625: "That is the number of pixels. The question asks for the width.",
    }
    return number(answer, 25, slips)


def _times_fewer(answer) -> str:
    slips = {
        9: "Nine leaves out the depthwise weights, 9 for each incoming sheet. They vanish only beside very many pairs.",
        400 / 2304: "Upside down: divide the larger number by the smaller one.",
        0.17: "Upside down: divide the larger number by the smaller one.",
        0.174: "Upside down: divide the larger number by the smaller one.",
        5.7: "Rounded too far: give two digits after the point.",
        5.8: "Rounded too far: give two digits after the point.",
        6: "Rounded too far: give two digits after the point.",
        2304 / 144: "You left out the pointwise weights: one for each pair of sheets.",
        2304: "That is the standard layer's number of weights. Divide it by the separable one's.",
        400: "That is the separable layer's number of weights. How many times more has the standard one?",
        2304 / 416: "You counted biases. The question leaves them out.",
        2320 / 416: "You counted biases. The question leaves them out.",
        2320 / 432: "You counted biases. The question leaves them out.",
        2304 - 400: "You subtracted. The question is how many times fewer: divide.",
    }
    return number(answer, 2304 / 400, slips, tolerance=1e-6)  # 5.76 exactly


def _convolve_colour(answer) -> str:
    rng = np.random.default_rng()
    for shape, size in (
        ((7, 10, 3), 3),
        ((9, 6, 2), 2),
    ):  # fresh numbers; height and width differ, so do the channels
        image, kernel = rng.normal(size=shape), rng.normal(size=(size, size, shape[2]))
        apart = [convolve(image[..., c], kernel[..., c]) for c in range(shape[2])]
        right = sum(apart)
        short = min(right.shape)
        slips = {
            "The kernel is turned by 180 degrees. Here it is not.": _one(image, kernel[::-1, ::-1]),
            "The kernel is turned in all its axes, channels too. Here nothing is turned.": _one(
                image, kernel[::-1, ::-1, ::-1]
            ),
            "The digits after the point are cut off: your array holds whole numbers. Use np.zeros without dtype.":
                np.trunc(right),
            "The kernel's rows and columns are swapped.": _one(image, kernel.transpose(1, 0, 2)),
            "Rows and columns of the feature map are swapped.": right.T,
            "Each channel has its own map. Add the channels up: one map comes out.": np.stack(apart, axis=2),
            "Only the first channel is counted. Add up all of them.": apart[0],
            "Only the last channel is counted. Add up all of them.": apart[-1],
            "That is the mean of the products. The dot product is their sum.": right / kernel.size,
            "The last row and column are missing: a window of k fits n - k + 1 times.": right[:-1, :-1],
            "Height and width differ: each axis needs its own size.": right[:short, :short],
            'That is padded, as "same" does. Here the window stays inside.': _one(image, kernel, "same"),
        }  # fmt: skip
        why = array(call(answer, image.copy(), kernel.copy()), right, slips)
        if why:
            return why
    return ""


def _one(image, kernel, padding="valid"):
    return convolve(image, kernel[..., None], padding=padding)[..., 0]


CHECKS = {
    "02.1": _parameters,
    "02.2": _changed_values,
    "02.3": _standard_kernel,
    "02.4": _field,
    "02.5": _times_fewer,
    "02.6": _convolve_colour,
}
