"""What `features.extract` promises: each picture once through the network, whatever happens to the files."""

import dataclasses
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import paint, write_classes

from helpers import data, features, weights

SIZE, COUNT = 71, 40


@pytest.fixture(scope="module")
def networks():
    """Each network built and traced once for this file; `ran` notes how many pictures each batch held."""
    ran, network, compiled = [], cache(features.network), cache(features.compiled)

    def counting(model):
        forward = compiled(model)

        def run(pixels):
            ran.append(int(pixels.any(axis=(1, 2, 3)).sum()))  # the last batch is filled up with black
            return forward(pixels)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "network", network)
        patch.setattr(features, "compiled", counting)
        yield SimpleNamespace(ran=ran)


@pytest.fixture(scope="module")
def first(networks, tmp_path_factory):
    """Forty pictures and their vectors in a data/ folder, for each test to copy."""
    top = tmp_path_factory.mktemp("features")
    write_classes(top / "photos", {"cat": COUNT // 2, "dog": COUNT // 2}, size=(80, 75))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", top / "data")
        vectors = features.extract(data.load(top / "photos"), SIZE)
    return SimpleNamespace(top=top, vectors=vectors)


@pytest.fixture
def course(first, networks, tmp_path, monkeypatch):
    """A copy of those pictures and of the kept vectors: `photos`, `load()`, `ran()`, `chunks()`."""
    shutil.copytree(first.top / "photos", tmp_path / "photos")
    shutil.copytree(first.top / "data" / "features", tmp_path / "data" / "features")
    monkeypatch.setattr(data, "DATA", tmp_path / "data")
    networks.ran.clear()
    return SimpleNamespace(
        photos=tmp_path / "photos",
        load=lambda: data.load(tmp_path / "photos"),
        ran=lambda: sum(networks.ran),
        chunks=lambda: sorted((tmp_path / "data" / "features").rglob("*.npy")),
    )


def by_digest(dataset, splits) -> dict[str, bytes]:
    return {
        digest: row.tobytes()
        for name in data.SHARES
        for digest, row in zip(dataset.split(name)["digest"], splits[name].x, strict=True)
    }


def direct(dataset, split, layer=None) -> np.ndarray:
    """The second road: Keras' own model, its own scaling, picture by picture."""
    from helpers.models import keras

    model = keras.applications.Xception(weights=str(weights.fetch()), include_top=False, input_shape=(SIZE, SIZE, 3))
    if layer:
        model = keras.Model(model.input, model.get_layer(layer).output)
    pixels = np.stack([data.read_picture(path, SIZE) for path in dataset.split(split)["source"]])
    return model(keras.applications.xception.preprocess_input(pixels.astype("float32")), training=False).numpy()


def test_vectors_are_the_mean_of_the_networks_output_in_the_tables_order(course):
    dataset = course.load()
    vectors = features.extract(dataset, SIZE)
    for name in data.SHARES:
        assert vectors[name].x.shape == (len(dataset.split(name)), 2048)
        assert vectors[name].x.dtype == np.float32
        assert vectors[name].y.tolist() == dataset.split(name)["label"].tolist()
    expected = direct(dataset, "test").mean(axis=(1, 2))
    assert np.allclose(vectors["test"].x, expected, rtol=1e-3, atol=1e-4)


def test_maps_are_the_networks_output_as_float16(course, capsys):
    dataset = course.load()
    maps = features.extract(dataset, SIZE, pooled=False)["test"].x
    assert maps.shape == (8, 3, 3, 2048) and maps.dtype == np.float16
    expected = direct(dataset, "test")
    assert np.allclose(maps[:], expected, rtol=2**-10, atol=1e-3)
    assert "Feature maps of 40 pictures take 1 MB" in capsys.readouterr().out


def test_maps_are_indexed_like_an_array(course):
    maps = features.extract(course.load(), SIZE, pooled=False)["train"].x
    whole = maps[:]
    for index in (0, -1, slice(3, 9), slice(None, None, -5), [7, 2, 2], whole[:, 0, 0, 0] > 0, np.array([], int)):
        assert np.array_equal(maps[index], whole[index])
    with pytest.raises(IndexError):
        maps[24]
    assert all(isinstance(chunk, np.memmap) for chunk in maps.chunks), "maps stay on disk"


def test_a_layer_gives_that_layers_output(course):
    dataset = course.load()
    vectors = features.extract(dataset, SIZE, layer="block5_sepconv1_bn")["test"].x
    assert vectors.shape == (8, 728)
    assert np.allclose(vectors, direct(dataset, "test", "block5_sepconv1_bn").mean(axis=(1, 2)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("number, channels, feeds", [
    (1, 64, "block2_sepconv1"), (4, 728, "block5_sepconv1_act"), (13, 1024, "block14_sepconv1"),
])  # fmt: skip
def test_a_whole_block_gives_what_feeds_the_next_one(number, channels, feeds):
    from helpers import models

    block = models.backbone(SIZE, f"block{number}")
    whole = models.backbone(SIZE)
    rest = models.keras.Model(whole.get_layer(feeds).input, whole.output)
    assert block.output_shape[-1] == channels and not block.trainable_weights
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, SIZE, SIZE, 3)).astype("float32")
    if number == 13:  # the others also feed a shortcut
        assert np.allclose(rest(block(pixels)), whole(pixels), atol=1e-5)
    expected = models.keras.Model(whole.input, whole.get_layer(feeds).input)(pixels)
    assert np.allclose(block(pixels), expected, atol=1e-5)


def test_maps_of_a_whole_block_are_kept_under_its_name(course):
    dataset = course.load()
    maps = features.extract(dataset, SIZE, layer="block13", pooled=False)["test"].x
    assert maps.shape == (8, 3, 3, 1024) and maps.dtype == np.float16
    assert features.cache_folder(SIZE, "block13", False).name.endswith("-71px-block13-maps-2")


@pytest.mark.parametrize("options, message", [
    ({"size": 70}, "at least 71 px, not 70"),
    ({"layer": "add_3"}, "no layer 'add_3' to stop at. It has: block1_conv1,"),
    ({"layer": "block14"}, "no layer 'block14' to stop at.*whole blocks: block1 to block13"),
])  # fmt: skip
def test_a_size_or_layer_that_does_not_exist_is_named(course, options, message):
    with pytest.raises(ValueError, match=message):
        features.extract(course.load(), **({"size": SIZE} | options))


# What runs through the network ---------------------------------------------------------------------------


def test_a_second_call_runs_no_forward_pass(course, first):
    vectors = features.extract(course.load(), SIZE)
    assert course.ran() == 0
    assert all(np.array_equal(vectors[name].x, first.vectors[name].x) for name in data.SHARES)


def test_ten_new_pictures_cost_ten(course):
    write_classes(course.photos, {"cat": 6, "dog": 4}, start=100, size=(80, 75))
    features.extract(course.load(), SIZE)
    assert course.ran() == 10


def test_renamed_moved_and_relabelled_pictures_cost_none(course):
    before = by_digest(course.load(), features.extract(course.load(), SIZE))
    for number, path in enumerate(sorted((course.photos / "cat").iterdir())):
        path.rename(path.with_name(f"renamed-{number}.png"))
    (course.photos / "cat" / "renamed-3.png").rename(course.photos / "dog" / "moved.png")
    moved = course.photos.rename(course.photos.with_name("other photos"))
    after = data.load(moved)
    assert by_digest(after, features.extract(after, SIZE)) == before
    assert course.ran() == 0


def test_the_same_picture_in_another_data_set_costs_none(course, tmp_path):
    shutil.copytree(course.photos / "cat", tmp_path / "more" / "cat")
    write_classes(tmp_path / "more", {"emu": 5}, start=200, size=(80, 75))
    features.extract(data.load(tmp_path / "more"), SIZE)
    assert course.ran() == 5


def test_an_interrupted_pass_goes_on_where_it_was(course, networks, monkeypatch):
    shutil.rmtree(data.DATA / "features")
    monkeypatch.setattr(features, "CHUNK", features.BATCH)
    with monkeypatch.context() as interrupted:
        counting = features.compiled

        def stops_after_a_batch(model):
            forward = counting(model)
            return lambda pixels: stop() if networks.ran else forward(pixels)

        def stop():
            raise KeyboardInterrupt

        interrupted.setattr(features, "compiled", stops_after_a_batch)
        with pytest.raises(KeyboardInterrupt):
            features.extract(course.load(), SIZE)
    features.extract(course.load(), SIZE)
    assert networks.ran == [32, 8]


def test_two_processes_at_once_do_not_spoil_each_others_work(course, first, monkeypatch):
    """While this pass runs, another process keeps its own chunk of the same pictures, and is half through a second."""
    other = course.chunks()[0]
    folder, content = other.parent, other.read_bytes()
    other.unlink()
    write = features._write_chunk

    def write_beside_another(*args):
        (folder / other.name).write_bytes(content)
        (folder / "1.partial").write_bytes(content[: len(content) // 2])
        write(*args)

    monkeypatch.setattr(features, "_write_chunk", write_beside_another)
    vectors = features.extract(course.load(), SIZE)
    assert all(np.allclose(vectors[name].x, first.vectors[name].x, atol=1e-5) for name in data.SHARES)
    assert (folder / "1.partial").exists(), "what another process is writing is left alone"


# What may happen to the files ----------------------------------------------------------------------------


def truncated(chunk):
    chunk.write_bytes(chunk.read_bytes()[:-1])


def emptied(chunk):
    chunk.write_bytes(b"")


def with_one_bit_flipped(chunk):
    content = bytearray(chunk.read_bytes())
    content[-2000] ^= 1
    chunk.write_bytes(content)


def test_a_whole_chunk_is_not_written_again(course, first):
    """Windows would refuse it while another process has the file mapped."""
    (chunk,) = course.chunks()
    before, rows = chunk.stat(), np.load(chunk)
    features._write_chunk(chunk.parent, [digest.decode() for digest in rows["digest"]], rows["row"])
    assert course.chunks() == [chunk] and chunk.stat().st_ino == before.st_ino


def from_another_program(chunk):
    np.save(chunk, np.ones((COUNT, 2048), "float32"))


def made_for_another_size(chunk):
    """Sound in itself, of the right shape, but of another size's folder."""
    folder = chunk.parent.with_name(chunk.parent.name.replace("71px", "72px"))
    rows = np.load(chunk)
    chunk.unlink()
    rows["row"] = 7
    features._write_chunk(folder, [digest.decode() for digest in rows["digest"]], rows["row"])
    (made,) = folder.iterdir()
    made.rename(chunk.parent / made.name)


@pytest.mark.parametrize(
    "harm", [truncated, emptied, with_one_bit_flipped, from_another_program, made_for_another_size]
)
def test_a_chunk_that_is(course, first, capsys, harm):
    harm(course.chunks()[0])
    vectors = features.extract(course.load(), SIZE)
    assert course.ran() == COUNT
    assert all(np.allclose(vectors[name].x, first.vectors[name].x, atol=1e-5) for name in data.SHARES)
    assert "is damaged or not from this course; its features are computed again" in capsys.readouterr().out
    assert len(course.chunks()) == 1


def test_a_picture_that_changed_after_load_is_named(course):
    write_classes(course.photos, {"cat": 1}, start=300, size=(80, 75))
    dataset = course.load()
    paint(301).save(course.photos / "cat" / "cat-300.png")
    with pytest.raises(ValueError, match=r"cat-300\.png has changed since data\.load\(\) .* Call data\.load\(\) again"):
        features.extract(dataset, SIZE)


def test_a_picture_that_vanished_after_load_is_named(course):
    write_classes(course.photos, {"cat": 1}, start=300, size=(80, 75))
    dataset = course.load()
    (course.photos / "cat" / "cat-300.png").unlink()
    with pytest.raises(ValueError, match=r"cat-300\.png cannot be read any more \(No such file or directory\)"):
        features.extract(dataset, SIZE)


def test_a_cache_folder_that_cannot_be_made_is_named(course):
    shutil.rmtree(data.DATA / "features")
    (data.DATA / "features").write_text("in the way")
    with pytest.raises(OSError, match=r"Could not write .*71px.* Make room on the disk"):
        features.extract(course.load(), SIZE)


def test_a_full_disk_is_named_and_leaves_no_half_chunk(course):
    resource = pytest.importorskip("resource", reason="no limit on file sizes on this system")
    shutil.rmtree(data.DATA / "features")
    dataset = course.load()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match=r"Could not write .*71px.*\. Make room on the disk"):
            features.extract(dataset, SIZE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in (data.DATA / "features").rglob("*") if path.is_file()] == []


def test_prepare_gives_what_the_pass_reads(course):
    paths = [Path(path) for path in course.load().split("test")["source"]]
    batch = features.prepare(paths, SIZE)
    assert batch.shape == (8, SIZE, SIZE, 3) and batch.dtype == np.uint8
    assert all(np.array_equal(one, data.read_picture(path, SIZE)) for one, path in zip(batch, paths, strict=True))


def test_a_split_without_pictures_gives_no_rows(course):
    dataset = course.load()
    train_only = dataclasses.replace(dataset, pictures=dataset.split("train"))
    splits = features.extract(train_only, SIZE)
    assert splits["train"].x.shape == (24, 2048)
    assert splits["test"].x.shape == (0, 2048) and len(splits["test"].y) == 0
