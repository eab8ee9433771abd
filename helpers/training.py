"""Train heads on features, repeat over seeds, and say how sure a result is."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from helpers.data import Dataset
from helpers.features import Split


def fit_head(
    train: Split,
    validation: Split | None,
    units: int = 0,
    dropout: float = 0.0,
    learning_rate=1e-3,
    epochs: int = 10,
    seed: int = 0,
    batch_size: int = 32,
    callbacks: Iterable = (),
    class_weight: dict[int, float] | None = None,
):
    """Train a head (see `models.head`) on features with Adam and cross-entropy.

    train, validation : `features.Split` with x (n, features) float32; validation may be None.
    learning_rate : a number or a Keras schedule.
    Returns (head, history). history : one row per epoch, from 1 on, with the columns loss, accuracy
    and, with a validation, val_loss, val_accuracy. The same seed on the same machine gives the same
    numbers; Python's and NumPy's random numbers go on as if nothing had happened.
    """
    from helpers.models import head, keras  # loads TensorFlow

    callbacks = list(callbacks)
    labels = train.y if validation is None else np.concatenate([train.y, validation.y])
    # The head seeds TensorFlow, which shuffles; Python's and NumPy's random numbers are not drawn.
    model = head(train.x.shape[1], int(labels.max()) + 1, units, dropout, seed)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=1 if callbacks else 16,  # the same numbers in a fifth less time
    )
    options = {"callbacks": callbacks, "class_weight": class_weight, "verbose": 0}
    run = model.fit(*train, batch_size, epochs, validation_data=validation, **options)
    history = pd.DataFrame(run.history)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    return model, history


def sweep(settings: Mapping[str, Mapping], seeds: Iterable[int], fit: Callable) -> pd.DataFrame:
    """Call `fit(seed=seed, **setting)` for every setting and seed, under one progress bar.

    settings : {"rate 0.01": {"learning_rate": 0.01}, ...}.
    fit : returns a dict of results, {"accuracy": 0.81, ...}.
    Returns one row per run: setting, seed, and the results.
    """
    runs = [(name, seed) for name in settings for seed in seeds]
    rows = []
    for name, seed in tqdm(runs, desc="fits", unit="fit", mininterval=1):
        rows.append({"setting": name, "seed": seed} | fit(seed=seed, **settings[name]))
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame, column: str = "accuracy") -> pd.DataFrame:
    """Summarize `sweep`'s table: per setting mean, low, high (95 % t interval), sd, and runs."""
    table = {}
    for name, group in runs.groupby("setting", sort=False):
        mean, low, high = mean_interval(group[column])
        sd = group[column].std()
        table[name] = {"mean": mean, "low": low, "high": high, "sd": sd, "runs": len(group)}
    return pd.DataFrame(table).T.astype({"runs": int}).rename_axis("setting")


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
    The interval covers other seeds (not with one run) and other images of the same kind; it does
    not cover another module or camera. In simulations with three seeds or more it held the truth in
    95 to 98 % of cases. The same input gives the same interval.
    Source: the pigeonhole bootstrap, Owen 2007, Annals of Applied Statistics 1(2).

    >>> difference([True, True, True, True], [True, False, True, True])[0]
    0.25
    """
    a, b = np.atleast_2d(correct_a).astype(float), np.atleast_2d(correct_b).astype(float)
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ValueError(f"Expected (seeds, images) twice, got {a.shape} and {b.shape}.")
    gain = a - b
    n_seeds, n_images = gain.shape
    rng = np.random.default_rng(0)
    seeds = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), n_resamples)  # times drawn
    images = rng.multinomial(n_images, np.full(n_images, 1 / n_images), n_resamples)
    resampled = ((seeds @ gain) * images).sum(axis=1) / gain.size
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(gain.mean()), float(low), float(high)


def mean_interval(values) -> tuple[float, float, float]:
    """Return mean and 95 % t interval of runs, (mean, low, high). Covers seeds, not images.

    Raises ValueError for fewer than two values.

    >>> [round(value, 3) for value in mean_interval([0.80, 0.82, 0.81])]
    [0.81, 0.785, 0.835]
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        raise ValueError("An interval over seeds needs at least two runs.")
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def wilson(n_correct: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of an accuracy, (low, high). Covers images, not seeds.

    Raises ValueError unless 0 <= n_correct <= n and n > 0.  Source: Wilson 1927, by scipy.

    >>> [round(value, 3) for value in wilson(80, 100)]
    [0.711, 0.867]
    """
    interval = stats.binomtest(int(n_correct), int(n)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a, correct_b) -> tuple[int, int, float]:
    """Compare two models on the same images: (only a correct, only b correct, p).

    correct_a, correct_b : (images,) bool.  Raises ValueError if the shapes differ.
    Only images on which the two disagree count.  Source: McNemar 1947, exact binomial form.

    >>> mcnemar([True, True, False, True], [True, False, False, True])
    (1, 0, 1.0)
    """
    a, b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    if a.shape != b.shape:
        raise ValueError(f"The models saw different numbers of images: {a.shape} and {b.shape}.")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return only_a, only_b, float(p)


def rung(dataset: Dataset, name: str, predictions) -> dict:
    """Put a model on the ladder: print its numbers, and write them where `plots.ladder` reads them.

    predictions : (n,) int, positions in `class_names`, in the order of dataset.split("validation").
    Returns the row, kept below dataset.output_folder / "ladder" until the name is used again: name,
    accuracy, broken_found and broken (how many defective cells were called defective, of how many),
    false_alarms (functional cells called defective; all three None unless solar), dataset (its
    folder's name, which stands for its contents).
    Raises ValueError if there are not as many predictions as validation images.
    """
    truth = dataset.split("validation")["class_name"].to_numpy(str)
    if np.shape(predictions) != truth.shape:
        raise ValueError(f"Expected {len(truth)} predictions, got shape {np.shape(predictions)}.")
    predicted = np.array(dataset.class_names)[np.asarray(predictions)]
    row = {"name": name, "accuracy": float(np.mean(predicted == truth))}
    row |= {"broken_found": None, "broken": None, "false_alarms": None}
    row |= {"dataset": dataset.folder.name}
    correct = (predicted == truth).sum()
    print(f"{name}: {correct} of {len(truth)} validation images correct ({row['accuracy']:.3f})")
    if dataset.name == "solar":
        broken = np.char.endswith(truth, "defective")
        called = np.char.endswith(predicted, "defective")
        found, false_alarms = (broken & called).sum(), (~broken & called).sum()
        row |= {"broken_found": int(found), "broken": int(broken.sum())}
        row |= {"false_alarms": int(false_alarms)}
        print(f"{found} of {broken.sum()} broken cells found, {false_alarms} false alarms")
    key = hashlib.sha256(f"{row['dataset']} {name}".encode()).hexdigest()[:12]
    path = dataset.output_folder / "ladder" / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")  # two processes may write at once
    temporary.write_text(json.dumps(row), encoding="utf-8")
    os.replace(temporary, path)
    return row
