"""Wrong answers to the exercises of lesson 00, and a part of the message meant for each."""

import numpy as np


def _p(x, weights, bias):
    return 1 / (1 + np.exp(-(x @ weights + bias)))


def _nothing(x, y, weights, bias):
    pass


def _raises(x, y, weights, bias):
    return x @ y


def _too_few_arguments(x, y):
    return x.T @ y


WRONG = [
    ("00.1", None, "not answered"),
    ("00.1", ..., "not answered"),
    ("00.1", [0, 0, 0], "all values are zero"),
    ("00.1", [-0.2, -0.5, 0.7], "not y - p"),
    ("00.1", np.array([0.2, 0.5, 0.3]), "p itself"),
    ("00.1", [0.2, -0.5, 0.3], "it is the third"),
    ("00.1", [0, 0, -0.7], "not 0"),
    ("00.1", [0.2, 0.5, 0.7], "without a sign"),
    ("00.1", [0, 0, -1 / 0.3], "for the probability"),
    ("00.1", np.exp([0.2, 0.5, 0.3]) / np.exp([0.2, 0.5, 0.3]).sum() - [0, 0, 1], "no softmax"),
    ("00.1", -0.7, "expected an array"),
    ("00.1", "p - y", "expected an array"),
    ("00.1", [0.2, 0.5], "shape (3,)"),
    ("00.2", None, "not answered"),
    ("00.2", 0, "probability 1"),
    ("00.2", 1 / 8, "-log of it"),
    ("00.2", 3, "base 2"),
    ("00.2", 0.903, "base 10"),
    ("00.2", -2.079, "sign"),
    ("00.2", 1.386, "four classes"),
    ("00.2", 0.26, "alone"),
    ("00.2", 8, "number of classes"),
    ("00.2", 2.1, "three digits"),
    ("00.2", 2.07, "cut off"),
    ("00.2", (2, 79), "one number"),
    ("00.2", "log 8", "expected a number"),
    ("00.3", None, "not answered"),
    ("00.3", 0, "is not it"),
    ("00.3", 675_000, "bias"),
    ("00.3", 675_001, "of its own"),
    ("00.3", 225_010, "grey"),
    ("00.3", 67_501, "one class"),
    ("00.3", 67_500, "values in the image"),
    ("00.3", 675_030, "channel"),
    ("00.3", 67_510, "weights of its own"),
    ("00.4", None, "not answered"),
    ("00.4", np.zeros(4), "expected a function"),
    ("00.4", _nothing, "not answered"),
    ("00.4", _raises, "your code raised an error"),
    ("00.4", _too_few_arguments, "your code raised an error"),
    ("00.4", lambda x, y, weights, bias: np.zeros(len(weights)), "all values are zero"),
    ("00.4", lambda x, y, weights, bias: x.T @ (_p(x, weights, bias) - y), "mean"),
    ("00.4", lambda x, y, weights, bias: x.T @ (y - _p(x, weights, bias)) / len(x), "not y - p"),
    ("00.4", lambda x, y, weights, bias: x.T @ (x @ weights + bias - y) / len(x), "sigmoid"),
    ("00.4", lambda x, y, weights, bias: x.T @ (_p(x, weights, 0) - y) / len(x), "bias"),
    (
        "00.4",
        lambda x, y, weights, bias: (
            x.T
            @ ((_p(x, weights, bias) - y) * _p(x, weights, bias) * (1 - _p(x, weights, bias)))
            / len(x)
        ),
        "squared error",
    ),
    (
        "00.4",
        lambda x, y, weights, bias: (x * (_p(x, weights, bias) - y)[:, None]).mean(axis=1),
        "wrong axis",
    ),
    ("00.4", lambda x, y, weights, bias: _p(x, weights, bias) - y, "multiply by x"),
    ("00.4", lambda x, y, weights, bias: (_p(x, weights, bias) - y).mean(), "gradient of the bias"),
    ("00.4", lambda x, y, weights, bias: (x.T @ (_p(x, weights, bias) - y), 0.1), "two results"),
    (
        "00.4",
        lambda x, y, weights, bias: (
            x.T @ (np.exp(x @ weights) / np.exp(x @ weights).sum() - y) / len(x)
        ),
        "softmax over the images",
    ),
    ("00.4", lambda x, y, weights, bias: "gradient", "expected an array"),
    ("00.5", None, "not answered"),
    ("00.5", "a", "one order for all images"),
    ("00.5", "c", "variety"),
    ("00.5", "d", "letters a, b, c"),
    ("00.5", 2, "as text"),
]
