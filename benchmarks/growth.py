"""Growth: time, memory and disk of every step from a folder to predictions, on more and more images.

    python benchmarks/growth.py --images 1000 5000 20000 --data clothing

The images are made in a temporary folder out of the data set's own: cut, perhaps mirrored, written anew as JPEG, so
that all bytes differ. Each step runs in a process of its own; `seconds` are those of the step alone, for `predict` of
the whole command. `ms a further image` compares with the size before: equal numbers mean that time grows in
proportion. `CPU s` (all threads, the start of Python and TensorFlow included) says so on a busy machine too. Peak
memory is what the system says of the process (ru_maxrss, so not on Windows).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from table import arguments, report
from tqdm.contrib.concurrent import thread_map

from helpers import data

FEW = 100  # added, renamed, removed
PREDICT = "predict, whole command"
STEPS = (
    "load",
    "feature pass",
    "second call",
    f"{FEW} added",
    f"{FEW} renamed",
    f"{FEW} removed",
    "direct head",
)


def run_step(step: str, photos: Path, place: Path) -> None:
    """What the child does; prints its seconds. Unless named, the time is that of `load` and `extract` together."""
    from helpers import classifier, features, training

    data.DATA = place
    start = time.perf_counter()
    dataset = data.load(photos)
    if step == "feature pass":
        start = time.perf_counter()
    if step != "load":
        splits = features.extract(dataset)
    if step == "direct head":
        import helpers.models  # noqa: F401  TensorFlow's start is no part of a fit

        start = time.perf_counter()
        head, _ = training.fit_head(splits["train"], splits["validation"])
    print(time.perf_counter() - start)
    if step == "direct head":
        classifier.save(place / "classifier", [head], dataset.class_names)


def measured(command: list[str], out: Path) -> dict:
    """Seconds of the whole process, those of all its threads together, and the peak of its memory in MB."""
    start = time.perf_counter()
    with (
        open(out, "w") as file,
        subprocess.Popen(command, cwd=data.ROOT, stdout=file, stderr=file) as running,
    ):
        _, code, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(code)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{out.read_text()[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = usage.ru_utime + usage.ru_stime
    return {
        "seconds": time.perf_counter() - start,
        "CPU s": cpu,
        "peak MB": usage.ru_maxrss * unit / 1e6,
    }


def write_images(numbers: range, originals: list, photos: Path) -> list[Path]:
    """Make images that are not there yet, each by its number: the same number gives the same image."""

    def write(number):
        rng, original = np.random.default_rng(number), originals[number % len(originals)]
        path = photos / original.class_name / f"{number:06}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(data.read_image(original.source))
            wide, high = (int(side * rng.uniform(0.8, 1)) for side in image.size)
            left, top = (
                int(rng.integers(image.width - wide + 1)),
                int(rng.integers(image.height - high + 1)),
            )
            image = image.crop((left, top, left + wide, top + high))
            if rng.integers(2):
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            image.save(path, quality=int(rng.integers(75, 96)))
        return path

    return thread_map(
        write,
        numbers,
        desc="making images",
        max_workers=os.cpu_count(),
        disable=len(numbers) <= FEW,
    )


def rows_of(n: int, originals: list, photos: Path, place: Path) -> list[dict]:
    """All steps on n images, in a course folder of their own."""
    rows, paths = [], write_images(range(n), originals, photos)
    new = [path.with_name(f"renamed-{path.name}") for path in paths[:FEW]]
    for step in STEPS:
        if step == f"{FEW} added":
            more = write_images(range(n, n + FEW), originals, photos)
        elif step == f"{FEW} renamed":
            for path, to in zip(paths, new, strict=False):
                path.rename(to)
        elif step == f"{FEW} removed":
            for path in more:
                path.unlink()
        row = measured(
            [sys.executable, __file__, "--child", step, str(photos), str(place)], place / "out.txt"
        )
        row["seconds"] = float((place / "out.txt").read_text().splitlines()[-1])
        rows.append(described(n, step, row, place))
    command = [sys.executable, "-m", "helpers", "predict", str(place / "classifier"), str(photos)]
    rows.append(described(n, PREDICT, measured(command, place / "out.txt"), place))
    for path, to in zip(paths, new, strict=False):
        to.rename(path)
    return rows


def described(n: int, step: str, row: dict, place: Path) -> dict:
    seconds, cache = (
        row["seconds"],
        sum(path.stat().st_size for path in (place / "features").glob("*.sqlite")),
    )
    each = {"images/s": n / seconds, "ms an image": 1000 * seconds / n, "ms a further image": None}
    row = {"images": n, "step": step, "seconds": seconds} | each | row | {"cache MB": cache / 1e6}
    print(row, file=sys.stderr, flush=True)
    return row


def main():
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument(
        "--child", nargs=3, help="not for you: a step, the images' folder, the course's folder"
    )
    options = parser.parse_args()
    if options.child:
        step, photos, place = options.child
        return run_step(step, Path(photos), Path(place))
    originals = list(data.load(options.data).images.sample(frac=1, random_state=0).itertuples())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in sorted(options.images):
            place = Path(folder, f"course-{n}")
            place.mkdir()
            rows += rows_of(n, originals, Path(folder, "photos"), place)
    for row, before in zip(rows[len(STEPS) + 1 :], rows, strict=False):
        further = (row["seconds"] - before["seconds"]) / (row["images"] - before["images"])
        row["ms a further image"] = 1000 * further
    report(rows, options.csv)


if __name__ == "__main__":
    main()
