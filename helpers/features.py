"""Features: the frozen backbone's output for every picture, computed once and kept under data/features/.

A cache folder belongs to one set of weights, size and layer. It holds chunks of up to 256 pictures: `.npy` files of
(digest of the picture, row), each named by the sha256 of its folder's name and its own bytes. So a picture is found
by its content, whatever its name; a half-written, damaged or foreign chunk is noticed; two processes cannot spoil
each other's work.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from helpers import data, weights
from helpers.files import remove_partials, show, write_atomically
from helpers.pictures import read_picture

CHUNK = 256  # pictures
CHUNK_BYTES = 64e6  # large maps: fewer pictures a chunk
BATCH = 32
RECIPE = 2  # raise it when read_picture or the scaling changes: what was kept is then computed anew


class Split(NamedTuple):
    """x : (pictures, features) float32, or `Maps`.  y : (pictures,) int64, positions in `class_names`."""

    x: "np.ndarray | Maps"
    y: np.ndarray


class Maps:
    """Feature maps that stay on disk: `maps[5]`, `maps[10:20]`, `maps[[3, 1]]` read just those, as float16 arrays."""

    def __init__(self, chunks: list[np.ndarray], where: list[tuple[int, int]]):
        self.chunks, self.where = chunks, np.array(where, int).reshape(-1, 2)  # (pictures, 2) = chunk, row in it
        self.dtype = chunks[0].dtype["row"].base
        self.shape = (len(where), *chunks[0].dtype["row"].shape)

    def __len__(self) -> int:
        return len(self.where)

    def __getitem__(self, index) -> np.ndarray:
        where = self.where[index]
        rows = [self.chunks[chunk]["row"][row] for chunk, row in where.reshape(-1, 2)]
        return np.array(rows, self.dtype).reshape(where.shape[:-1] + self.shape[1:])


def extract(dataset: data.Dataset, size: int = 150, layer: str | None = None, pooled: bool = True) -> dict[str, Split]:
    """Return the features of every picture of `dataset`: {"train": Split, "validation": Split, "test": Split}.

    size : pixels, 71 or more.  layer : where Xception is cut, as in `models.backbone`; None for its last layer.
    pooled : True for vectors, the global average of each channel, (n, channels) float32;
        False for maps, (n, h, w, channels) float16, left on disk (see `Maps`).
    Rows are in the order of `dataset.split(name)`. Only pictures that were never seen run through the network; they
    are kept in chunks as the pass goes on, so an interrupted pass continues where it was.
    Raises ValueError if a picture changed since `data.load`, or if size or layer do not exist.
    """
    pictures = dataset.pictures
    folder = cache_folder(size, layer, pooled)
    rows = complete(folder, pictures["digest"].tolist(), reader(pictures, size), partial(_forward, size, layer, pooled))
    splits = {}
    for name in data.SHARES:
        x = Maps(rows.chunks, rows.where[pictures["split"] == name])
        splits[name] = Split(x[:] if pooled else x, dataset.split(name)["label"].to_numpy("int64"))
    return splits


def extract_pixels(pictures: np.ndarray) -> np.ndarray:
    """Return the features of pictures that are in memory, such as augmented copies: (n, 2048) float32.

    pictures : (n, size, size, 3) uint8, size 71 or more.
    Each is found again by the digest of its pixels, so only pixels that were never seen run through the network; they
    are kept beside the vectors of `extract`, in chunks as the pass goes on.
    Raises ValueError for another shape or type.
    """
    if pictures.ndim != 4 or pictures.shape[1] != pictures.shape[2] or pictures.shape[3] != 3:
        raise ValueError(f"Expected pictures of shape (n, size, size, 3), got {pictures.shape}.")
    if pictures.dtype != np.uint8:
        raise ValueError(f"Expected pictures of type uint8, 0 to 255, got {pictures.dtype}.")
    digests = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]
    number = dict(zip(digests, range(len(digests)), strict=True))

    def read(batch):
        return pictures[[number[digest] for digest in batch]]

    size = pictures.shape[1]
    return complete(cache_folder(size), digests, read, partial(_forward, size, None, True))[:]


def cache_folder(size: int = 150, layer: str | None = None, pooled: bool = True) -> Path:
    """The folder that keeps these features: named by the weights' digest, the size, the layer and the recipe."""
    kind = "vectors" if pooled else "maps"
    return data.DATA / "features" / f"xception-{weights.used()[:8]}-{size}px-{layer or 'last'}-{kind}-{RECIPE}"


def prepare(sources: Iterable, size: int) -> np.ndarray:
    """Read pictures (paths or binary files) into one batch, as `extract` does: (n, size, size, 3), uint8."""
    return np.stack([read_picture(source, size) for source in sources])


def read_ahead(items: list, read: Callable, desc: str, quiet: bool = False) -> Iterator:
    """Cut items into batches and yield (batch, read(batch)) in order, under a progress bar.

    Threads read the next four batches meanwhile. quiet : no bar.
    """
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    bar = tqdm(total=len(items), desc=desc, unit=" pictures", mininterval=1, disable=quiet)
    with ThreadPoolExecutor(os.cpu_count()) as readers, bar:
        waiting = [readers.submit(read, batch) for batch in batches[:4]]
        for number, batch in enumerate(batches):
            done = waiting.pop(0).result()
            if number + 4 < len(batches):
                waiting.append(readers.submit(read, batches[number + 4]))
            yield batch, done
            bar.update(len(batch))


def complete(folder: Path, digests: list[str], read: Callable, make: Callable) -> Maps:
    """Return the rows of these pictures, in order, from the chunks in `folder`; what is not kept yet is computed.

    read : up to BATCH digests -> their pictures, (n, size, size, 3) uint8.
    make : called once if something is missing: how many pictures -> a function, pictures -> their rows.
    """
    chunks, place = _kept(folder)
    todo = list(dict.fromkeys(digest for digest in digests if digest not in place))
    if todo:
        forward, done, rows = make(len(todo)), [], []
        for batch, pixels in read_ahead(todo, read, "features"):
            rows.append(forward(pixels))
            done += batch
            if len(done) >= CHUNK or sum(row.nbytes for row in rows) > CHUNK_BYTES:
                _write_chunk(folder, done, np.concatenate(rows))
                done, rows = [], []
        if done:
            _write_chunk(folder, done, np.concatenate(rows))
        chunks, place = _kept(folder)
    return Maps(chunks, [place[digest] for digest in digests])


def reader(pictures: pd.DataFrame, size: int) -> Callable:
    """What reads a batch of the pictures in a table of `data.load`: digests -> (n, size, size, 3) uint8."""
    sources = dict(zip(pictures["digest"], pictures["source"], strict=True))

    def content(digest):
        source = sources[digest]
        try:
            found = Path(source).read_bytes()
        except OSError as error:
            problem = f"cannot be read any more ({error.strerror})"
            raise ValueError(f"{show(source)} {problem}. Call data.load() again.") from None
        if hashlib.sha256(found).hexdigest() != digest:
            raise ValueError(f"{show(source)} has changed since data.load() looked at it. Call data.load() again.")
        return io.BytesIO(found)

    return lambda batch: prepare(map(content, batch), size)  # one after the other: photos may be large


def network(size: int = 150, layer: str | None = None, pooled: bool = True):
    """Raw pictures, 0..255 -> scaled -> backbone -> maps or, pooled, vectors: a Keras model."""
    from helpers.models import backbone, extractor

    return extractor(folded(backbone(size, layer)), pooled)


def _forward(size: int, layer: str | None, pooled: bool, n: int) -> Callable:
    """The function that computes the features; maps of n pictures take room, which is said first."""
    model = network(size, layer, pooled)
    forward = compiled(model)
    if pooled:
        return forward
    megabytes, folder = n * int(np.prod(model.output_shape[1:])) * 2 / 1e6, cache_folder(size, layer, pooled).name
    print(f"Feature maps of {n:,} pictures take {megabytes:,.0f} MB in data/features/{folder}")
    return lambda pixels: forward(pixels).astype("float16")


def folded(backbone):
    """Return the same network with BatchNormalization folded into the convolutions before it: a factor and a bias.

    backbone : a Keras model from `models.backbone`. For inference: a tenth faster, outputs differ by about 1e-6.
    Those that end in a sum stay: TensorFlow's optimizer stumbles over a bias there, and says so.
    """
    from helpers.models import keras

    summed = {id(part) for one in backbone.layers if isinstance(one, keras.layers.Add) for part in one.input}
    norms = [one for one in backbone.layers if isinstance(one, keras.layers.BatchNormalization)]
    norms = {id(one.input): one for one in norms if id(one.output) not in summed}

    def clone(layer):
        if layer in norms.values():
            return keras.layers.Identity(name=layer.name)
        return type(layer).from_config(layer.get_config() | ({"use_bias": True} if id(layer.output) in norms else {}))

    faster = keras.models.clone_model(backbone, clone_function=clone, call_function=lambda layer, *x, **_: layer(*x))
    for layer in backbone.layers:
        weights = layer.get_weights()
        if norm := norms.get(id(layer.output)):
            gamma, beta, mean, variance = norm.get_weights()
            factor = gamma / np.sqrt(variance + norm.epsilon)
            weights = [*weights[:-1], weights[-1] * factor, beta - mean * factor]
        if weights and layer not in norms.values():
            faster.get_layer(layer.name).set_weights(weights)
    return faster


def compiled(model) -> Callable:
    """The model as one graph without Keras' bookkeeping per batch: (n, size, size, 3) uint8 -> float32, n <= BATCH.

    A smaller batch is filled up with black: one shape, so one trace and always the same numbers.
    """
    import tensorflow as tf

    graph = tf.function(lambda pixels: model(tf.cast(pixels, tf.float32), training=False))

    def forward(pixels):
        full = np.zeros((BATCH, *pixels.shape[1:]), "uint8")
        full[: len(pixels)] = pixels
        return graph(tf.constant(full)).numpy()[: len(pixels)]

    return forward


def _write_chunk(folder: Path, digests: list[str], rows: np.ndarray) -> None:
    chunk = np.empty(len(rows), [("digest", "S64"), ("row", rows.dtype, rows.shape[1:])])
    chunk["digest"], chunk["row"] = digests, rows
    content = io.BytesIO()
    np.save(content, chunk, allow_pickle=False)
    remove_partials(*folder.glob("*.partial"))
    path = folder / f"{_name(content, folder)}.npy"
    if not (path.is_file() and _whole(path)):  # Windows replaces no file that another process has mapped
        write_atomically(path, lambda out: out.write(content.getbuffer()))


def _kept(folder: Path) -> tuple[list[np.ndarray], dict[str, tuple[int, int]]]:
    """All whole chunks, memory-mapped, and the place of each picture: digest -> (chunk, row).

    A file whose bytes do not hash to its name is removed and said so.
    """
    chunks = []
    for path in sorted(folder.glob("*.npy")):
        try:  # names can be forged, and a pipe would wait for ever
            chunk = np.load(path, "r", allow_pickle=False) if path.is_file() and _whole(path) else None
            chunks.append(chunk[["digest", "row"]])
        except OSError:  # too many open files, no permission: nothing is wrong with the chunk
            raise
        except Exception:  # NumPy raises nearly every kind of exception on broken files
            print(f"{show(path)} is damaged or not from this course; its features are computed again.")
            with suppress(OSError):
                path.unlink()
    places = ((d, (c, r)) for c, chunk in enumerate(chunks) for r, d in enumerate(chunk["digest"].tolist()))
    return chunks, {digest.decode(): place for digest, place in places}


def _whole(path: Path) -> bool:
    with open(path, "rb") as file:
        return _name(file, path.parent) == path.stem


def _name(file, folder: Path) -> str:
    return hashlib.file_digest(file, lambda: hashlib.sha256(folder.name.encode())).hexdigest()[:32]
