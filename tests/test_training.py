"""helpers.training: fits that can be repeated, and what is said of their results."""

import doctest
import json
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


def test_a_head_learns_train_and_each_epoch_is_judged_on_validation():
    x, y = clusters(seed=1)
    shifted = Split(x, (y + (np.arange(60) % 4 == 0)) % 3)  # a quarter is labelled wrongly
    head, history = training.fit_head(clusters(300), shifted, epochs=15, learning_rate=0.01)
    assert list(history.index) == list(range(1, 16))
    last = history.iloc[-1]
    assert last["accuracy"] > 0.9 and last["loss"] < history["loss"].iloc[0] / 2
    probabilities = head.predict(x, verbose=0)
    right = probabilities.argmax(axis=1) == shifted.y
    assert last["val_accuracy"] == pytest.approx(right.mean()) and 0.65 < right.mean() < 0.8
    loss = -np.log(probabilities[np.arange(60), shifted.y]).mean()
    assert last["val_loss"] == pytest.approx(loss, rel=1e-4)


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
    for seed, more in ((1, {}), (1, {"callbacks": []}), (2, {})):
        runs.append(training.fit_head(clusters(), None, seed=seed, **options, **more)[1])
    pd.testing.assert_frame_equal(runs[0], runs[1])
    assert not np.allclose(runs[0]["loss"], runs[2]["loss"])


def test_class_weights_shift_the_predictions():
    x = np.zeros((90, 8), "float32")  # nothing to see: the head learns how frequent the classes are
    data = Split(x, np.arange(90) % 3)
    options = {"epochs": 20, "learning_rate": 0.1}
    head, _ = training.fit_head(data, None, class_weight={0: 1, 1: 1, 2: 8}, **options)
    assert head.predict(x[:1], verbose=0)[0, 2] == pytest.approx(0.8, abs=0.05)


def test_the_batch_size_and_the_learning_rate_reach_the_optimizer():
    head, _ = training.fit_head(clusters(60), None, epochs=1, batch_size=15, learning_rate=0.5)
    assert int(head.optimizer.iterations) == 4
    assert float(head.optimizer.learning_rate) == 0.5


def test_a_sweep_has_a_row_for_every_setting_and_seed():
    settings = {"a": {"bonus": 0.1}, "b": {"bonus": 0.2}}
    runs = training.sweep(settings, range(3), lambda seed, bonus: {"accuracy": seed / 10 + bonus})
    assert list(runs["setting"]) == ["a"] * 3 + ["b"] * 3
    assert list(runs["seed"]) == [0, 1, 2] * 2
    assert list(runs["accuracy"]) == pytest.approx([0.1, 0.2, 0.3, 0.2, 0.3, 0.4])


def test_a_summary_has_mean_interval_and_spread_and_of_one_run_only_the_mean():
    runs = pd.DataFrame({"setting": ["b", "b", "b", "a"], "accuracy": [1, 2, 3, 5]})
    table = training.summary(runs)
    assert list(table.index) == ["b", "a"]
    half = 4.302653 / np.sqrt(3)  # the t table: two degrees of freedom, 97.5 %
    expected = {"mean": 2, "low": 2 - half, "high": 2 + half, "sd": 1, "runs": 3}
    assert table.loc["b"].to_dict() == pytest.approx(expected)
    assert table.loc["a", ["mean", "runs"]].tolist() == [5, 1]
    assert table.loc["a", ["low", "high", "sd"]].isna().all()


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


def test_a_difference_pairs_the_images_and_covers_them_and_the_seeds():
    n = 400
    only_images = np.tile(np.arange(n) % 4 == 0, (8, 1)), np.zeros((8, n))  # 25 points, all seeds
    only_seeds = np.tile(np.arange(8)[:, None] % 4 == 0, (1, n)), np.zeros((8, n))
    for models, units in ((only_images, n), (only_seeds, 8)):
        _, low, high = training.difference(*models)
        assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 * 0.75 / units), rel=0.1)
    hard = np.arange(n) % 2 == 0  # both models fail on the same images: paired, nothing varies
    assert training.difference(hard, hard)[1:] == (0, 0)


def test_a_rung_counts_broken_cells_that_were_called_broken_of_either_type(tmp_path, capsys):
    solar = dataset(tmp_path, [SOLAR[label] for label in (0, 0, 2, 1, 3)], train=SOLAR)
    row = training.rung(solar, "mine: a/b", np.array([0, 2, 0, 0, 2]))  # none is missed
    assert row == {
        "name": "mine: a/b", "accuracy": 0.2, "broken": 3, "broken_found": 3, "false_alarms": 2,
    }  # fmt: skip
    printed = capsys.readouterr().out
    assert "1 of 5 validation images correct (0.200)" in printed
    assert "3 of 3 broken cells found, 2 false alarms" in printed
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
