"""Prediction as a user meets it: `python -m helpers predict`, TensorFlow's start included, on one and 1,000 images.

    python benchmarks/predict.py                   the folder that lesson 12 saved: data/solar/classifier
    python benchmarks/predict.py --data clothing

Wall seconds of the whole process, the peak of its memory, and the images per second between the two sizes.
"""

import subprocess
import sys
import time

import psutil
from table import arguments, report

from helpers import data

SIZES = (1, 1, 1, 100, 1000)


def main():
    options = arguments(__doc__).parse_args()
    dataset = data.load(options.data)
    images = dataset.images.sample(1000, replace=len(dataset.images) < 1000, random_state=0)[
        "source"
    ]
    rows = []
    for size in SIZES:
        seconds, megabytes = measured([str(dataset.folder / "classifier"), *images[:size]])
        row = {"images": size, "seconds": seconds, "peak memory, MB": megabytes}
        if size > 1:
            first = min(one["seconds"] for one in rows)
            row["images per second after the first"] = (size - 1) / (seconds - first)
        rows.append(row)
    report(rows, options.csv)


def measured(arguments: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory of one run of the command."""
    start, peak = time.perf_counter(), 0
    command = [sys.executable, "-m", "helpers", "predict", *arguments]
    with subprocess.Popen(
        command, cwd=data.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        while running.poll() is None:
            try:
                peak = max(peak, psutil.Process(running.pid).memory_info().rss)
            except psutil.Error:
                break
            time.sleep(0.05)
        code = running.wait()
    if code:
        raise OSError(
            "The prediction failed. Run lesson 12 on this data set first: it saves the classifier."
        )
    return time.perf_counter() - start, peak / 1e6


if __name__ == "__main__":
    main()
