import doctest

import numpy as np
import pandas as pd
import pytest

from helpers import training
from helpers.features import Split


def clusters(n=60, classes=3, seed=0):
    """Three well separated clouds of vectors."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, 8)) + 4 * np.eye(classes, 8)[y]
    return Split(x.astype("float32"), y.astype("int64"))


def test_the_docstrings_examples_hold():
    assert doctest.testmod(training).failed == 0


def test_a_head_learns_separate_clusters_and_reports_each_epoch():
    head, history = training.fit_head(clusters(300), clusters(seed=1), epochs=15, learning_rate=1e-2)
    assert head.output_shape == (None, 3)
    assert list(history.index) == list(range(1, 16))
    assert history["val_accuracy"].iloc[-1] > 0.9
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2


def test_a_class_that_only_validation_has_gets_a_unit():
    x, y = clusters(n=30, classes=3)
    head, _ = training.fit_head(Split(x[y < 2], y[y < 2]), Split(x, y), epochs=1)
    assert head.output_shape == (None, 3)


def test_the_same_seed_gives_the_same_numbers_and_another_one_does_not():
    runs = [
        training.fit_head(clusters(), clusters(seed=1), dropout=0.5, units=4, epochs=2, seed=s)[1] for s in (1, 1, 2)
    ]
    pd.testing.assert_frame_equal(runs[0], runs[1])
    assert not np.allclose(runs[0]["loss"], runs[2]["loss"])


def test_a_sweep_has_a_row_for_every_setting_and_seed():
    runs = training.sweep(
        {"a": {"bonus": 0.1}, "b": {"bonus": 0.2}}, range(3), lambda seed, bonus: {"accuracy": seed / 10 + bonus}
    )
    assert list(runs["setting"]) == ["a"] * 3 + ["b"] * 3
    table = training.summary(runs)
    assert table.loc["a", "mean"] == pytest.approx(0.2) and table.loc["b", "runs"] == 3


def test_the_t_interval_agrees_with_the_bootstrap_on_many_values():
    values = np.random.default_rng(0).normal(0.8, 0.02, 400)
    _, low, high = training.mean_interval(values)
    resampled = np.random.default_rng(1).choice(values, (2000, 400)).mean(axis=1)
    assert np.quantile(resampled, [0.025, 0.975]) == pytest.approx([low, high], abs=1e-3)


def test_wilson_covers_the_true_share_about_95_times_in_100():
    rng = np.random.default_rng(0)
    intervals = [training.wilson(k, 100) for k in rng.binomial(100, 0.85, 1000)]
    assert 0.93 < np.mean([low <= 0.85 <= high for low, high in intervals]) < 0.98


def test_mcnemar_sees_a_one_sided_difference_and_not_an_even_one():
    a, b = np.zeros(100, bool), np.zeros(100, bool)
    a[:12], b[12:24] = True, True
    assert training.mcnemar(a, b)[2] == 1.0
    b[:] = False
    assert training.mcnemar(a, b) == (12, 0, pytest.approx(2 * 0.5**12))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training.mean_interval([0.8]), "at least two"),
        (lambda: training.mcnemar([True], [True, False]), "different numbers"),
        (lambda: training.wilson(5, 3), "must not be greater"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message):
        call()
