"""Wrong answers to lesson 05, each with a part of the message meant for it."""

import numpy as np
from scipy.stats import binomtest


def first_below(n, limit=0.05, alternative="two-sided"):
    chances = (
        (wins, binomtest(wins, n, alternative=alternative).pvalue) for wins in range(n // 2, n + 1)
    )
    return next(wins for wins, p in chances if p < limit)


def misspelt(n):
    return binomtst(n, n).pvalue  # noqa: F821


WRONG = [
    ("05.1", None, "not answered"),
    ("05.1", 0, "not it"),
    ("05.1", 10, "20,600"),
    ("05.1", 8, "one more fits"),
    ("05.1", 20480 / 2059, "round down"),
    ("05.1", 20490 / 2048, "bias"),
    ("05.1", 20490, "how many units"),
    ("05.1", (2048, 10), "one number"),
    ("05.2", None, "not answered"),
    ("05.2", 0, "not it"),
    ("05.2", 10, "20 steps"),
    ("05.2", 500, "number of steps"),
    ("05.2", 245, "50 batches, not 49"),
    ("05.2", 314.8, "images seen"),
    ("05.2", 25, "one epoch"),
    ("05.2", "many", "expected a number"),
    ("05.3", None, "not answered"),
    ("05.3", lambda n: None, "returns nothing"),
    ("05.3", lambda n: 0, "not it"),
    ("05.3", lambda n: n // 2 + 1, "bare majority"),
    ("05.3", lambda n: first_below(n) - 1, "not enough"),
    ("05.3", lambda n: first_below(n) + 1, "one fewer"),
    ("05.3", lambda n: first_below(n, alternative="greater"), "one-sided"),
    ("05.3", lambda n: n - first_below(n), "worse head"),
    ("05.3", lambda n: 16, "n = 6: 16 is not it"),
    ("05.3", lambda n: np.random.default_rng(0).normal(size=3), "expected one number"),
    ("05.3", misspelt, "binomtst"),
    ("05.3", 16, "expected a function"),
    ("05.4", None, "not answered"),
    ("05.4", "a", "higher best run"),
    ("05.4", "c", "different size"),
    ("05.4", "d", "subtracted"),
    ("05.4", 2, "letters"),
]
