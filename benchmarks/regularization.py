"""Lesson 08's findings on any data set: its own cells run on it, then each change of the images alone.

    python benchmarks/regularization.py --data clothing --changes

Every head: inner layer of 100 units, 20 epochs' worth of steps, 5 seeds, validation images of the data set.
Accuracy with t intervals over seeds; `only it`, `only plain` and p: exact McNemar against the plain head, an image
counts as right if most seeds got it right; change of the loss paired by image, with an interval over images.
--changes: one copy of train for each change, drawn up to the named strength; each costs one pass the first time.
"""

import os
import time
from pathlib import Path

import matplotlib
import nbformat
import pandas as pd
from table import arguments, report

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "08_regularization.ipynb"
CHANGES = {
    "flip h": lambda rng: {"flip": "h"},
    "flip v": lambda rng: {"flip": "v"},
    "turn up to 5": lambda rng: {"degrees": rng.uniform(-5, 5)},
    "turn up to 20": lambda rng: {"degrees": rng.uniform(-20, 20)},
    "turn by 90": lambda rng: {"degrees": 90 * rng.choice([1, 3])},
    "zoom up to 1.3": lambda rng: {"zoom": rng.uniform(1, 1.3)},
    "zoom 1.3 to 2": lambda rng: {"zoom": rng.uniform(1.3, 2)},
    "shift up to .2": lambda rng: {"shift": (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2))},
    "brightness up to .3": lambda rng: {"brightness": rng.uniform(-0.3, 0.3)},
    "contrast .5 to 1.5": lambda rng: {"contrast": rng.uniform(0.5, 1.5)},
}


def lesson() -> dict:
    """Run the lesson's code cells up to its exercises; returns the names that they made."""
    names = {}
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        if cell.id == "exercises":
            return names
        if cell.cell_type == "code" and cell.id != "bootstrap":  # %pip is no Python
            exec(compile(cell.source, cell.id, "exec"), names)


def changed(names: dict, wanted: list[str]) -> None:
    """Fit heads with one changed copy of train each, add them to the lesson's runs, and make its table anew."""
    settings = {}
    for name in wanted:
        copy = names["copies"](
            lambda image, rng, draw=CHANGES[name]: names["change"](image, **draw(rng)), 0
        )
        both = names["together"](names["train"], copy)
        settings[name] = {"train": both, "epochs": round(names["EPOCHS"] / 2)}
    runs = names["training"].sweep(settings, names["SEEDS"], names["judge"])
    names["runs"] = pd.concat([names["runs"], runs], ignore_index=True)
    cell = next(cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.id == "table")
    exec(compile(cell.source, cell.id, "exec"), names)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--changes", nargs="*", choices=list(CHANGES), help="none named: all")
    options = parser.parse_args()
    matplotlib.use("agg")
    if options.data:
        os.environ["COURSE_DATASET"] = options.data
    start = time.perf_counter()
    names = lesson()
    if options.changes is not None:
        changed(names, options.changes or list(CHANGES))
    print(f"\n{names['n']} validation images; {time.perf_counter() - start:.0f} s\n")
    curve = names["training"].summary(names["curve"])[["mean", "low", "high"]]
    table = pd.concat([names["table"], curve.iloc[:-1].rename(index="only {}".format)])
    report(table.rename_axis("setting").reset_index().to_dict("records"), options.csv)


if __name__ == "__main__":
    main()
