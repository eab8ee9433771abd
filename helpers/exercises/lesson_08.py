"""Checks of lesson 08, regularization."""

import numpy as np

from helpers.exercises import array, call, choice, number


def _dropout(answer) -> str:
    return number(
        answer,
        3.75,
        {
            3.0: "That is what comes in. In training, what stays is made larger, to make up for what is dropped.",
            2.4: "You multiplied by the share that stays. Divide by it: the units that stay must carry the others.",
            15.0: "You divided by the rate. Divide by the share that stays, 1 - rate.",
            3.6: "You added a fifth. Divide by 0.8: that is a quarter more.",
            0.6: "You multiplied by the rate. Divide by the share that stays, 1 - rate.",
            0.0: "That is a dropped unit. This one stays.",
        },
    )


def _decay(answer) -> str:
    return number(
        answer,
        2.0 * (1 - 1e-4) ** 1000,
        {
            1.8: "You took the same amount away in each step. The pull gets smaller with the weight: multiply.",
            1.0: "That is L2 in Adam, one learning rate a step. AdamW takes rate x decay x weight.",
            2.0
            * (1 - 1e-3)
            ** 1000: "The weight decay is missing: a step takes rate x decay x weight away.",
            2.0 * (1 - 1e-4): "That is one step. It takes 1,000.",
            (1 - 1e-4) ** 1000: "That is the factor. The weight began at 2.0.",
        },
        tolerance=4e-4,
    )


def _mirror(answer) -> str:
    rng = np.random.default_rng()
    images = rng.integers(0, 255, (64, 6, 6, 3), dtype="uint8")
    kept = images.copy()
    result = call(answer, images, np.random.default_rng(1))
    if not np.array_equal(images, kept):
        return "Your function changed the array that was handed in. Make a new one."
    result = np.asarray(result)
    if result.shape != kept.shape:
        return array(result, kept)
    if result.dtype != kept.dtype:
        return f"The images came as {kept.dtype} and go out as {result.dtype}. Keep the type."
    as_is, mirrored = _alike(result, kept), _alike(result, kept[:, :, ::-1])
    if not (as_is | mirrored).all():
        return _other_change(result, kept, as_is)
    if mirrored.all() or as_is.all():
        return f"All images are {'mirrored' if mirrored.all() else 'as they were'}. Decide for each one for itself."
    if not 12 <= mirrored.sum() <= 52:
        return f"{mirrored.sum()} of 64 images are mirrored. With probability one half it would be about 32."
    again = np.asarray(call(answer, kept.copy(), np.random.default_rng(1)))
    if not np.array_equal(again, result):
        return "The same rng gave another result. Draw all random numbers from the rng that is handed in."
    other = np.asarray(call(answer, kept.copy(), np.random.default_rng(2)))
    return (
        ""
        if not np.array_equal(other, result)
        else "Another rng gave the same result. Draw from the rng."
    )


def _alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first == second).all(axis=(1, 2, 3))


def _other_change(result: np.ndarray, kept: np.ndarray, as_is: np.ndarray) -> str:
    slips = {
        "Those images are upside down. Left to right is the axis of the width.": kept[:, ::-1],
        "You turned the colours round, red for blue. Left to right is the axis of the width.": kept[
            ..., ::-1
        ],
        "You turned the order of the images round, so labels no longer fit.": kept[::-1],
    }
    for message, wrong in slips.items():
        if (as_is | _alike(result, wrong)).all():
            return message
    return "Some images are neither as they were nor mirrored left to right."


def _some_success(answer) -> str:
    return number(
        answer,
        1 - 0.95**7,
        {
            0.35: "Adding up counts the cases twice in which two of them look like a difference.",
            0.95**7: "That is how likely it is that none does.",
            0.05: "That is for one remedy. You try seven.",
            100 * (1 - 0.95**7): "As a share, please, not in percent.",
            0.05
            / 7: "That is the threshold that Bonferroni would use. The question is how likely a false success is.",
        },
    )


def _digits(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "A digit moved a little to the side is the same digit.",
            "c": "Darker ink, the same digit.",
            "d": "A little larger, the same digit.",
        },
    )


CHECKS = {"08.1": _dropout, "08.2": _decay, "08.3": _mirror, "08.4": _some_success, "08.5": _digits}
