"""Lesson 05's questions on a data set: heads x seeds on all training images, then direct against 100 units on fewer.

    python benchmarks/near_task.py --data clothing --out helpers/recorded/near_task.csv

The file holds numbers only, one row a run: which set, images trained on, units, seed, and `right`, a 0 or 1 for each
validation image in the order of the split. Lesson 05 computes its intervals and paired tests from these rows.
"""

import datetime
import importlib.metadata
import io
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from table import arguments, report

from helpers import data, features, intervals, training
from helpers.features import Split

UNITS, SEEDS, SIZES = (0, 10, 100, 1000), range(5), (50, 100, 200, 400, 800, 1600)


def subset(y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Positions of n images, each class in its share; with one seed the smaller subsets lie inside the larger ones.

    y : (images,) int.  Returns (n,) int.  Each class has at least one image.
    """
    order = np.random.default_rng(seed).permutation(len(y))
    rank = (
        pd.Series(y[order]).groupby(y[order]).cumcount().to_numpy()
    )  # 0 for the first image of each class
    return order[np.argsort(rank / np.bincount(y)[y[order]], kind="stable")[:n]]


def fits(splits: dict[str, Split]) -> pd.DataFrame:
    """One row a run: images, units, epochs, seed, train_accuracy, right (text of 0 and 1)."""
    train, validation = splits["train"], splits["validation"]

    def fit(seed, units, n, epochs):
        rows = np.resize(
            subset(train.y, n, seed), len(train.y)
        )  # repeated: the same number of steps for all sizes
        used = Split(train.x[rows], train.y[rows]) if n < len(train.y) else train
        head, history = training.fit_head(used, None, units=units, epochs=epochs, seed=seed)
        right = np.argmax(head(validation.x), axis=1) == validation.y
        results = {"images": n, "units": units, "epochs": epochs}
        results["train_accuracy"] = round(history["accuracy"].iloc[-1], 4)
        return results | {"right": "".join("01"[int(value)] for value in right)}

    n = len(train.y)
    settings = {f"{units} units": {"units": units, "n": n, "epochs": 10} for units in UNITS}
    for size in [size for size in SIZES if size < n] + [n]:
        settings |= {
            f"{units} units, {size}": {"units": units, "n": size, "epochs": 5} for units in (0, 100)
        }
    return training.sweep(settings, SEEDS, fit).drop(columns="setting")


def write(runs: pd.DataFrame, path: Path, name: str) -> None:
    """Write the rows under lines of comment that say how they were made; a temporary file first, then renamed."""
    versions = ", ".join(
        f"{one} {importlib.metadata.version(one)}" for one in ("tensorflow", "keras", "numpy")
    )
    text = io.StringIO()
    text.write(f"# python benchmarks/near_task.py {' '.join(sys.argv[1:])}\n")
    text.write(
        f"# {datetime.date.today()}, Python {platform.python_version()}, {versions}, {platform.machine()}\n"
    )
    text.write(
        "# Frozen Xception, 150 px, Adam 1e-3, batch 32; a part of the training images is repeated until it is\n"
    )
    text.write(
        "# as long as all of them. right: 1 for each validation image that the run got right.\n"
    )
    runs.insert(0, "data", name)
    runs.to_csv(text, index=False, lineterminator="\n")
    partial = path.with_suffix(f".{os.getpid()}.partial")
    partial.write_text(text.getvalue(), encoding="utf-8", newline="\n")
    os.replace(partial, path)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--out", help="also write every run to this file")
    options = parser.parse_args()
    dataset = data.load(options.data)
    splits = features.extract(dataset)
    start = time.perf_counter()
    runs = fits(splits)
    seconds = time.perf_counter() - start
    runs["accuracy"] = [np.mean([int(one) for one in right]) for right in runs["right"]]
    rows = []
    for (epochs, n, units), group in runs.groupby(["epochs", "images", "units"]):
        mean, low, high = intervals.mean_interval(group["accuracy"])
        over = intervals.wilson(
            round(mean * len(splits["validation"].y)), len(splits["validation"].y)
        )
        row = {
            "epochs": epochs,
            "images": n,
            "units": units,
            "train": group["train_accuracy"].mean(),
        }
        row |= {"accuracy": mean, "seeds low": low, "seeds high": high}
        rows.append(row | {"images low": over[0], "images high": over[1]})
    report(rows, options.csv)
    print(f"{len(runs)} fits in {seconds:.0f} s")
    if options.out:
        write(runs.drop(columns="accuracy"), Path(options.out), dataset.name)


if __name__ == "__main__":
    main()
