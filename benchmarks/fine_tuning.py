"""Fine-tuning block 14 of Xception from kept maps, larger images, and what happens to BatchNorm.

    python benchmarks/fine_tuning.py sizes --data clothing    150 against 299 px, direct heads, 5 seeds, per image
    python benchmarks/fine_tuning.py tune --data clothing     299 px: frozen head and fine-tuned, chosen on validation
    python benchmarks/fine_tuning.py batchnorm                moving statistics before and after, with and without cure

`sizes` and `tune` also record per-image results (digests and right or wrong, no images) in helpers/recorded/.
"""

import datetime
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from table import arguments, report

from helpers import data, features, intervals, models, training
from helpers.models import keras

RECORDED = Path(data.__file__).parent / "recorded"
SEEDS = range(5)
RATES = (1e-4, 3e-4)


def record(table: pd.DataFrame, name: str, command: str) -> None:
    """Merge rows into recorded/<name>.csv by image; the first lines say when and how."""
    path = RECORDED / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    head = f"# {datetime.date.today()}, python benchmarks/{command}\n"
    if path.exists():
        old = pd.read_csv(path, comment="#", dtype={"image": str})
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        head += "".join(
            one
            for one in lines
            if one.startswith("#") and not one.endswith(f"benchmarks/{command}\n")
        )
        table = pd.concat([old[~old["image"].isin(table["image"])], table])
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(head + table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
    os.replace(partial, path)


def images(dataset: data.Dataset, split: str) -> pd.Series:
    return dataset.split(split)["digest"].str[:16]


def row(name: str, right: np.ndarray, base: np.ndarray | None = None, **more) -> dict:
    """One line of the table: accuracy over seeds, images' interval of the mean probability, paired test.

    right : (seeds + 1, images) bool, the last row for the seeds' mean probability.
    """
    mean, low, high = intervals.mean_interval(right[:-1].mean(axis=1))
    wilson = intervals.wilson(right[-1].sum(), right.shape[1])
    line = {"model": name, "mean of seeds": mean, "seeds low": low, "seeds high": high, "all seeds": right[-1].mean(),
            "images low": wilson[0], "images high": wilson[1]}  # fmt: skip
    if base is not None:
        gained, lost, p = intervals.mcnemar(right[-1], base[-1])
        line |= {"gained": gained, "lost": lost, "p": p}
    return line | more


def right_of(probabilities: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """(seeds + 1, images) bool: each seed's answer, then that of their mean probability."""
    return np.stack(
        [one.argmax(axis=1) == y for one in [*probabilities, np.mean(probabilities, axis=0)]]
    )


def sizes(dataset, command):
    right, rows = {}, []
    for size in (150, 299):
        start = time.perf_counter()
        splits = features.extract(dataset, size)
        heads = [training.fit_head(splits["train"], None, seed=seed)[0] for seed in SEEDS]
        x, y = splits["validation"]
        right[size] = right_of([head.predict(x, verbose=0) for head in heads], y)
        rows.append(row(f"{size} px", right[size], right[150], seconds=time.perf_counter() - start))
    table = {"image": images(dataset, "validation")} | {
        f"right_{s}": r[-1].astype(int) for s, r in right.items()
    }
    record(pd.DataFrame(table), "image_sizes", command)
    return rows


def tail_of(backbone):
    """Block 14 as a model of its own, its BatchNorm layers frozen; the layers are the backbone's own."""
    tail = keras.Model(backbone.get_layer("block14_sepconv1").input, backbone.output)
    for layer in tail.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return tail


def joined(tail, head):
    maps = keras.Input(tail.input_shape[1:])
    return keras.Model(maps, head(keras.layers.GlobalAveragePooling2D()(tail(maps))))


class Batches(keras.utils.PyDataset):
    """Maps from disk, 32 images a batch, as float32; shuffled anew each epoch where a seed is given."""

    def __init__(self, x, y, seed=None):
        super().__init__()
        self.x, self.y, self.rng, self.order = x, y, np.random.default_rng(seed), np.arange(len(y))
        self.shuffles = seed is not None
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.y) // 32)

    def __getitem__(self, number):
        rows = self.order[32 * number : 32 * number + 32]
        return self.x[rows].astype("float32"), self.y[rows]

    def on_epoch_end(self):
        if self.shuffles:
            self.rng.shuffle(self.order)


def fit_tail(maps, head, rate, seed, epochs):
    """Fine-tune block 14 under a copy of a trained head: the model."""
    copy = keras.models.clone_model(head)
    copy.set_weights(head.get_weights())
    model = joined(tail_of(models.backbone(299)), copy)
    batches = Batches(*maps["train"], seed=seed)
    steps = epochs * len(batches)
    warmup = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", jit_compile=False
    )
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    return model


def tune(dataset, command, epochs=2):
    """Frozen direct heads and fine-tuned ones at 299 px; the rate is chosen on validation, test is seen once."""
    start = time.perf_counter()
    vectors = features.extract(dataset, 299)
    heads = [training.fit_head(vectors["train"], None, seed=seed)[0] for seed in SEEDS]
    frozen_seconds, start = time.perf_counter() - start, time.perf_counter()
    maps = features.extract(dataset, 299, "block13", pooled=False)
    x, y = maps["validation"]
    tried = {}
    for rate in RATES:
        model = fit_tail(maps, heads[0], rate, 0, epochs)
        tried[rate] = (model.predict(Batches(x, y), verbose=0).argmax(axis=1) == y).mean(), model
        print(f"validation, rate {rate:g}: {tried[rate][0]:.3f}", flush=True)
    rate = max(tried, key=lambda one: tried[one][0])
    x, y = maps["test"]
    found = [tried[rate][1].predict(Batches(x, y), verbose=0)]
    for seed in list(SEEDS)[1:]:
        found.append(
            fit_tail(maps, heads[seed], rate, seed, epochs).predict(Batches(x, y), verbose=0)
        )
        print(f"seed {seed}: {(found[-1].argmax(axis=1) == y).mean():.3f}", flush=True)
    frozen = right_of([head.predict(vectors["test"].x, verbose=0) for head in heads], y)
    tuned = right_of(found, y)
    table = {
        "image": images(dataset, "test"),
        "frozen": frozen[-1].astype(int),
        "tuned": tuned[-1].astype(int),
    }
    record(pd.DataFrame(table), "fine_tuned_test", command)
    return [
        row("frozen, direct head, test", frozen, seconds=frozen_seconds),
        row(
            f"block 14 fine-tuned, rate {rate:g}, test",
            tuned,
            frozen,
            seconds=time.perf_counter() - start,
        ),
    ]


def batchnorm(dataset, command):
    """Largest change of block 14's moving statistics in one epoch over 512 images, with training=False."""
    maps = features.extract(dataset, 150, "block13", pooled=False)["train"]
    rows = np.random.default_rng(0).permutation(len(maps.y))[:512]
    x, y = maps.x[rows].astype("float32"), maps.y[rows]
    lines = []
    for cure in (False, True):
        tail = tail_of(models.backbone(150))
        norms = [
            layer for layer in tail.layers if isinstance(layer, keras.layers.BatchNormalization)
        ]
        for layer in norms:
            layer.trainable = not cure
        inputs = keras.Input(tail.input_shape[1:])
        vector = keras.layers.GlobalAveragePooling2D()(tail(inputs, training=False))
        model = keras.Model(inputs, models.head(2048, int(y.max()) + 1)(vector))
        model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy")
        before = [values for layer in norms for values in layer.get_weights()[2:]]
        model.fit(x, y, epochs=1, batch_size=32, verbose=0)
        after = [values for layer in norms for values in layer.get_weights()[2:]]
        change = max(float(np.abs(a - b).max()) for a, b in zip(before, after, strict=True))
        lines.append(
            {"keras": keras.__version__, "BatchNorm layers frozen": cure, "largest change": change}
        )
    return lines


def main():
    parser = arguments(__doc__)
    parser.add_argument("what", choices=["sizes", "tune", "batchnorm"])
    options = parser.parse_args()
    command = " ".join(
        [
            "fine_tuning.py",
            options.what,
            *(["--data", Path(options.data).name] if options.data else []),
        ]
    )
    report(globals()[options.what](data.load(options.data), command), options.csv)


if __name__ == "__main__":
    sys.exit(main())
