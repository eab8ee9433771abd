"""What `data.load` promises: splits, made folders, skipped files, the solar cells, the clothing download."""

import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from images import AS_IT_IS, CONVERTED, ODD, UNSEEN, paint, write_classes, write_odd_folder
from PIL import Image

from helpers import data, files, splits
from helpers.images import ValueRangeError, printable

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
SHARED = data.ROOT.parent / "shared" / "clothing-dataset-small"
SOLAR_SPLIT = "b03d79291c9be6187348ee3e0e1a7f435c863e5b7dc405573add1d84f32e9d87"
posix = pytest.mark.skipif(sys.platform == "win32", reason="kills, links or rights of POSIX")


@pytest.fixture
def photos(own_data, tmp_path) -> Path:
    return write_classes(tmp_path / "photos", {"cat": 60, "dog": 60})


def by_digest(dataset: data.Dataset) -> dict[str, str]:
    return dict(zip(dataset.images["digest"], dataset.images["split"], strict=True))


def reasons(dataset: data.Dataset) -> dict[str, str]:
    names = dataset.skipped["source"].map(os.path.basename)
    return dict(zip(names, dataset.skipped["reason"], strict=True))


def snapshot(folder: Path) -> dict:
    """Everything about a folder that a careless program could change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[path] = (about.st_mtime_ns, about.st_mode, about.st_nlink, content)
    return found


def child(code: str, own_data: Path, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", f"from helpers import data; {code}"]
    environment = os.environ | {"COURSE_DATA": str(own_data)}
    return subprocess.Popen(
        command, env=environment, cwd=data.ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )


# Splits by content --------------------------------------------------------------------------------


def test_a_folder_is_split_about_60_20_20_and_says_so(photos, capsys):
    dataset = data.load(photos)
    shares = dataset.counts.loc[["cat", "dog"], ["train", "validation", "test"]] / 60
    assert (abs(shares - [0.6, 0.2, 0.2]) < 0.15).all(axis=None)
    assert capsys.readouterr().out == (
        f"{dataset.name}: 120 images in 2 classes (cat, dog); "
        "split by content, about 60/20/20; skipped: none\n"
    )


def test_the_split_stays_whatever_is_added_renamed_deleted_or_made_anew(photos, own_data):
    before = by_digest(data.load(photos))
    for path in sorted((photos / "cat").iterdir())[:20]:
        path.unlink()
    for number, path in enumerate(sorted((photos / "dog").iterdir())):
        path.rename(path.with_name(f"renamed {99 - number}.png"))
    write_classes(photos, {"cat": 30, "emu": 20}, start=500)
    shutil.rmtree(own_data)
    after = by_digest(data.load(photos.rename(photos.with_name("elsewhere"))))
    both = before.keys() & after.keys()
    assert len(both) == 100 and len(after) == 150
    assert {digest: before[digest] for digest in both} == {digest: after[digest] for digest in both}


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_rank_decides_only_in_a_class_where_a_split_would_be_empty(photos, capsys, count):
    before = by_digest(data.load(photos))
    write_classes(photos, {"rare": count}, start=200)
    after = data.load(photos)
    assert (after.counts.loc["rare"] > 0).all()
    assert before.items() <= by_digest(after).items()
    if count == 3:
        assert "; by rank in small classes: rare; skipped: none" in capsys.readouterr().out


def test_another_seed_gives_another_split(photos, monkeypatch):
    first = by_digest(data.load(photos))
    monkeypatch.setattr(splits, "SEED", 43)
    assert first != by_digest(data.load(photos))


@pytest.mark.parametrize("dogs", [range(20, 25), range(12, 17)], ids=["apart", "in both classes"])
def test_what_belongs_together_is_not_torn_apart(own_data, tmp_path, dogs):
    """Five objects a class, eight images each: so few that rank decides, and some in both classes."""
    for class_name, objects in {"cat": range(9, 14), "dog": dogs}.items():
        for number in objects:
            folder = tmp_path / "photos" / class_name
            write_classes(
                folder, {f"object {number}": 8}, start=10 * len(list(folder.parent.rglob("*.png")))
            )
    dataset = data.load(tmp_path / "photos", group=lambda path: path.parent.name)
    objects = dataset.images["source"].map(lambda source: Path(source).parent.name)
    assert (dataset.images["split"].groupby(objects).nunique() == 1).all()
    assert (dataset.counts > 0).all(axis=None)


@pytest.mark.parametrize("own", ["train validation test", "train test", "train val"])
def test_splits_of_a_folders_own_may_not_tear_a_group_apart(own_data, tmp_path, own):
    """Two images an object, named 3-a and 3-b; the objects 0 to 9 stand in train."""
    for number, split in enumerate(own.split()):
        for class_number, class_name in enumerate(("cat", "dog")):
            for one in range(20):
                folder = tmp_path / "photos" / split / class_name
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"{class_name}{number}.{one // 2}-{'ab'[one % 2]}.png"
                paint(100 * number + 50 * class_number + one).save(path)

    def object_of(path):
        return path.stem.partition("-")[0]

    dataset = data.load(tmp_path / "photos", group=object_of)
    objects = dataset.images["source"].map(lambda source: object_of(Path(source)))
    assert (dataset.images["split"].groupby(objects).nunique() == 1).all()
    held_out = tmp_path / "photos" / own.split()[-1] / "cat"
    paint(999).save(held_out / "cat0.3-c.png")  # an object that is in train, too
    with pytest.raises(ValueError, match=r"tear groups apart: cat0\.3\. Move"):
        data.load(tmp_path / "photos", group=object_of)
    assert len(data.load(tmp_path / "photos").images) == len(dataset.images) + 1


def test_a_packaged_sets_groups_are_checked_against_its_split(own_data):
    with pytest.raises(ValueError, match=r"solar: .* tear groups apart: cell00, .* more\. Move"):
        data.load("solar", group=lambda path: path.stem[:6])


def test_train_and_test_only_gives_a_validation_set_from_train(own_data, tmp_path):
    write_classes(tmp_path / "photos" / "train", {"cat": 40, "dog": 40})
    write_classes(tmp_path / "photos" / "test", {"cat": 5, "dog": 5}, start=100)
    counts = data.load(tmp_path / "photos").counts
    assert counts.loc["total", "test"] == 10
    assert 5 < counts.loc["total", "validation"] < 30


def test_there_are_three_splits_and_no_other_name(photos):
    dataset = data.load(photos)
    assert sum(len(dataset.split(name)) for name in data.SPLITS) == 120
    with pytest.raises(
        ValueError, match=r"no split 'val'\. The splits are train, validation, test"
    ):
        dataset.split("val")


def test_a_dataset_is_one_line_and_equal_to_itself_alone(photos):
    dataset, other = data.load(photos), data.load(photos)
    assert repr(dataset) == f"{dataset.name}: 120 images in 2 classes (cat, dog)"
    assert dataset == dataset and dataset != other  # no "truth value of a DataFrame is ambiguous"


# Exact copies -------------------------------------------------------------------------------------


def test_of_copies_within_a_class_one_is_kept(photos):
    shutil.copy(photos / "cat" / "cat-003.png", photos / "cat" / "zz.png")
    dataset = data.load(photos)
    assert len(dataset.images) == 120
    assert reasons(dataset) == {"zz.png": f"copy: the same image as {photos}/cat/cat-003.png"}


def test_of_a_content_under_two_classes_none_is_kept(photos):
    shutil.copy(photos / "cat" / "cat-003.png", photos / "dog" / "or-a-dog.png")
    dataset = data.load(photos)
    assert len(dataset.images) == 119 and set(reasons(dataset)) == {"cat-003.png", "or-a-dog.png"}
    assert all(reason.startswith("two classes: ") for reason in dataset.skipped["reason"])


def test_where_a_folder_has_splits_the_copy_in_test_stays(own_data, tmp_path):
    for number, split in enumerate(("train", "val", "test")):
        write_classes(tmp_path / "own" / split, {"cat": 4, "dog": 3}, start=20 * number)
    shutil.copy(tmp_path / "own/test/cat/cat-040.png", tmp_path / "own/train/cat/leak-1.png")
    shutil.copy(tmp_path / "own/val/dog/dog-024.png", tmp_path / "own/train/dog/leak-2.png")
    shutil.copy(tmp_path / "own/test/dog/dog-044.png", tmp_path / "own/val/dog/leak-3.png")
    dataset = data.load(tmp_path / "own")
    assert dataset.counts.loc["total"].tolist() == [7, 7, 7, 21]
    assert sorted(reasons(dataset)) == ["leak-1.png", "leak-2.png", "leak-3.png"]


# The made folder ----------------------------------------------------------------------------------


def test_the_folder_is_named_by_its_index_and_never_changed(photos):
    first = data.load(photos)
    index = (first.folder / "index.csv").read_bytes()
    assert first.folder.name == hashlib.sha256(index).hexdigest()[:12]
    before = snapshot(first.folder)
    (photos / "cat" / "notes.txt").write_text("mine")
    second = data.load(photos)
    assert second.folder != first.folder and snapshot(first.folder) == before
    rows = pd.read_csv(second.folder / "index.csv", keep_default_na=False)
    assert len(rows) == 121 and rows["reason"].tolist()[-1] == "text file"


@pytest.mark.parametrize(
    "name", [".nfs0001", "._cat-000.png", "Icon\r", ".x.swp", "x.tmp", "x.png"]
)
def test_a_stray_file_in_data_stops_nothing(photos, name):
    before = data.load(photos)
    for folder in (data.DATA, before.output_folder, before.folder, before.train / "cat"):
        (folder / name).write_text("from the system")
    pd.testing.assert_frame_equal(data.load(photos).images, before.images)


def test_own_files_are_never_written_to(own_data, tmp_path):
    folder = write_odd_folder(tmp_path / "photos")
    before = snapshot(folder)
    data.load(folder)
    assert snapshot(folder) == before


@posix
def test_without_links_files_are_copied_and_the_size_is_said(photos, monkeypatch, capsys):
    """As on Windows, or on a memory stick. Hard links would share the learner's bytes."""

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    dataset = data.load(photos)
    assert "This system gives no links: copying 0 MB to" in capsys.readouterr().out
    for row in dataset.images.itertuples():
        assert Path(row.path).stat().st_nlink == 1 and not os.path.islink(row.path)
        assert Path(row.path).read_bytes() == Path(row.source).read_bytes()


@pytest.mark.parametrize("name", ["solar", "files.sqlite", "!!!", "Käfer & Co"])
def test_an_own_folder_gets_a_plain_name_with_a_hash_of_its_place(own_data, tmp_path, name):
    first, second = (
        data.load(write_classes(tmp_path / place / name, {"cat": 9, "dog": 9}))
        for place in ("here", "there")
    )
    plain = {"!!!": "images", "Käfer & Co": "Käfer-Co"}.get(name, name)
    for dataset in (first, second):
        assert re.fullmatch(rf"{plain}-[0-9a-f]{{6}}", dataset.name)
        assert dataset.output_folder == own_data / dataset.name
    assert first.name != second.name


@posix
def test_a_link_to_a_folder_is_that_folder(photos, tmp_path):
    (tmp_path / "link").symlink_to(photos)
    assert data.load(tmp_path / "link").folder == data.load(photos).folder


def test_a_folder_inside_data_is_not_made_into_itself(own_data):
    folder = write_classes(own_data / "photos", {"cat": 9, "dog": 9})
    before = snapshot(folder)
    first, second = data.load(folder), data.load(folder)
    assert snapshot(folder) == before and len(second.images) == 18
    pd.testing.assert_frame_equal(first.images, second.images)


def test_a_relative_path_counts_from_the_repository(photos, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", os.path.relpath(photos, data.ROOT))
    monkeypatch.chdir(photos)
    assert len(data.load().images) == 120


def test_so_does_a_relative_place_for_all_that_is_made(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "from helpers import data; print(data.DATA)"],
        env=os.environ | {"COURSE_DATA": "elsewhere", "PYTHONPATH": str(data.ROOT)},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(done.stdout.strip()) == data.ROOT / "elsewhere"


def test_processes_that_load_at_once_do_not_meet(own_data, tmp_path):
    """Two of one folder, and two of another folder of the same name."""
    for number in range(2):
        write_classes(tmp_path / str(number) / "photos", {"cat": 40, "dog": 40}, start=500 * number)
    folders = [tmp_path / str(number % 2) / "photos" for number in range(4)]
    children = [child(f"print(data.load({str(folder)!r}).folder)", own_data) for folder in folders]
    said = [one.communicate() for one in children]
    assert [one.returncode for one in children] == [0] * 4, said
    made = {out.decode().splitlines()[-1] for out, _ in said}
    assert len(made) == 2 and len({Path(folder).parent for folder in made}) == 2
    assert not list(own_data.glob("*/making-*"))
    for folder in folders:
        assert all(os.path.exists(path) for path in data.load(folder).images["path"])


@posix
def test_a_build_that_is_killed_is_made_whole_by_the_next_call(own_data, tmp_path):
    folder = write_classes(tmp_path / "photos", {"cat": 50, "dog": 50}, size=(300, 300))
    for path in folder.rglob("*.png"):  # these are converted, so that the build takes its time
        Image.open(path).save(path.with_suffix(".webp"), lossless=True)
        path.unlink()
    killed = child(f"data.load({str(folder)!r})", own_data)
    while len(list(own_data.glob("*/making-*/*/*/*/*.png"))) < 5 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    (left,) = own_data.glob("*/making-*")
    os.utime(left, (0, 0))  # what is below it is still young
    dataset = data.load(folder)
    data.clean()
    assert left.exists(), "another process may be making it just now"
    for path in left.rglob("*"):
        os.utime(path, (0, 0), follow_symlinks=False)
    data.clean()
    assert not left.exists()
    assert len(dataset.images) == 100
    for row in dataset.images.itertuples():
        assert np.array_equal(Image.open(row.path), Image.open(row.source))


def test_clean_keeps_what_is_in_use_and_what_lessons_wrote(photos):
    """The folder that is made last is not the one in use: the images went back to what they were."""
    used = data.load(photos)
    more = write_classes(photos.parent / "more", {"cat": 1}, start=900) / "cat" / "cat-900.png"
    more.rename(photos / "cat" / "more.png")
    other = data.load(photos)
    (photos / "cat" / "more.png").unlink()
    (used.output_folder / "classifier").mkdir()
    (used.output_folder / "classifier" / "index.csv").touch()
    os.utime(used.output_folder / "classifier", (0, 0))
    assert data.clean() == [], "another notebook may use what was loaded today"
    for dataset in (used, other):
        os.utime(dataset.folder, (0, 0))
    data.load(photos)
    assert data.clean() == [other.folder]
    left = {path.name for path in used.output_folder.iterdir()}
    assert left == {"classifier", used.folder.name}


def test_what_is_finished_while_abandoned_things_are_looked_for_stops_nothing(
    own_data, monkeypatch
):
    (own_data / "making-x" / "images").mkdir(parents=True)
    look = Path.lstat

    def vanish(path):
        if path.name == "images":
            path.rmdir()
        return look(path)

    monkeypatch.setattr(Path, "lstat", vanish)
    files.remove_abandoned(own_data)
    assert (own_data / "making-x").exists()


# Each file is looked at once ----------------------------------------------------------------------


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the files that are read from now on."""
    names, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: names.append(path.name) or read_bytes(path)
    )
    return names


def test_only_a_new_or_changed_file_is_read_again(photos, read):
    (photos / "cat" / "notes.txt").write_text("no image")
    data.load(photos)
    assert len(read) == 121
    paint(700).save(photos / "dog" / "dog-070.png")
    paint(701).save(photos / "dog" / "new.png")
    read.clear()
    dataset = data.load(photos)
    assert sorted(read) == ["dog-070.png", "new.png"]
    found = dict(zip(dataset.images["source"], dataset.images["path"], strict=True))
    assert np.array_equal(Image.open(found[str(photos / "dog" / "dog-070.png")]), paint(700))


@posix
def test_what_could_not_be_opened_is_looked_at_again(photos):
    (photos / "cat" / "later.png").symlink_to("original")
    skipped = reasons(data.load(photos))
    assert skipped == {"later.png": "cannot be opened: vanished, or a link to nothing"}
    paint(800).save(photos / "cat" / "original", "PNG")
    assert "later.png" not in reasons(data.load(photos))


def test_a_table_that_is_damaged_is_named(photos):
    data.load(photos)
    (data.DATA / "files.sqlite").write_bytes(b"no table" * 1000)
    with pytest.raises(OSError, match=r"files\.sqlite: file is not a database\. Delete it"):
        data.load(photos)


@posix
def test_a_failing_disk_stops_load(photos, monkeypatch):
    """Every third read fails: a network drive that is not well. Those images are not broken."""
    read_bytes = Path.read_bytes

    def failing(path):
        if path.name.endswith("3.png"):
            raise OSError(errno.EIO, "Input/output error", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(OSError, match=r"Input/output error: .*3\.png"):
        data.load(photos)


# Grey values beyond 8 bits ------------------------------------------------------------------------


def test_16_bit_images_stop_load_until_a_range_is_given(photos):
    for number in range(9):
        pixels = np.arange(400, dtype="uint16").reshape(20, 20) * 10 + number
        Image.fromarray(pixels).save(photos / "cat" / f"deep-{number}.png")
    with pytest.raises(
        ValueRangeError, match=r"photos: .* largest is 3998\. .*_range=\(0, 4095\)\)"
    ):
        data.load(photos)
    narrow, wide = (data.load(photos, value_range=(0, top)) for top in (4095, 65535))
    assert narrow.value_range == (0, 4095) and narrow.folder != wide.folder
    assert not set(narrow.images["digest"]) & set(wide.images["digest"])
    for dataset, white in ((narrow, 3998 / 4095), (wide, 3998 / 65535)):
        (path,) = (path for path in dataset.images["path"] if "deep-8" in path)
        assert np.asarray(Image.open(path)).max() == round(white * 255)
    splits = [
        dict(zip(one.images["source"], one.images["split"], strict=True)) for one in (narrow, wide)
    ]
    assert splits[0] == splits[1]
    with pytest.raises(ValueError, match=r"value_range is \(black, white\)"):
        data.load(photos, value_range=(9, 9))


# Sources that cannot serve ------------------------------------------------------------------------


def a_class_of_two(folder):
    write_classes(folder, {"emu": 2}, start=200)


def a_class_of_broken_images(folder):
    write_classes(folder, {"emu": 2}, start=200)
    (folder / "emu" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))


def many_small_classes(folder):
    write_classes(folder, {f"class {number:02}": 1 for number in range(40)}, start=200)


TOO_FEW = "each class needs an image .* for each of three splits; too few in"
SMALL = {
    a_class_of_two: f"{TOO_FEW} 1 of 3 classes: emu. Add images, or leave",
    a_class_of_broken_images: rf"{TOO_FEW} 1 of 3 classes: emu \(skipped there: (HEIC photo: pip|broken image)",
    many_small_classes: f"{TOO_FEW} 40 of 42 classes: class 00, class 01, class 02 and 37 more. Add",
}


@pytest.mark.parametrize("make", SMALL, ids=lambda make: make.__name__)
def test_classes_that_are_too_small_are_named_in_one_line(photos, make):
    make(photos)
    with pytest.raises(ValueError, match=SMALL[make]) as caught:
        data.load(photos)
    assert str(caught.value).isprintable()


def test_what_is_no_folder_is_named(photos):
    with pytest.raises(
        NotADirectoryError, match=r"nowhere is not there\. Name a folder .* or one of: solar"
    ):
        data.load(photos / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"cat-000\.png is an image"):
        data.load(photos / "cat" / "cat-000.png")


# Odd files, and what Keras reads ------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> dict[str, object]:
    """The folder of odd files, loaded once: name -> row of `images`, or the reason, or UNSEEN."""
    top = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", top / "data")
        dataset = data.load(write_odd_folder(top / "photos"))
    rows = {row.source: row for row in dataset.images.itertuples()}
    skipped = dict(zip(dataset.skipped["source"], dataset.skipped["reason"], strict=True))
    paths = {name: str(top / "photos" / "odd" / name) for name in ODD}
    return {
        name: rows.get(path) or skipped.get(printable(path)) or UNSEEN
        for name, path in paths.items()
    }


@pytest.mark.parametrize("name", ODD, ids=lambda name: ascii(name)[1:31])
def test_an_odd_file_gets_its_due(odd, name):
    fate = odd[name]
    if not isinstance(fate, str):
        fate = AS_IT_IS if os.path.islink(fate.path) else CONVERTED
    if name == "unreadable.png" and fate == AS_IT_IS:
        pytest.skip("this user (root?) may read everything")
    assert ODD[name][1] in fate


def test_keras_and_torchvision_read_the_made_files_as_the_course_reads_the_originals(odd):
    from helpers.models import tf

    for name, row in odd.items():
        if not isinstance(row, str):
            original = data.read_image(row.source).astype(int)
            keras = tf.io.decode_image(Path(row.path).read_bytes(), 3, expand_animations=False)
            for made in (keras.numpy(), np.asarray(Image.open(row.path).convert("RGB"))):
                assert np.abs(original - made).max() <= 40, name
                assert np.abs(original - made).mean() < 4, name


def test_keras_lists_the_folders_in_the_tables_order(own_data, tmp_path):
    from helpers.models import keras

    names = ["b", "A", "a1", "_z", "Käfer 日本", "-x", "a b"]
    folder = write_classes(tmp_path / "photos", dict.fromkeys(names, 9))
    Image.open(folder / "b" / "b-000.png").save(folder / "b" / "B zwei.webp")
    dataset = data.load(folder)
    for split in data.SPLITS:
        listed = keras.utils.image_dataset_from_directory(
            dataset.folder / split, shuffle=False, image_size=(8, 8), batch_size=4, verbose=False
        )
        rows = dataset.split(split)
        assert listed.class_names == dataset.class_names
        assert listed.file_paths == rows["path"].tolist()
        assert np.concatenate([y for _, y in listed]).tolist() == rows["label"].tolist()


# Solar --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def solar_data(tmp_path_factory):
    """A data folder in which solar has been loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", tmp_path_factory.mktemp("solar"))
        data.load("solar")
        yield


def file_and_split(dataset: data.Dataset) -> str:
    rows = zip(dataset.images["source"].map(os.path.basename), dataset.images["split"], strict=True)
    lines = sorted(f"{file} {split}\n" for file, split in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_solar_has_2624_cells_in_four_classes_and_the_split_of_ever(solar_data):
    dataset = data.load("solar")
    assert dataset.counts["total"].tolist() == [369, 705, 452, 1098, 2624]
    assert dataset.counts.loc["total"].tolist() == [1574, 526, 524, 2624]
    assert (~dataset.images["certain"]).sum() == 401 and len(dataset.skipped) == 0
    assert file_and_split(dataset) == SOLAR_SPLIT


def test_the_two_class_variant_has_the_same_split_and_looks_at_no_file_again(solar_data, read):
    dataset = data.load("Solar-Binary")
    assert read == []
    assert dataset.class_names == ["defective", "functional"]
    assert file_and_split(dataset) == SOLAR_SPLIT


# Clothing -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.exists(), reason="no copy of the clothing photos beside this repo")
def test_the_clothing_photos_have_the_digest_that_the_course_knows():
    assert data.folder_digest(SHARED) == data.CLOTHING_DIGEST


@pytest.fixture
def served(own_data, tmp_path, monkeypatch):
    """Serve `answer(handler, archive)` from this machine as if it were GitHub."""
    top = tmp_path / "zip" / "clothing-1196"
    for number, split in enumerate(data.SPLITS):
        write_classes(top / split, {"hat": 3, "shoes": 3}, start=10 * number)
    (top / "README.md").write_text("# Clothing")
    archive = Path(shutil.make_archive(tmp_path / "clothing", "zip", tmp_path / "zip")).read_bytes()
    asked, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            with suppress(OSError):
                answers[-1](self, archive)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(data, "CLOTHING_URL", f"http://127.0.0.1:{server.server_port}/zip/1196")
    monkeypatch.setattr(data, "CLOTHING_DIGEST", data.folder_digest(top))
    monkeypatch.setattr(files, "TIMEOUT", (1, 1))
    yield asked, answers
    server.shutdown()


def send(handler, content: bytes, pause: float = 0.0, status: int = 200, length: int = 0):
    handler.send_response(status)
    handler.send_header("Content-Length", str(length or len(content)))
    handler.end_headers()
    for start in range(0, len(content), 1000):
        handler.wfile.write(content[start : start + 1000])
        time.sleep(pause)


def test_clothing_is_downloaded_once_verified_and_loaded(served):
    asked, answers = served
    answers.append(send)
    assert data.load("clothing").counts.loc["total"].tolist() == [6, 6, 6, 18]
    assert data.load("Clothing").name == "clothing" and len(asked) == 1
    assert [path.name for path in (data.DATA / "downloads").iterdir()] == ["clothing"]


def test_a_slow_line_succeeds_if_only_something_comes(served):
    """Longer in all than the stall time-out: there is no deadline."""
    served[1].append(lambda handler, archive: send(handler, archive, pause=0.6))
    start = time.monotonic()
    assert data.fetch_clothing().exists()
    assert time.monotonic() - start > 2


def other_files(handler, archive):
    send(handler, archive.replace(b"hat-001", b"hat-1OO"))


FAULTS = {
    "a line that stalls": (lambda h, zipped: send(h, zipped[:4000], 1.5, 200, 9999), "timed out"),
    "half a file": (lambda h, zipped: send(h, zipped[:2000], length=len(zipped)), "IncompleteRead"),
    "html with status 200": (lambda h, _: send(h, b"<html>log in</html>"), "sent other files"),
    "no such page": (lambda h, _: send(h, b"gone", status=404), "404 Client Error"),
    "other files": (other_files, "sent other files than the course knows"),
    "closed at once": (lambda h, _: h.connection.close(), "ConnectionError"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_download_that_goes_wrong_is_one_line_and_leaves_nothing(served, fault):
    answer, message = FAULTS[fault]
    served[1].append(answer)
    with pytest.raises(OSError, match=message) as caught:
        data.load("clothing")
    assert data.CLOTHING_URL in str(caught.value) and str(caught.value).isprintable()
    assert list((data.DATA / "downloads").iterdir()) == []
    served[1].append(send)
    assert data.fetch_clothing().exists(), "the next call starts from nothing"


# A data/ that may only be read --------------------------------------------------------------------


def test_what_a_shared_folder_knows_is_read_and_new_things_go_to_the_learners_own(
    photos, tmp_path, monkeypatch, read
):
    data.load(photos)
    monkeypatch.setattr(data, "SHARED", data.DATA)
    monkeypatch.setattr(data, "DATA", tmp_path / "mine")
    before = snapshot(data.SHARED)
    paint(700).save(photos / "cat" / "new.png")
    read.clear()
    dataset = data.load(photos)
    assert read == ["new.png"] and dataset.folder.is_relative_to(tmp_path / "mine")
    assert snapshot(data.SHARED).keys() == before.keys()


def test_the_places_of_a_class(tmp_path, monkeypatch):
    course, mine = tmp_path / "course", tmp_path / "mine"
    course.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(course))
    assert data.places(course, course) == (Path.home() / "course-data", course)
    assert data.places(mine, course) == (mine, course)
    assert data.places(mine, tmp_path / "nowhere") == (mine, None)


def test_small_classes_can_be_left_out(photos, capsys):
    many_small_classes(photos)
    dataset = data.load(photos, skip_small=True)
    assert dataset.class_names == ["cat", "dog"] and len(dataset.skipped) == 40
    assert "skipped: 40 small class (lacks an image" in capsys.readouterr().out


def test_an_address_is_told_from_a_folder(own_data):
    with pytest.raises(NotADirectoryError, match=r"^https://a\.org/x is an address: download it"):
        data.load("https://a.org/x")


def test_few_images_are_said(own_data, tmp_path, capsys):
    data.load(write_classes(tmp_path / "photos", {"cat": 3, "dog": 20}))
    assert "Fewer than 10 images in cat: too few for most lessons." in capsys.readouterr().out


def test_classes_that_are_all_too_small_are_not_left_out(own_data, tmp_path):
    folder = write_classes(tmp_path / "few", {"cat": 2, "dog": 2})
    with pytest.raises(ValueError, match=r"2 of 2 classes: cat, dog\. Add images\.$"):
        data.load(folder, skip_small=True)


def test_what_was_skipped_most_is_named_where_a_class_is_too_small(own_data, tmp_path):
    folder = write_classes(tmp_path / "phone", {"mug": 2, "spoon": 9})
    (folder / "mug" / "a.aae").write_text("plist")
    for number in range(3):
        (folder / "mug" / f"b{number}.mov").write_bytes(b"\0\0\0\x14ftypqt  " + bytes(8))
    with pytest.raises(ValueError, match=r"skipped there: (?!text)"):
        data.load(folder)


@pytest.mark.parametrize("form", ['"{}"', "'{}'", "{} \n"])
def test_a_path_copied_with_its_quotes_is_read(form, own_data, tmp_path):
    folder = write_classes(tmp_path / "my photos (2)", {"cat": 9, "dog": 9})
    assert len(data.load(form.format(folder)).images) == 18


def test_an_unknown_home_is_a_folder_that_is_not_there(own_data):
    with pytest.raises(NotADirectoryError, match="nobodyhere"):
        data.load("~nobodyhere/photos")


def test_an_image_is_no_folder(own_data, tmp_path):
    folder = write_classes(tmp_path / "photos", {"cat": 9, "dog": 9})
    with pytest.raises(NotADirectoryError, match="is an image: name the folder above"):
        data.load(next((folder / "cat").iterdir()))
