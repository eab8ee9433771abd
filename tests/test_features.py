"""What `features.extract` promises: each image once through the network, whatever happens."""

import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
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


def by_digest(dataset, splits) -> dict[str, bytes]:
    rows = {}
    for name in data.SPLITS:
        for digest, row in zip(dataset.split(name)["digest"], splits[name].x, strict=True):
            rows[digest] = row.tobytes()
    return rows


def same(splits, others) -> bool:
    return all(np.array_equal(splits[name].x, others[name].x) for name in data.SPLITS)


# What comes back -----------------------------------------------------------------------------


def test_vectors_are_the_mean_of_the_networks_output_in_the_tables_order(course):
    dataset = course.load()
    vectors = features.extract(dataset, SIZE)
    for name in data.SPLITS:
        assert vectors[name].x.shape == (len(dataset.split(name)), 2048)
        assert vectors[name].x.dtype == np.float32 and vectors[name].y.dtype == np.int64
        assert vectors[name].y.tolist() == dataset.split(name)["label"].tolist()
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


def test_rows_that_are_read_lazily_have_the_dtype_of_their_file(course):
    dataset = course.load()
    digests = dataset.images["digest"].tolist()
    vectors = features.FeatureMaps(course.file, digests)
    assert vectors.dtype == vectors[:1].dtype == np.float32 and vectors.shape == (COUNT, 2048)
    maps = features.extract(dataset, SIZE, "block13", pooled=False)["train"].x
    assert maps.dtype == maps[:1].dtype == np.float16


def test_maps_may_be_read_by_keras_threads_and_sent_to_another_process(course):
    train = features.extract(course.load(), SIZE, "block13", pooled=False)["train"]

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(train.x) // 4

        def __getitem__(self, number):
            rows = slice(4 * number, 4 * number + 4)
            return train.x[rows].mean(axis=(1, 2)), train.y[rows]

    model = models.head(1024, 2)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(Batches(workers=4), epochs=2, verbose=0)
    assert np.array_equal(pickle.loads(pickle.dumps(train.x))[:], train.x[:])


def test_a_split_without_images_gives_no_rows(course):
    dataset = course.load()
    splits = features.extract(replace(dataset, images=dataset.split("train")), SIZE)
    assert len(splits["train"].x) and splits["test"].x.shape == (0, 2048)
    assert len(splits["test"].y) == 0


# What runs through the network ---------------------------------------------------------------


def test_a_second_call_runs_no_forward_pass(course, first):
    assert same(features.extract(course.load(), SIZE), first.vectors)
    assert course.ran() == 0


def test_ten_new_images_cost_ten_and_old_names_and_places_none(course):
    before = by_digest(course.load(), features.extract(course.load(), SIZE))
    write(course.photos, {"cat": 6, "dog": 4}, seed=1)
    for number, path in enumerate(sorted((course.photos / "cat").iterdir())):
        path.rename(path.with_name(f"renamed-{number}.png"))
    dataset = data.load(course.photos.rename(course.photos.with_name("other photos")))
    after = by_digest(dataset, features.extract(dataset, SIZE))
    assert course.ran() == 10 and before.items() <= after.items()


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


def test_an_interrupted_pass_goes_on_where_it_was(course, networks, monkeypatch):
    course.file.unlink()
    add = features._add
    with monkeypatch.context() as patch:

        def interrupted(*args):
            add(*args)
            raise KeyboardInterrupt

        patch.setattr(features, "_add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            features.extract(course.load(), SIZE)
    features.extract(course.load(), SIZE)
    assert networks.ran == [32, 8]


KILLED = """
import os, signal, sqlite3, sys
from functools import partial
from pathlib import Path
import numpy as np
from helpers import features


class Killed(sqlite3.Connection):
    def executemany(self, statement, rows):
        self.execute("PRAGMA cache_size = 1")  # so that half a transaction is in the file
        super().executemany(statement, rows)
        if rows[0][0] == "64":
            os.kill(os.getpid(), signal.SIGKILL)


sqlite3.connect = partial(sqlite3.connect, factory=Killed)
for start in range(0, 128, 32):
    digests = [str(number) for number in range(start, start + 32)]
    features._add(Path(sys.argv[1]), digests, np.full((32, 2048), start, "float32"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_pass_killed_while_it_writes_has_all_batches_before(tmp_path):
    file = tmp_path / "features" / "x.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, file], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert Path(f"{file}-journal").stat().st_size, "killed in the middle of a transaction"
    assert features.find_missing(file, map(str, range(65))) == ["64"]
    rows = features.FeatureMaps(file, ["63", "0"])
    assert rows[:].mean(axis=1).tolist() == [32, 0]


def test_another_process_that_writes_is_waited_for(course):
    write(course.photos, {"cat": 1}, seed=1)
    other = sqlite3.connect(course.file, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(1, other.rollback).start()
    before = time.monotonic()
    features.extract(course.load(), SIZE)
    assert time.monotonic() - before > 0.5 and course.ran() == 1
    other.close()


# What may happen to the files ----------------------------------------------------------------


def damage(path, content):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)


@pytest.mark.parametrize("content", [b"what a full disk left", "half"])
def test_a_damaged_file_is_named_and_once_deleted_its_features_are_computed_again(
    course, first, content
):
    damage(course.file, content)
    with pytest.raises(OSError, match=r"vectors\.sqlite: .*\. The file is damaged\. Delete it"):
        features.extract(course.load(), SIZE)
    course.file.unlink()
    assert same(features.extract(course.load(), SIZE), first.vectors)
    assert course.ran() == COUNT


def test_a_file_left_empty_by_a_kill_at_its_birth_is_filled(course, first):
    course.file.write_bytes(b"")
    assert same(features.extract(course.load(), SIZE), first.vectors)


def test_damage_that_shows_late_is_named(course):
    content = bytearray(course.file.read_bytes())
    content[len(content) // 2 : -4096] = bytes(len(content) // 2 - 4096)
    course.file.write_bytes(content)
    with pytest.raises(OSError, match=r"vectors\.sqlite: .*\. The file is damaged\. Delete it"):
        features.extract(course.load(), SIZE)


@pytest.mark.parametrize(
    ("error", "statement"),
    [
        (sqlite3.ProgrammingError, ("SELECT ?", [])),
        (sqlite3.IntegrityError, ("INSERT INTO rows SELECT * FROM rows LIMIT 1",)),
    ],
)
def test_a_programming_error_is_raised_as_it_is_and_leaves_the_file(course, error, statement):
    before = course.file.read_bytes()
    with pytest.raises(error), features._database(course.file) as db:
        db.execute(*statement)
    assert course.file.read_bytes() == before


def test_a_full_disk_is_named_and_the_pass_goes_on_once_there_is_room(course, first):
    resource = pytest.importorskip("resource", reason="no limit on file sizes on this system")
    course.file.unlink()
    dataset = course.load()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match=r"vectors\.sqlite: .*\. Make room on the disk"):
            features.extract(dataset, SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert same(features.extract(dataset, SIZE), first.vectors)


@pytest.mark.parametrize("happens", ["changes", "vanishes"])
def test_an_image_that_changes_or_vanishes_after_load_is_named(course, happens):
    write(course.photos, {"cat": 1}, seed=1)
    dataset = course.load()
    path = course.photos / "cat" / "cat-1-0.png"
    if happens == "changes":
        shutil.copy(course.photos / "cat" / "cat-0-0.png", path)
    else:
        path.unlink()
    with pytest.raises(
        ValueError, match=r"cat-1-0\.png vanished or changed .* Call data\.load\(\)"
    ):
        features.extract(dataset, SIZE)


def test_sixteen_bits_are_read_in_the_datasets_value_range(course):
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 4096, (75, 80)).astype("uint16")
        Image.fromarray(pixels).save(course.photos / "dog" / f"16-bit-{number}.png")
    found = []
    for top in (4095, 65535):
        dataset = data.load(course.photos, value_range=(0, top))
        found.append(
            np.concatenate([split.x for split in features.extract(dataset, SIZE).values()])
        )
    assert not np.allclose(found[0], found[1], atol=1e-3)


# Images in memory ----------------------------------------------------------------------------


def test_pixels_have_the_features_of_their_files_and_each_runs_once(course, networks):
    dataset = course.load()
    images = data.read_images(dataset.split("train")["source"], SIZE)
    vectors = features.extract_pixels(images)
    assert vectors.shape == (len(images), 2048) and vectors.dtype == np.float32
    assert np.allclose(vectors, features.extract(dataset, SIZE)["train"].x, atol=1e-4)
    mirrored = images[:, :, ::-1]
    more = features.extract_pixels(np.concatenate([mirrored[:2], images[::-1], mirrored[:1]]))
    assert course.ran() == len(images) + 2
    assert np.array_equal(more[2:-1], vectors[::-1]) and np.array_equal(more[0], more[-1])
    assert not np.allclose(more[0], vectors[0], atol=1e-3)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 71, 71), "uint8"), r"\(n, size, size, 3\), got \(2, 71, 71\)"),
        (np.zeros((2, 71, 80, 3), "uint8"), r"got \(2, 71, 80, 3\)"),
        (np.zeros((2, 71, 71, 3), "float32"), "uint8, 0 to 255, got float32"),
        (np.zeros((2, 60, 60, 3), "uint8"), "at least 71 px"),
    ],
)
def test_other_arrays_get_one_clear_line(course, images, message):
    with pytest.raises(ValueError, match=message):
        features.extract_pixels(images)


# The network, made fast ----------------------------------------------------------------------


def test_fused_is_the_same_network_with_a_quarter_of_its_normalizations(networks):
    backbone = models.backbone(SIZE)
    fused = features.fused(backbone)
    kinds = [type(layer).__name__ for layer in fused.layers]
    assert kinds.count("BatchNormalization") == 12  # those that end in a sum: 8 blocks, 4 shortcuts
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, SIZE, SIZE, 3)).astype("float32")
    assert np.allclose(fused(pixels), backbone(pixels, training=False), atol=1e-5)


def test_a_batch_that_is_not_full_gives_the_same_numbers():
    rng = np.random.default_rng(0)
    model = models.extractor(features.fused(models.backbone(SIZE)))
    predict = features.predict_function(model)
    images = rng.integers(0, 256, (features.BATCH, SIZE, SIZE, 3), "uint8")
    assert np.array_equal(predict(images)[:5], predict(images[:5]))


def test_batches_are_read_ahead_in_order_and_a_failure_is_raised():
    items = list(range(3 * features.BATCH + 1))
    batches = list(features.prefetch(items, sum, "sums", quiet=True))
    assert [one for batch, _ in batches for one in batch] == items
    assert [done for _, done in batches] == [sum(batch) for batch, _ in batches]
    with pytest.raises(ZeroDivisionError):
        list(features.prefetch(items, lambda batch: 1 // 0, "sums", quiet=True))
