"""helpers.intervals: what the lessons of the first edition say of their results."""

import doctest

import numpy as np
import pytest

from helpers import intervals


def test_the_docstrings_examples_hold():
    assert doctest.testmod(intervals).failed == 0


def test_the_t_interval_agrees_with_the_bootstrap_on_many_values():
    values = np.random.default_rng(0).normal(0.8, 0.02, 400)
    _, low, high = intervals.mean_interval(values)
    resampled = np.random.default_rng(1).choice(values, (2000, 400)).mean(axis=1)
    assert np.quantile(resampled, [0.025, 0.975]) == pytest.approx([low, high], abs=1e-3)


def test_mcnemar_sees_a_one_sided_difference_and_not_an_even_one():
    a, b = np.zeros(100, bool), np.zeros(100, bool)
    a[:12], b[12:24] = True, True
    assert intervals.mcnemar(a, b) == (12, 12, 1.0)
    b[:] = False
    assert intervals.mcnemar(a, b) == (12, 0, pytest.approx(2 * 0.5**12))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.mean_interval([0.8]), "at least two"),
        (lambda: intervals.mcnemar([True], [True, False]), "different numbers"),
        (lambda: intervals.wilson(5, 3), "must not be greater"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message):
        call()
