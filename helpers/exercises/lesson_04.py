"""Checks of lesson 04, Xception transfer learning."""

import numpy as np

from helpers.exercises import array, call, number
from helpers.training import wilson


def _head_parameters(answer) -> str:
    return number(
        answer,
        263_562,
        {
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
        "You rounded down in every halving. The four last ones round up.": (6, 9, 2048),
        "Height comes first, then width.": (10, 7, 2048),
        "The shape of the sheets is right; the backbone gives 2,048 of them, not 3.": (7, 10, 3),
        "You rounded up in every step. The first two layers have no padding and lose the border.": (7, 10, 1000),
    }
    return array(answer, (7, 10, 2048), slips)


def _scale(answer) -> str:
    rng = np.random.default_rng()
    pictures = rng.integers(0, 256, (2, 4, 5, 3), dtype="uint8")
    pictures[0, 0, 0] = (0, 255, 128)
    kept = pictures.copy()
    scaled = call(answer, pictures)
    if not np.array_equal(pictures, kept):
        return "Your function changed the array that was handed in. Make a new one."
    expected = kept / 127.5 - 1
    why = array(
        scaled,
        expected,
        {
            "That is 0 to 1. Xception wants -1 to 1.": kept / 255,
            "That is -0.5 to 0.5. Stretch it to twice the width.": kept / 255 - 0.5,
            "Those are 8-bit numbers, which wrap around below zero. Turn them into floats first.": (kept - 1).astype(
                "uint8"
            ),
            "You divided by 127, so 255 gives more than 1. Divide by 127.5.": kept / 127 - 1,
        },
    )
    if why:
        return why
    dtype = getattr(scaled, "dtype", type(scaled).__name__)
    return "" if dtype == np.float32 else f"The values are right, the type is {dtype}. Make it float32."


def _interval_width(answer) -> str:
    low, high = wilson(283, 341)
    return number(
        answer,
        high - low,
        {
            (high - low) / 2: "That is half of it: from the middle to one end. From low to high, please.",
            3 / 341: "That is the difference between the two rates. How wide is the interval?",
            283 / 341: "That is the accuracy. How wide is its interval?",
            low: "That is the lower end. Take it from the upper one.",
            high: "That is the upper end. Take the lower one from it.",
        },
        tolerance=2e-2,
    )


CHECKS = {"04.1": _head_parameters, "04.2": _map_shape, "04.3": _scale, "04.4": _interval_width}
