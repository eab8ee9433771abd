"""Checks of lesson 12, your own classifier."""

import numpy as np

from helpers.exercises import array, call, choice, number
from helpers.intervals import wilson


def _one_image(answer) -> str:
    return number(
        answer,
        100 / 12,
        {
            1 / 12: "As percentage points, please: times 100.",
            100 / 60: "Only the test images count: a fifth of the 60.",
            100 / 36: "Those are the training images. Test gets a fifth of the 60.",
            100 / 20: "20 percent go to the test, not 20 images.",
            12: "That is the number of test images. Which share of them is one image?",
        },
    )


def _width(n: int) -> float:
    low, high = wilson(n * 9 // 10, n)
    return high - low


def _enough(answer) -> str:
    enough = next(n for n in range(10, 1000, 10) if _width(n) <= 0.10)
    half = next(n for n in range(10, 10_000, 10) if _width(n) <= 0.05)
    slips = {
        enough
        - 10: f"Almost: with {enough - 10} images the interval is still {_width(enough - 10):.4f} wide.",
        enough + 10: f"That is enough, but {enough} are enough too.",
        half: "That is .05 wide. Wide means high minus low, not half of it.",
        next(
            n for n in range(10, 1000, 10) if _width(n) <= 0.20
        ): "That is .20 wide: .10 to each side. Wide means high minus low.",
        enough * 9 // 10: "Those are the images that it gets right. How many are tested?",
    }
    return number(answer, enough, slips)


def _together(answer) -> str:
    rng = np.random.default_rng()
    few_votes = [
        [[0.9, 0.1, 0.0]],
        [[0.4, 0.6, 0.0]],
        [[0.4, 0.6, 0.0]],
    ]  # the mean says 0, the votes say 1
    probabilities = np.concatenate([few_votes, rng.dirichlet((0.4, 0.4, 0.4), (3, 40))], axis=1)
    order = rng.permutation(41)
    probabilities = probabilities[:, order]
    kept = probabilities.copy()
    labels = call(answer, probabilities)
    if not np.array_equal(probabilities, kept):
        return "Your function changed the array that was handed in. Make a new one."
    votes = np.stack(
        [(kept.argmax(axis=2) == label).sum(axis=0) for label in range(3)], axis=1
    ).argmax(axis=1)
    slips = {
        "You let each head vote for one class. Average the probabilities first, then take the largest.": votes,
        "That is the first head alone. Average over all of them.": kept[0].argmax(axis=1),
        "That is the last head alone. Average over all of them.": kept[-1].argmax(axis=1),
        "Those are the averaged probabilities. Which class has the largest?": kept.mean(axis=0),
        "Those are the largest probabilities. Return where they stand: argmax, not max.": kept.mean(
            axis=0
        ).max(axis=1),
        "You averaged the labels. Labels are names, not quantities: average the probabilities.": kept.argmax(
            2
        ).mean(0),
        "You took the head that is most sure. Average over all of them.": kept.max(axis=0).argmax(
            axis=1
        ),
        "That is argmax along the images. After the mean, the classes lie along axis 1.": kept.mean(
            0
        ).argmax(0),
        "That is the mean over the images. The heads lie along axis 0.": kept.mean(axis=1).argmax(
            axis=1
        ),
        "The labels start at 0.": kept.mean(axis=0).argmax(axis=1) + 1,
    }
    why = array(labels, kept.mean(axis=0).argmax(axis=1), slips)
    if why:
        return why
    whole = np.issubdtype(np.asarray(labels).dtype, np.integer)
    return (
        ""
        if whole
        else f"The labels are right, their type is {np.asarray(labels).dtype}. Return whole numbers."
    )


def _cam(answer) -> str:
    rng = np.random.default_rng()
    feature_map = rng.uniform(0.2, 2, (4, 6, 5))
    slopes = rng.normal(size=(4, 6, 5)) + np.array(
        [1.5, -1.5, 1.0, -1.0, 0.2]
    )  # both signs at some places
    kept = feature_map.copy(), slopes.copy()
    result = call(answer, feature_map, slopes)
    if not (np.array_equal(feature_map, kept[0]) and np.array_equal(slopes, kept[1])):
        return "Your function changed an array that was handed in. Make a new one."
    weights = slopes.mean(axis=(0, 1))
    expected = (feature_map * weights).sum(axis=-1)
    return array(
        result,
        expected,
        {
            "You cut off the negative part. Keep both signs here.": np.maximum(expected, 0),
            "You took the mean over the channels. Add them up.": expected / 5,
            "Weight with the average gradient of each channel, not place by place.": (
                feature_map * slopes
            ).sum(-1),
            "You added the gradient up over height and width. Take its mean.": expected * 24,
            "That is the weighted map of each channel. Add the channels up.": feature_map * weights,
            "The maps are not weighted yet: that is their plain sum.": feature_map.sum(axis=-1),
            "You averaged the map and kept the gradient's places. It is the other way round.": (
                slopes * feature_map.mean(axis=(0, 1))
            ).sum(axis=-1),
            "Height comes first, then width.": expected.T,
            "The sign is turned round.": -expected,
        },
    )


def _fair_split(answer) -> str:
    return choice(
        answer,
        "c",
        {
            "a": "Then most objects stand in training and in test, from different sides: the test flatters.",
            "b": "Every test photo shows an object that training has seen from four sides. You ask about new objects.",
            "d": "Then training has never seen a glass, and cannot learn what one is.",
        },
    )


CHECKS = {"12.1": _one_image, "12.2": _enough, "12.3": _together, "12.4": _cam, "12.5": _fair_split}
