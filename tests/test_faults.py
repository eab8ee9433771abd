"""What may go wrong around the course: a full disk, a read-only one, files that vanish.

Kills are tested where they matter: of the build in test_data.py, of the feature pass in
test_features.py.
"""

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
    """Ten cats and ten dogs, half of them in a form that must be converted."""
    folder = write_classes(tmp_path / "photos", {"cat": 10, "dog": 10})
    for path in sorted(folder.rglob("*.png"))[::2]:
        noise = Image.effect_noise((90, 80), 90).convert("RGB")
        noise.save(path.with_suffix(".webp"), lossless=True)
        path.unlink()
    return folder


@pytest.mark.parametrize("size", ["4k", "100k"])
def test_load_on_a_full_disk_goes_on_once_there_is_room(disk, photos, size):
    disk(f"size={size}")
    with pytest.raises(
        OSError, match=f"{NO_ROOM}|database or disk is full|unable to open database"
    ):
        data.load(photos)
    disk("size=4m")
    dataset = data.load(photos)
    assert sorted(path.name for path in dataset.output_folder.iterdir()) == [dataset.folder.name]
    for row in dataset.images.itertuples():
        assert np.array_equal(Image.open(row.path), Image.open(row.source))


def test_a_data_folder_that_is_ready_may_be_read_only(disk, photos):
    ready = data.load(photos)
    disk("ro")
    assert data.load(photos).images.equals(ready.images)
    write_classes(photos, {"cat": 1}, start=100)
    with pytest.raises(OSError, match=r"readonly database.*COURSE_DATA"):
        data.load(photos)


def test_an_image_that_vanishes_while_it_is_converted_is_named(own_data, photos, monkeypatch):
    """Python says which file; the next call goes on without it."""
    convert = Image.fromarray
    victims = sorted(photos.rglob("*.webp"))

    def vanish(pixels):
        for victim in victims:
            victim.unlink(missing_ok=True)
        return convert(pixels)

    with monkeypatch.context() as patch:
        patch.setattr(Image, "fromarray", vanish)
        with pytest.raises(FileNotFoundError, match=r"\.webp"):
            data.load(photos)
    assert len(data.load(photos).images) == 10


def test_a_classifier_on_a_full_disk_stays_the_old_one(disk):
    from helpers import classifier, models

    small, large = (models.head(2048, 3, units=units) for units in (1, 1024))
    folder = data.DATA.parent / "mine"
    classifier.save(folder, [small], ["a", "b", "c"], 71)
    before = sorted(os.listdir(folder))
    with pytest.raises(OSError, match=NO_ROOM):
        classifier.save(folder, [large], ["a", "b", "c"], 71)
    assert (
        sorted(os.listdir(folder)) == before and classifier.load(folder).card["head"]["units"] == 1
    )


def test_a_save_cut_between_its_two_files_leaves_the_old_classifier(tmp_path, monkeypatch):
    from helpers import classifier, models

    write_whole = classifier._write_whole

    class Cut(BaseException):
        pass

    def write(path, content):
        if path.name == "card.json":
            raise Cut
        write_whole(path, content)

    old, new = (models.head(2048, 3, units=units) for units in (1, 2))
    classifier.save(tmp_path, [old], ["a", "b", "c"], 71)
    monkeypatch.setattr(classifier, "_write_whole", write)
    with pytest.raises(Cut):
        classifier.save(tmp_path, [new], ["a", "b", "c"], 71)
    assert len(list(tmp_path.glob("head-*.h5"))) == 2
    assert classifier.load(tmp_path).card["head"]["units"] == 1
