"""Hostile input: nothing executes, nothing leaves its folder, memory stays bounded, and the message names the file.

What tests/pictures.py and the tests of each helper hold already is not repeated; benchmarks/fuzz.py goes on longer.
"""

import io
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
import zlib
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import paint, write_classes
from PIL import Image

from helpers import classifier, data, weights
from helpers.files import show
from helpers.pictures import FORMATS, examine

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")
posix = pytest.mark.skipif(sys.platform == "win32", reason="names, links and pipes that Windows does not have")
linux = pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux's disks hold, or its memory figures")
FEW = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
SIDE = 9459  # its square is just below Pillow's 89 million pixels


def refusal(call, *args) -> str:
    """What is said in place of an answer: always one line that a terminal can show."""
    with pytest.raises((ValueError, OSError)) as caught:
        call(*args)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.fixture
def photos(own_data, tmp_path) -> Path:
    return write_classes(tmp_path / "photos", {"cat": 5, "dog": 5})


# Pictures -------------------------------------------------------------------------------------------------------


@cache
def sound(kind: str) -> bytes:
    out = io.BytesIO()
    paint(7, (40, 30)).save(out, kind)
    return out.getvalue()


@settings(FEW, max_examples=300)
@given(
    kind=st.sampled_from(FORMATS),
    other=st.sampled_from(FORMATS),
    cut=st.integers(0, 2000),
    join=st.integers(0, 2000),
    bytes_=st.dictionaries(st.integers(0, 2000), st.integers(0, 255), max_size=8),
)
def test_a_spoilt_picture_is_read_or_refused_in_one_line_that_names_it(kind, other, cut, join, bytes_):
    content = bytearray(sound(kind)[:cut] + sound(other)[join:])
    for place, value in bytes_.items():
        if place < len(content):
            content[place] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a\nb.png" if sys.platform != "win32" else "ab.png")
        path.write_bytes(content)
        seen = examine(path)
        if seen["unreadable"]:
            assert seen["unreadable"].isprintable()
            assert refusal(data.read_picture, path, 71).startswith(f"{show(path)}: ")
        else:
            assert data.read_picture(path, 71).shape == (71, 71, 3)


def packed_zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(bytes(2**20)) for _ in range(count // 2**20 + 1)] + [packer.flush()])


def png(width, height, depth, colour, rows=b"", before=b"") -> bytes:
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    before = chunk(*before) if before else b""
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@cache
def picture_bomb(kind: str) -> bytes:
    if kind == "16 bits":
        return png(SIDE, SIDE, 16, 0, packed_zeros((2 * SIDE + 1) * SIDE))
    out = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(out, "WEBP", lossless=True, quality=0, method=0)
    return out.getvalue()  # 34 bytes


LOOK = """
import re, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from helpers.pictures import examine
with ThreadPoolExecutor(3) as threads:
    for seen in threads.map(examine, map(Path, sys.argv[1:])):
        assert not seen["unreadable"], seen
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024)
"""  # ru_maxrss would not do: on Linux a process takes it over from the one that started it


@linux
@pytest.mark.parametrize("kind", ["lossless webp", "16 bits"])
def test_the_largest_pictures_are_looked_at_one_at_a_time(tmp_path, kind):
    """Three of 89 million pixels at once, each in few bytes; before, 3 GB each."""
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        path.write_bytes(picture_bomb(kind))
    done = subprocess.run([sys.executable, "-c", LOOK, *paths], capture_output=True, text=True, cwd=data.ROOT)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2300, f"{float(done.stdout):.0f} MB"


@pytest.mark.parametrize("limit", [None, 10**10])
def test_pillows_own_limit_may_be_switched_off(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    paint(1).save(tmp_path / "good.png")
    assert data.read_picture(tmp_path / "good.png", 71).shape == (71, 71, 3)
    (tmp_path / "bomb.png").write_bytes(png(10000, 10000, 8, 0))
    assert "million pixels" in refusal(data.read_picture, tmp_path / "bomb.png", 71)


@pytest.mark.parametrize("field", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_bomb_in_a_pictures_notes_is_not_unpacked(tmp_path, field):
    head = b"k\0\1\0\0\0" if field == b"iTXt" else b"k\0\0"
    content = png(8, 8, 8, 2, zlib.compress(bytes(25 * 8)), (field, head + packed_zeros(200 * 2**20)))
    (tmp_path / "bomb.png").write_bytes(content)
    assert "bomb.png: Decompressed data too large" in refusal(data.read_picture, tmp_path / "bomb.png", 71)


def test_a_reason_that_quotes_the_file_can_be_printed(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P5\n\x1b[31mred\x07 8 255\n" + bytes(64))
    assert "a.ppm: " in refusal(data.read_picture, tmp_path / "a.ppm")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (30000, 10), (10, 30000)], ids=str)
def test_tiny_wide_and_high_pictures_are_read(tmp_path, kind, size):
    if kind == "WEBP" and max(size) > 16383:
        pytest.skip("WebP holds at most 16383 pixels a side")
    Image.new("RGB", size, "red").save(tmp_path / "picture", kind)
    assert data.read_picture(tmp_path / "picture", 150).shape == (150, 150, 3)


@pytest.mark.parametrize("name", ["sparse.png", "sparse.webp"])
def test_a_file_larger_than_any_picture_is_not_read(photos, name):
    paint(700).save(photos / "cat" / name)
    if sys.platform == "darwin" or sys.platform == "win32":
        pytest.skip("the file would take its place on the disk")
    os.truncate(photos / "cat" / name, 2**40)
    assert data.load(photos).set_aside["reason"].tolist() == ["a file of more than 500 MB; make it smaller"]
    assert "more than 500 MB" in refusal(data.read_picture, photos / "cat" / name, 71)


def mean_colour(pixels: np.ndarray) -> np.ndarray:
    """Takes the network's place: this asks only how files are read."""
    colours = pixels.reshape(len(pixels), -1, 3).mean(axis=1).astype("float32")
    return colours / np.maximum(colours.sum(axis=1, keepdims=True), 1)


@posix
def test_pipes_sockets_devices_and_loops_are_named_and_the_good_answered(tmp_path):
    write_classes(tmp_path, {"good": 2})
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's path may have some 100 bytes
        one.bind("socket.png")
        os.chdir(here)
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "\x1b[31m\u202ered\n.png").write_bytes(b"no picture")
    (tmp_path / "--csv=x.png").write_bytes(b"no picture")
    found, _ = classifier.listed([tmp_path])
    card = {"class_names": ["red", "green", "blue"], "size": 71}
    table = classifier.predict(classifier.Classifier(tmp_path, card, mean_colour), found)
    assert (table["problem"] == "").sum() == 2 and len(table) == 8
    assert all(line.isprintable() for line in classifier.lines_of(table))
    assert all(show(path) in line for path, line in zip(found, table["problem"], strict=True) if line)


# Names and folders ----------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


@linux
@FEW
@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_whatever_files_and_classes_are_called_all_stays_in_the_folder(names):
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", Path(top, "data"))
        folder, classes = write_classes(Path(top, "photos"), {"cat": 3}), set()
        for number, name in enumerate(name for name in names if name not in (".", "..")):
            (folder / name).mkdir(exist_ok=True)
            for copy in range(3):
                paint(100 + 3 * number + copy).save(folder / name / f"{copy}{name}", "PNG")
            classes |= set() if name.startswith((".", "__")) else {name}
        before = sorted(folder.rglob("*"))
        try:
            dataset = data.load(folder)
        except ValueError as error:
            assert str(error).isprintable()
            assert len(classes) == 0 or "would become one" in str(error), error
            return
        assert len(dataset.class_names) == len(classes | {"cat"}) and len(dataset.pictures) == 3 * len(
            classes | {"cat"}
        )
        assert all(name.isprintable() for name in dataset.class_names)
        assert sorted(folder.rglob("*")) == before
        assert sorted(os.listdir(top)) == ["data", "photos"] and os.listdir(data.DATA) == ["photos"]
        assert all(os.path.realpath(path) == str(Path(top, "data/photos", path)) or Path(path).is_symlink()
                   for path in dataset.pictures["path"])  # fmt: skip


@linux
@pytest.mark.parametrize("twins", [
    ("Cat", "cat"), ("Käfer", unicodedata.normalize("NFD", "Käfer")), ("a\nb", "a-nb"), ("x" * 250, "x" * 249),
], ids=["case", "accents", "escapes", "long"])  # fmt: skip
def test_class_folders_that_would_become_one_are_named(own_data, tmp_path, twins):
    write_classes(tmp_path / "photos", {"dog": 3})
    for number, name in enumerate(twins):
        (tmp_path / "photos" / name).mkdir()
        for copy in range(3):
            paint(50 + 3 * number + copy).save(tmp_path / "photos" / name / f"{copy}.png")
    said = refusal(data.load, tmp_path / "photos")
    assert "would become one" in said and all(ascii(name) in said for name in twins)


@linux
@pytest.mark.parametrize("twins", [("val", "validation"), ("Test", "test")])
def test_no_split_is_dropped_for_another_of_its_name(own_data, tmp_path, twins):
    for number, split in enumerate({"train", "val", "test", *twins}):
        write_classes(tmp_path / "photos" / split, {"cat": 3, "dog": 3}, start=10 * number)
    assert "would become one" in refusal(data.load, tmp_path / "photos")


def test_accents_written_in_two_ways_are_one_class_across_splits(own_data, tmp_path):
    for number, (split, form) in enumerate({"train": "NFC", "val": "NFD", "test": "NFC"}.items()):
        classes = {unicodedata.normalize(form, "Käfer"): 3, "dog": 3}
        write_classes(tmp_path / "photos" / split, classes, start=10 * number)
    assert data.load(tmp_path / "photos").class_names == ["Käfer", "dog"]


@posix
def test_names_in_messages_are_escaped(own_data, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "x.\x1b[31m\nred").touch()
    assert "x1b" in refusal(data.load, tmp_path / "photos")
    for split in data.SHARES:
        write_classes(tmp_path / "split" / split, {f"\x1b[31m{split}": 3, "cat": 3})
    assert "x1b" in refusal(data.load, tmp_path / "split")


@linux
def test_a_long_name_of_signs_that_are_escaped_still_fits_the_disk(photos):
    photos.joinpath("\u202e" * 85).mkdir()
    for number in range(3):
        paint(50 + number).save(photos / ("\u202e" * 85) / f"{number}.png")
    assert len(data.load(photos).pictures) == 13


@posix
def test_folders_in_folders_without_end_are_named(photos):
    os.makedirs(photos / "cat" / Path(*["d"] * 150))
    assert "cat: folders in folders, more than 100 deep" in refusal(data.load, photos)


# What lies in data/ ---------------------------------------------------------------------------------------------


def each(**fields):
    return lambda manifest: [entry.update(fields) for entry in manifest["files"].values()]


def one_more(target):
    def change(manifest):
        manifest["files"]["old"] = next(iter(manifest["files"].values())) | {"target": target}

    return change


def assign(split):
    return lambda manifest: manifest["assigned"].update(dict.fromkeys(manifest["assigned"], split))


MANIFESTS = {
    "a target above": one_more("../../victim.txt"),
    "a target in a split, then above": one_more("train/../../../victim.txt"),
    "a class above": one_more("train/../victim.txt"),
    "an absolute target": one_more("{top}/victim.txt"),
    "a split above": assign("../../evil"),
    "an unknown split": assign("everywhere"),
    "a list for a split": assign(["train"]),
    "an ending that climbs": each(convert="/../../../../../../evil.png"),
    "a number for a digest": each(digest=7),
    "a number for a reason": each(unreadable=0),
    "no stamps": lambda manifest: [entry.pop("stamp") for entry in manifest["files"].values()],
    "lists for entries": lambda manifest: manifest.update(files={"cat/cat-000.png": [1]}),
    "a list for files": lambda manifest: manifest.update(files=[1]),
    "a number for assigned": lambda manifest: manifest.update(assigned=3),
}


def snapshot(top: Path) -> list[str]:
    """All that is there, but for what the course made in data/photos."""
    return sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if "data/photos/" not in path.as_posix())


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_is_not_the_courses_is_made_anew(photos, tmp_path, capsys, name):
    before = data.load(photos)
    (tmp_path / "victim.txt").write_text("mine")
    around, path = snapshot(tmp_path), before.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    MANIFESTS[name](manifest)
    path.write_text(json.dumps(manifest).replace("{top}", tmp_path.as_posix()))
    assert data.load(photos).pictures.equals(before.pictures)
    assert snapshot(tmp_path) == around
    assert "manifest.json is damaged and is made anew" in capsys.readouterr().out


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from([*data.SHARES, ".."]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
FIELDS = st.sampled_from(["stamp", "digest", "convert", "unreadable", "class", "split", "reason", "target"])


@settings(FEW, max_examples=40)
@given(which=FIELDS | st.sampled_from(["assigned", "files", "origin"]), value=JSON)
def test_whatever_a_manifest_holds_the_pictures_are_the_same(which, value):
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", Path(top, "data"))
        photos = write_classes(Path(top, "photos"), {"cat": 3, "dog": 3})
        before = data.load(photos)
        manifest = json.loads((before.folder / "manifest.json").read_text())
        if which in manifest:
            manifest[which] = value
        else:
            next(iter(manifest["files"].values()))[which] = value
        (before.folder / "manifest.json").write_text(json.dumps(manifest))
        after = data.load(photos)
        assert sorted(after.pictures["source"]) == sorted(before.pictures["source"])
        assert sorted(os.listdir(top)) == ["data", "photos"]


@posix
@pytest.mark.parametrize("make", [
    os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.write_text("[" * 200_000),
], ids=["a pipe", "a device", "nested"])  # fmt: skip
def test_a_manifest_that_cannot_be_read_to_its_end(photos, make):
    path = data.load(photos).folder / "manifest.json"
    path.unlink()
    make(path)
    assert len(data.load(photos).pictures) == 10
    assert path.is_file() and not path.is_symlink()


@posix
@pytest.mark.parametrize("inside", ["train", "train/cat"])
def test_a_link_in_the_made_folder_is_removed_and_not_followed(photos, tmp_path, inside):
    folder = data.load(photos).folder
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine.png").symlink_to("nowhere")
    for path in sorted((folder / inside).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    (folder / inside).rmdir()
    (folder / inside).symlink_to(tmp_path / "outside")
    dataset = data.load(photos)
    assert os.listdir(tmp_path / "outside") == ["mine.png"]
    assert all(Path(path).exists() for path in dataset.pictures["path"])


# Archives -------------------------------------------------------------------------------------------------------


def archive(path: Path, names: list, method=zipfile.ZIP_DEFLATED) -> bytes:
    with zipfile.ZipFile(path, "w", method) as made:
        for name in names:
            made.writestr(name, "content" * 99)
    return path.read_bytes()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_unpacks_below_its_folder_only(tmp_path):
    link = zipfile.ZipInfo("top/link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    names = [
        "top/../../evil",
        "../evil",
        "/evil",
        "//evil",
        "top/a/../../../evil",
        "C:\\evil",
        "top\\..\\..\\evil",
        link,
    ]
    archive(tmp_path / "a.zip", [*names, "top/twice", "top/twice"])
    data._unzip(tmp_path / "a.zip", tmp_path / "in" / "it")
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "in"] and os.listdir(tmp_path / "in") == ["it"]
    assert not (tmp_path / "in" / "it" / "link").is_symlink()


def flipped(content: bytes, at: int, to: bytes) -> bytes:
    return content[:at] + to + content[at + len(to) :]


SPOILT = {
    "encrypted": lambda made: flipped(flipped(made, 6, b"\1"), made.index(b"PK\1\2") + 8, b"\1"),
    "an unknown method": lambda made: flipped(flipped(made, 8, b"\x63"), made.index(b"PK\1\2") + 10, b"\x63"),
    "a name that is no text": lambda made: made.replace("ä".encode(), b"\xff\xfe"),
    "a lie about its size": lambda made: made.replace(struct.pack("<I", 693), struct.pack("<I", 10)),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_archive_gets_one_line(tmp_path, how):
    (tmp_path / "a.zip").write_bytes(SPOILT[how](archive(tmp_path / "a.zip", ["top/ä"])))
    assert "is not a sound zip file" in refusal(data._unzip, tmp_path / "a.zip", tmp_path / "in")


# Weights and classifiers ----------------------------------------------------------------------------------------


def external(file, name, shape, top):
    (top / "secret").write_bytes(bytes(4096))
    file.create_dataset(name, shape, "f4", external=[(str(top / "secret"), 0, h5py.h5f.UNLIMITED)])


def virtual(file, name, shape, top):
    with h5py.File(top / "other.h5", "w") as other:
        other["x"] = np.zeros(shape, "f4")
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource(str(top / "other.h5"), "x", shape)
    file.create_virtual_dataset(name, layout)


def giant_chunk(file, name, shape, top):
    file.create_dataset(name, shape, "f4", maxshape=(None,) * len(shape), chunks=(2**26, 1), compression="gzip")


LINKS = {
    "an external link": lambda file, name, shape, top: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", name)),
    "a soft link": lambda file, name, shape, top: file.__setitem__(name, h5py.SoftLink("/etc/passwd")),
    "external storage": external,
    "a virtual dataset": virtual,
    "a giant chunk": giant_chunk,
}


@pytest.mark.parametrize("kind", LINKS)
def test_weights_whose_numbers_stand_elsewhere_are_refused(tmp_path, kind):
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        LINKS[kind](file, "layers/conv2d/vars/0", (9, 3), tmp_path)
    said = refusal(weights.read, tmp_path / "mine.h5")
    assert "mine.h5" in said and "layers/conv2d/vars/0 refers to another place" in said


@posix
def test_a_pipe_for_weights_is_refused(tmp_path):
    os.mkfifo(tmp_path / "mine.h5")
    assert "it is a pipe" in refusal(weights.read, tmp_path / "mine.h5")


def test_a_weights_file_may_list_a_layer_ever_again(tmp_path):
    with h5py.File(tmp_path / "mine.h5", "w", libver="latest") as file:
        file["a/w"] = np.ones(3, "f4")
        file["a"].attrs["weight_names"] = np.array([b"w"])
        file.attrs["layer_names"] = np.array([b"a"] * 100_000)
    assert "1000 tensors" in refusal(weights.read, tmp_path / "mine.h5")


FORM = {"features": 2048, "classes": 2, "units": 0, "heads": 1}
WEIGHTS = {"file": "head-00000000.weights.h5", "sha256": "0"}
CARD = {
    "kind": classifier.KIND,
    "class_names": ["a", "b"],
    "size": 71,
    "head": FORM,
    "weights": WEIGHTS,
    "backbone": "",
}
CARDS = {
    "nested": "[" * 200_000,
    "nested deep inside": json.dumps(CARD)[:-1] + ', "more": ' + "[" * 200_000,
    "a number without end": '{"size": ' + "9" * 9000 + "}",
    "not a number": CARD | {"size": float("nan")},
    "a name with escapes": CARD | {"class_names": ["\x1b[31m", "b"]},
    "a name twice": CARD | {"class_names": ["a", "a"]},
    "names in names": CARD | {"class_names": [["a"], "b"]},
    "a file elsewhere": CARD | {"weights": WEIGHTS | {"file": "/etc/passwd"}},
    "a file above": CARD | {"weights": WEIGHTS | {"file": "../head-00000000.weights.h5"}},
    "an archive of Keras": CARD | {"weights": WEIGHTS | {"file": "head.keras"}},
    "a list for a file": CARD | {"weights": WEIGHTS | {"file": ["x"]}},
    "no head at all": CARD | {"head": FORM | {"heads": 0}},
    "other features than Xception's": CARD | {"head": FORM | {"features": 100}},
}


@pytest.mark.parametrize("name", CARDS)
def test_a_hostile_card_is_named(tmp_path, name):
    text = CARDS[name] if isinstance(CARDS[name], str) else json.dumps(CARDS[name])
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    assert show(tmp_path / "card.json") in refusal(classifier.load, tmp_path)


@posix
def test_a_card_without_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "card.json")
    assert "holds no card.json" in refusal(classifier.load, tmp_path)
    (tmp_path / "card.json").unlink()
    (tmp_path / "card.json").symlink_to("/dev/zero")
    assert "holds no card.json" in refusal(classifier.load, tmp_path)


@settings(FEW, max_examples=100)
@given(field=st.sampled_from(list(CARD)) | st.sampled_from(list(FORM)) | st.sampled_from(list(WEIGHTS)), value=JSON)
def test_whatever_a_card_holds_it_gets_one_line(field, value):
    card = CARD | {"head": dict(FORM), "weights": dict(WEIGHTS)}
    next(part for part in (card, card["head"], card["weights"]) if field in part)[field] = value
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "card.json").write_text(json.dumps(card), encoding="utf-8")
        refusal(classifier.load, folder)  # the weights file is missing, if nothing else is wrong


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    from helpers import models

    return classifier.save(tmp_path_factory.mktemp("saved") / "mine", [models.head(2048, 3)], ["a", "b", "c"], 71)


def write(value):
    def replace(file, name, shape, top):
        file[name] = np.full(shape, value, "f4")

    return replace


@pytest.mark.parametrize(("change", "part"), [
    (write(np.nan), "not finite"), *((change, "is not a weights file") for change in LINKS.values()),
], ids=["nan", *LINKS])  # fmt: skip
def test_a_heads_weights_are_its_own_finite_numbers(saved, tmp_path, change, part):
    card = json.loads((saved / "card.json").read_text(encoding="utf-8"))
    content = (saved / card["weights"]["file"]).read_bytes()
    (tmp_path / "w").write_bytes(content)
    with h5py.File(tmp_path / "w", "a") as file:
        found = {}
        file.visititems(lambda name, one: found.update({name: one.shape}) if isinstance(one, h5py.Dataset) else None)
        name, shape = next((name, shape) for name, shape in found.items() if len(shape) == 2)
        del file[name]
        change(file, name, shape, tmp_path)
    digest = classifier._sha256(tmp_path / "w")
    (tmp_path / "w").rename(tmp_path / f"head-{digest[:8]}.weights.h5")
    card["weights"] = {"file": f"head-{digest[:8]}.weights.h5", "sha256": digest}
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    said = refusal(classifier.load, tmp_path)
    assert part in said and f"head-{digest[:8]}.weights.h5" in said


def test_a_card_that_promises_more_than_its_file_holds_builds_nothing(saved, tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:  # declared, never written: some hundred bytes
        for name, shape in {"a": (2048, 10**5), "b": (10**5,), "c": (10**5, 2), "d": (2,)}.items():
            file.create_dataset(name, shape, "f4")
    assert "other tensors" in refusal(classifier._check_tensors, tmp_path / "w.h5", FORM | {"units": 10**5})
