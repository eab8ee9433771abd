"""Features: the frozen backbone's output for every image, computed once, kept in data/features/.

A SQLite file for each set of weights, size and layer: the image's digest -> its row. SQLite keeps
the file whole whatever is killed, and lets two processes write to it.
"""

import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from helpers import data, weights
from helpers.images import printable, read_image

BATCH = 32  # images
AHEAD = 4  # batches that are read while the network is busy


class Split(NamedTuple):
    """x : (images, features) float32, or `FeatureMaps`.  y : (images,) int64, the labels."""

    x: "np.ndarray | FeatureMaps"
    y: np.ndarray


class FeatureMaps:
    """Features that stay on disk: `maps[5]`, `maps[10:20]`, `maps[[3, 1]]` read just those.

    shape : (images, h, w, channels).  dtype : float16 (float32 in a file of vectors, whose shape is
    (images, channels)).  Threads and processes may share it.
    """

    def __init__(self, file: Path, digests: list[str]):
        self.file = file
        self.digests = np.array(digests, "U")  # an array, since NumPy takes any index
        with _database(_with_shared(file)[0]) as db:
            shape, dtype = db.execute("SELECT shape, dtype FROM meta").fetchone()
        self.shape, self.dtype = (len(digests), *json.loads(shape)), np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, index) -> np.ndarray:
        chosen, shape = self.digests[index], self.shape[1:]
        rows = np.empty((chosen.size, *shape), self.dtype)
        missing = dict(enumerate(chosen.ravel().tolist()))
        for file in _with_shared(self.file):
            with _database(file) as db:
                for number, digest in list(missing.items()):
                    found = db.execute("SELECT row FROM rows WHERE digest = ?", [digest]).fetchone()
                    if found:
                        rows[number] = np.frombuffer(found[0], self.dtype).reshape(shape)
                        del missing[number]
        if missing:  # somebody deleted or replaced the file
            raise KeyError(f"{self.file}: no features of {missing.popitem()[1]}")
        return rows.reshape(chosen.shape + shape)


def extract(
    dataset: data.Dataset, size: int = 150, layer: str | None = None, pooled: bool = True
) -> dict[str, Split]:
    """Return the features of all images: {"train": Split, "validation": Split, "test": Split}.

    size : pixels, 71 or more.  layer : where Xception is cut, as in `models.backbone`.
    pooled : True for vectors, the mean of each channel, (n, channels) float32;
        False for maps, (n, h, w, channels) float16, which stay on disk (`FeatureMaps`).
    Rows are in the order of `dataset.split(name)`. Only images that were never seen run through the
    network. Each batch is cached as it comes, so an interrupted pass continues where it was.
    Raises ValueError if a new image changed since `data.load`, or if size or layer do not exist;
    OSError if the cache cannot be written.
    """
    file = cache_file(size, layer, pooled)
    sources = dict(zip(dataset.images["digest"], dataset.images["source"], strict=True))
    missing = find_missing(file, sources)
    if missing:

        def read(digest):
            return read_unchanged(sources[digest], digest, size, dataset.value_range)

        compute(file, missing, read, network(size, layer, pooled))
    splits = {}
    for name in data.SPLITS:
        rows = dataset.split(name)
        x = FeatureMaps(file, rows["digest"].tolist())
        splits[name] = Split(x[:] if pooled else x, rows["label"].to_numpy("int64"))
    return splits


def extract_pixels(images: np.ndarray) -> np.ndarray:
    """Return the features of images in memory, such as augmented copies: (n, 2048) float32.

    images : (n, size, size, 3) uint8, size 71 or more.
    Each is found again by the digest of its pixels, so only pixels that were never seen run
    through the network. Raises ValueError for another shape or type.
    """
    if (
        images.ndim != 4
        or images.shape[1] != images.shape[2]
        or images.shape[3] != 3
        or not len(images)
    ):
        raise ValueError(f"Expected images of shape (n, size, size, 3), got {images.shape}.")
    if images.dtype != np.uint8:
        raise ValueError(f"Expected images of type uint8, 0 to 255, got {images.dtype}.")
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    pixels = dict(zip(digests, images, strict=True))
    size = images.shape[1]
    file = cache_file(size)
    missing = find_missing(file, pixels)
    if missing:
        compute(file, missing, pixels.get, network(size))
    return FeatureMaps(file, digests)[:]


def cache_file(size: int, layer: str | None = None, pooled: bool = True) -> Path:
    """The file that holds these features, named by the weights, the size and the layer."""
    kind = "vectors" if pooled else "maps"
    name = f"xception-{weights.digest()[:8]}-{size}px-{layer or 'last'}-{kind}.sqlite"
    return data.DATA / "features" / name


def find_missing(file: Path, digests: Iterable[str]) -> list[str]:
    """The digests, each once, whose rows neither `file` nor its shared twin holds yet."""
    cached = set()
    for each in _with_shared(file):
        with _database(each) as db:
            cached |= {digest for (digest,) in db.execute("SELECT digest FROM rows")}
    return [digest for digest in dict.fromkeys(digests) if digest not in cached]


def compute(file: Path, digests: list[str], read: Callable, forward: Callable) -> None:
    """Run images through the network, and add their rows to the file, batch by batch.

    read : a digest -> its image, (size, size, 3) uint8.
    forward : the network, as `network` gives it: (n, size, size, 3) uint8 -> (n, ...).
    """

    def read_batch(batch):
        return np.stack([read(digest) for digest in batch])

    for number, (batch, images) in enumerate(prefetch(digests, read_batch, "features")):
        rows = forward(images)
        if number == 0 and rows.ndim == 4:
            megabytes = rows[0].nbytes * len(digests) / 1e6
            print(
                f"Feature maps of {len(digests):,} images take {megabytes:,.0f} MB in {file.name}"
            )
        _add(file, batch, rows)


def prefetch(items: list, read: Callable, desc: str, quiet: bool = False) -> Iterator:
    """Cut items into batches; yield (batch, read(batch)) in order, under a progress bar.

    Threads read the next batches meanwhile.  quiet : no bar.
    """
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    bar = tqdm(total=len(items), desc=desc, unit=" images", mininterval=1, disable=quiet)
    with bar, ThreadPoolExecutor(os.cpu_count()) as threads:
        reading = [threads.submit(read, batch) for batch in batches[:AHEAD]]
        for batch, later in zip_longest(batches, batches[AHEAD:]):
            done = reading.pop(0).result()
            if later is not None:
                reading.append(threads.submit(read, later))
            yield batch, done
            bar.update(len(batch))


def read_unchanged(source: str, digest: str, size: int, value_range=None) -> np.ndarray:
    """Read an image, (size, size, 3) uint8; ValueError unless it is the file of this digest."""
    path = Path(source)
    content = path.read_bytes() if path.is_file() else b""
    if not digest.startswith(hashlib.sha256(content).hexdigest()):  # a value range may follow
        problem = "vanished or changed since data.load() looked at it"
        raise ValueError(f"{printable(source)} {problem}. Call data.load() again.")
    return read_image(io.BytesIO(content), size, value_range)


def network(size: int, layer: str | None = None, pooled: bool = True) -> Callable:
    """The function (n, size, size, 3) uint8 -> vectors, float32, or maps, float16."""
    from helpers import models  # loads TensorFlow

    forward = predict_function(models.extractor(fused(models.backbone(size, layer)), pooled))
    return forward if pooled else lambda images: forward(images).astype("float16")


def predict_function(model) -> Callable:
    """The model without Keras' bookkeeping per batch: (n, size, size, 3) uint8 -> float32.

    n is at most BATCH. A smaller batch is filled up with black images, so that TensorFlow runs one
    graph, and an image has the same numbers in every batch.
    """
    import tensorflow as tf

    graph = tf.function(lambda images: model(tf.cast(images, tf.float32), training=False))

    def predict(images):
        full = np.zeros((BATCH, *images.shape[1:]), "uint8")
        full[: len(images)] = images
        return graph(tf.constant(full)).numpy()[: len(images)]

    return predict


def fused(backbone):
    """Return the same network with batch normalization fused into the convolutions before it.

    Once trained, batch normalization multiplies each channel by a factor and adds a number. Scaled
    kernels and a bias do the same in one step:
    (x * kernel - mean) * factor + beta = x * (kernel * factor) + (beta - mean * factor).
    backbone : from `models.backbone`. For prediction only: a tenth faster, outputs differ by 1e-6.
    """
    from helpers.models import keras

    # name of a convolution -> the batch normalization after it; where a sum follows (sepconv3 and
    # the shortcuts), TensorFlow would gain nothing
    norms = {
        layer.name.removesuffix("_bn"): layer
        for layer in backbone.layers
        if layer.name.endswith("_bn") and "sepconv3" not in layer.name
    }

    def copy(layer):
        if layer in norms.values():
            return keras.layers.Identity(name=layer.name)
        bias = {"use_bias": True} if layer.name in norms else {}
        return type(layer).from_config(layer.get_config() | bias)

    def call(layer, *inputs, **options):  # Identity takes none of BatchNormalization's options
        return layer(*inputs)

    model = keras.models.clone_model(backbone, clone_function=copy, call_function=call)
    for layer in model.layers:
        if layer.weights:
            tensors = backbone.get_layer(layer.name).get_weights()
            norm = norms.get(layer.name)
            layer.set_weights(tensors if norm is None else _fuse(tensors, norm))
    return model


def _fuse(kernels: list[np.ndarray], norm) -> list[np.ndarray]:
    """Scale the last kernel of a convolution, and add the bias."""
    gamma, beta, mean, variance = norm.get_weights()
    factor = gamma / np.sqrt(variance + norm.epsilon)
    return [*kernels[:-1], kernels[-1] * factor, beta - mean * factor]


def _with_shared(file: Path) -> list[Path]:
    """The file, and the one of its name in a data/ that may only be read: those that there are."""
    shared = [data.SHARED / "features" / file.name] if data.SHARED else []
    # a file is empty if a process was killed at its birth
    return [each for each in (file, *shared) if each.exists() and each.stat().st_size]


def _add(file: Path, digests: list[str], rows: np.ndarray) -> None:
    """Add a batch: all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _database(file) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE IF NOT EXISTS rows (digest TEXT PRIMARY KEY, row BLOB)")
        db.execute("CREATE TABLE IF NOT EXISTS meta (id PRIMARY KEY, shape TEXT, dtype TEXT)")
        meta = 0, json.dumps(rows.shape[1:]), str(rows.dtype)
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?, ?)", meta)
        pairs = [(digest, row.tobytes()) for digest, row in zip(digests, rows, strict=True)]
        db.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", pairs)


@contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection of one's own, so threads share nothing. Waits a minute for other processes."""
    try:
        # the second `db` commits at the end, or rolls back if something was raised
        # and a file that may only be read is opened so
        mode = "rwc" if data.SHARED not in file.parents else "ro"
        name = f"{file.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(name, timeout=60, uri=True)) as db, db:
            yield db
    except sqlite3.Error as error:
        if "locked" in str(error):
            advice = "Another notebook is writing to it. Wait for it, or stop it"
        elif "no such table" in str(error) or type(error) is sqlite3.DatabaseError:
            advice = "The file is damaged. Delete it, and its features are computed again"
        elif isinstance(error, sqlite3.OperationalError):
            advice = "Make room on the disk, or name a local folder of yours in COURSE_DATA"
        else:
            raise
        raise OSError(f"{printable(file)}: {error}. {advice}.") from None
