"""Wrong answers to lesson 09, each with a part of the message meant for it."""

import numpy as np


def moved_at_once(start, batch_mean, steps):
    return batch_mean


def one_step(start, batch_mean, steps):
    return 0.99 * start + 0.01 * batch_mean


def from_the_start(start, batch_mean, steps):
    return start + steps * 0.01 * (batch_mean - start)


def swapped(start, batch_mean, steps):
    for _ in range(steps):
        start = 0.01 * start + 0.99 * batch_mean
    return start


def one_too_many(start, batch_mean, steps):
    for _ in range(steps + 1):
        start = 0.99 * start + 0.01 * batch_mean
    return start


def all_unfrozen(model):
    for layer in model.layers:
        layer.trainable = True
    return 3


def on_the_model(model):
    """Not passed on: the model says True already."""
    model.trainable = True
    return 3


def only_freezes(model):
    norms = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    for layer in norms:
        layer.trainable = False
    return len(norms)


def counts_the_others(model):
    for layer in model.layers:
        layer.trainable = type(layer).__name__ != "BatchNormalization"
    return sum(bool(layer.trainable and layer.weights) for layer in model.layers)


def misspelt(model):
    return model.layer


WRONG = [
    ("09.1", None, "not answered"),
    ("09.1", 0, "not it"),
    ("09.1", 4_718_592, "3 x 3 kernels are missing"),
    ("09.1", 23_040, "mix the channels"),
    ("09.1", 42_467_328, "ordinary"),
    ("09.1", 4_745_216, "no bias"),
    ("09.1", 4_755_968, "BatchNorm"),
    ("09.1", 4_748_800, "scales and shifts"),
    ("09.1", 4_750_848, "come in"),
    ("09.1", 4_741_633, "not it"),
    ("09.2", None, "not answered"),
    ("09.2", 0, "not it"),
    ("09.2", 819.2, "32-bit"),
    ("09.2", 204.8, "two bytes"),
    ("09.2", 102.4, "150 px"),
    ("09.2", 409_600_000, "millions"),
    ("09.2", "409.6 MB", "expected a number"),
    ("09.3", None, "not answered"),
    ("09.3", lambda start, batch_mean, steps: None, "returns nothing"),
    ("09.3", lambda start, batch_mean, steps: 0.0, "not it"),
    ("09.3", lambda start, batch_mean, steps: start, "does not move"),
    ("09.3", lambda start, batch_mean, steps: np.zeros(3), "one number"),
    ("09.3", moved_at_once, "only slowly"),
    ("09.3", swapped, "99 %"),
    ("09.3", one_too_many, "one step too many"),
    ("09.3", one_step, "after one step"),
    ("09.3", from_the_start, "step before"),
    ("09.4", None, "not answered"),
    ("09.4", lambda model: None, "returns nothing"),
    ("09.4", lambda model: 3, "still frozen"),
    ("09.4", all_unfrozen, "may still train"),
    ("09.4", on_the_model, "still frozen"),
    ("09.4", only_freezes, "still frozen"),
    ("09.4", counts_the_others, "how many BatchNormalization"),
    ("09.4", misspelt, "layer"),
    ("09.5", None, "not answered"),
    ("09.5", "a", "not none at all"),
    ("09.5", "c", "convolutions free"),
    ("09.5", "d", "last digits"),
    ("09.5", "e", "expected one of the letters"),
    ("09.5", 2, "expected one of the letters"),
]
