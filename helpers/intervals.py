"""Intervals and a test that the lessons of the first edition use; this module goes with them.

The second edition says how sure a difference is by `training.difference`, once.
"""

import numpy as np
from scipy import stats


def mean_interval(values) -> tuple[float, float, float]:
    """Return mean and 95 % t interval of runs, (mean, low, high). Covers seeds, not images.

    Raises ValueError for fewer than two values.

    >>> [round(value, 3) for value in mean_interval([0.80, 0.82, 0.81])]
    [0.81, 0.785, 0.835]
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        raise ValueError("An interval over seeds needs at least two runs.")
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def wilson(n_correct: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of an accuracy, (low, high). Covers images, not seeds.

    Raises ValueError unless 0 <= n_correct <= n and n > 0.  Source: Wilson 1927, by scipy.

    >>> [round(value, 3) for value in wilson(80, 100)]
    [0.711, 0.867]
    """
    interval = stats.binomtest(int(n_correct), int(n)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a, correct_b) -> tuple[int, int, float]:
    """Compare two models on the same images: (only a correct, only b correct, p).

    correct_a, correct_b : (images,) bool.  Raises ValueError if the shapes differ.
    Only images on which the two disagree count.  Source: McNemar 1947, exact binomial form.

    >>> mcnemar([True, True, False, True], [True, False, False, True])
    (1, 0, 1.0)
    """
    a, b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    if a.shape != b.shape:
        raise ValueError(f"The models saw different numbers of images: {a.shape} and {b.shape}.")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return only_a, only_b, float(p)
