"""Checks of the exercises of lesson 03, "Pooling and vectors"."""

import numpy as np

from helpers.convolution import output_size, patches
from helpers.exercises import array, call, choice, number

MAP = np.array(
    [[2, 7, 0, 1, 3, 3], [5, 1, 4, 0, 0, 6], [-1, -2, 8, 2, 1, 0], [-4, -3, 5, 9, 2, 4]], float
)


def _by_hand(answer) -> str:
    expected = _pooled(MAP, 2, 2)
    slips = {
        "These are the averages of the windows; max pooling keeps the largest value.": _pooled(
            MAP, 2, 2, np.mean
        ),
        "These are the smallest values of the windows; max pooling keeps the largest.": _pooled(
            MAP, 2, 2, np.min
        ),
        "A window that holds only negative values has a negative largest value: nothing becomes 0 here.": np.maximum(
            expected, 0
        ),
        "In one window you took the value that is furthest from 0; the largest of -1, -2, -4 and -3 is -1.": np.where(
            expected == -1, -4, expected
        ),
        "Your windows overlap: the next window starts where the last one ended, two places on.": _pooled(
            MAP, 2, 1
        ),
        "Rows and columns are swapped: write the upper windows as the first row.": expected.T,
        "The values are right; write them as two rows of three.": expected.ravel(),
    }
    return array(answer, expected, slips)


def _unchanged_share(answer) -> str:
    slips = {
        0.25: "That is the share of places from which the move is noticed; asked is the share from which it is not.",
        0.5: "That is for windows of 2. How many places of a window of 4 are not its last one?",
        1.0: "From the last place of a window the bright value moves into the next one, and the pooled line changes.",
        75: "Give the share as a number between 0 and 1.",
        3: "You counted places; divide by the number of places in a window.",
        2 / 3: "That is for windows of 3. How many places of a window of 4 are not its last one?",
        0: "A move that stays inside its window does not change the pooled line.",
        1
        / 16: "There is one chance only, the place where the bright value starts: nothing to multiply.",
    }
    return number(answer, 0.75, slips)


def _overlapping(answer) -> str:
    rng = np.random.default_rng()
    for height, width, size, stride in (
        (7, 6, 3, 2),
        (6, 7, 3, 2),
        (7, 11, 3, 2),
        (9, 6, 2, 1),
        (10, 13, 3, 2),
        (8, 11, 3, 3),
    ):
        feature_map = rng.normal(-20, 20, (height, width))
        expected = _pooled(feature_map, size, stride)
        slips = {
            "Your windows do not overlap: step by `stride`, not by `size`.": _pooled(
                feature_map, size, size
            ),
            "Your windows step by one place: step by `stride`.": _pooled(feature_map, size, 1),
            "You average; keep the largest value of each window.": _pooled(
                feature_map, size, stride, np.mean
            ),
            "You keep the smallest value of each window, not the largest.": _pooled(
                feature_map, size, stride, np.min
            ),
            "The largest values are negative here, and you have 0: do not start from zero.": np.maximum(
                expected, 0
            ),
            "Your result holds whole numbers only: an array of integers cuts off what you put into it. Make one of "
            "floats.": np.trunc(expected),
            "Height and width are swapped: the first axis of the result counts rows.": expected.T,
            "One row and one column are missing: the last whole windows belong to the result too, "
            "(n - size) // stride + 1 of them.": expected[:-1, :-1],
        }
        beyond = _cut(feature_map, size, stride, (-(-height // stride), -(-width // stride)))
        if beyond.shape != expected.shape:
            slips[
                "Your last windows reach beyond the map: count only whole ones, (n - size) // stride + 1."
            ] = beyond
        # a window that starts at row * size may lie beyond the map, where nothing is left to take the maximum of
        if all(
            (n - 1) * size < whole for n, whole in zip(expected.shape, (height, width), strict=True)
        ):
            slips[
                "The number of windows is right, their places are not: a window starts at row * stride, not at "
                "row * size."
            ] = _cut(feature_map, size, size, expected.shape)
        given = feature_map.copy()
        why = array(call(answer, given, size, stride), expected, slips) or _changed(
            given, feature_map
        )
        if why:
            return f"For a map of {height} x {width}, size {size} and stride {stride}: {why}"
    return ""


def _to_vectors(answer) -> str:
    maps = np.random.default_rng().normal(1, 1, (4, 3, 5, 6)).astype("float32")
    expected = maps.mean(axis=(1, 2))
    slips = {
        "You averaged over the images and the height (axes 0 and 1); the axes here are images, height, width, "
        "channels.": maps.mean(axis=(0, 1)),
        "You averaged over the channels; each channel keeps its own average.": maps.mean(axis=3),
        "You averaged over width and channels; height and width are the axes 1 and 2.": maps.mean(
            axis=(2, 3)
        ),
        "You averaged over the images; each image keeps its own vector.": maps.mean(axis=(0, 1, 2)),
        "Only one of the two axes is gone: average over height and width.": maps.mean(axis=1),
        "You averaged over the width only; the height has to go too.": maps.mean(axis=2),
        "You took the largest values: that is global max pooling.": maps.max(axis=(1, 2)),
        "You summed; divide by the number of places, or take the mean.": maps.sum(axis=(1, 2)),
        "The values are right, but the two averaged axes are still there with length 1: leave `keepdims` out.": (
            maps.mean(axis=(1, 2), keepdims=True)
        ),
        "You divided by 25; the number of places depends on the maps, here they are 3 x 5.": maps.sum(
            axis=(1, 2)
        )
        / 25,
        "You flattened the maps; average over height and width instead.": maps.reshape(
            len(maps), -1
        ),
        "Images and channels are swapped: one row for each image.": expected.T,
    }
    given = maps.copy()
    # float16 is exact to a thousandth: as good as right
    return array(call(answer, given), expected, slips, tolerance=3e-3) or _changed(given, maps)


def _head_parameters(answer) -> str:
    inputs, classes = 10 * 10 * 2048, 6
    slips = {
        inputs * classes: "Those are the weights; each class has a bias as well.",
        inputs * classes + inputs: "There is one bias for each class, not one for each input.",
        inputs * classes + 1: "There is one bias for each class, not one in all.",
        2048 * classes
        + classes: "That is after global average pooling; asked is the head after flatten.",
        2048
        * classes: "That is after global average pooling and without biases; asked is the head after flatten.",
        5 * 5 * 2048 * classes
        + classes: "That is for maps of 5 x 5; at 299 pixels they are 10 x 10.",
        10 * 2048 * classes + classes: "A map of 10 x 10 has 100 values, not 10.",
        inputs * 4 + 4: "That is for 4 classes; asked are 6.",
        inputs * 10 + 10: "That is for 10 classes; asked are 6.",
        inputs: "That is the length of the vector; each value has a weight for each class, and each class has a bias.",
    }
    return number(answer, inputs * classes + classes, slips, tolerance=1e-9)


def _shuffled_places(answer) -> str:
    why_not = {
        "a": "It would be so if only the new images were shuffled. Here the head is trained on shuffled maps "
        "as well, and a dense layer has no idea which inputs are neighbours: remember lesson 00.",
        "b": "A mean does not depend on the order of what is averaged, so this head gets the very same vectors.",
        "d": "A mean does not depend on the order of what is averaged, so at least one head cannot notice.",
    }
    return choice(answer, "c", why_not)


def _pooled(feature_map: np.ndarray, size: int, stride: int, keep=np.max) -> np.ndarray:
    """(height, width) -> (height', width'), whole windows only."""
    height, width = (output_size(n, size, stride) for n in feature_map.shape)
    output = np.empty((height, width))
    for row, column, patch in patches(feature_map[..., None], size, stride):
        output[row, column] = keep(patch)
    return output


def _cut(feature_map: np.ndarray, size: int, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Max pooling of so many windows, even where the border cuts them off."""
    rows, columns = (range(0, n * step, step) for n in shape)
    return np.array(
        [[feature_map[r : r + size, c : c + size].max() for c in columns] for r in rows]
    )


def _changed(given: np.ndarray, before: np.ndarray) -> str:
    same = np.array_equal(given, before)
    return (
        ""
        if same
        else "The result is right, but your function changes the array it is given; only read from it."
    )


CHECKS = {
    "03.1": _by_hand,
    "03.2": _unchanged_share,
    "03.3": _overlapping,
    "03.4": _to_vectors,
    "03.5": _head_parameters,
    "03.6": _shuffled_places,
}
