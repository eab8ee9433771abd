"""helpers.intervals: what the lessons of the first edition say of their results."""

import doctest

import pytest

from helpers import intervals


def test_the_docstrings_examples_hold():
    assert doctest.testmod(intervals).failed == 0


def test_one_run_has_no_interval_and_models_on_other_images_are_not_compared():
    with pytest.raises(ValueError, match="at least two"):
        intervals.mean_interval([0.8])
    with pytest.raises(ValueError, match="different numbers"):
        intervals.mcnemar([True], [True, False])
