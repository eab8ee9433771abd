"""Fit heads on features, repeat over seeds, and say how sure the result is."""

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
    """Train a head (see `models.head`) with Adam and cross-entropy on features that are already computed.

    train, validation : `features.Split` with vectors; validation may be None.
    learning_rate : a number or a Keras schedule.
    Returns (head, history): the trained Keras model, and a DataFrame with one row an epoch (index 1..epochs) and the
    columns loss, accuracy and, with a validation, val_loss, val_accuracy. The same seed on the same machine gives the
    same numbers.
    """
    from helpers.models import head, keras

    labels = train.y if validation is None else np.concatenate([train.y, validation.y])  # a class may be in one only
    model = head(train.x.shape[1], int(labels.max()) + 1, units, dropout, seed)
    callbacks = list(callbacks)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=1 if callbacks else 16,  # the same numbers, quicker; callbacks may want every batch
    )
    run = model.fit(
        train.x,
        train.y,
        validation_data=validation,
        batch_size=batch_size,
        epochs=epochs,
        callbacks=callbacks,
        class_weight=class_weight,
        verbose=0,
    )
    history = pd.DataFrame(run.history)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    return model, history


def sweep(settings: Mapping[str, Mapping], seeds: Iterable[int], fit: Callable) -> pd.DataFrame:
    """Call `fit(seed=seed, **setting)` for every setting and seed, under one progress bar.

    settings : {"lr 0.01": {"learning_rate": 0.01}, ...}.  fit : returns a dict of results, {"accuracy": 0.81, ...}.
    Returns one row a run: setting, seed, and the results.
    """
    runs = [(name, seed) for name in settings for seed in seeds]
    rows = []
    for name, seed in tqdm(runs, desc="fits", unit="fit", mininterval=1):
        rows.append({"setting": name, "seed": seed} | fit(seed=seed, **settings[name]))
    return pd.DataFrame(rows)


def summary(runs: pd.DataFrame, column: str = "accuracy") -> pd.DataFrame:
    """One row a setting of `sweep`'s table: mean, low, high (95 % t interval over seeds), sd and number of runs."""
    table = {}
    for name, group in runs.groupby("setting", sort=False):
        mean, low, high = mean_interval(group[column])
        table[name] = {"mean": mean, "low": low, "high": high, "sd": group[column].std(), "runs": len(group)}
    return pd.DataFrame(table).T.astype({"runs": int}).rename_axis("setting")


def baselines(dataset: Dataset, split: str = "validation") -> dict[str, float]:
    """Accuracy of the rules that a classifier has to beat, by name; none of them looks for a defect.

    dataset : from `data.load`; the most frequent class is train's.  split : where the rules are judged.
    Of the four solar classes, the module type can be told from nearly any cell, so a second rule knows it and always
    says "functional". Other data sets have the first rule alone.
    """
    truth = dataset.split(split)["class_name"]
    most_frequent = dataset.split("train")["class_name"].mode()[0]
    rules = {"most frequent class": float((truth == most_frequent).mean())}
    if dataset.name == "solar":
        rules["module type known, always functional"] = float(truth.str.endswith("-functional").mean())
    return rules


def mean_interval(values) -> tuple[float, float, float]:
    """Mean and 95 % t interval of repeated runs: (mean, low, high). Covers the seeds, not the choice of pictures.

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
    """95 % Wilson interval of a share, (low, high): covers the choice of the n pictures, not the seeds.

    Raises ValueError unless 0 <= n_correct <= n and n > 0.  Source: Wilson 1927, by scipy.

    >>> [round(value, 3) for value in wilson(80, 100)]
    [0.711, 0.867]
    """
    interval = stats.binomtest(int(n_correct), int(n)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(correct_a, correct_b) -> tuple[int, int, float]:
    """Compare two models on the same pictures by the exact McNemar test.

    correct_a, correct_b : (pictures,) bool.  Returns (pictures only a got right, pictures only b got right, p).
    Only pictures on which the two disagree count. Source: McNemar 1947, exact binomial form.

    >>> mcnemar([True, True, False, True], [True, False, False, True])
    (1, 0, 1.0)
    """
    a, b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    if a.shape != b.shape:
        raise ValueError(f"The two models were tried on different numbers of pictures: {a.shape} and {b.shape}.")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return only_a, only_b, float(p)
