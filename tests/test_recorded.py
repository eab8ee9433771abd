"""What benchmarks recorded for lessons 04 and 05: with its command, and with the subsets that lesson 05 shows."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from helpers import data

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "helpers" / "recorded"


@pytest.fixture
def subset(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return __import__("near_task").subset


@pytest.mark.parametrize("name", ["near_task", "learning_curve"])
def test_the_file_says_how_and_with_what_it_was_made(name):
    lines = (RECORDED / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# python benchmarks/{name}.py --data")
    assert all(package in lines[1] for package in ("Python", "tensorflow", "keras", "numpy"))


def test_the_lesson_and_the_benchmark_draw_the_same_subsets(subset):
    cells = nbformat.read(ROOT / "notebooks" / "05_adding_dense_layers.ipynb", 4).cells
    shown = {"np": np, "pd": pd}
    exec(next(cell.source for cell in cells if cell.id == "subset").split("\n\n\n")[0], shown)
    y = np.random.default_rng(0).choice(5, 300)
    assert (shown["subset"](y, 77, 3) == subset(y, 77, 3)).all()


def test_what_the_learning_curve_counted_follows_from_its_predicted_labels():
    curve = pd.read_csv(RECORDED / "learning_curve.csv", comment="#", dtype={"predicted": str})
    dataset = data.load("solar")
    truth = dataset.split("validation")["label"].to_numpy()
    broken = np.array([name.endswith("-defective") for name in dataset.class_names])
    for row in curve[curve["data"] == "solar"].itertuples():
        labels = np.array([int(one) for one in row.predicted])
        assert abs((labels == truth).mean() - row.accuracy) < 1e-4
        assert (broken[labels] & broken[truth]).sum() == row.broken_found
        assert (broken[labels] & ~broken[truth]).sum() == row.false_alarms
