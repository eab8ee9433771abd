"""Hostile input: whatever a file holds or is called, it is one image, or one line that names it.

The table of odd files is in images.py, and what becomes of them in test_images.py and test_data.py.
"""

import io
import os
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import paint, write_classes

from helpers import data
from helpers.images import FORMATS, read_image

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*:UserWarning")]


@cache
def sound(kind: str) -> bytes:
    out = io.BytesIO()
    paint(7, (40, 30)).save(out, kind)
    return out.getvalue()


@settings(max_examples=200, derandomize=True, deadline=None)
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
        path = Path(folder, "spoilt.png")
        path.write_bytes(content)
        try:
            assert read_image(path, 71, value_range=(0, 65535)).shape == (71, 71, 3)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and str(error).isprintable()


LETTERS = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
NAMES = st.text(LETTERS, min_size=1, max_size=40).filter(lambda name: name not in (".", ".."))


@pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux's disks hold")
@settings(max_examples=60, derandomize=True, deadline=None)
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
        else:
            assert len(dataset.images) == 3 * len(dataset.class_names)
            assert all(name.isprintable() for name in dataset.class_names)
            assert sorted(os.listdir(dataset.train)) == dataset.class_names
        assert sorted(folder.rglob("*")) == before and sorted(os.listdir(top)) == ["data", "photos"]
