"""helpers.training: fits that can be repeated, and what is said of their results."""

import doctest
import json
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers import training
from helpers.features import Split

SOLAR = ["mono-defective", "mono-functional", "poly-defective", "poly-functional"]


def clusters(n=60, classes=3, seed=0):
    """Three well separated clouds of features."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, 8)) + 4 * np.eye(classes, 8)[y]
    return Split(x.astype("float32"), y.astype("int64"))


def dataset(folder, truth, name="solar", train=("b",)):
    names = {"train": list(train), "validation": truth}
    return SimpleNamespace(
        name=name,
        folder=folder / "abc",
        output_folder=folder,
        class_names=sorted(set(truth) | set(train)),
        split=lambda split: pd.DataFrame({"class_name": names[split]}),
    )


def test_the_docstrings_examples_hold():
    assert doctest.testmod(training).failed == 0


def test_a_head_learns_separate_clusters_and_reports_each_epoch():
    head, history = training.fit_head(
        clusters(300), clusters(seed=1), epochs=15, learning_rate=0.01
    )
    assert head.output_shape == (None, 3)
    assert list(history.index) == list(range(1, 16))
    assert history["val_accuracy"].iloc[-1] > 0.9
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_that_train_lacks_is_named_unless_the_number_of_classes_is_given(missing):
    x, y = clusters(n=30)
    train, all_classes = Split(x[y != missing], y[y != missing]), Split(x, y)
    with pytest.raises(ValueError, match=rf"Class {missing} has no image .* n_classes="):
        training.fit_head(train, all_classes, epochs=1)
    head, _ = training.fit_head(train, None, epochs=1, n_classes=3)
    assert head.output_shape == (None, 3)


def test_the_same_seed_gives_the_same_numbers_and_another_one_does_not():
    options = {"dropout": 0.5, "units": 4, "epochs": 2}
    runs = []
    for seed in (1, 1, 2):
        random.seed(len(runs)), np.random.seed(len(runs))  # of no influence
        runs.append(training.fit_head(clusters(), None, seed=seed, **options)[1])
    pd.testing.assert_frame_equal(runs[0], runs[1])
    assert not np.allclose(runs[0]["loss"], runs[2]["loss"])


def test_a_callback_changes_no_number():
    from helpers.models import keras

    plain = training.fit_head(clusters(), clusters(seed=1), epochs=2)[1]
    watched = training.fit_head(
        clusters(), clusters(seed=1), epochs=2, callbacks=[keras.callbacks.Callback()]
    )[1]
    pd.testing.assert_frame_equal(plain, watched)


def test_the_learners_random_numbers_go_on_as_if_nothing_had_happened():
    random.seed(5), np.random.seed(5)
    expected = random.random(), np.random.rand()
    random.seed(5), np.random.seed(5)
    training.fit_head(clusters(), None, epochs=1)
    assert (random.random(), np.random.rand()) == expected


def test_class_weights_shift_the_predictions():
    x = np.zeros((90, 8), "float32")  # nothing to see: the head learns how frequent the classes are
    data = Split(x, np.arange(90) % 3)
    options = {"epochs": 20, "learning_rate": 0.1}
    head, _ = training.fit_head(data, None, class_weight={0: 1, 1: 1, 2: 8}, **options)
    assert head.predict(x[:1], verbose=0)[0, 2] == pytest.approx(0.8, abs=0.05)


def test_the_batch_size_decides_the_number_of_steps():
    for batch_size, steps in ((32, 2), (15, 4)):
        head, _ = training.fit_head(clusters(60), None, epochs=1, batch_size=batch_size)
        assert int(head.optimizer.iterations) == steps


def test_a_sweep_has_a_row_for_every_setting_and_seed():
    settings = {"a": {"bonus": 0.1}, "b": {"bonus": 0.2}}
    runs = training.sweep(settings, range(3), lambda seed, bonus: {"accuracy": seed / 10 + bonus})
    assert list(runs["setting"]) == ["a"] * 3 + ["b"] * 3
    assert list(runs["seed"]) == [0, 1, 2] * 2
    assert list(runs["accuracy"]) == pytest.approx([0.1, 0.2, 0.3, 0.2, 0.3, 0.4])


def test_a_summary_has_the_mean_between_low_and_high_and_the_spread():
    runs = pd.DataFrame({"setting": ["b", "b", "b", "a", "a"], "accuracy": [1, 2, 3, 5, 5]})
    table = training.summary(runs)
    assert list(table.index) == ["b", "a"]
    row = table.loc["b"]
    assert row["low"] < row["mean"] == 2 < row["high"]
    assert (row["sd"], row["runs"]) == (1, 3)
    half = 4.302653 / np.sqrt(3)  # the t table: two degrees of freedom, 97.5 %
    assert row["high"] - row["mean"] == pytest.approx(half)


def test_a_setting_with_one_run_has_a_mean_and_no_interval():
    runs = pd.DataFrame({"setting": ["a", "a", "b"], "accuracy": [0.5, 0.7, 0.9]})
    table = training.summary(runs)
    assert table.loc["b", "mean"] == 0.9 and table.loc["b", "runs"] == 1
    assert table.loc["b", ["low", "high", "sd"]].isna().all()
    assert table.loc["a"].notna().all()


def test_baselines_count_the_most_frequent_class_of_train(tmp_path):
    solar = dataset(tmp_path, SOLAR * 2 + SOLAR[1:2] * 2, train=[SOLAR[3]])
    rules = training.baselines(solar)
    known = "module type known, always functional"
    assert rules == {"most frequent class": 0.2, known: 0.6}
    others = dataset(tmp_path, ["a", "b", "a"], "photos")
    assert training.baselines(others) == {"most frequent class": pytest.approx(1 / 3)}


def test_a_difference_is_signed_and_repeats():
    rng = np.random.default_rng(0)
    better, worse = rng.random((4, 200)) < 0.9, rng.random((4, 200)) < 0.6
    mean, low, high = training.difference(better, worse)
    assert mean == pytest.approx(better.mean() - worse.mean())
    assert 0 < low < mean < high
    assert training.difference(better, worse) == (mean, low, high)
    assert training.difference(worse, better)[0] == -mean
    assert training.difference(better[0], better[0]) == (0, 0, 0)


def test_a_difference_pairs_the_images_and_covers_them_and_the_seeds():
    n = 400
    only_images = np.tile(np.arange(n) % 4 == 0, (8, 1)), np.zeros((8, n))  # 25 points, all seeds
    only_seeds = np.tile(np.arange(8)[:, None] % 4 == 0, (1, n)), np.zeros((8, n))
    for models, units in ((only_images, n), (only_seeds, 8)):
        _, low, high = training.difference(*models)
        assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 * 0.75 / units), rel=0.2)
    hard = np.arange(n) % 2 == 0  # both models fail on the same images: paired, nothing varies
    assert training.difference(hard, hard)[1:] == (0, 0)


def test_the_difference_of_models_that_differ_by_nothing_seldom_leaves_zero_out():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(100):
        images, seeds = rng.normal(size=(1, 60)), rng.normal(size=(2, 6, 1))
        correct = rng.normal(size=(2, 6, 60)) + images + 0.3 * seeds > 0
        _, low, high = training.difference(*correct, n_resamples=300)
        covered += low <= 0 <= high
    assert covered >= 90


def test_a_rung_counts_broken_cells_that_were_called_broken_of_either_type(tmp_path, capsys):
    truth = [SOLAR[0], SOLAR[0], SOLAR[2], SOLAR[1], SOLAR[3]]
    row = training.rung(
        dataset(tmp_path, truth, train=SOLAR), "mine: a/b", np.array([0, 2, 3, 0, 3])
    )
    assert row == {
        "name": "mine: a/b", "accuracy": 0.4, "broken": 3, "broken_found": 2, "false_alarms": 1,
    }  # fmt: skip
    printed = capsys.readouterr().out
    assert "2 of 5 validation images correct (0.400)" in printed
    assert "2 of 3 broken cells found, 1 false alarms" in printed
    [file] = (tmp_path / "ladder").iterdir()
    assert json.loads(file.read_text(encoding="utf-8")) == {"mine: a/b": row}


def test_a_rung_of_the_same_name_replaces_only_that_of_the_same_images(tmp_path):
    photos = dataset(tmp_path, ["a", "b"], "photos")
    training.rung(photos, "a/b", [1, 1])
    for predictions in ([0, 0], [0, 1]):
        row = training.rung(photos, "靴", predictions)
    assert row["accuracy"] == 1 and row["broken"] is None
    photos.folder = tmp_path / "other"
    training.rung(photos, "靴", [1, 1])
    for contents, expected in (("abc", {"a/b": 0.5, "靴": 1}), ("other", {"靴": 0.5})):
        rungs = json.loads((tmp_path / "ladder" / f"{contents}.json").read_text("utf-8"))
        assert {name: row["accuracy"] for name, row in rungs.items()} == expected
    assert len(list((tmp_path / "ladder").iterdir())) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training.difference([[1, 0]], [[1, 0], [1, 1]]), r"\(1, 2\) and \(2, 2\)"),
        (lambda: training.rung(dataset(Path(), ["a", "b"]), "n", [0]), "Expected 2 predictions"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises(ValueError, match=message):
        call()
