"""The notes' way (frozen backbone inside the model) against features computed once: 4 learning rates x 10 epochs.

    python benchmarks/notes_way.py --data clothing
    python benchmarks/notes_way.py --data clothing --lessons    all sweeps of lessons 05 and 06, features kept

One epoch over the whole train split is timed and multiplied by 40, since all 40 are the same work. Ours is timed
whole, from an empty cache: the feature pass over the train split, then the 4 fits of 10 epochs. With --lessons every
fit of the lessons is run and timed, validation after each epoch included, which the notes' epoch here leaves out.
"""

import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
import schedules
from table import arguments, report

from helpers import data, features, models, training
from helpers.models import keras

RATES = (1e-4, 1e-3, 1e-2, 1e-1)
EPOCHS, SIZE = 10, 150


def notes_epoch(dataset: data.Dataset) -> float:
    """Seconds of one epoch over all train pictures, read from disk, after a first one of one batch."""
    pictures = keras.utils.image_dataset_from_directory(
        dataset.train, image_size=(SIZE, SIZE), batch_size=32, seed=0, verbose=False
    )
    model = models.classifier(models.backbone(SIZE), models.head(2048, len(dataset.class_names)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(pictures.take(1), verbose=0)
    start = time.perf_counter()
    model.fit(pictures, verbose=0)
    return time.perf_counter() - start


def ours(dataset: data.Dataset) -> tuple[float, float]:
    """Seconds of the feature pass from an empty cache, and of the fits."""
    train_only = dataclasses.replace(dataset, pictures=dataset.split("train"))
    with tempfile.TemporaryDirectory() as folder:
        kept, features.data.DATA = features.data.DATA, Path(folder)
        try:
            start = time.perf_counter()
            train = features.extract(train_only, SIZE)["train"]
            middle = time.perf_counter()
        finally:
            features.data.DATA = kept
    for rate in RATES:
        training.fit_head(train, None, learning_rate=rate, epochs=EPOCHS)
    return middle - start, time.perf_counter() - middle


def lessons(train: features.Split) -> dict[str, list[dict]]:
    """Arguments of `fit_head` for every fit of the two lessons' sweeps, the features apart."""
    n, seeds = len(train.y), range(5)
    heads = [{"units": units} for units in (0, 10, 100, 1000)]
    heads += [{"units": 100, "learning_rate": 1e-4}, {"class_weight": dict.fromkeys(map(int, np.unique(train.y)), 1.0)}]
    few = [{"units": units, "n": m, "epochs": 5} for m in (50, 100, 200, 400, 800) for units in (0, 100)]
    rates = [{"learning_rate": rate} for rate in schedules.RATES]
    steps = EPOCHS * -(-n // schedules.BATCH)
    high, moderate = schedules.settings(1e-2, steps), schedules.settings(1e-3, steps)
    tried = [setting for name, setting in high.items() if name != "constant"]
    tried += [moderate["exponential"], moderate["warmup + cosine"]]
    recorded = [{"learning_rate": 1e-2, "seed": seed} for seed in range(3)]
    return {
        "05": [setting | {"seed": seed} for setting in heads + few for seed in seeds],
        "06": [setting | {"seed": seed} for setting in rates + tried for seed in seeds] + recorded,
    }


def run(fits: list[dict], train: features.Split, validation: features.Split) -> tuple[float, int]:
    """Seconds of all fits, and the epochs over the whole train split that the notes' way would need for them."""
    start, epochs = time.perf_counter(), 0
    for fit in fits:
        fit = {"epochs": EPOCHS} | fit
        few = np.linspace(0, len(train.y) - 1, fit.pop("n", len(train.y))).astype(int)  # of every class
        rows = np.resize(few, len(train.y))  # as many steps as with all pictures
        if fit.pop("plateau", False):
            fit["callbacks"] = [keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=1)]
        training.fit_head(features.Split(train.x[rows], train.y[rows]), validation, **fit)
        epochs += fit["epochs"]
    return time.perf_counter() - start, epochs


def lesson_rows(dataset: data.Dataset, epoch: float) -> list[dict]:
    splits = features.extract(dataset, SIZE)
    train, validation = splits["train"], splits["validation"]
    training.fit_head(train, validation, epochs=1)  # warm
    rows, totals = [], np.zeros(3)
    for name, fits in lessons(train).items():
        seconds, epochs = run(fits, train, validation)
        totals += (len(fits), seconds, epochs)
        rows += [{"what": f"lesson {name}: {len(fits)} fits, ours", "seconds": seconds},
                 {"what": f"lesson {name}, the notes' way ({epochs} epochs, one timed)", "seconds": epoch * epochs},
                 {"what": f"lesson {name}: ratio", "seconds": epoch * epochs / seconds}]  # fmt: skip
    return [*rows, {"what": f"both: {totals[0]:.0f} fits, ratio", "seconds": epoch * totals[2] / totals[1]}]


def main():
    parser = arguments(__doc__)
    parser.add_argument("--lessons", action="store_true", help="the sweeps of lessons 05 and 06, on kept features")
    options = parser.parse_args()
    dataset = data.load(options.data)
    epoch = notes_epoch(dataset)
    if options.lessons:
        first = {"what": f"notes' way, one epoch, {len(dataset.split('train'))} pictures", "seconds": epoch}
        report([first, *lesson_rows(dataset, epoch)], options.csv)
        return
    notes = epoch * len(RATES) * EPOCHS
    passed, fits = ours(dataset)
    n = len(dataset.split("train"))
    rows = [
        {"what": f"notes' way, one epoch, {n} pictures", "seconds": epoch},
        {"what": "notes' way, 40 epochs (one, times 40)", "seconds": notes},
        {"what": "ours: feature pass, empty cache", "seconds": passed},
        {"what": "ours: 4 fits of 10 epochs", "seconds": fits},
        {"what": "ratio, features included", "seconds": notes / (passed + fits)},
        {"what": "ratio, once features are kept", "seconds": notes / fits},
    ]
    report(rows, options.csv)


if __name__ == "__main__":
    main()
