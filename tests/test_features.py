"""What `features.extract` promises: each image once through the network, whatever happens."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from helpers import data, features, models, weights
from helpers.models import keras

ROOT = Path(__file__).resolve().parent.parent
SIZE, COUNT = 71, 40


def write(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """Write images of noise, so many of each class."""
    rng = np.random.default_rng(seed)
    for class_name, count in counts.items():
        (folder / class_name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (75, 80, 3), "uint8")
            Image.fromarray(pixels).save(folder / class_name / f"{class_name}-{seed}-{number}.png")
    return folder


@pytest.fixture(scope="module")
def networks():
    """Each network is built once for this file; `ran` notes how many images each batch held."""
    ran = []
    predict_function = cache(features.predict_function)

    def counting(model):
        predict = predict_function(model)

        def run(images):
            ran.append(len(images))
            return predict(images)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "backbone", cache(models.backbone))
        patch.setattr(models, "extractor", cache(models.extractor))
        patch.setattr(features, "fused", cache(features.fused))
        patch.setattr(features, "predict_function", counting)
        yield SimpleNamespace(ran=ran)


@pytest.fixture(scope="module")
def first(networks, tmp_path_factory):
    """Forty images and their vectors in a data/ folder, for each test to copy."""
    top = tmp_path_factory.mktemp("features")
    write(top / "photos", {"cat": COUNT // 2, "dog": COUNT // 2})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", top / "data")
        vectors = features.extract(data.load(top / "photos"), SIZE)
    return SimpleNamespace(top=top, vectors=vectors)


@pytest.fixture
def course(first, networks, tmp_path, monkeypatch):
    """A copy of those images and of the cached vectors: `photos`, `load()`, `ran()`, `file`."""
    shutil.copytree(first.top / "photos", tmp_path / "photos")
    shutil.copytree(first.top / "data" / "features", tmp_path / "data" / "features")
    monkeypatch.setattr(data, "DATA", tmp_path / "data")
    networks.ran.clear()
    (file,) = (tmp_path / "data" / "features").iterdir()
    return SimpleNamespace(
        photos=tmp_path / "photos",
        load=lambda: data.load(tmp_path / "photos"),
        ran=lambda: sum(networks.ran),
        file=file,
    )


def direct(dataset, split) -> np.ndarray:
    """The second road: Keras' own model and its own scaling."""
    model = keras.applications.Xception(
        weights=weights.fetch(), include_top=False, input_shape=(SIZE, SIZE, 3)
    )
    pixels = data.read_images(dataset.split(split)["source"], SIZE).astype("float32")
    return model(keras.applications.xception.preprocess_input(pixels), training=False).numpy()


def same(splits, others) -> bool:
    return all(np.array_equal(splits[name].x, others[name].x) for name in data.SPLITS)


# What comes back -----------------------------------------------------------------------------


def test_vectors_are_the_mean_of_the_networks_output_in_the_tables_order(course):
    dataset = course.load()
    vectors = features.extract(dataset, SIZE)
    for name in data.SPLITS:
        x, y = vectors[name]
        assert x.shape == (len(dataset.split(name)), 2048)
        assert x.dtype == np.float32 and y.dtype == np.int64
        assert y.tolist() == dataset.split(name)["label"].tolist()
    assert np.allclose(vectors["test"].x, direct(dataset, "test").mean(axis=(1, 2)), atol=1e-4)


def test_maps_are_the_networks_output_as_float16(course, capsys):
    dataset = course.load()
    maps = features.extract(dataset, SIZE, pooled=False)["test"].x
    assert maps.shape == (len(dataset.split("test")), 3, 3, 2048) and maps.dtype == np.float16
    assert len(maps) == len(maps[:]) and np.allclose(maps[:], direct(dataset, "test"), atol=1e-3)
    assert "Feature maps of 40 images take 1 MB" in capsys.readouterr().out


def test_maps_are_indexed_like_an_array(course):
    maps = features.extract(course.load(), SIZE, "block13", pooled=False)["train"].x
    assert maps.shape[1:] == (3, 3, 1024)
    whole = maps[:]
    few = np.array([], int)
    for index in (0, -1, slice(3, 9), slice(None, None, -5), [3, 1, 1], whole[:, 0, 0, 0] > 0, few):
        assert np.array_equal(maps[index], whole[index]) and maps[index].dtype == np.float16
    with pytest.raises(IndexError):
        maps[len(maps)]
    with ThreadPoolExecutor(4) as threads:  # as Keras reads them
        assert np.array_equal(list(threads.map(maps.__getitem__, range(20))), whole[:20])


# What runs through the network ---------------------------------------------------------------


def test_ten_new_images_cost_ten_and_known_ones_none_whatever_they_are_called(course, first):
    assert same(features.extract(course.load(), SIZE), first.vectors) and course.ran() == 0
    write(course.photos, {"cat": 6, "dog": 4}, seed=1)
    for number, path in enumerate(sorted((course.photos / "cat").iterdir())):
        path.rename(path.with_name(f"renamed-{number}.png"))
    dataset = data.load(course.photos.rename(course.photos.with_name("other photos")))
    splits = features.extract(dataset, SIZE).values()
    assert course.ran() == 10 and sum(len(split.x) for split in splits) == COUNT + 10


def test_other_weights_layers_and_sizes_have_files_of_their_own(course, monkeypatch):
    assert course.file.name == f"xception-{weights.DIGEST[:8]}-71px-last-vectors.sqlite"
    features.extract(course.load(), SIZE, "block13", pooled=False)
    monkeypatch.setattr(weights, "digest", lambda: "f" * 64)
    features.extract(course.load(), SIZE)
    names = {path.name for path in course.file.parent.iterdir()} - {course.file.name}
    assert names == {
        f"xception-{weights.DIGEST[:8]}-71px-block13-maps.sqlite",
        "xception-ffffffff-71px-last-vectors.sqlite",
    }


def test_an_interrupted_pass_goes_on_where_it_was(course, first, networks, monkeypatch):
    course.file.write_bytes(b"")  # as a kill at its birth leaves it
    add = features._add

    def interrupted(*args):
        add(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(features, "_add", interrupted)
        features.extract(course.load(), SIZE)
    assert same(features.extract(course.load(), SIZE), first.vectors)
    assert networks.ran == [32, 8]


KILLED = """
import os, sqlite3, sys
from functools import partial
from pathlib import Path
import numpy as np
from helpers import features


class Killed(sqlite3.Connection):
    def executemany(self, statement, rows):
        self.execute("PRAGMA cache_size = 1")  # so that half a transaction is in the file
        super().executemany(statement, rows)
        if rows[0][0] == "1":
            os._exit(9)


sqlite3.connect = partial(sqlite3.connect, factory=Killed)
for digest in "01":
    features._add(Path(sys.argv[1]), [digest], np.full((1, 100_000), 7, "float32"))
"""


@pytest.mark.slow
def test_a_pass_killed_while_it_writes_has_all_batches_before(tmp_path):
    file = tmp_path / "features" / "x.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, file], cwd=ROOT)
    assert done.returncode == 9
    assert Path(f"{file}-journal").stat().st_size, "killed in the middle of a transaction"
    assert features.find_missing(file, ["0", "1"]) == ["1"]
    assert (features.FeatureMaps(file, ["0"])[:] == 7).all()


def test_another_process_that_writes_is_waited_for(course):
    other = sqlite3.connect(course.file, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.5, other.rollback).start()
    features._add(course.file, ["new"], np.zeros((1, 2048), "float32"))  # else: "locked"
    assert features.find_missing(course.file, ["new"]) == []
    other.close()


# What may happen to the files ----------------------------------------------------------------


def test_a_damaged_file_is_named_and_once_deleted_its_features_are_computed_again(course, first):
    whole = course.file.read_bytes()
    course.file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match=r"vectors\.sqlite: .*\. The file is damaged\. Delete it"):
        features.extract(course.load(), SIZE)
    course.file.unlink()
    assert same(features.extract(course.load(), SIZE), first.vectors)
    assert course.ran() == COUNT


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("database is locked", "Another notebook is writing to it"),
        ("database or disk is full", "Make room on the disk"),
    ],
)
def test_what_sqlite_says_is_named_with_advice(course, error, advice):
    expected = pytest.raises(OSError, match=rf"vectors\.sqlite: {error}\. {advice}")
    with expected, features._database(course.file):
        raise sqlite3.OperationalError(error)


def test_an_image_that_changes_after_load_is_named(course):
    dataset = course.load()
    course.file.unlink()
    shutil.copy(course.photos / "cat" / "cat-0-1.png", course.photos / "cat" / "cat-0-0.png")
    with pytest.raises(ValueError, match=r"cat-0-0\.png vanished or changed .* data\.load\(\)"):
        features.extract(dataset, SIZE)


def test_sixteen_bits_are_read_in_the_datasets_value_range(course):
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 4096, (75, 80)).astype("uint16")
        Image.fromarray(pixels).save(course.photos / "dog" / f"16-bit-{number}.png")
    dark, bright = (
        features.extract(data.load(course.photos, value_range=(0, white)), SIZE)["train"].x
        for white in (65535, 4095)
    )
    assert not np.allclose(dark, bright, atol=1e-3)


# Images in memory ----------------------------------------------------------------------------


def test_pixels_have_the_features_of_their_files_and_each_runs_once(course, networks):
    dataset = course.load()
    images = data.read_images(dataset.split("train")["source"], SIZE)
    vectors = features.extract_pixels(images)
    assert np.allclose(vectors, features.extract(dataset, SIZE)["train"].x, atol=1e-4)
    mirrored = images[:, :, ::-1]
    more = features.extract_pixels(np.concatenate([mirrored[:2], images[::-1], mirrored[:1]]))
    assert course.ran() == len(images) + 2
    assert np.array_equal(more[2:-1], vectors[::-1]) and np.array_equal(more[0], more[-1])
    assert not np.allclose(more[0], vectors[0], atol=1e-3)


def test_pixels_that_are_scaled_already_are_refused():
    with pytest.raises(ValueError, match="uint8, 0 to 255, got float32"):
        features.extract_pixels(np.zeros((2, SIZE, SIZE, 3), "float32"))


# The network, made fast ----------------------------------------------------------------------


def test_fused_is_the_same_network_with_a_quarter_of_its_normalizations(networks):
    backbone = models.backbone(SIZE)
    fused = features.fused(backbone)
    kinds = [type(layer).__name__ for layer in fused.layers]
    assert kinds.count("BatchNormalization") == 12  # those that end in a sum: 8 blocks, 4 shortcuts
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, SIZE, SIZE, 3)).astype("float32")
    assert np.allclose(fused(pixels), backbone(pixels, training=False), atol=1e-5)


def test_a_batch_that_is_not_full_gives_the_same_numbers(networks):
    model = models.extractor(features.fused(models.backbone(SIZE)))
    predict = features.predict_function(model)
    images = np.random.default_rng(0).integers(0, 256, (features.BATCH, SIZE, SIZE, 3), "uint8")
    assert np.array_equal(predict(images)[:5], predict(images[:5]))
