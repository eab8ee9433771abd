"""Checks of lesson 01: filters."""

import numpy as np
from skimage.data import chelsea

from helpers.convolution import convolve
from helpers.exercises import array, call, choice


def _bar(answer) -> str:
    right = np.array([-30, -30, 30, 30])
    slips = {
        "Only one row of the feature map is asked for, four numbers.": np.tile(right, (4, 1)),
        "The signs are reversed: the left column is added, the right one is subtracted.": -right,
        "That counts one row of the window. It has three, so each value is larger.": right / 3,
        "A 3 x 3 window fits four times into six pixels. There are no values for the border.": [
            0,
            *right,
            0,
        ],
        "The kernel compares pixels that are two columns apart, not neighbours.": [0, -30, 0, 30],
        "Values below zero stay as they are here: dark to bright gives a negative value.": right.clip(
            0
        ),
        "The direction counts: dark to bright is negative, bright to dark is positive.": np.abs(
            right
        ),
    }
    return array(answer, right, slips)


def _crack_finder(answer) -> str:
    why = array(answer, np.full((3, 3), np.nan))
    if not why.startswith(("The shape is right", "All values")):
        return why
    kernel = np.asarray(answer, float)
    if not kernel.any():
        return "All values are zero."
    flat = 10 * kernel.sum()
    if abs(flat) > 1e-6:
        return f"A flat area of value 10 gives {flat:g}. Make the nine numbers add up to 0."
    image = np.full((9, 9), 10.0)
    crack, other, level, upright = (image.copy() for _ in range(4))
    np.fill_diagonal(crack[::-1], 0)
    np.fill_diagonal(other, 0)
    level[4], upright[:, 4] = 0, 0
    found, mirrored = convolve(crack, kernel)[3, 3], convolve(other, kernel)[3, 3]
    if mirrored > abs(found):
        return f"That finds dark lines that run like \\ ({mirrored:g}), not like / ({found:g})."
    rivals = {"horizontal line": level, "vertical line": upright, "line like \\": other}
    strongest = {name: np.abs(convolve(line, kernel)).max() for name, line in rivals.items()}
    name = max(strongest, key=strongest.get)
    if found < 0 and -found >= 2 * strongest[name]:
        return f"The right pattern with its signs reversed: a dark crack gives {found:g}."
    if found <= 0:
        return (
            f"A dark crack through the centre gives {found:g}. Make the numbers along it negative."
        )
    if found < 2 * strongest[name]:
        return (
            f"The crack gives {found:g}, but a dark {name} gives up to {strongest[name]:g}. "
            "The crack should give at least twice as much."
        )
    return ""


def _left_minus_right(answer) -> str:
    image = np.random.default_rng(0).integers(0, 256, (6, 9)).astype("uint8")
    image[0, :3] = (30, 0, 100)
    real = image.astype(float)
    right = real[:, :-2] - real[:, 2:]
    slips = {
        "30 - 100 gives 186.": right % 256,
        "A difference has a sign here: 30 - 100 is -70.": np.abs(right),
        "Negative differences are cut off at 0. Keep them: 30 - 100 is -70.": right.clip(0),
        "That is right minus left.": -right,
        "That compares neighbours. The two pixels are two columns apart.": real[:, :-1] - real[:, 1:],
        "An int8 ends at 127, so 200 wraps around before you subtract. Take a type with more room.":
            (image[:, :-2].astype("int8") - image[:, 2:].astype("int8")).astype(float),
        "30 - 100 gives 65466: the type is still unsigned, it has no minus sign.": right % 65536,
        "Do not divide by 255 here: 30 - 100 is -70.": right / 255,
    }  # fmt: skip
    return array(call(answer, image.copy()), right, slips)


def _stripes(answer) -> str:
    why_not = {
        "a": "Print the loss on the stripes once more: the mean of (output - target) squared.",
        "b": "Print the nine weights that were learned, in three rows. Are the rows 1 1 1, 0 0 0, -1 -1 -1?",
        "c": "Measure the loss of these weights on the patches of the cat. How large is it beside the mean of target squared?",
    }
    return choice(answer, "d", why_not)


def _in_keras(answer) -> str:
    cat = chelsea()[::2, ::2].mean(axis=2).round()
    kernel = np.array([[1, 0, -1]] * 3)
    whole, padded = convolve(cat, kernel), convolve(cat, kernel, padding="same")
    right = whole[::2, ::2]
    if np.shape(answer) == (1, *right.shape, 1):
        return "The batch and the channel are still there: take [0, :, :, 0]."
    if np.shape(answer) == (2,) and tuple(answer) == right.shape:
        return f"{right.shape} is the right shape. The answer is the feature map itself."
    slips = {
        "The kernel is flipped. Keras does not flip it, so neither should you.": -right,
        "That is the map with stride 1. Keras wants strides=2.": whole,
        "That is padded. Leave padding at its default, 'valid'.": padded[::2, ::2],
        "That is padded. Keras' default, 'valid', is not.": padded[1::2, 1::2],
        "The kernel is rotated by 90 degrees: that map shows horizontal edges.":
            convolve(cat, kernel.T)[::2, ::2],
        "Rows and columns are swapped.": right.T,
        "The image was divided by 255 first. Give Keras the same cat.": right / 255,
    }  # fmt: skip
    why = array(answer, right, slips, tolerance=1e-3)
    if why.startswith("The shape is right"):
        why += " Has the layer your kernel? Without set_weights it starts with random numbers."
    return why


CHECKS = {
    "01.1": _bar,
    "01.2": _crack_finder,
    "01.3": _left_minus_right,
    "01.4": _stripes,
    "01.5": _in_keras,
}
