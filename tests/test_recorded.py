"""What benchmarks recorded for lessons 04 and 05: numbers only, whole, and made with the subsets that lesson 05 shows."""

import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from helpers import data

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "helpers" / "recorded" / "near_task.csv"


@pytest.fixture
def runs():
    return pd.read_csv(RECORDED, comment="#", dtype={"right": str})


@pytest.fixture
def subset(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("near_task").subset
    for name in ("near_task", "table"):
        sys.modules.pop(name, None)


def lesson_cell(cell_id):
    cells = nbformat.read(ROOT / "notebooks" / "05_adding_dense_layers.ipynb", 4).cells
    return next(cell.source for cell in cells if cell.id == cell_id)


def test_every_head_ran_with_five_seeds_on_all_and_on_fewer_images(runs):
    per_head = runs.groupby(["epochs", "images", "units"])["seed"].apply(
        lambda seeds: sorted(seeds)
    )
    assert all(seeds == [0, 1, 2, 3, 4] for seeds in per_head)
    assert sorted(runs.loc[runs["epochs"] == 10, "units"].unique()) == [0, 10, 100, 1000]
    assert sorted(runs.loc[runs["epochs"] == 5, "units"].unique()) == [0, 100]


def test_every_run_answers_each_validation_photo_with_0_or_1(runs):
    assert {len(text) for text in runs["right"]} == {341}
    assert set("".join(runs["right"])) == {"0", "1"}
    assert runs["right"].nunique() > len(runs) / 2  # no run copied over the others


def test_the_file_says_how_and_when_it_was_made():
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# python benchmarks/near_task.py --data")
    assert all(name in lines[1] for name in ("Python", "tensorflow", "keras", "numpy"))


@pytest.mark.parametrize("seed", range(3))
def test_subsets_are_nested_and_keep_the_shares(subset, seed):
    y = np.random.default_rng(seed).choice(4, 1000, p=[0.5, 0.3, 0.18, 0.02])
    small, large = subset(y, 50, seed), subset(y, 200, seed)
    assert len(set(small)) == 50 and set(small) < set(large)
    assert np.allclose(np.bincount(y[large], minlength=4) / 200, np.bincount(y) / 1000, atol=0.01)
    assert set(y[subset(y, 4, seed)]) == {0, 1, 2, 3}  # each class at least once


def test_the_lesson_and_the_benchmark_draw_the_same_subsets(subset):
    shown = {"np": np, "pd": pd}
    exec(lesson_cell("subset").split("\n\n\n")[0], shown)
    y = np.random.default_rng(0).choice(5, 300)
    assert (shown["subset"](y, 77, 3) == subset(y, 77, 3)).all()


# --- lesson 04's learning curve ---


@pytest.fixture
def curve():
    path = ROOT / "helpers" / "recorded" / "learning_curve.csv"
    return pd.read_csv(path, comment="#", dtype={"predicted": str})


def test_both_models_ran_with_the_same_seeds_on_every_number_of_images(curve):
    per_setting = curve.groupby(["data", "images", "model"])["seed"].apply(sorted)
    assert len(per_setting) == 2 * 4 * 2
    assert all(seeds == list(range(len(seeds))) for seeds in per_setting)
    assert (per_setting.map(len).groupby("data").nunique() == 1).all()


def test_what_was_counted_follows_from_the_predicted_labels(curve):
    dataset = data.load("solar")
    truth = dataset.split("validation")["label"].to_numpy()
    broken = np.array([name.endswith("-defective") for name in dataset.class_names])
    for row in curve[curve["data"] == "solar"].itertuples():
        labels = np.array([int(one) for one in row.predicted])
        assert abs((labels == truth).mean() - row.accuracy) < 1e-4
        assert (broken[labels] & broken[truth]).sum() == row.broken_found
        assert (broken[labels] & ~broken[truth]).sum() == row.false_alarms


def test_on_clothing_the_pretrained_backbone_leads_at_every_size(curve):
    means = curve[curve["data"] == "clothing"].pivot_table("accuracy", "images", "model")
    assert (means["linear head on Xception"] > means["CNN from scratch"] + 0.1).all()
