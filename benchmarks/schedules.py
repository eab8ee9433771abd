"""Lesson 06's questions on any data set: constant rates, then seven schedules at a moderate and a high peak rate.

    python benchmarks/schedules.py --data clothing

Direct head, Adam, 10 epochs, 5 seeds. Validation accuracy of the last epoch and of the best one, t intervals over
seeds; `minus constant` is paired by seed (same seed: same first weights, same order of the images), and by image.
"""

import time

import numpy as np
import pandas as pd
from table import arguments, report

from helpers import data, features, intervals, training
from helpers.models import keras

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
PEAKS = (1e-3, 1e-2)
EPOCHS, BATCH, SEEDS = 10, 32, range(5)


def settings(peak: float, steps: int) -> dict[str, dict]:
    """The schedules of lesson 06, each with the same peak: {name: arguments of `fit_head`}."""
    schedules, warmup = keras.optimizers.schedules, steps // 10
    rates = {
        "constant": peak,
        "step": schedules.PiecewiseConstantDecay(
            [steps // 2, steps * 3 // 4], [peak, peak / 10, peak / 100]
        ),
        "exponential": schedules.ExponentialDecay(peak, steps, 0.01),
        "cosine": schedules.CosineDecay(peak, steps),
        "warmup": schedules.PolynomialDecay(0.0, warmup, peak),
        "warmup + cosine": schedules.CosineDecay(
            0.0, steps - warmup, warmup_target=peak, warmup_steps=warmup
        ),
    }
    return {name: {"learning_rate": rate} for name, rate in rates.items()} | {
        "plateau": {"learning_rate": peak, "plateau": True}
    }


def fits(
    splits: dict[str, features.Split], chosen: dict[str, dict], seeds=SEEDS, epochs: int = EPOCHS
) -> pd.DataFrame:
    """One row a run: setting, seed, last, best, curve (epochs,), right (validation images,)."""
    train, validation = splits["train"], splits["validation"]

    def fit(seed, learning_rate, plateau=False):
        callbacks = [keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=1)] if plateau else []
        head, history = training.fit_head(
            train,
            validation,
            learning_rate=learning_rate,
            epochs=epochs,
            seed=seed,
            callbacks=callbacks,
        )
        right = np.argmax(head(validation.x), axis=1) == validation.y
        curve = history["val_accuracy"].to_numpy()
        return {"last": curve[-1], "best": curve.max(), "curve": curve, "right": right}

    return training.sweep(chosen, seeds, fit)


def rows(runs: pd.DataFrame, name: str, constant: str | None = None) -> list[dict]:
    """Summarise runs, one row a setting; `constant` names the setting that the others are compared with."""
    target = 0.95 * runs.groupby("setting")["best"].mean().max()
    table = []
    for setting, group in runs.groupby("setting", sort=False):
        last, best = (intervals.mean_interval(group[column]) for column in ("last", "best"))
        n = len(group["right"].iloc[0])
        images = intervals.wilson(round(last[0] * n), n)
        reached = [
            int(np.argmax(curve >= target)) + 1 if curve.max() >= target else np.inf
            for curve in group["curve"]
        ]
        row = {"experiment": name, "setting": setting, "last": last[0], "low": last[1], "high": last[2],
               "sd": group["last"].std(), "images low": images[0], "images high": images[1], "best": best[0],
               "best low": best[1], "best high": best[2], "epochs to 95 %": np.median(reached)}  # fmt: skip
        if constant is not None:
            base = runs[runs["setting"] == constant]
            row |= dict(zip(("minus constant", "seeds low", "seeds high"), intervals.mean_interval(
                group["last"].to_numpy() - base["last"].to_numpy()), strict=True))  # fmt: skip
            gain = np.mean(list(group["right"]), axis=0) - np.mean(list(base["right"]), axis=0)
            row |= dict(
                zip(
                    ("by image low", "by image high"),
                    intervals.mean_interval(gain)[1:],
                    strict=True,
                )
            )
        table.append(row)
    return table


def main():
    parser = arguments(__doc__)
    parser.add_argument("--peaks", type=float, nargs="+", default=PEAKS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args()
    splits = features.extract(data.load(options.data))
    steps = options.epochs * -(-len(splits["train"].y) // BATCH)
    start, n_fits, table = time.perf_counter(), 0, []
    sweeps = {"rates": {f"{rate:.0e}": {"learning_rate": rate} for rate in RATES}}
    sweeps |= {f"peak {peak:.0e}": settings(peak, steps) for peak in options.peaks}
    for name, chosen in sweeps.items():
        runs = fits(splits, chosen, range(options.seeds), options.epochs)
        table += rows(runs, name, "constant" if "constant" in chosen else None)
        n_fits += len(runs)
    report(table, options.csv)
    print(f"{n_fits} fits of {options.epochs} epochs in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
