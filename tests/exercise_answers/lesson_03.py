"""Wrong answers to the exercises of lesson 03, each with a part of the message that is meant for it."""

import numpy as np


def _strided(feature_map, size, step, extra=0, keep=np.max, start=None):
    """Pooling with one thing wrong: the step, windows left out (extra -1), another summary, or a start value."""
    rows = range((feature_map.shape[0] - size) // step + 1 + extra)
    columns = range((feature_map.shape[1] - size) // step + 1 + extra)
    values = [
        [keep(feature_map[r * step : r * step + size, c * step : c * step + size]) for c in columns]
        for r in rows
    ]
    return np.array(values) if start is None else np.maximum(values, start)


def _nothing(*arguments):
    return None


def _raises(*arguments):
    return undefined_name  # noqa: F821


def _zeroing(feature_map, size, stride):
    values = _strided(feature_map, size, stride)
    feature_map[:] = 0
    return values


def _by_row_times_size(feature_map, size, stride):
    height, width = ((n - size) // stride + 1 for n in feature_map.shape)
    return [
        [
            feature_map[r * size : (r + 1) * size, c * size : (c + 1) * size].max()
            for c in range(width)
        ]
        for r in range(height)
    ]


def _zeroing_maps(maps):
    values = maps.mean(axis=(1, 2))
    maps[:] = 0
    return values


def _cut_off(feature_map, size, stride):
    height, width = feature_map.shape
    return [
        [feature_map[r : r + size, c : c + size].max() for c in range(0, width, stride)]
        for r in range(0, height, stride)
    ]


WRONG = [
    ("03.1", None, "not answered"),
    ("03.1", np.zeros((2, 3)), "all values are zero"),
    ("03.1", [[3.75, 1.25, 3], [-2.5, 6, 1.75]], "averages"),
    ("03.1", [[1, 0, 0], [-4, 2, 0]], "smallest"),
    ("03.1", [[7, 4, 6], [0, 9, 4]], "negative largest"),
    ("03.1", [[7, 4, 6], [-4, 9, 4]], "furthest from 0"),
    ("03.1", [[7, 7, 4, 3, 6], [5, 8, 8, 2, 6], [-1, 8, 9, 9, 4]], "overlap"),
    ("03.1", [[7, -1], [4, 9], [6, 4]], "swapped"),
    ("03.1", [7, 4, 6, -1, 9, 4], "two rows of three"),
    ("03.1", [[7, 4, 6], [-1, 8, 4]], "at (1, 1)"),
    ("03.1", "7 4 6", "expected an array"),
    ("03.1", [[7, 4, 6], [-1, 9]], "differ in length"),
    ("03.2", None, "not answered"),
    ("03.2", 0, "inside its window"),
    ("03.2", 2 / 3, "windows of 3"),
    ("03.2", 1 / 16, "nothing to multiply"),
    ("03.2", 0.4, "0.4 is not it"),
    ("03.2", 0.25, "noticed"),
    ("03.2", 1 / 2, "windows of 2"),
    ("03.2", 1, "last place"),
    ("03.2", 75, "between 0 and 1"),
    ("03.2", 3, "divide"),
    ("03.2", "three quarters", "expected a number"),
    ("03.3", None, "not answered"),
    ("03.3", _nothing, "returns nothing"),
    ("03.3", _raises, "nameerror"),
    ("03.3", 3, "expected a function"),
    (
        "03.3",
        lambda feature_map, size, stride: np.zeros_like(_strided(feature_map, size, stride)),
        "all values are zero",
    ),
    ("03.3", lambda feature_map, size, stride: _strided(feature_map, size, size), "do not overlap"),
    ("03.3", lambda feature_map, size, stride: _strided(feature_map, size, 1), "step by one"),
    (
        "03.3",
        lambda feature_map, size, stride: _strided(feature_map, size, stride, keep=np.mean),
        "average",
    ),
    (
        "03.3",
        lambda feature_map, size, stride: _strided(feature_map, size, stride, start=0),
        "start from zero",
    ),
    ("03.3", lambda feature_map, size, stride: _strided(feature_map, size, stride).T, "swapped"),
    (
        "03.3",
        lambda feature_map, size, stride: _strided(feature_map, size, stride, extra=-1),
        "missing",
    ),
    ("03.3", _cut_off, "beyond the map"),
    ("03.3", _zeroing, "only read from it"),
    ("03.3", _by_row_times_size, "row * size"),
    (
        "03.3",
        lambda feature_map, size, stride: _strided(feature_map, size, stride).astype(int),
        "integers",
    ),
    ("03.4", None, "not answered"),
    ("03.4", _nothing, "returns nothing"),
    ("03.4", _raises, "nameerror"),
    ("03.4", lambda maps: np.zeros((maps.shape[0], maps.shape[3])), "all values are zero"),
    ("03.4", lambda maps: maps.mean(axis=(0, 1)), "axes 0 and 1"),
    ("03.4", lambda maps: maps.mean(axis=3), "over the channels"),
    ("03.4", lambda maps: maps.mean(axis=(2, 3)), "width and channels"),
    ("03.4", lambda maps: maps.mean(axis=1), "only one of the two"),
    ("03.4", lambda maps: maps.max(axis=(1, 2)), "global max"),
    ("03.4", lambda maps: maps.sum(axis=(1, 2)), "summed"),
    ("03.4", lambda maps: maps.mean(axis=(1, 2), keepdims=True), "keepdims"),
    ("03.4", lambda maps: maps.reshape(len(maps), -1), "flattened"),
    ("03.4", lambda maps: maps.mean(), "expected the shape"),
    ("03.4", lambda maps: maps.sum(axis=(1, 2)) / 25, "divided by 25"),
    ("03.4", _zeroing_maps, "only read from it"),
    ("03.5", None, "not answered"),
    ("03.5", 0, "0 is not it"),
    ("03.5", 1_228_800, "bias"),
    ("03.5", 12_294, "global average pooling"),
    ("03.5", 307_206, "5 x 5"),
    ("03.5", 122_886, "not 10"),
    ("03.5", 204_800, "length of the vector"),
    ("03.5", 819_204, "4 classes"),
    ("03.5", 2_048_010, "10 classes"),
    ("03.6", None, "not answered"),
    ("03.6", "a", "lesson 00"),
    ("03.6", "b", "order"),
    ("03.6", "d", "at least one"),
    ("03.6", 0, "one of the letters"),
]
