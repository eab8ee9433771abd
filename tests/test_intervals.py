"""helpers.intervals: what the lessons of the first edition say of their results."""

import doctest

import numpy as np
import pytest

from helpers import intervals


def test_the_docstrings_examples_hold():
    assert doctest.testmod(intervals).failed == 0


def test_mcnemar_counts_the_images_on_which_only_one_is_right():
    a, b = np.arange(100) < 12, np.zeros(100, bool)
    assert intervals.mcnemar(a, b) == (12, 0, pytest.approx(2 * 0.5**12))
    assert intervals.mcnemar(a, a[::-1]) == (12, 12, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.mean_interval([0.8]), "at least two"),
        (lambda: intervals.mcnemar([True], [True, False]), "different numbers"),
        (lambda: intervals.wilson(5, 3), "must not be greater"),
    ],
    ids=["an interval of one run", "models on other images", "more right than there are"],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message):
        call()
