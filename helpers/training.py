"""Train heads on features, repeat over seeds, and say how sure a result is."""

import json
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from helpers.data import Dataset
from helpers.features import Split
from helpers.files import made_whole


def fit_head(
    train: Split, validation: Split | None, units: int = 0, dropout: float = 0.0,
    learning_rate=1e-3, epochs: int = 10, seed: int = 0, n_classes: int | None = None, **options,
):  # fmt: skip
    """Train a head (see `models.head`) on features with Adam and cross-entropy.

    train, validation : `features.Split` with x (n, features) float32; validation may be None.
    learning_rate : a number or a Keras schedule.
    n_classes : None if train has images of every class; needed for a subset that may lack one.
    options : for Keras' `fit`, such as batch_size, callbacks, class_weight.
    Returns (head, history). history : one row per epoch, from 1 on, with the columns loss, accuracy
    and, with a validation, val_loss, val_accuracy. The same seed on the same machine gives the same
    numbers; Python's and NumPy's random numbers go on as if nothing had happened.
    Raises ValueError if n_classes is None and a class is seen to be missing from train.
    """
    from helpers.models import head, keras  # loads TensorFlow

    if n_classes is None:
        labels = train.y if validation is None else np.concatenate([train.y, validation.y])
        n_classes = int(labels.max()) + 1
        missing = set(range(n_classes)) - set(train.y.tolist())
        if missing:
            advice = "Pass n_classes=len(dataset.class_names)."
            raise ValueError(f"Class {min(missing)} has no image in train. {advice}")
    # The head seeds TensorFlow, which shuffles; Python's and NumPy's random numbers are not drawn.
    model = head(train.x.shape[1], n_classes, units, dropout, seed)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=1 if "callbacks" in options else 16,  # same numbers, a fifth faster
    )
    run = model.fit(*train, epochs=epochs, validation_data=validation, verbose=0, **options)
    history = pd.DataFrame(run.history)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    return model, history


def sweep(settings: Mapping[str, Mapping], seeds: Iterable[int], fit: Callable) -> pd.DataFrame:
    """Call `fit(seed=seed, **setting)` for every setting and seed, under one progress bar.

    settings : {"rate 0.01": {"learning_rate": 0.01}, ...}.
    fit : returns a dict of results, {"accuracy": 0.81, ...}.
    Returns one row per run: setting, seed, and the results.
    """
    seeds = list(seeds)  # an iterator would be used up by the first setting
    runs = [(name, seed) for name in settings for seed in seeds]
    rows = []
    for name, seed in tqdm(runs, desc="fits", unit="fit", mininterval=1):
        rows.append({"setting": name, "seed": seed} | fit(seed=seed, **settings[name]))
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame, column: str = "accuracy") -> pd.DataFrame:
    """Summarize `sweep`'s table: per setting mean, low, high (95 % t interval), sd, and runs.

    low, high and sd are NaN for a setting with one run: nothing is known of its spread.
    """
    groups = runs.groupby("setting", sort=False)[column]
    mean, sd, n = groups.mean(), groups.std(), groups.count()
    half = stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n)
    return pd.DataFrame(
        {"mean": mean, "low": mean - half, "high": mean + half, "sd": sd, "runs": n}
    )


def baselines(dataset: Dataset, split: str = "validation") -> dict[str, float]:
    """Return the accuracy of rules that a classifier has to beat; none of them looks for a defect.

    split : where they are judged; the most frequent class is train's. Of a solar cell, the module
    type is easily seen, so for the four solar classes a second rule knows it.
    """
    truth = dataset.split(split)["class_name"]
    most_frequent = dataset.split("train")["class_name"].mode()[0]
    rules = {"most frequent class": float((truth == most_frequent).mean())}
    if dataset.name == "solar":
        functional = truth.str.endswith("-functional").mean()
        rules["module type known, always functional"] = float(functional)
    return rules


def difference(correct_a, correct_b, n_resamples: int = 2000) -> tuple[float, float, float]:
    """Return how much more accurate a is than b, with a 95 % interval: (difference, low, high).

    correct_a, correct_b : (seeds, images) bool, or (images,) for one run each; the same seeds and
        images in the same order. Raises ValueError if the shapes differ.
    The bootstrap: draw as many seeds and as many images as there are, with replacement, and take
    the difference on them; the interval holds 95 % of 2,000 such differences. It covers other seeds
    (not with one run) and other images of the same kind, but no other module or camera. In
    simulations with three seeds or more it held the truth in 95 to 98 % of cases.
    Source: the pigeonhole bootstrap, Owen 2007, Annals of Applied Statistics 1(2).

    >>> difference([True, True, True, True], [True, False, True, True])[0]
    0.25
    """
    a, b = np.atleast_2d(correct_a).astype(float), np.atleast_2d(correct_b).astype(float)
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ValueError(f"Expected (seeds, images) twice, got {a.shape} and {b.shape}.")
    gain = a - b
    n_seeds, n_images = gain.shape
    rng = np.random.default_rng(0)  # the same input gives the same interval
    resampled = []
    for _ in range(n_resamples):
        seeds = rng.integers(0, n_seeds, n_seeds)
        images = rng.integers(0, n_images, n_images)
        resampled.append(gain[seeds][:, images].mean())
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(gain.mean()), float(low), float(high)


def rung(dataset: Dataset, name: str, predictions) -> dict:
    """Put a model on the ladder: print its numbers, and write them where `plots.ladder` reads them.

    predictions : (n,) int, positions in `class_names`, in the order of dataset.split("validation").
    Returns name, accuracy, and for solar broken, broken_found and false_alarms: how many cells are
    defective, how many of them were called defective, and how many functional ones (else None).
    They are kept in dataset.output_folder / "ladder", in a file of these images, until the name is
    used again.
    Raises ValueError if there are not as many predictions as validation images.
    """
    truth = dataset.split("validation")["class_name"].to_numpy(str)
    if np.shape(predictions) != truth.shape:
        raise ValueError(f"Expected {len(truth)} predictions, got shape {np.shape(predictions)}.")
    predicted = np.array(dataset.class_names)[np.asarray(predictions)]
    correct = predicted == truth
    row = {"name": name, "accuracy": float(correct.mean())}
    row |= {"broken": None, "broken_found": None, "false_alarms": None}
    print(
        f"{name}: {correct.sum()} of {len(truth)} validation images correct ({correct.mean():.3f})"
    )
    if dataset.name == "solar":
        broken = np.char.endswith(truth, "defective")
        called = np.char.endswith(predicted, "defective")
        row["broken"], row["broken_found"] = int(broken.sum()), int((broken & called).sum())
        row["false_alarms"] = int((~broken & called).sum())
        found = f"{row['broken_found']} of {row['broken']} broken cells found"
        print(f"{found}, {row['false_alarms']} false alarms")
    file = dataset.output_folder / "ladder" / f"{dataset.folder.name}.json"
    rungs = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    with made_whole(file) as made:
        made.write_text(json.dumps(rungs | {name: row}), encoding="utf-8")
    return row
