"""Checks of lesson 04, Xception transfer learning."""

import numpy as np
from scipy.stats import binomtest

from helpers.exercises import array, call, number


def _head_parameters(answer) -> str:
    return number(
        answer,
        263_562,
        {
            263_434: "The inner layer's units have a bias too, one each.",
            263_552: "The output layer's units have a bias too, one each.",
            263_424: "The weights are right. Each unit also has one number that is added at the end: the bias.",
            262_272: "That is the inner layer. The output layer comes on top of it.",
            262_144: "Those are the inner layer's weights. Its biases and the output layer are missing.",
            20_490: "That is a direct head: 2,048 features straight to 10 classes.",
            282_762: "The output layer sees the 128 units, not the 2,048 features any more.",
        },
        tolerance=1e-9,
    )


def _map_shape(answer) -> str:
    slips = {
        "You rounded down in every halving. The four last ones round up.": (5, 10, 2048),
        "Height comes first, then width.": (10, 6, 2048),
        "The shape of the maps is right; the backbone gives 2,048 of them, not 3.": (6, 10, 3),
        "The first two layers have no padding and lose the border: (n - 3) // 2 + 1, then n - 2.": (
            7,
            11,
            2048,
        ),
        "In Keras the channels come last.": (2048, 6, 10),
        "Without the batch, please: height, width, channels.": (1, 6, 10, 2048),
        "That is for 150 x 150.": (5, 5, 2048),
    }
    return array(answer, (6, 10, 2048), slips)


def _scale(answer) -> str:
    rng = np.random.default_rng()
    images = rng.integers(
        40, 200, (2, 4, 5, 3), dtype="uint8"
    )  # neither black nor white: no range to stretch
    kept = images.copy()
    scaled = call(answer, images)
    if not np.array_equal(images, kept):
        return "Your function changed the array that was handed in. Make a new one."
    expected = kept / 127.5 - 1
    why = array(
        scaled,
        expected,
        {
            "That is 0 to 1. Xception wants -1 to 1.": kept / 255,
            "That is -0.5 to 0.5. Stretch it to twice the width.": kept / 255 - 0.5,
            "Those are 8-bit numbers, which wrap around below zero. Turn them into floats first.": (
                kept - 1
            ).astype("uint8"),
            "Scale by fixed numbers, not by the image's own darkest and brightest value.": _stretched(
                kept
            ),
            "Twice as wide as 0 to 1, but not yet moved: take 1 away.": kept / 127.5,
            "You divided by 128, so 255 does not reach 1. Divide by 127.5.": kept / 128 - 1,
            "You divided by 127, so 255 gives more than 1. Divide by 127.5.": kept / 127 - 1,
        },
    )
    if why:
        return why
    dtype = getattr(scaled, "dtype", type(scaled).__name__)
    return (
        ""
        if dtype == np.float32
        else f"The values are right, the type is {dtype}. Make it float32."
    )


def _stretched(images: np.ndarray) -> np.ndarray:
    images = images.astype(float)
    return (images - images.min()) / (images.max() - images.min()) * 2 - 1


def _paired_p(answer) -> str:
    return number(
        answer,
        binomtest(12, 21).pvalue,
        {
            binomtest(
                12, 21, alternative="greater"
            ).pvalue: "That is one-sided. Either rate could have been the better one: two-sided.",
            binomtest(
                9, 21, alternative="greater"
            ).pvalue: "That is one-sided. Either rate could have been the better one: two-sided.",
            12
            / 21: "That is the share of the 21 that the first rate won. How surprising is that for a fair coin?",
            9
            / 21: "That is the share of the 21 that the second rate won. How surprising is that for a fair coin?",
            3 / 341: "That is the difference of the accuracies. How likely is it by chance?",
            binomtest(283, 563).pvalue: "Only the 21 images on which the two disagree count.",
            100 * binomtest(12, 21).pvalue: "As a share, please, not in percent.",
        },
        tolerance=5e-3,
    )


CHECKS = {"04.1": _head_parameters, "04.2": _map_shape, "04.3": _scale, "04.4": _paired_p}
