"""Checks of lesson 01: filters."""

import numpy as np

from helpers.convolution import convolve, output_size
from helpers.exercises import array, call, number


def _dot_product(answer) -> str:
    patch = np.array([[5, 1, 0], [4, 3, 2], [0, 6, 2]])
    kernel = np.array([[2, 1, 0], [0, -1, 3], [-2, 0, 1]])
    slips = {
        (
            patch * kernel[::-1, ::-1]
        ).sum(): "You turned the kernel by 180 degrees. Deep learning does not turn it.",
        (
            patch * kernel.T
        ).sum(): "You swapped the kernel's rows and columns. Multiply what stands at the same place.",
        np.abs(patch * kernel).sum(): "The kernel's negative numbers take away: mind the signs.",
        (
            patch * kernel.clip(0)
        ).sum(): "That is the positive products alone. The negative ones count too.",
        (patch * kernel).mean(): "That is the mean of the nine products. Add them up.",
        1.78: "That is the mean of the nine products. Add them up.",
        patch.sum(): "That is the sum of the patch. Multiply each number with the kernel's number first.",
        kernel.sum(): "That is the sum of the kernel. Multiply each number with the patch's number first.",
    }
    return number(answer, (patch * kernel).sum(), slips)


def _bar(answer) -> str:
    right = np.array([-30, -30, 30, 30])
    slips = {
        "Only one row of the feature map is asked for, four numbers.": np.tile(right, (4, 1)),
        "The signs are the wrong way round: the left column is added, the right one is taken away.": -right,
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


SIZE_MISTAKES = {
    'you forgot to add 1 for the first window ("valid")': lambda n, k, s: (n - k) // s,
    'you add 1 before dividing by the stride; add it at the end ("valid")': lambda n, k, s: (
        (n - k + 1) // s
    ),
    'you round up where "valid" rounds down': lambda n, k, s: -(-(n - k) // s) + 1,
    'you divide without rounding down ("valid")': lambda n, k, s: (n - k) / s + 1,
    'you leave out the stride ("valid")': lambda n, k, s: n - k + 1,
    'you do for "valid" what "same" does; did you swap the two': lambda n, k, s: -(-n // s),
}
SAME_MISTAKES = {
    'you round down where "same" rounds up': lambda n, k, s: n // s,
    'you divide without rounding up ("same")': lambda n, k, s: n / s,
    'you leave out the stride ("same" keeps the size only at stride 1)': lambda n, k, s: n,
    'you do for "same" what "valid" does': output_size,
}


def _output_size(answer) -> str:
    cases = [(6, 3, 1), (8, 3, 2), (9, 4, 3), (150, 3, 2), (11, 5, 3), (5, 5, 1)]
    for padding, mistakes in (("valid", SIZE_MISTAKES), ("same", SAME_MISTAKES)):
        sizes = [call(answer, *case, padding) for case in cases]
        true_sizes = [output_size(*case, padding) for case in cases]
        judged = [
            number(size, true, tolerance=1e-9) for size, true in zip(sizes, true_sizes, strict=True)
        ]
        wrong = next((place for place, why in enumerate(judged) if why), None)
        if wrong is None:
            continue
        if judged[wrong].startswith("Expected"):
            return judged[wrong]
        guess = (
            f"It looks as if {name}. "
            for name, slip in mistakes.items()
            if sizes == [slip(*c) for c in cases]
        )
        n, kernel, stride = cases[wrong]
        where = f"for n={n}, kernel={kernel}, stride={stride}, padding={padding!r}"
        return f"{next(guess, '')}You return {sizes[wrong]} {where}, expected {true_sizes[wrong]}."
    return ""


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


def _fixed_sums(answer) -> str:
    slips = {
        25: "All 25 would be fixed if each pixel could vary by itself. Here the pixels of a row are equal.",
        20: "Twenty is what stays free. How many does that leave?",
        3: "Three it is for a 3 x 3 kernel. Here the kernel is 5 x 5.",
        1: "More than one: the images still vary from row to row.",
        0: "Something is fixed: the loss did go down to 0.",
        10: "Rows or columns, not both: what can differ within a patch?",
    }
    return number(answer, 5, slips)


CHECKS = {
    "01.1": _dot_product,
    "01.2": _bar,
    "01.3": _output_size,
    "01.4": _convolve_colour,
    "01.5": _fixed_sums,
}
