"""Hostile input: nothing executes, nothing leaves its folder, and the message names the file.

The table of odd files is in images.py, and what becomes of them in test_images.py and test_data.py.
"""

import io
import json
import os
import socket
import sys
import tempfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import paint, png, write_classes
from PIL import Image

from helpers import classifier, data, files
from helpers.images import FORMATS, printable, read_image

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes that Windows has not")
linux = pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux's disks hold")
FEW = settings(
    max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


def refusal(call, *args) -> str:
    """What is said in place of an answer: always one line that a terminal can show."""
    with pytest.raises((ValueError, OSError)) as caught:
        call(*args)
    assert str(caught.value).isprintable()
    return str(caught.value)


# Images -------------------------------------------------------------------------------------------


@cache
def sound(kind: str) -> bytes:
    out = io.BytesIO()
    paint(7, (40, 30)).save(out, kind)
    return out.getvalue()


@settings(FEW, max_examples=200)
@given(
    kind=st.sampled_from(FORMATS),
    other=st.sampled_from(FORMATS),
    cut=st.integers(0, 2000),
    join=st.integers(0, 2000),
    changes=st.dictionaries(st.integers(0, 2000), st.integers(0, 255), max_size=8),
)
def test_a_spoilt_image_is_read_or_refused_in_one_line(kind, other, cut, join, changes):
    content = bytearray(sound(kind)[:cut] + sound(other)[join:])
    for place, value in changes.items():
        if place < len(content):
            content[place] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a\nb.png" if sys.platform != "win32" else "ab.png")
        path.write_bytes(content)
        reason = files._examine(str(path))["reason"]
        if reason:
            assert reason.isprintable()
            assert refusal(read_image, path, 64) == f"{printable(path)}: {reason}"
        else:
            assert read_image(path, 71, value_range=(0, 65535)).shape == (71, 71, 3)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (30000, 10), (10, 30000)], ids=str)
def test_tiny_wide_and_high_images_are_read(tmp_path, kind, size):
    if kind == "WEBP" and max(size) > 16383:
        pytest.skip("WebP holds at most 16383 pixels a side")
    Image.new("RGB", size, "red").save(tmp_path / "image", kind)
    assert read_image(tmp_path / "image", 150).shape == (150, 150, 3)


def test_a_bomb_in_an_images_notes_is_not_unpacked(tmp_path):
    notes = b"k\0\0" + zlib.compress(bytes(200 * 2**20))
    image = png(b"\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0", bytes(25 * 8), notes)
    (tmp_path / "bomb.png").write_bytes(image)
    assert "bomb.png: broken image: Decompressed data too" in refusal(
        read_image, tmp_path / "bomb.png"
    )


def test_a_reason_that_quotes_the_file_can_be_printed(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P5\n\x1b[31mred\x07 8 255\n" + bytes(64))
    assert "a.ppm: broken image: " in refusal(read_image, tmp_path / "a.ppm")


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
    (tmp_path / "\x1b[31m\u202ered\n.png").write_bytes(b"no image")
    (tmp_path / "--csv=x.png").write_bytes(b"no image")
    found, _ = classifier.listed([tmp_path])
    card = {"class_names": ["red", "green", "blue"], "size": 71}
    table = classifier.predict(classifier.Classifier(tmp_path, card, mean_colour), found)
    assert (table["problem"] == "").sum() == 2 and len(table) == 8
    assert all(line.isprintable() for line in classifier.lines_of(table))
    assert all(
        printable(path) in line for path, line in zip(found, table["problem"], strict=True) if line
    )


# Names --------------------------------------------------------------------------------------------

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
)


@linux
@FEW
@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_whatever_files_and_classes_are_called_all_stays_in_the_folder(names):
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", Path(top, "data"))
        folder = write_classes(Path(top, "photos"), {"cat": 3})
        for number, name in enumerate(name for name in names if name not in (".", "..")):
            (folder / name).mkdir(exist_ok=True)
            for copy in range(3):
                paint(100 + 3 * number + copy).save(folder / name / f"{copy}{name}", "PNG")
        before = sorted(folder.rglob("*"))
        try:
            dataset = data.load(folder)
        except ValueError as error:
            assert str(error).isprintable()
            dataset = None
        assert sorted(folder.rglob("*")) == before and sorted(os.listdir(top)) == ["data", "photos"]
        if dataset:
            assert len(dataset.images) == 3 * len(dataset.class_names)
            assert all(name.isprintable() for name in dataset.class_names)
            assert sorted(os.listdir(dataset.train)) == dataset.class_names
            made = [path for path in dataset.folder.rglob("*.*") if path.is_symlink()]
            assert sorted(map(str, made)) == sorted(dataset.images["path"])


@linux
def test_names_that_are_no_text_are_kept_apart_and_shown_escaped(own_data, tmp_path, capsys):
    folder = write_classes(tmp_path / "photos", {os.fsdecode(b"\xff"): 20, "dog": 20})
    (folder / "dog" / os.fsdecode(b"bad-\xfe.png")).write_bytes(b"no image")
    dataset = data.load(folder)
    assert dataset.class_names == ["-udcff", "dog"]
    assert dataset.skipped["source"][0].endswith("bad-\\udcfe.png")
    assert capsys.readouterr().out.strip().isprintable()


# Classifiers ----------------------------------------------------------------------------------------


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
    assert printable(tmp_path / "card.json") in refusal(classifier.load, tmp_path)
