"""Wrong answers to the exercises of lesson 01, each with a part of the message that is meant for it."""

import numpy as np
from skimage.data import chelsea

from helpers.convolution import convolve

CAT = chelsea()[::2, ::2].mean(axis=2).round()
EDGE = np.array([[1, 0, -1]] * 3)
CRACK = np.array([[1, 1, -2], [1, -2, 1], [-2, 1, 1]])


def no_answer(*arguments):
    return None


def raises(*arguments):
    return [][0]


def wraps(image):
    return image[:, :-2] - image[:, 2:]


def less(change, image):
    image = image.astype(change) if isinstance(change, str) else change(image)
    return image[:, :-2] - image[:, 2:]


def keras_map(kernel=EDGE, stride=2, padding="valid"):
    return convolve(CAT, kernel, stride, padding)


WRONG = [
    ("01.1", None, "not answered"),
    ("01.1", [0, 0, 0, 0], "all values are zero"),
    ("01.1", [30, 30, -30, -30], "are reversed"),
    ("01.1", [-10, -10, 10, 10], "it has three"),
    ("01.1", [0, -30, -30, 30, 30, 0], "fits four times"),
    ("01.1", [0, -30, 0, 30], "not neighbours"),
    ("01.1", [0, 0, 30, 30], "below zero"),
    ("01.1", [30, 30, 30, 30], "the direction counts"),
    ("01.1", [[-30, -30, 30, 30]] * 4, "only one row"),
    ("01.1", [-30, 30], "shape"),
    ("01.1", 30, "expected an array or a list"),
    ("01.1", [[-30, -30, 30, 30]], "flat list of 4 numbers"),
    ("01.1", [[-30], [-30], [30], [30]], "flat list of 4 numbers"),
    ("01.1", [-30, -30, 30, 31], "as value number 4 you have 31"),
    ("01.2", None, "not answered"),
    ("01.2", ..., "not answered"),
    ("01.2", 3, "expected an array"),
    ("01.2", CRACK.ravel(), "expected the shape (3, 3)"),
    ("01.2", np.zeros((3, 3)), "all values are zero"),
    ("01.2", [["a"] * 3] * 3, "not numbers"),
    ("01.2", -np.eye(3)[::-1], "add up to 0"),
    ("01.2", -CRACK, "signs reversed"),
    ("01.2", CRACK[::-1], "not like /"),
    ("01.2", EDGE, "through the centre gives 0"),
    ("01.2", [[1, 1, 1], [-2, -2, -2], [1, 1, 1]], "through the centre gives 0"),
    ("01.2", [[1, 1, 0], [1, 0, -1], [0, -1, -1]], "through the centre gives 0"),
    ("01.2", [[1, 1, 1], [1, -8, 1], [1, 1, 1]], "at least twice as much"),
    ("01.3", None, "not answered"),
    ("01.3", no_answer, "return, not print"),
    ("01.3", raises, "indexerror"),
    ("01.3", 186, "expected a function"),
    ("01.3", wraps, "gives 186"),
    ("01.3", lambda image: wraps(image).astype(float), "gives 186"),
    ("01.3", lambda image: np.abs(less("float", image)), "has a sign"),
    ("01.3", lambda image: less("float", image).clip(0), "cut off"),
    ("01.3", lambda image: -less("float", image), "right minus left"),
    ("01.3", lambda image: less("int8", image), "ends at 127"),
    ("01.3", lambda image: less("uint16", image), "unsigned"),
    ("01.3", lambda image: less(lambda i: i / 255, image), "divide by 255"),
    ("01.3", lambda image: -np.diff(image.astype(float)), "two columns apart"),
    ("01.3", lambda image: np.zeros((6, 7)), "all values are zero"),
    ("01.4", None, "not answered"),
    ("01.4", ..., "not answered"),
    ("01.4", "a", "print the loss"),
    ("01.4", "b", "nine weights"),
    ("01.4", "C)", "on the patches of the cat"),
    ("01.4", "e", "one of the letters"),
    ("01.4", 4, "one of the letters"),
    ("01.5", None, "not answered"),
    ("01.5", ..., "not answered"),
    ("01.5", (74, 112), "the feature map itself"),
    ("01.5", (75, 113), "expected the shape (74, 112)"),
    ("01.5", keras_map()[None, :, :, None], "take [0, :, :, 0]"),
    ("01.5", keras_map(stride=1), "strides=2"),
    ("01.5", -keras_map(), "flipped"),
    ("01.5", keras_map(EDGE.T), "horizontal edges"),
    ("01.5", keras_map(stride=1, padding="same")[::2, ::2], "padded"),
    ("01.5", keras_map(padding="same"), "padded"),
    ("01.5", keras_map().T, "swapped"),
    ("01.5", keras_map() / 255, "divided by 255"),
    ("01.5", keras_map(np.arange(9).reshape(3, 3)), "without set_weights"),
    ("01.5", np.zeros((74, 112)), "all values are zero"),
]
