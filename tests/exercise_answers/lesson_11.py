"""Wrong answers to lesson 11, each with a part of the message meant for it."""

import numpy as np


def same_row(train, validation):
    return sum(np.array_equal(a, b) for a, b in zip(train, validation, strict=False))


def single_values(train, validation):
    return sum(np.isin(image, train).any() for image in validation)


def each_once(train, validation):
    return len({image.tobytes() for image in train} & {image.tobytes() for image in validation})


def nearly(train, validation):
    return sum(min(np.abs(a.astype(int) - b).sum() for a in train) <= 1 for b in validation)


def empties(train, validation):
    train[:] = 0
    return 4


WRONG = [
    ("11.1", None, "not answered"),
    ("11.1", 0, "not it"),
    ("11.1", 1.0, "base 10"),
    ("11.1", 3.3219, "base 2"),
    ("11.1", -2.3026, "minus signs"),
    ("11.1", 0.1, "minus its logarithm"),
    ("11.1", (2, 3), "one number"),
    ("11.2", None, "not answered"),
    ("11.2", (0, 0), "zero"),
    ("11.2", (0, 1), "scaled already"),
    ("11.2", (-1, 1), "comes in"),
    ("11.2", (0.0039216, -0.0039216), "smallest first"),
    ("11.2", (-1.007843, -0.992157), "only divides"),
    ("11.2", -1 / 255, "expected an array"),
    ("11.2", "small", "expected an array"),
    ("11.3", None, "not answered"),
    ("11.3", lambda train, validation: None, "returns nothing"),
    ("11.3", same_row, "same row"),
    ("11.3", single_values, "whole images"),
    ("11.3", each_once, "both count"),
    ("11.3", nearly, "no copy"),
    ("11.3", empties, "changed the arrays"),
    ("11.3", 4, "expected a function"),
    ("11.4", None, "not answered"),
    ("11.4", "a", "epoch to epoch"),
    ("11.4", "c", "single output"),
    ("11.4", "d", "copies"),
    ("11.4", 2, "one of the letters"),
]
