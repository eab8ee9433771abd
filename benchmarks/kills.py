"""Kill lesson 07's training script at random points of progress, resume it, compare with an undisturbed run.

    python benchmarks/kills.py --kills 10

The script is the lesson's own: its cells are read from the notebook. Points are drawn over start-up, batches, the end
of an epoch and the write of a checkpoint. The moment is found by watching what the script prints, or the file that
it writes. Prints one row a run: where it was killed, the epoch of the checkpoint that was left, and the largest
difference of all final arrays (weights, Adam's state, best weights) and of the facts (best, patience, history).
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np
from table import arguments, report

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "07_checkpointing.ipynb"


def lesson_script(folder: Path, **settings) -> Path:
    """Write the lesson's training script to folder/train.py, as the lesson's cells do, and return its path.

    settings : take the place of the lesson's SETTINGS of the same name.
    """
    nb = nbformat.read(NOTEBOOK, 4)
    cells = {cell.id: cell.source for cell in nb.cells if cell.id.startswith("script-")}
    writing = cells.pop("script-write")
    source = "import os, sys, json, zlib\nimport numpy as np\nkeras = None\n\n\n" + "\n\n\n".join(cells.values())
    source += f"\n\n\nSETTINGS |= {settings!r}\n\n\n{writing}\n"
    module = folder / "lesson_cells.py"  # a file, so that inspect.getsource finds the functions
    module.write_text(source, encoding="utf-8")
    code = "import pathlib, runpy; runpy.run_path('lesson_cells.py', {'folder': pathlib.Path()})"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    return folder / "train.py"


def start(script: Path, folder: Path) -> subprocess.Popen:
    with open(folder / "progress.txt", "a") as output:
        return subprocess.Popen([sys.executable, script, folder], stdout=output, stderr=subprocess.STDOUT)


def printed(folder: Path) -> list[str]:
    return (folder / "progress.txt").read_text(errors="replace").splitlines()


def kill_when(process: subprocess.Popen, folder: Path, line: str | None, file: Path | None = None) -> str:
    """Kill the process as soon as it has printed `line` (None: anything) and then, if named, `file` exists.

    Returns its last line. Raises RuntimeError if it ended before.
    """
    seen = len(printed(folder))
    try:
        while process.poll() is None and not (line in (lines := printed(folder)[seen:]) or (line is None and lines)):
            pass
        while file and process.poll() is None and not file.exists():
            pass
        if process.poll() is not None:
            raise RuntimeError(f"It ended before the moment to kill it came: {printed(folder)[-1]}")
    finally:
        process.kill()
        process.wait()
    lines = [line for line in printed(folder)[seen:] if line.startswith(("epoch", "no check", "resumes"))]
    return lines[-1] if lines else "start-up"


def finish(script: Path, folder: Path) -> None:
    if start(script, folder).wait():
        raise RuntimeError(printed(folder)[-1])


def final(folder: Path) -> tuple[dict, dict]:
    with np.load(folder / "state.npz") as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(str(arrays.pop("facts"))), arrays


def largest_difference(one: Path, other: Path) -> float:
    """Largest difference of any array of two finished runs; infinite where names, shapes or facts differ."""
    (facts, arrays), (other_facts, other_arrays) = final(one), final(other)
    if facts != other_facts or arrays.keys() != other_arrays.keys():
        return float("inf")
    return max(float(np.abs(arrays[name] - other_arrays[name]).max()) for name in arrays)


def point(rng: np.random.Generator, number: int, epochs: int, batches: int) -> tuple[str, str | None, bool]:
    """A random moment: its name, the line to wait for, and whether to wait for the next write of a checkpoint too."""
    epoch, batch = int(rng.integers(1, epochs)), int(rng.integers(1, batches + 1))
    if number == 0:
        return "start-up", None, False
    if number % 3 == 1:  # a write takes milliseconds: if one slips through, the next one is taken
        return f"write, epoch {epoch} or later", f"epoch {epoch} batch 1", True
    if number % 3 == 2:
        return f"epoch {epoch}, batch {batch}", f"epoch {epoch} batch {batch}", False
    return f"epoch {epoch} saved", f"epoch {epoch} saved", False


def main():
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from helpers import data, features

    splits = features.extract(data.load(options.data))
    train, validation = splits["train"], splits["validation"]
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        script = lesson_script(place)
        both = {"x": train.x, "y": train.y, "x_validation": validation.x, "y_validation": validation.y}

        def folder_of(name):
            (place / name).mkdir()
            np.savez(place / name / "vectors.npz", **both)
            return place / name

        undisturbed = folder_of("undisturbed")
        finish(script, undisturbed)
        epochs, rng, rows = final(undisturbed)[0]["epoch"], np.random.default_rng(options.seed), []
        for number in range(options.kills):
            folder = folder_of(f"run{number}")
            aim, line, write = point(rng, number, epochs, -(-len(train.y) // 32))
            partial = folder / "state.npz.partial"
            last = kill_when(start(script, folder), folder, line, partial if write else None)
            cut = f"{partial.stat().st_size:,} bytes of it" if partial.exists() else ""
            kept = final(folder)[0]["epoch"] if (folder / "state.npz").exists() else 0
            finish(script, folder)
            rows.append({"aim": aim, "last line": last, "half-written file": cut, "checkpoint of epoch": kept,
                         "largest difference": largest_difference(undisturbed, folder)})  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)
    report(rows, options.csv)


if __name__ == "__main__":
    main()
