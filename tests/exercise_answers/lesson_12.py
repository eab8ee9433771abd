"""Wrong answers to lesson 12, each with a part of the message meant for it."""

import numpy as np


def votes(probabilities):
    each = probabilities.argmax(axis=2)
    return np.array([np.bincount(column, minlength=3).argmax() for column in each.T])


def in_place(probabilities):
    probabilities *= 0.5
    return probabilities.mean(axis=0).argmax(axis=1)


def right_cam(feature_map, slopes):
    return (feature_map * slopes.mean(axis=(0, 1))).sum(axis=-1)


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape)


WRONG = [
    ("12.1", None, "not answered"),
    ("12.1", 0, "not it"),
    ("12.1", 1 / 12, "times 100"),
    ("12.1", 1.667, "a fifth"),
    ("12.1", 5, "20 percent"),
    ("12.1", 12, "which share"),
    ("12.1", "8,3 %", "expected a number"),
    ("12.2", None, "not answered"),
    ("12.2", 0, "not it"),
    ("12.2", 140, "still"),
    ("12.2", 160, "enough too"),
    ("12.2", 40, ".20 wide"),
    ("12.2", 135, "gets right"),
    ("12.2", (135, 150), "one number"),
    ("12.3", None, "not answered"),
    ("12.3", lambda probabilities: None, "returns nothing"),
    ("12.3", lambda probabilities: np.zeros(probabilities.shape[1], int), "zero"),
    (
        "12.3",
        lambda probabilities: np.random.default_rng(0).integers(0, 3, probabilities.shape[1]),
        "are not",
    ),
    ("12.3", votes, "vote"),
    ("12.3", lambda probabilities: probabilities[0].argmax(axis=1), "first head"),
    ("12.3", lambda probabilities: probabilities.mean(axis=0), "which class"),
    ("12.3", lambda probabilities: probabilities.mean(axis=0).max(axis=1), "argmax, not max"),
    ("12.3", lambda probabilities: probabilities.argmax(axis=2).mean(axis=0), "labels are names"),
    ("12.3", lambda probabilities: probabilities.max(axis=0).argmax(axis=1), "most sure"),
    ("12.3", lambda probabilities: probabilities.mean(axis=1).argmax(axis=1), "over the images"),
    ("12.3", lambda probabilities: probabilities.mean(axis=0).argmax(axis=1) + 1, "start at 0"),
    (
        "12.3",
        lambda probabilities: probabilities.mean(axis=0).argmax(axis=1).astype(float),
        "whole numbers",
    ),
    ("12.3", in_place, "changed the array"),
    ("12.3", 3, "expected a function"),
    ("12.4", None, "not answered"),
    ("12.4", lambda feature_map, slopes: None, "returns nothing"),
    ("12.4", lambda feature_map, slopes: np.zeros(feature_map.shape[:2]), "zero"),
    ("12.4", lambda feature_map, slopes: noise(*feature_map.shape[:2]), "are not"),
    (
        "12.4",
        lambda feature_map, slopes: np.maximum(right_cam(feature_map, slopes), 0),
        "negative part",
    ),
    (
        "12.4",
        lambda feature_map, slopes: right_cam(feature_map, slopes) / feature_map.shape[-1],
        "mean over the chan",
    ),
    ("12.4", lambda feature_map, slopes: (feature_map * slopes).sum(axis=-1), "place by place"),
    ("12.4", lambda feature_map, slopes: right_cam(feature_map, slopes).T, "height comes first"),
    ("12.4", lambda feature_map, slopes: feature_map.sum(axis=-1), "not weighted"),
    ("12.4", lambda feature_map, slopes: right_cam(slopes, feature_map), "other way round"),
    ("12.4", lambda feature_map: feature_map, "takes 1"),
    ("12.5", None, "not answered"),
    ("12.5", "a", "flatters"),
    ("12.5", "b", "new objects"),
    ("12.5", "d", "never seen a glass"),
    ("12.5", 3, "letters"),
]
