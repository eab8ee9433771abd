"""Hostile input: nothing executes, nothing leaves its folder, and the message names the file in one line.

The table of odd files is in images.py, and what becomes of them in test_images.py and test_data.py.
"""

import io
import os
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from images import paint, write_classes
from PIL import Image

from helpers import data, files
from helpers.images import FORMATS, printable, read_image

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*:UserWarning")]
linux = pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux's disks hold")
FEW = settings(
    max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


def refusal(path, size=None) -> str:
    """What is said in place of an image: always one line that a terminal can show."""
    with pytest.raises((ValueError, OSError)) as caught:
        read_image(path, size)
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
            assert refusal(path, 64) == f"{printable(path)}: {reason}"
        else:
            assert read_image(path, 71, value_range=(0, 65535)).shape == (71, 71, 3)


@pytest.mark.parametrize("size", [(1, 1), (30000, 10), (10, 30000)], ids=str)
def test_tiny_wide_and_high_images_of_every_kind_are_read(tmp_path, size):
    for kind in FORMATS:
        if kind != "WEBP" or max(size) <= 16383:  # WebP holds no more pixels a side
            Image.new("RGB", size, "red").save(tmp_path / "image", kind)
            assert read_image(tmp_path / "image", 150).shape == (150, 150, 3), kind


# Names --------------------------------------------------------------------------------------------

LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(LETTERS, min_size=1, max_size=40).filter(lambda name: name not in (".", ".."))


@linux
@FEW
@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_whatever_files_and_classes_are_called_all_stays_in_the_folder(names):
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", Path(top, "data"))
        folder = write_classes(Path(top, "photos"), {"cat": 3})
        for number, name in enumerate(names):
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
