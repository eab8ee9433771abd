"""The feature pass (read, resize, forward, keep) against the bare forward pass on pictures already in memory.

    python benchmarks/feature_pass.py --data clothing

Both run in turn in one process, over the same pictures; the median of the ratios counts.
"""

import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

from table import arguments, report

from helpers import data, features

SIZE, PICTURES, ROUNDS = 150, 768, 3


def main():
    options = arguments(__doc__).parse_args()
    dataset = data.load(options.data)
    some = dataclasses.replace(dataset, pictures=dataset.split("train").sample(PICTURES, random_state=0))
    forward = features._compiled(features._network(SIZE, None, True))
    memory = features.prepare(some.pictures["source"], SIZE)
    forward(memory[: features.BATCH])
    rows = []
    for number in range(1, ROUNDS + 1):
        start = time.perf_counter()
        for first in range(0, PICTURES, features.BATCH):
            forward(memory[first : first + features.BATCH])
        bare = PICTURES / (time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            features._run(forward, some.pictures, Path(folder), SIZE, "float32")
            whole = PICTURES / (time.perf_counter() - start)
        rows.append({"round": number, "bare forward, pic/s": bare, "feature pass, pic/s": whole, "ratio": whole / bare})
    print(f"median ratio {statistics.median(row['ratio'] for row in rows):.3f}")
    report(rows, options.csv)


if __name__ == "__main__":
    main()
