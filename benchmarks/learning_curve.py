"""Learning curve: a CNN trained from scratch beside a linear head on the frozen Xception, on 50 images to all of them.

    python benchmarks/learning_curve.py --data clothing --out helpers/recorded/learning_curve.csv --minutes 8

One row a run: which set, images trained on, model, seed, rounds trained, accuracy, broken_found (solar: defective cells
that were called defective), false_alarms (functional cells called defective), and `predicted`, the predicted label of each validation image in the order of the split.
Rows that the file has already are not run again, so call it until it says
that nothing is left. Lesson 04 draws its curve from these rows.

Both models see the same images, drawn by `near_task.subset` (each class in its share, the smaller parts inside the
larger ones), and stop by the same rule: a round is 50 batches of 32 images; the weights of the round with the lowest
validation loss are kept, and training ends when PATIENCE rounds in a row were no better. So both accuracies are a
little optimistic, by the same rule.
"""

import argparse
import datetime
import importlib.metadata
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
from near_task import subset

from helpers import data, features
from helpers.models import keras

SIZES, SEEDS = (50, 200, 800, None), range(10)  # None: all images
ROUND, PATIENCE, ROUNDS, PIXELS = 1600, 4, 24, 64
CNN, HEAD = "CNN from scratch", "linear head on Xception"
COLUMNS = "data,images,model,seed,rounds,accuracy,broken_found,false_alarms,predicted"
NOTE = """\
# python benchmarks/learning_curve.py --data {name} --out helpers/recorded/learning_curve.csv
# {date}, Python {python}, {versions}, {machine}
# CNN: the one of lesson 03, 64 px. Adam 3e-3. Head: one Dense layer on Xception's features, 150 px, Adam 1e-3. Batch 32,
# early stopping on the validation loss. predicted: the label of each validation image, as one character (0, 1, ...).
"""


def cnn(n_classes: int) -> keras.Model:
    """The network of lesson 03: images (n, 64, 64, 3) uint8 -> probabilities (n, n_classes)."""
    layers = [keras.Input((PIXELS, PIXELS, 3)), keras.layers.Rescaling(1 / 127.5, offset=-1)]
    for filters in (16, 32, 64):
        layers.append(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        layers.append(keras.layers.MaxPooling2D(2))
    layers += [keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([*layers, keras.layers.Dense(n_classes, activation="softmax")])


def linear_head(n_classes: int) -> keras.Model:
    """features (n, 2048) float32 -> probabilities (n, n_classes)."""
    layers = [keras.Input((2048,)), keras.layers.Dense(n_classes, activation="softmax")]
    return keras.Sequential(layers)


def fit(build, rate: float, train, validation, n: int, seed: int) -> dict:
    """Train on n images until the validation loss no longer falls; rounds, and the predicted labels as a text."""
    rows = subset(train.y, n, seed)
    repeated = np.resize(rows, max(ROUND, n))  # a round is never shorter than ROUND images
    keras.utils.set_random_seed(seed)
    model = build(int(train.y.max()) + 1)
    adam = keras.optimizers.Adam(rate)
    model.compile(adam, "sparse_categorical_crossentropy", steps_per_execution=10)
    stop = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    options = {"epochs": ROUNDS, "validation_data": validation, "callbacks": [stop], "verbose": 0}
    run = model.fit(train.x[repeated], train.y[repeated], 32, **options)
    predicted = np.argmax(model(validation.x), axis=1)
    return {"rounds": len(run.epoch), "predicted": "".join(map(str, predicted))}


def judged(predicted: str, y: np.ndarray, class_names: list[str]) -> dict:
    """accuracy, broken_found and false_alarms; the last two "" where no class is called defective."""
    labels = np.array([int(one) for one in predicted])
    broken = np.array([name.endswith("defective") for name in class_names])
    accuracy = round(float((labels == y).mean()), 4)
    if not broken.any():
        return {"accuracy": accuracy, "broken_found": "", "false_alarms": ""}
    found, false_alarms = broken[labels] & broken[y], broken[labels] & ~broken[y]
    return {
        "accuracy": accuracy,
        "broken_found": int(found.sum()),
        "false_alarms": int(false_alarms.sum()),
    }


def splits_of(dataset: data.Dataset) -> dict:
    """What each model trains on: model -> (builder, learning rate, splits); pixels are read at 64 px."""
    pixels = {}
    for name in ("train", "validation"):
        rows = dataset.split(name)
        images = data.read_images(list(rows["source"]), PIXELS)
        pixels[name] = features.Split(np.asarray(images), rows["label"].to_numpy("int64"))
    return {CNN: (cnn, 3e-3, pixels), HEAD: (linear_head, 1e-3, features.extract(dataset))}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="solar (the default), clothing, or a folder")
    parser.add_argument("--out", type=Path, required=True, help="the file that gets the rows")
    parser.add_argument("--minutes", type=float, default=8, help="start no run after so long")
    options = parser.parse_args()
    start = time.monotonic()
    dataset = data.load(options.data)
    is_clothing = dataset.name.startswith("clothing")  # a copy of the photos in a folder, too
    data_name = "clothing" if is_clothing else dataset.name
    models = splits_of(dataset)
    done = set()
    if options.out.exists():
        rows = pd.read_csv(options.out, comment="#")[["data", "images", "model", "seed"]]
        done = set(rows.itertuples(index=False, name=None))
    else:
        names = ("tensorflow", "keras", "numpy")
        versions = ", ".join(f"{one} {importlib.metadata.version(one)}" for one in names)
        about = {"date": datetime.date.today(), "python": platform.python_version()}
        about |= {"versions": versions, "machine": platform.machine(), "name": data_name}
        options.out.write_text(NOTE.format(**about) + COLUMNS + "\n", encoding="utf-8")
    total = len(models[HEAD][-1]["train"].y)
    runs = [
        (data_name, min(n or total, total), model, seed)
        for seed in SEEDS
        for n in SIZES
        for model in models
    ]
    left = [run for run in runs if run not in done]
    for number, (name, n, model, seed) in enumerate(left):
        if time.monotonic() - start > 60 * options.minutes:
            print(f"{len(left) - number} runs left: call it again.")
            return
        build, rate, splits = models[model]
        begun = time.monotonic()
        row = fit(build, rate, splits["train"], splits["validation"], n, seed)
        row |= judged(row["predicted"], splits["validation"].y, dataset.class_names)
        line = {"data": name, "images": n, "model": model, "seed": seed} | row
        with options.out.open("a", encoding="utf-8", newline="\n") as file:
            file.write(",".join(str(line[column]) for column in COLUMNS.split(",")) + "\n")
        del line["predicted"]
        print(line, f"{time.monotonic() - begun:.0f} s", flush=True)
    print("Nothing left.")


if __name__ == "__main__":
    main()
