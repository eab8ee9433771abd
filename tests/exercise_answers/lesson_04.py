"""Wrong answers to lesson 04, each with a part of the message meant for it."""

import numpy as np


def in_place(images):
    images //= 2
    return images / 127.5 - 1


def stretched(images):
    low, high = float(images.min()), float(images.max())
    return ((images - low) / (high - low) * 2 - 1).astype("float32")


def misspelt(images):
    return images.astyp("float32")


WRONG = [
    ("04.1", None, "not answered"),
    ("04.1", 0, "not it"),
    ("04.1", 263_424, "bias"),
    ("04.1", 262_272, "on top of it"),
    ("04.1", 282_762, "128 units"),
    ("04.1", 20_490, "direct head"),
    ("04.1", "263,562 numbers", "expected a number"),
    ("04.2", None, "not answered"),
    ("04.2", (0, 0, 0), "zero"),
    ("04.2", (10, 6, 2048), "height comes first"),
    ("04.2", (7, 11, 2048), "no padding"),
    ("04.2", (2048, 6, 10), "channels come last"),
    ("04.2", (5, 10, 2048), "rounded down"),
    ("04.2", (6, 10), "shape"),
    ("04.2", "6 x 10", "expected an array"),
    ("04.3", None, "not answered"),
    ("04.3", lambda images: None, "returns nothing"),
    ("04.3", lambda images: np.zeros(images.shape, "float32"), "zero"),
    ("04.3", lambda images: images.astype("float32") / 255, "0 to 1"),
    ("04.3", lambda images: images / np.float64(127.5) - 1, "float32"),
    ("04.3", lambda images: (images.astype("float32") / 127.5 - 1)[0], "shape"),
    ("04.3", stretched, "own darkest"),
    ("04.3", in_place, "changed the array"),
    ("04.3", misspelt, "astyp"),
    ("04.3", np.zeros(3), "expected a function"),
    ("04.4", None, "not answered"),
    ("04.4", 0, "not it"),
    ("04.4", 3 / 341, "difference"),
    ("04.4", 12 / 21, "fair coin"),
    ("04.4", 0.3318, "one-sided"),
    ("04.4", 66.4, "percent"),
    ("04.4", (12, 21), "one number"),
]
