"""The direct head on frozen features over 5 seeds, beside logistic regression on the same features and the published.

    python benchmarks/head_accuracy.py --data clothing

Validation accuracy of the last epoch, t interval over seeds, Wilson interval over images; seconds of one fit of each.
"""

import statistics
import time

from sklearn.linear_model import LogisticRegression
from table import arguments, report

from helpers import data, features, intervals, training


def main():
    parser = arguments(__doc__)
    parser.add_argument("--size", type=int, default=150)
    options = parser.parse_args()
    dataset = data.load(options.data)
    start = time.perf_counter()
    splits = features.extract(dataset, options.size)
    passed = time.perf_counter() - start
    train, validation = splits["train"], splits["validation"]
    accuracies, seconds = [], []
    for seed in range(6):
        start = time.perf_counter()
        _, history = training.fit_head(train, validation, seed=seed)
        seconds.append(time.perf_counter() - start)
        accuracies.append(history["val_accuracy"].iloc[-1])
    regression_seconds = []
    for _ in range(3):
        start = time.perf_counter()
        regression = LogisticRegression(max_iter=1000).fit(train.x, train.y)
        regression_seconds.append(time.perf_counter() - start)
    n = len(validation.y)
    rows = []
    score = regression.score(validation.x, validation.y)
    both = {
        "direct head, 10 epochs": (
            *intervals.mean_interval(accuracies[1:]),
            statistics.median(seconds[1:]),
        ),
        "logistic regression": (score, None, None, statistics.median(regression_seconds)),
    }
    for name, (mean, low, high, fit_seconds) in both.items():
        over = intervals.wilson(round(mean * n), n)
        rows.append({"model": name, "accuracy": mean, "seeds low": low, "seeds high": high, "images low": over[0],
                     "images high": over[1], "seconds a fit": fit_seconds, "features s": passed})  # fmt: skip
    report(rows, options.csv)


if __name__ == "__main__":
    main()
