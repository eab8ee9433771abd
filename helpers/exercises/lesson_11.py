"""Checks of lesson 11, the final checklist."""

import numpy as np

from helpers.exercises import array, call, choice, number


def _first_loss(answer) -> str:
    return number(
        answer,
        np.log(10),
        {
            1.0: "That is the logarithm to the base 10. Cross-entropy takes the natural one.",
            np.log2(
                10
            ): "That is the logarithm to the base 2. Cross-entropy takes the natural one.",
            -np.log(10): "Minus the logarithm of 1/10: the two minus signs cancel.",
            0.1: "That is the probability of the true class. The loss is minus its logarithm.",
            np.log(2): "That is for two classes.",
        },
        tolerance=3e-3,
    )


def _double_scale(answer) -> str:
    slips = {
        "That is what the layer gives for raw images. These are scaled already.": (0, 1),
        "That is what comes in. The layer divides it once more.": (-1, 1),
        "Smallest first, then largest.": (1 / 255, -1 / 255),
        "That would be Rescaling(1 / 127.5, offset=-1). This layer only divides by 255.": (
            -1 / 127.5 - 1,
            1 / 127.5 - 1,
        ),
        "The layer divides by 255, not by 127.5.": (-1 / 127.5, 1 / 127.5),
        "-1 stays below zero when it is divided.": (0, 1 / 255),
    }
    return array(answer, (-1 / 255, 1 / 255), slips, tolerance=1e-5)


def _copies(answer) -> str:
    rng = np.random.default_rng()
    train = rng.integers(0, 256, (12, 4, 5, 3), dtype="uint8")
    validation = rng.integers(0, 256, (9, 4, 5, 3), dtype="uint8")
    validation[[1, 4, 8]] = train[[7, 0, 3]]  # at other places than in train
    validation[5] = train[7]  # a second copy of one of them
    validation[6] = train[2]
    validation[6, 0, 0, 0] ^= 1  # nearly a copy
    kept = train.copy(), validation.copy()
    told = call(answer, train, validation)
    if not (np.array_equal(train, kept[0]) and np.array_equal(validation, kept[1])):
        return "Your function changed the arrays that were handed in."
    return number(
        told,
        4,
        {
            3: "One of the training images stands in validation twice: both count.",
            5: "One of them differs by a single value: that is no copy.",
            0: "It finds none. Compare every validation image with every training image, not only at the same row.",
            len(validation): "It counts all of them. Compare whole images, not single values.",
        },
    )


def _one_unit(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "A small rate would move the accuracy a little from epoch to epoch. It never moves here.",
            "c": "What can the single output be, whatever the features are?",
            "d": "Copies would raise the accuracy, but not nail it to the share of one class.",
        },
    )


CHECKS = {"11.1": _first_loss, "11.2": _double_scale, "11.3": _copies, "11.4": _one_unit}
