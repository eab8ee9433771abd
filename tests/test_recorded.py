"""What benchmarks recorded for lesson 05: with the subsets that the lesson shows, and with what follows from them."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd

from helpers import data

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "helpers" / "recorded"


def test_the_lesson_and_the_benchmark_draw_the_same_subsets(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from near_task import subset

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
