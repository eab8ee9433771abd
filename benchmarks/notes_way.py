"""The notes' way (frozen backbone inside the model) against features computed once: 4 learning rates x 10 epochs.

    python benchmarks/notes_way.py --data clothing
    python benchmarks/notes_way.py --data clothing --lessons    every fit of lessons 04 to 09

One epoch over the whole train split is timed and multiplied by 40, since all 40 are the same work. Ours is timed
whole, from an empty cache: the feature pass over the train split, then the 4 fits of 10 epochs.

With --lessons the lessons' own cells run, and each `fit` on vectors or maps is timed as it happens; those in processes
of their own (lesson 07) are left out. The rest is extrapolated: the notes' way from 512 images timed before and after
each lesson, times the images that its fits saw (for fits on maps with the last block trained inside the whole); the
lesson's feature pass, as if nothing were kept, from 512 images too. Validation after each epoch, which the notes' way
would run through the backbone as well, counts for ours only.
"""

import contextlib
import dataclasses
import io
import os
import runpy
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
from table import arguments, report

from helpers import data, features, models, training
from helpers.models import keras

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LESSONS = ("04", "05", "06", "07", "08", "09")
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
EPOCHS, SIZE, TIMED = 10, 150, 512


def notes_model(dataset: data.Dataset, tuned: bool = False):
    """Backbone and head as one compiled model; the backbone frozen, or all of it but its last block."""
    backbone = models.backbone(SIZE)
    if tuned:
        backbone.trainable = True
        for layer in backbone.layers:
            is_norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = layer.name.startswith("block14") and not is_norm
    model = models.classifier(backbone, models.head(2048, len(dataset.class_names)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def notes_seconds(model, dataset: data.Dataset, n: int) -> float:
    """Seconds of training on n images that are read from disk, after a first batch that does not count."""
    images = keras.utils.image_dataset_from_directory(
        dataset.train, image_size=(SIZE, SIZE), batch_size=32, seed=0, verbose=False
    )
    model.fit(images.take(1), verbose=0)
    start = time.perf_counter()
    model.fit(images.take(-(-n // 32)), verbose=0)
    return time.perf_counter() - start


def ours(dataset: data.Dataset) -> tuple[float, float]:
    """Seconds of the feature pass from an empty cache, and of the fits."""
    train_only = dataclasses.replace(dataset, images=dataset.split("train"))
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


@contextlib.contextmanager
def watched():
    """Yield a list and a dict that fill up.

    (input shape, images x epochs, seconds) of each fit on features; how many images each feature pass had.
    """
    fits, passes = [], {}
    fit, extract, extract_pixels = keras.Model.fit, features.extract, features.extract_pixels

    def timed_fit(model, x=None, *more, **options):
        start = time.perf_counter()
        run = fit(model, x, *more, **options)
        images = len(x) if isinstance(x, np.ndarray) else 32 * run.params["steps"]
        if model.input_shape[-1] != 3:  # lesson 04 shows the notes' way too
            fits.append(
                (model.input_shape[1:], images * len(run.epoch), time.perf_counter() - start)
            )
        return run

    def noted_extract(dataset, size=150, layer=None, pooled=True):
        passes[size, layer, pooled] = len(dataset.images)
        return extract(dataset, size, layer, pooled)

    def noted_pixels(images):
        passes[len(passes)] = len(images)
        return extract_pixels(images)

    keras.Model.fit, features.extract, features.extract_pixels = (
        timed_fit,
        noted_extract,
        noted_pixels,
    )
    try:
        yield fits, passes
    finally:
        keras.Model.fit, features.extract, features.extract_pixels = fit, extract, extract_pixels


def run_lesson(number: str) -> None:
    """Run a lesson's code cells up to its exercises, from a file, so that inspect finds their source."""
    cells = nbformat.read(next(NOTEBOOKS.glob(f"{number}_*.ipynb")), 4).cells
    cells = cells[: [cell.id for cell in cells].index("exercises")]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder, f"lesson_{number}.py")
        path.write_text(
            "\n\n".join(
                cell.source for cell in cells if cell.cell_type == "code" and cell.id != "bootstrap"
            ),
            encoding="utf-8",
        )
        runpy.run_path(path)


def lesson_rows(dataset: data.Dataset, lessons: Iterable[str]) -> list[dict]:
    timed = min(TIMED, len(dataset.split("train"))) // 32 * 32
    some = dataset.split("train").sample(timed, random_state=0)
    frozen, tuned = notes_model(dataset), notes_model(dataset, tuned=True)
    forward = features.predict_function(models.extractor(features.fused(models.backbone(SIZE))))
    forward(np.zeros((features.BATCH, SIZE, SIZE, 3), "uint8"))
    sources = dict(zip(some["digest"], some["source"], strict=True))

    def read(digest):
        return features.read_unchanged(sources[digest], digest, SIZE)

    def paces():
        """Seconds an image: the notes' way, the same with the last block trained, the feature pass."""
        notes = [notes_seconds(model, dataset, timed) for model in (frozen, tuned)]
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            features.compute(Path(folder, "rows.sqlite"), list(sources), read, forward)
            return np.array([*notes, time.perf_counter() - start]) / timed

    rows, before, n = [], paces(), len(dataset.split("train"))
    for number in lessons:
        with watched() as (fits, passes):
            run_lesson(number)
        after = paces()
        pace, before = (before + after) / 2, after
        seconds = sum(one[2] for one in fits)
        notes = sum(seen * pace[int(len(shape) == 3)] for shape, seen, _ in fits)
        passed = sum(passes.values()) * pace[2]
        rows.append({"lesson": number, "fits": len(fits), "epochs": sum(one[1] for one in fits) / n, "ours, s": seconds,
                     "notes' way, s": notes, "ratio": notes / seconds, "feature pass, s": passed,
                     "ratio, pass included": notes / (seconds + passed), "images/s": 1 / pace[0]})  # fmt: skip
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main():
    parser = arguments(__doc__)
    parser.add_argument(
        "--lessons", nargs="*", choices=LESSONS, help="every fit of these; none named: of all six"
    )
    options = parser.parse_args()
    dataset = data.load(options.data)
    if options.lessons is not None:
        matplotlib.use("agg")
        os.environ["COURSE_DATASET"] = options.data or ""
        report(lesson_rows(dataset, options.lessons or LESSONS), options.csv)
        return
    n = len(dataset.split("train"))
    epoch = notes_seconds(notes_model(dataset), dataset, n)
    notes = epoch * len(RATES) * EPOCHS
    passed, fits = ours(dataset)
    rows = [
        {"what": f"notes' way, one epoch, {n} images", "seconds": epoch},
        {"what": "notes' way, 40 epochs (one, times 40)", "seconds": notes},
        {"what": "ours: feature pass, empty cache", "seconds": passed},
        {"what": "ours: 4 fits of 10 epochs", "seconds": fits},
        {"what": "ratio, features included", "seconds": notes / (passed + fits)},
        {"what": "ratio, once features are kept", "seconds": notes / fits},
    ]
    report(rows, options.csv)


if __name__ == "__main__":
    main()
