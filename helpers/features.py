"""Features: the frozen backbone's output for every image, computed once, kept in data/features/.

A SQLite file for each set of weights, size and layer: the image's digest -> its row. SQLite keeps
the file whole whatever is killed, and lets two processes write to it.
"""

import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from helpers import data, weights
from helpers.images import printable, read_image

BATCH = 32  # images


class Split(NamedTuple):
    """x : (images, features) float32, or `FeatureMaps`.  y : (images,) int64, the labels."""

    x: "np.ndarray | FeatureMaps"
    y: np.ndarray


class FeatureMaps:
    """Features that stay on disk: `maps[5]`, `maps[10:20]`, `maps[[3, 1]]` read just those.

    shape : (images, h, w, channels).  dtype : float16.  Threads and processes may share it.
    """

    def __init__(self, file: Path, digests: list[str]):
        self.file, self.digests = file, np.array(digests, "U")
        with _opened(file) as db:
            shape, dtype = db.execute("SELECT shape, dtype FROM meta").fetchone()
        self.shape, self.dtype = (len(digests), *json.loads(shape)), np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, index) -> np.ndarray:
        chosen, shape = self.digests[index], self.shape[1:]
        rows = np.empty((chosen.size, *shape), self.dtype)
        with _opened(self.file) as db:
            for number, digest in enumerate(chosen.ravel().tolist()):
                found = db.execute("SELECT row FROM rows WHERE digest = ?", [digest])
                rows[number] = np.frombuffer(found.fetchone()[0], self.dtype).reshape(shape)
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
    Raises ValueError if an image changed since `data.load`, or if size or layer do not exist;
    OSError if the cache cannot be written.
    """
    file = cache_file(size, layer, pooled)
    read = image_reader(dataset.images, size, dataset.value_range)
    build = partial(_forward, file, size, layer, pooled)
    complete(file, dataset.images["digest"].tolist(), read, build)
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
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:
        raise ValueError(f"Expected images of shape (n, size, size, 3), got {images.shape}.")
    if images.dtype != np.uint8:
        raise ValueError(f"Expected images of type uint8, 0 to 255, got {images.dtype}.")
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    pixels = dict(zip(digests, images, strict=True))

    def read(batch):
        return np.stack([pixels[digest] for digest in batch])

    size = images.shape[1]
    file = cache_file(size)
    complete(file, digests, read, partial(_forward, file, size, None, True))
    return FeatureMaps(file, digests)[:]


def cache_file(size: int, layer: str | None = None, pooled: bool = True) -> Path:
    """The file that holds these features, named by the weights, the size and the layer."""
    kind = "vectors" if pooled else "maps"
    name = f"xception-{weights.digest()[:8]}-{size}px-{layer or 'last'}-{kind}.sqlite"
    return data.DATA / "features" / name


def complete(file: Path, digests: list[str], read: Callable, build: Callable) -> None:
    """Compute the rows that `file` does not hold yet, and add them batch by batch.

    read : up to BATCH digests -> their images, (n, size, size, 3) uint8.
    build : called once if rows are missing, with their number: a function, images -> rows.
    """
    cached = _cached(file)
    todo = [digest for digest in dict.fromkeys(digests) if digest not in cached]
    if todo:
        forward = build(len(todo))
        for batch, images in prefetch(todo, read, "features"):
            _add(file, batch, forward(images))


def image_reader(table: pd.DataFrame, size: int, value_range=None) -> Callable:
    """What reads images of `dataset.images`: digests -> (n, size, size, 3) uint8."""
    sources = dict(zip(table["digest"], table["source"], strict=True))

    def read(batch):
        return np.stack([_read(sources[one], one, size, value_range) for one in batch])

    return read


def prefetch(items: list, read: Callable, desc: str, quiet: bool = False) -> Iterator:
    """Cut items into batches; yield (batch, read(batch)) in order, under a progress bar.

    Threads read the next four batches meanwhile.  quiet : no bar.
    """
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    bar = tqdm(total=len(items), desc=desc, unit=" images", mininterval=1, disable=quiet)
    with ThreadPoolExecutor(os.cpu_count()) as threads, bar:
        waiting = [threads.submit(read, batch) for batch in batches[:4]]
        for number, batch in enumerate(batches):
            done = waiting.pop(0).result()
            if number + 4 < len(batches):
                waiting.append(threads.submit(read, batches[number + 4]))
            yield batch, done
            bar.update(len(batch))


def fused(backbone):
    """Return the same network with batch normalization fused into the convolutions before it.

    backbone : from `models.backbone`. For prediction only: a tenth faster, outputs differ by 1e-6.
    Where a sum follows (sepconv3, shortcuts), TensorFlow would gain nothing.
    """
    from helpers.models import keras

    norms = {}  # name of a convolution -> the batch normalization after it
    for layer in backbone.layers:
        if layer.name.endswith("_bn") and "sepconv3" not in layer.name:
            norms[layer.name.removesuffix("_bn")] = layer

    def clone(layer):
        if layer in norms.values():
            return keras.layers.Identity(name=layer.name)
        more = {"use_bias": True} if layer.name in norms else {}
        return type(layer).from_config(layer.get_config() | more)

    def call(layer, *inputs, **options):  # Identity takes none of BatchNormalization's options
        return layer(*inputs)

    model = keras.models.clone_model(backbone, clone_function=clone, call_function=call)
    tensors = {layer.name: layer.get_weights() for layer in backbone.layers if layer.weights}
    for name, norm in norms.items():
        tensors[name] = _fuse(tensors[name], norm)
        del tensors[norm.name]
    for name, values in tensors.items():
        model.get_layer(name).set_weights(values)
    return model


def _fuse(kernels: list[np.ndarray], norm) -> list[np.ndarray]:
    """(x * kernel - mean) * factor + beta = x * (kernel * factor) + bias: [..., kernel, bias]."""
    gamma, beta, mean, variance = norm.get_weights()
    factor = gamma / np.sqrt(variance + norm.epsilon)
    return [*kernels[:-1], kernels[-1] * factor, beta - mean * factor]


def predict_function(model) -> Callable:
    """The model without Keras' bookkeeping per batch: (n, size, size, 3) uint8 -> float32.

    n is at most BATCH. A smaller batch is filled up with black: one graph, always the same numbers.
    """
    import tensorflow as tf

    graph = tf.function(lambda images: model(tf.cast(images, tf.float32), training=False))

    def predict(images):
        full = np.zeros((BATCH, *images.shape[1:]), "uint8")
        full[: len(images)] = images
        return graph(tf.constant(full)).numpy()[: len(images)]

    return predict


def _read(source: str, digest: str, size: int, value_range) -> np.ndarray:
    try:
        content = Path(source).read_bytes()
    except OSError:
        content = b""
    if not digest.startswith(hashlib.sha256(content).hexdigest()):  # a value range may follow
        problem = "vanished or changed since data.load() looked at it"
        raise ValueError(f"{printable(source)} {problem}. Call data.load() again.")
    return read_image(io.BytesIO(content), size, value_range)


def _forward(file: Path, size: int, layer: str | None, pooled: bool, n: int) -> Callable:
    """The function images -> features; maps of n images take room, which is said first."""
    from helpers import models  # loads TensorFlow

    model = models.extractor(fused(models.backbone(size, layer)), pooled)
    predict = predict_function(model)
    if pooled:
        return predict
    megabytes = n * np.prod(model.output_shape[1:]) * 2 / 1e6
    print(f"Feature maps of {n:,} images take {megabytes:,.0f} MB in data/features/{file.name}")
    return lambda images: predict(images).astype("float16")


def _add(file: Path, digests: list[str], rows: np.ndarray) -> None:
    """Add a batch: all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _opened(file) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE IF NOT EXISTS rows (digest TEXT PRIMARY KEY, row BLOB)")
        db.execute("CREATE TABLE IF NOT EXISTS meta (id PRIMARY KEY, shape TEXT, dtype TEXT)")
        meta = 0, json.dumps(rows.shape[1:]), str(rows.dtype)
        db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?, ?)", meta)
        pairs = [(digest, row.tobytes()) for digest, row in zip(digests, rows, strict=True)]
        db.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", pairs)


def _cached(file: Path) -> set[str]:
    """The digests whose rows are there; none if the file is damaged, and that is said."""
    if not file.exists() or not file.stat().st_size:
        return set()
    try:
        with _opened(file) as db:
            return {digest for (digest,) in db.execute("SELECT digest FROM rows")}
    except DamagedError as error:
        print(error)
        return set()


class DamagedError(OSError):
    """SQLite could not read the file: a copy that was cut, say. It was renamed to *.damaged."""


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection of one's own, so threads share nothing. Waits a minute for other processes."""
    try:
        with closing(sqlite3.connect(file, timeout=60)) as db, db:
            yield db
    except sqlite3.OperationalError as error:
        advice = "Make room on the disk, or name a local folder of yours in COURSE_DATA"
        raise OSError(f"{printable(file)}: {error}. {advice}.") from None
    except sqlite3.ProgrammingError:  # a mistake of ours, not of the file
        raise
    except sqlite3.DatabaseError as error:
        os.replace(file, file.with_suffix(".damaged"))
        file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
        problem = f"was damaged ({error}). Its features are computed again."
        raise DamagedError(f"{printable(file)} {problem}") from None
