"""Solar, functional against defective, by the published protocol: 75/25, and with contiguous blocks held out.

    python benchmarks/solar_protocol.py pooled      an SVM on what several blocks of the frozen Xception give, 299 px
    python benchmarks/solar_protocol.py tuned       block 14 fine-tuned from kept maps, 150 px, beside the frozen head

5 random splits, stratified by module type and label, and 5 splits that hold out 5 of 20 runs of file numbers. Every
setting is chosen on a quarter of the training part, split off in the same way; the test part is seen once. Uncertain
labels (1/3, 2/3) weigh a third in training. Published (Deitsch et al., Solar Energy 185, 2019): .8842 by a fine-tuned
VGG-19, .8244 by an SVM. The t interval covers splits of these cells, which overlap; it is no interval over new modules.
`pooled` takes 4 copies of each cell (as it is, mirrored, upside down, turned by 180 degrees), for training and for the
mean answer: all four show the same defects.
"""

import datetime
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from fine_tuning import RECORDED, joined, tail_of
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from table import arguments, report
from tqdm import tqdm

from helpers import data, features, intervals, models
from helpers.models import keras, tf

SIZE, BLOCKS, SPLITS = 299, (3, 4, 6, 8, 10, 12, 13), range(5)
FLIPS = {"as it is": (1, 1), "mirrored": (1, -1), "upside down": (-1, 1), "turned": (-1, -1)}
COSTS, RATES, EPOCHS = (3, 10, 30, 100), (1e-4, 3e-4), 5


def cells():
    """The images table in the order of the file numbers, with labels: y (1 defective), certain, strata, run."""
    table = data.load("solar-binary").images
    table = (
        table.assign(file=table["source"].map(os.path.basename))
        .sort_values("file")
        .reset_index(drop=True)
    )
    table = table.merge(data.solar_labels(), on="file", validate="one_to_one")
    return table.assign(
        y=(table["probability"] >= 0.5).astype(int),
        weight=np.where(table["certain"], 1, 1 / 3),
        strata=table["module_type"] + table["probability"].round(2).astype(str),
        run=np.arange(len(table)) * 20 // len(table),
    )


def part(table, rows, kind, seed):
    """Cut `rows` into 75 and 25: (rows to train on, rows left out)."""
    if kind == "random":
        return train_test_split(
            rows, test_size=0.25, random_state=seed, stratify=table["strata"].to_numpy()[rows]
        )
    cut = GroupShuffleSplit(1, test_size=0.25, random_state=seed).split(
        rows, groups=table["run"].to_numpy()[rows]
    )
    return tuple(rows[part] for part in next(cut))


def pooled_features(table) -> dict[str, np.ndarray]:
    """Mean and deviation over the map, for each channel of several blocks: {copy: (cells, 2, channels) float32}."""
    base = models.backbone(SIZE)
    ends = [models._output_of(base, f"block{number}") for number in BLOCKS]
    network = keras.Model(base.input, [*ends, base.output])
    graph = tf.function(
        lambda pixels: _pool(network(tf.cast(pixels, tf.float32) / 127.5 - 1, training=False))
    )
    sources, found = dict(zip(table["digest"], table["source"], strict=True)), {}

    def read(digest):
        return features.read_unchanged(sources[digest], digest, SIZE)

    for name, (down, across) in FLIPS.items():

        def forward(pixels, down=down, across=across):
            return graph(tf.constant(np.ascontiguousarray(pixels[:, ::down, ::across]))).numpy()

        name_of_file = f"solar-protocol-{SIZE}px-{name.replace(' ', '-')}.sqlite"
        file, digests = data.DATA / "features" / name_of_file, table["digest"].tolist()
        features.compute(file, features.find_missing(file, digests), read, forward)
        found[name] = features.FeatureMaps(file, digests)[:]
    return found


def _pool(maps):
    means = tf.concat([tf.reduce_mean(one, (1, 2)) for one in maps], 1)
    return tf.stack([means, tf.concat([tf.math.reduce_std(one, (1, 2)) for one in maps], 1)], 1)


def kernel(a, b):
    """Gaussian kernel, its width the number of features (they are standardised)."""
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.exp(-squares / a.shape[1])


def svm(copies, table, train, tried, costs):
    """Decision values for `tried`, averaged over the copies, for each cost: {cost: (cells,)}."""
    scale = StandardScaler().fit(copies["as it is"][train])
    x = np.concatenate([scale.transform(one[train]) for one in copies.values()]).astype("float32")
    y, weight = (np.tile(table[name].to_numpy()[train], len(copies)) for name in ("y", "weight"))
    gram = kernel(x, x)
    tests = [kernel(scale.transform(one[tried]).astype("float32"), x) for one in copies.values()]
    values = {}
    for cost in costs:
        fitted = SVC(C=cost, kernel="precomputed", cache_size=1000).fit(gram, y, weight)
        values[cost] = np.mean([fitted.decision_function(test) for test in tests], axis=0)
    return values


def pooled(table, outer, inner):
    """Choose features and cost on the inner split, then fit on the whole training part: (settings, predictions)."""
    y, (train, test), (fit, check) = table["y"].to_numpy(), outer, inner
    best = (-1.0,)
    for kind, rows in {"means": [0], "means and deviations": [0, 1]}.items():
        copies = {name: one[:, rows].reshape(len(one), -1) for name, one in FEATURES.items()}
        for cost, values in svm(copies, table, fit, check, COSTS).items():
            score = ((values > 0) == y[check]).mean()
            best = max(best, (score, kind, cost, rows), key=lambda one: one[0])
    _, kind, cost, rows = best
    copies = {name: one[:, rows].reshape(len(one), -1) for name, one in FEATURES.items()}
    found = {"SVM on 8 blocks": svm(copies, table, train, test, [cost])[cost] > 0}
    last = FEATURES["as it is"][:, 0, -2048:]
    found["logistic regression on the last block"] = logistic(last, table, outer, inner)
    return f"{kind}, C {cost}", found


def logistic(x, table, outer, inner):
    """The frozen base's last vector alone, the penalty chosen on the inner split: predictions for the test part."""
    y, weight = table["y"].to_numpy(), table["weight"].to_numpy()

    def fitted(rows, penalty):
        scale = StandardScaler().fit(x[rows])
        model = LogisticRegression(C=penalty, max_iter=500).fit(
            scale.transform(x[rows]), y[rows], weight[rows]
        )
        return lambda others: model.predict(scale.transform(x[others])).astype(bool)

    fit, check = inner
    penalty = max(
        (1e-4, 1e-3, 1e-2, 1e-1), key=lambda one: (fitted(fit, one)(check) == y[check]).mean()
    )
    return fitted(outer[0], penalty)(outer[1])


def tuned(table, outer, inner):
    """Choose the rate on the inner split; fine-tune block 14 under the trained direct head on the training part."""
    y, (train, test), (fit, check) = table["y"].to_numpy(), outer, inner
    scores = {rate: (tune(table, fit, check, rate)[0] == y[check]).mean() for rate in RATES}
    rate = max(scores, key=scores.get)
    after, before = tune(table, train, test, rate)
    return f"rate {rate:g}", {"block 14 fine-tuned, 150 px": after, "direct head, 150 px": before}


def tune(table, train, tried, rate):
    """Predictions for `tried` after and before fine-tuning: two (cells,) bool arrays."""
    y, weight = table["y"].to_numpy(), table["weight"].to_numpy()
    maps, vectors = FEATURES["maps"], FEATURES["vectors"]
    head = models.head(2048, 2, seed=0)
    head.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    head.fit(vectors[train], y[train], sample_weight=weight[train], epochs=10, verbose=0)
    before = head.predict(vectors[tried], verbose=0).argmax(axis=1) == 1
    model = joined(tail_of(models.backbone(150)), head)
    steps = EPOCHS * -(-len(train) // 32)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 10, warmup_target=rate, warmup_steps=steps // 10
    )
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy")
    model.fit(maps[train], y[train], sample_weight=weight[train], epochs=EPOCHS, verbose=0)
    after = model.predict(maps[tried], verbose=0).argmax(axis=1) == 1
    keras.backend.clear_session()
    return after, before


def tuning_features(table) -> dict[str, np.ndarray]:
    dataset = data.load("solar-binary")
    order = pd.Series(np.arange(len(dataset.images)), dataset.images["digest"])[
        table["digest"]
    ].to_numpy()
    maps = features.extract(dataset, 150, "block13", pooled=False)
    vectors = features.extract(dataset, 150)
    names = list(data.SPLITS)
    return {
        "maps": np.concatenate([maps[name].x[:] for name in names])[order].astype("float32"),
        "vectors": np.concatenate([vectors[name].x for name in names])[order],
    }


def lines(table, results, seconds):
    """One row for each kind of split and model: mean over the splits with its t interval, all labels and certain."""
    y, certain, rows = table["y"].to_numpy().astype(bool), table["certain"].to_numpy(), []
    for (kind, model), runs in results.items():
        right = [(answer == y[test], certain[test]) for test, answer in runs]
        mean, low, high = intervals.mean_interval([one.mean() for one, _ in right])
        sure, sure_low, sure_high = intervals.mean_interval(
            [one[known].mean() for one, known in right]
        )
        rows.append({"split": kind, "model": model, "accuracy": mean, "low": low, "high": high, "certain": sure,
                     "certain low": sure_low, "certain high": sure_high, "always functional":
                     np.mean([1 - y[test].mean() for test, _ in runs]), "seconds in all": seconds})  # fmt: skip
    return rows


def main():
    parser = arguments(__doc__)
    parser.add_argument("what", choices=["pooled", "tuned"])
    options = parser.parse_args()
    start, table, results, kept = time.perf_counter(), cells(), {}, []
    FEATURES.update(pooled_features(table) if options.what == "pooled" else tuning_features(table))
    print(f"features: {time.perf_counter() - start:.0f} s", flush=True)
    everything = np.arange(len(table))
    for kind, seed in tqdm(
        [(kind, seed) for kind in ("random", "contiguous") for seed in SPLITS], mininterval=5
    ):
        outer = part(table, everything, kind, seed)
        inner = part(table, outer[0], kind, seed)
        chosen, found = globals()[options.what](table, outer, inner)
        for name, answer in found.items():
            results.setdefault((kind, name), []).append((outer[1], answer))
            score = (answer == table["y"].to_numpy()[outer[1]]).mean()
            print(f"{kind} {seed}: {name} {score:.4f} ({chosen})", flush=True)
            right = (answer == table["y"].to_numpy()[outer[1]]).astype(int)
            kept.append(pd.DataFrame({"split": f"{kind} {seed}", "model": name, "file": table["file"][outer[1]],
                                      "certain": table["certain"][outer[1]].astype(int), "right": right}))  # fmt: skip
    path = RECORDED / f"solar_protocol_{options.what}.csv"
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    head = f"# {datetime.date.today()}, python benchmarks/{Path(__file__).name} {options.what}\n"
    wide = (
        pd.concat(kept)
        .pivot(index=["split", "file", "certain"], columns="model", values="right")
        .reset_index()
    )
    partial.write_text(head + wide.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
    os.replace(partial, path)
    report(lines(table, results, time.perf_counter() - start), options.csv)


FEATURES: dict[str, np.ndarray] = {}

if __name__ == "__main__":
    main()
