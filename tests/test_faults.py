"""What may go wrong around the course: a disk that is full, or one that may only be read."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from images import write_classes
from PIL import Image

from helpers import data

NO_ROOM = "No space left on device"


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Call it with a size: data/ then lies on a disk of that size; or with "ro": it is read-only from then on."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options, remount=False):
        kind = ["-o", f"remount,{options}"] if remount else ["-t", "tmpfs", "-o", options, "none"]
        return subprocess.run(["mount", *kind, str(folder)], capture_output=True, check=False)

    if sys.platform != "linux" or os.geteuid() or mount("size=4m").returncode:
        pytest.skip("only root on Linux may mount a small disk")
    monkeypatch.setattr(data, "DATA", folder / "data")
    try:
        yield lambda options: mount(options, remount=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def photos(tmp_path) -> Path:
    """Ten cats and ten dogs in a form that must be converted."""
    folder = write_classes(tmp_path / "photos", {"cat": 10, "dog": 10}, size=(90, 80))
    for path in folder.rglob("*.png"):
        Image.effect_noise((90, 80), 90).save(path.with_suffix(".bmp"))
        path.unlink()
    return folder


def test_load_on_a_full_disk_goes_on_once_there_is_room(disk, photos):
    disk("size=100k")
    with pytest.raises(OSError, match=NO_ROOM):
        data.load(photos)
    disk("size=4m")
    dataset = data.load(photos)
    assert [path.name for path in dataset.output_folder.iterdir()] == [dataset.folder.name]
    for row in dataset.images.itertuples():
        assert np.array_equal(Image.open(row.path), Image.open(row.source).convert("RGB"))


def test_a_data_folder_that_is_ready_may_be_read_only(disk, photos):
    ready = data.load(photos)
    disk("ro")
    assert data.load(photos).images.equals(ready.images)
    write_classes(photos, {"cat": 1}, start=100)
    with pytest.raises(OSError, match=r"readonly database.*COURSE_DATA"):
        data.load(photos)


def test_a_classifier_on_a_full_disk_stays_the_old_one(disk):
    from helpers import classifier, models

    small, large = (models.head(2048, 3, units=units) for units in (1, 1024))
    folder = data.DATA.parent / "mine"
    classifier.save(folder, [small], ["a", "b", "c"], 71)
    before = sorted(os.listdir(folder))
    with pytest.raises(OSError, match=NO_ROOM):
        classifier.save(folder, [large], ["a", "b", "c"], 71)
    assert sorted(os.listdir(folder)) == before
    assert classifier.load(folder).card["head"]["units"] == 1
