"""The notes' way (frozen backbone inside the model) against features computed once: 4 learning rates x 10 epochs.

    python benchmarks/notes_way.py --data clothing

One epoch over the whole train split is timed and multiplied by 40, since all 40 are the same work. Ours is timed
whole, from an empty cache: the feature pass over the train split, then the 4 fits of 10 epochs.
"""

import dataclasses
import tempfile
import time
from pathlib import Path

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


def main():
    options = arguments(__doc__).parse_args()
    dataset = data.load(options.data)
    epoch = notes_epoch(dataset)
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
