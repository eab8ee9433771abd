"""What `data.load` promises: splits, own folders, odd files, the solar cells, the clothing download."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures import AS_IT_IS, CONVERTED, ODD, UNSEEN, paint, write_classes, write_odd_folder
from PIL import EpsImagePlugin, Image

from helpers import data, files

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning", "ignore:Corrupt EXIF")
SHARED = data.ROOT.parent / "shared" / "clothing-dataset-small"


@pytest.fixture
def photos(own_data, tmp_path) -> Path:
    """Ten cats and ten dogs."""
    return write_classes(tmp_path / "photos", {"cat": 10, "dog": 10})


def assignment(dataset: data.Dataset) -> dict[str, str]:
    return dict(zip(dataset.pictures["digest"], dataset.pictures["split"], strict=True))


def snapshot(folder: Path) -> dict:
    """Everything about a folder that a careless program could change."""
    return {
        str(path): (
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


# Splits -------------------------------------------------------------------------------------------


def test_a_folder_of_classes_is_split_60_20_20_within_each_class(photos):
    counts = data.load(photos).counts
    assert counts.loc["cat"].tolist() == counts.loc["dog"].tolist() == [6, 2, 2, 10]


@pytest.mark.parametrize(
    "count, shares", [(3, [1, 1, 1]), (4, [2, 1, 1]), (5, [3, 1, 1]), (7, [4, 2, 1]), (50, [30, 10, 10])]
)
def test_each_class_stands_in_each_split(own_data, tmp_path, count, shares):
    folder = write_classes(tmp_path / "few", {"cat": count, "dog": 9})
    assert data.load(folder).counts.loc["cat"].tolist() == [*shares, count]


def test_neither_names_nor_the_order_of_the_disk_decide(photos, tmp_path):
    again = tmp_path / "elsewhere" / "renamed"
    for number, path in enumerate(sorted(photos.rglob("*.png"), reverse=True)):
        (again / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, again / path.parent.name / f"{number}.png")
    assert assignment(data.load(photos)) == assignment(data.load(again))


def test_another_seed_gives_another_split(photos, tmp_path, monkeypatch):
    first = assignment(data.load(photos))
    monkeypatch.setattr(data, "SEED", 43)
    assert first != assignment(data.load(shutil.copytree(photos, tmp_path / "copy")))


def test_a_new_picture_goes_to_the_split_furthest_below_its_share(photos):
    before = data.load(photos)
    for split in ("train", "train", "validation"):
        Path(before.split(split)["source"][0]).unlink(missing_ok=True)
        before = data.load(photos)
    short = before.counts.loc["cat"].tolist()
    write_classes(photos, {"cat": 3}, start=100)
    after = data.load(photos)
    assert short == [4, 1, 2, 7]
    assert after.counts.loc["cat"].tolist() == [6, 2, 2, 10]
    assert assignment(before).items() <= assignment(after).items()


def test_a_renamed_picture_keeps_its_split(photos):
    before = data.load(photos)
    for number, path in enumerate(sorted((photos / "cat").iterdir())):
        path.rename(path.with_name(f"renamed {9 - number}.png"))
    after = data.load(photos)
    assert assignment(before) == assignment(after)
    assert all("renamed" in Path(path).name for path in after.pictures.query("class_name == 'cat'")["path"])


def test_another_picture_of_the_same_name_size_and_time_is_noticed(photos):
    path = photos / "cat" / "same.bmp"
    paint(500).save(path)
    first, time_stamp = data.load(photos), path.stat().st_mtime_ns
    paint(501).save(path)
    os.utime(path, ns=(time_stamp, time_stamp))
    assert set(assignment(data.load(photos))) != set(assignment(first))


def test_a_picture_that_comes_back_returns_to_its_split(photos, tmp_path):
    before = data.load(photos)
    gone = [Path(path) for path in before.split("test")["source"][:1]] + [Path(before.split("train")["source"][0])]
    for path in gone:
        path.rename(tmp_path / path.name)
    meanwhile = assignment(data.load(photos))
    assert len(meanwhile) == 18 and meanwhile.items() <= assignment(before).items()
    for path in gone:
        (tmp_path / path.name).rename(path)
    assert assignment(data.load(photos)) == assignment(before)


def test_a_split_emptied_by_deletion_is_filled_again(photos):
    for path in data.load(photos).split("test")["source"]:
        Path(path).unlink()
    assert data.load(photos).counts.loc[["cat", "dog"], "test"].tolist() == [1, 1]


def test_identical_bytes_never_stand_in_two_splits(photos):
    for number, path in enumerate(sorted((photos / "cat").iterdir())):
        shutil.copy(path, photos / "cat" / f"copy-{number}.png")
    dataset = data.load(photos)
    assert dataset.pictures["digest"].is_unique
    assert dataset.counts.loc["cat", "total"] == 10
    assert dataset.set_aside["reason"].str.startswith("the same picture as cat/").sum() == 10


def test_identical_bytes_under_two_classes_are_set_aside_and_named(photos):
    shutil.copy(photos / "cat" / "cat-000.png", photos / "dog" / "or-a-dog.png")
    dataset = data.load(photos)
    reasons = dict(zip(dataset.set_aside["source"].map(os.path.basename), dataset.set_aside["reason"], strict=True))
    assert reasons == {
        "cat-000.png": "the same picture stands under another class: dog/or-a-dog.png",
        "or-a-dog.png": "the same picture stands under another class: cat/cat-000.png",
    }
    assert dataset.counts["total"].tolist() == [9, 10, 19]


def test_splits_of_ones_own_are_kept_and_the_test_set_stays_whole(own_data, tmp_path):
    for number, split in enumerate(("train", "val", "test")):
        write_classes(tmp_path / "split" / split, {"cat": 4, "dog": 3}, start=20 * number)
    shutil.copy(tmp_path / "split/test/cat/cat-040.png", tmp_path / "split/train/cat/leak.png")
    shutil.copy(tmp_path / "split/val/dog/dog-024.png", tmp_path / "split/train/dog/leak.png")
    dataset = data.load(tmp_path / "split")
    assert dataset.counts.loc["total"].tolist() == [7, 7, 7, 21]
    reasons = ["the same picture as test/cat/cat-040.png", "the same picture as val/dog/dog-024.png"]
    assert dataset.set_aside["reason"].tolist() == reasons
    own = dataset.pictures["source"].map(lambda path: Path(path).parent.parent.name)
    assert (own.replace("val", "validation") == dataset.pictures["split"]).all()


# Your own folder ----------------------------------------------------------------------------------


def test_own_files_are_never_written_to(own_data, tmp_path):
    folder = write_odd_folder(tmp_path / "photos")
    before = snapshot(folder)
    data.load(folder)
    data.load(folder)
    assert snapshot(folder) == before


@pytest.mark.parametrize("splits", [[], list(data.SHARES)], ids=["classes", "splits"])
def test_a_folder_inside_data_is_not_written_to_either(own_data, splits):
    for number, split in enumerate(splits or ["."]):
        write_classes(own_data / "photos" / split, {"cat": 5, "dog": 5}, start=10 * number)
    (own_data / "photos" / "README.txt").write_text("mine")
    before = snapshot(own_data / "photos")
    first, second = data.load(own_data / "photos"), data.load(own_data / "photos")
    assert snapshot(own_data / "photos") == before
    assert first.folder != own_data / "photos"
    pd.testing.assert_frame_equal(first.pictures, second.pictures)


def test_two_folders_of_one_name_do_not_meet(photos, tmp_path):
    other = write_classes(tmp_path / "other" / "photos", {"cat": 4, "dog": 4}, start=50)
    assert len(data.load(photos).pictures) == 20
    assert len(data.load(other).pictures) == 8
    assert data.load(photos).folder != data.load(other).folder


@pytest.mark.parametrize("name", ["solar", "features", "Weights"])
def test_a_folder_named_like_one_of_the_courses_gets_another_name(own_data, tmp_path, name):
    folder = write_classes(tmp_path / name, {"cat": 3, "dog": 3})
    assert data.load(folder).folder.name.startswith(f"{name}-")


def test_a_relative_path_counts_from_the_repos_root(photos, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", os.path.relpath(photos, data.ROOT))
    monkeypatch.chdir(photos)
    assert len(data.load().pictures) == 20


def test_a_second_call_reads_no_picture(photos, monkeypatch):
    first = data.load(photos)
    monkeypatch.setattr(data, "examine", None)
    pd.testing.assert_frame_equal(data.load(photos).pictures, first.pictures)


def test_only_a_changed_file_is_read_again(photos, monkeypatch):
    data.load(photos)
    seen, examine = [], data.examine
    monkeypatch.setattr(data, "examine", lambda path: seen.append(path.name) or examine(path))
    paint(500).save(photos / "dog" / "dog-015.png")
    dataset = data.load(photos)
    assert seen == ["dog-015.png"]
    row = dataset.pictures[dataset.pictures["source"].str.endswith("dog-015.png")].iloc[0]
    assert np.array_equal(np.asarray(Image.open(row["path"])), np.asarray(paint(500)))


def test_a_file_that_was_no_good_is_looked_at_again(photos, monkeypatch):
    """Rights change without changing a file's time or size."""
    examine = data.examine

    def locked(path):
        bad = {"digest": "", "convert": "", "unreadable": "no permission to read it"}
        return bad if path.name == "cat-003.png" else examine(path)

    monkeypatch.setattr(data, "examine", locked)
    assert len(data.load(photos).pictures) == 19
    monkeypatch.setattr(data, "examine", examine)
    assert len(data.load(photos).pictures) == 20


def test_what_a_changed_source_leaves_behind_is_removed(photos):
    Image.open(photos / "cat" / "cat-000.png").save(photos / "cat" / "extra.webp", lossless=True)
    data.load(photos)
    (photos / "cat" / "extra.webp").unlink()
    (photos / "dog" / "dog-012.png").unlink()
    dataset = data.load(photos)
    files = sorted(
        str(path) for split in data.SHARES for path in (dataset.folder / split).rglob("*") if not path.is_dir()
    )
    assert files == sorted(dataset.pictures["path"])


def test_a_class_that_is_gone_leaves_no_empty_folder(photos):
    """Keras would number the other classes from 1 on."""
    write_classes(photos, {"ant": 5}, start=50)
    assert sorted(os.listdir(data.load(photos).train)) == ["ant", "cat", "dog"]
    shutil.rmtree(photos / "ant")
    assert sorted(os.listdir(data.load(photos).train)) == ["cat", "dog"]


def test_new_pictures_under_old_names_do_not_hide_behind_old_links(own_data, tmp_path):
    """A camera counts anew each year: cat/2023 becomes cat/old, and other pictures take its names."""
    photos = tmp_path / "photos"
    write_classes(photos / "cat", {"2023": 5})
    write_classes(photos, {"dog": 5}, start=10)
    data.load(photos)
    (photos / "cat" / "2023").rename(photos / "cat" / "old")
    for path in (photos / "cat" / "old").iterdir():
        (photos / "cat" / "2023").mkdir(exist_ok=True)
        paint(int(path.stem[-3:]) + 100).save(photos / "cat" / "2023" / path.name)
    pictures = data.load(photos).pictures
    found = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in pictures["path"]]
    assert len(pictures) == 15 and found == pictures["digest"].tolist()


def test_what_a_look_with_the_systems_file_manager_leaves_is_removed(photos):
    train = data.load(photos).train
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (train / "cat" / name).write_bytes(b"sorted by date")
    data.load(photos)
    assert not [name for name in os.listdir(train / "cat") if not name.endswith(".png")]


def test_a_file_put_into_the_made_folder_is_named_and_kept(photos):
    stranger = data.load(photos).train / "cat" / "mine.png"
    paint(7).save(stranger)
    with pytest.raises(ValueError, match=r"mine\.png was not put there by the course\. Move it away"):
        data.load(photos)
    assert stranger.exists()


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '{"files": 3}', "\0\0\0"])
def test_a_damaged_manifest_is_made_anew(photos, capsys, content):
    before = data.load(photos)
    (before.folder / "manifest.json").write_text(content)
    assert assignment(data.load(photos)) == assignment(before)
    assert "is damaged and is made anew" in capsys.readouterr().out


def test_two_processes_may_load_at_once(own_data, tmp_path):
    folder = write_classes(tmp_path / "photos", {"cat": 150, "dog": 150})
    for path in sorted(folder.rglob("*.png"))[::2]:
        Image.open(path).save(path.with_suffix(".webp"), lossless=True)
        path.unlink()
    code = f"from pathlib import Path; from helpers import data; data.DATA = Path({str(own_data)!r}); "
    command = [sys.executable, "-c", code + f"data.load({str(folder)!r})"]
    children = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    errors = [child.communicate()[1].decode() for child in children]
    assert [child.returncode for child in children] == [0, 0], errors
    dataset = data.load(folder)
    assert all(Path(path).exists() for path in dataset.pictures["path"])


# Bad inputs ---------------------------------------------------------------------------------------


def missing(folder):
    return folder / "nowhere"


def a_file(folder):
    return write_classes(folder, {"cat": 3}) / "cat" / "cat-000.png"


def nothing_inside(folder):
    return folder


def loose_pictures(folder):
    for number in range(3):
        paint(number).save(folder / f"{number}.png")
    return folder


def one_class(folder):
    return write_classes(folder, {"cat": 5})


def an_empty_class(folder):
    return write_classes(folder, {"cat": 5, "dog": 5, "emu": 0})


def a_class_of_two(folder):
    return write_classes(folder, {"cat": 5, "dog": 2})


def a_class_of_broken_pictures(folder):
    write_classes(folder, {"cat": 5, "dog": 2})
    (folder / "dog" / "broken.jpg").write_bytes(b"no picture")
    return folder


def no_test_split(folder):
    write_classes(folder / "train", {"cat": 3, "dog": 3})
    write_classes(folder / "validation", {"cat": 3, "dog": 3}, start=10)
    return folder


def splits_that_disagree(folder):
    write_classes(no_test_split(folder) / "test", {"cat": 3, "emu": 3}, start=20)
    return folder


def an_empty_class_in_one_split(folder):
    write_classes(no_test_split(folder) / "test", {"cat": 3, "dog": 0}, start=20)
    return folder


def no_permission(folder):
    write_classes(folder, {"cat": 3, "dog": 3})
    (folder / "dog").chmod(0)
    if os.access(folder / "dog", os.R_OK):
        pytest.skip("this user (root?) may read everything")
    return folder


def no_permission_at_all(folder):
    (no_permission(folder) / "dog").chmod(0o700)
    folder.chmod(0)
    return folder


BAD = [
    (
        missing,
        FileNotFoundError,
        "There is no folder .*nowhere. Name a folder .* or one of: solar, solar-binary, clothing",
    ),
    (a_file, NotADirectoryError, "cat-000.png is a file. Name the folder that holds a sub-folder per class"),
    (nothing_inside, ValueError, "two or more classes; found class folders: none; beside them no files"),
    (
        loose_pictures,
        ValueError,
        "found class folders: none; beside them 3 .png. Sort the pictures into class folders",
    ),
    (one_class, ValueError, "two or more classes; found class folders: cat;"),
    (an_empty_class, ValueError, "no files in the class folder emu. Put pictures in, or take the folder out"),
    (
        a_class_of_two,
        ValueError,
        "at least three pictures, one a split, but dog has 2 usable pictures. Add pictures",
    ),
    (
        a_class_of_broken_pictures,
        ValueError,
        "dog has 2 usable pictures .left out: dog/broken.jpg: not a picture",
    ),
    (no_test_split, ValueError, "has no folder for: test. Add it, or put all classes side by side"),
    (splits_that_disagree, ValueError, "train: cat, dog; validation: cat, dog; test: cat, emu"),
    (an_empty_class_in_one_split, ValueError, "dog has 6 usable pictures, none for test"),
    (no_permission, PermissionError, "No permission to read .*dog. Give yourself the right to read it"),
    (no_permission_at_all, PermissionError, "No permission to read .*photos. Give yourself the right"),
]


@pytest.mark.parametrize("make, error, message", BAD, ids=[make.__name__ for make, *_ in BAD])
def test_a_folder_that_cannot_serve_says_why_in_one_line(own_data, tmp_path, make, error, message):
    (tmp_path / "photos").mkdir()
    folder = make(tmp_path / "photos")
    with pytest.raises(error, match=message) as caught:
        data.load(folder)
    assert "\n" not in str(caught.value)
    assert not own_data.exists(), "a failed load leaves nothing behind"


# Odd files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """The folder of odd files, loaded once: name -> (row of `pictures`, or the reason, or UNSEEN)."""
    top = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", top / "data")
        patch.setattr(EpsImagePlugin, "Ghostscript", lambda *args, **kwargs: pytest.fail("Ghostscript was started"))
        dataset = data.load(write_odd_folder(top / "photos"))
    rows = {row.source: row for row in dataset.pictures.itertuples()}
    aside = dict(zip(dataset.set_aside["source"], dataset.set_aside["reason"], strict=True))
    found = {}
    for name in ODD:
        path = str(top / "photos" / "odd" / name)
        found[name] = rows.get(path) or aside.get(files.show(path)) or UNSEEN
    return found


def fate(found) -> str:
    if isinstance(found, str):
        return found
    return AS_IT_IS if Path(found.path).is_symlink() else CONVERTED


@pytest.mark.parametrize("name", ODD, ids=lambda name: files.show(name)[:30].encode("ascii", "replace").decode())
def test_an_odd_file_gets(odd, name):
    if name == "unreadable.png" and fate(odd[name]) == AS_IT_IS:
        pytest.skip("this user (root?) may read everything")
    assert ODD[name][1] in fate(odd[name])


def test_the_table_of_odd_files(odd):
    """`pytest tests/test_data.py -k table -s` prints it."""
    print(f"\n| {len(ODD)} files | what each got |\n|---|---|")
    for name, found in odd.items():
        print(f"| `{files.show(name)[:40]}` | {fate(found)} |".encode("utf-8", "replace").decode())
    assert len(odd) >= 40


def keras_reads(path: str) -> np.ndarray:
    from helpers.models import tf

    return tf.io.decode_image(Path(path).read_bytes(), channels=3, expand_animations=False).numpy()


def pillow_reads(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize("reads", [keras_reads, pillow_reads])
def test_every_picture_that_was_kept_is_read_upright_and_in_its_colours(odd, reads):
    shapes = {"one-pixel.png": (1, 1, 3), "30000x10.png": (10, 30000, 3)}
    for name, row in odd.items():
        if isinstance(row, str):
            continue
        pixels = reads(row.path).astype(int)
        _, _, left, right = ODD[name]
        assert pixels.shape == shapes.get(name, (16, 24, 3)), name
        middle, width = pixels.shape[0] // 3, pixels.shape[1]
        assert np.abs(pixels[middle, width // 4] - left).max() <= 12, (name, pixels[middle, width // 4])
        assert np.abs(pixels[middle, -1 - width // 4] - right).max() <= 12, (
            name,
            pixels[middle, -1 - width // 4],
        )


def test_the_course_reads_the_original_as_keras_reads_what_was_kept(odd):
    for name, row in odd.items():
        if not isinstance(row, str):
            difference = np.abs(data.read_picture(row.source).astype(int) - pillow_reads(row.path))
            assert difference.max() <= 40 and difference.mean() < 4, name


def test_a_picture_from_memory_reads_as_from_disk(photos):
    path = photos / "cat" / "cat-000.png"
    assert np.array_equal(data.read_picture(io.BytesIO(path.read_bytes()), 71), data.read_picture(path, 71))
    assert data.read_picture(path, 71).shape == (71, 71, 3)


def test_a_broken_picture_names_its_file(photos):
    (photos / "cat" / "cat-000.png").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"cat-000\.png: "):
        data.read_picture(photos / "cat" / "cat-000.png")


def test_odd_class_names_become_folders_that_keras_can_list(own_data, tmp_path):
    names = ["Käfer 日本", "-x", "a b", "line\nbreak"] + [os.fsdecode(b"bytes-\xff")] * (sys.platform == "linux")
    for number, name in enumerate(names):
        write_classes(tmp_path / "photos", {name: 3}, start=10 * number)
    dataset = data.load(tmp_path / "photos")
    assert len(dataset.class_names) == len(names)
    assert keras_order(dataset, "train")[1] == dataset.class_names


# Keras, torchvision and the table agree -----------------------------------------------------------


def keras_order(dataset, split):
    from helpers.models import keras

    listed = keras.utils.image_dataset_from_directory(
        dataset.folder / split, shuffle=False, image_size=(8, 8), batch_size=4, verbose=False
    )
    labels = np.concatenate([y.numpy() for _, y in listed])
    return listed.file_paths, listed.class_names, labels.tolist()


@pytest.mark.parametrize("split", data.SHARES)
def test_keras_lists_the_folder_in_the_tables_order(own_data, tmp_path, split):
    folder = write_classes(tmp_path / "photos", {"b": 9, "A": 9, "a1": 9, "_z": 9})
    Image.open(folder / "b" / "b-000.png").save(folder / "b" / "B zwei.webp")
    dataset = data.load(folder)
    rows = dataset.split(split)
    assert keras_order(dataset, split) == (rows["path"].tolist(), dataset.class_names, rows["label"].tolist())


# Solar --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def solar(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", tmp_path_factory.mktemp("solar"))
        return {name: data.load(name) for name in ("solar", "solar-binary")}


def test_solar_has_2624_cells_in_four_classes(solar):
    counts = solar["solar"].counts["total"]
    assert counts["total"] == 2624
    shares = (counts.drop("total") / 2624).round(2).to_dict()
    assert shares == {
        "mono-defective": 0.14,
        "mono-functional": 0.27,
        "poly-defective": 0.17,
        "poly-functional": 0.42,
    }
    assert len(solar["solar"].set_aside) == 0


def test_solar_is_split_60_20_20(solar):
    counts = solar["solar"].counts.drop("total")
    for split, share in data.SHARES.items():
        assert (abs(counts[split] - share * counts["total"]) <= 1).all()


def test_solar_marks_the_labels_that_the_experts_were_sure_of(solar):
    assert (~solar["solar"].pictures["certain"]).sum() == 401


def test_the_two_class_variant_has_the_same_splits(solar):
    assert solar["solar-binary"].class_names == ["defective", "functional"]
    assert assignment(solar["solar-binary"]) == assignment(solar["solar"])


# Clothing -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.exists(), reason="no copy of the clothing photos beside this repo")
def test_the_clothing_photos_have_the_digest_that_the_course_knows():
    assert data.folder_digest(SHARED) == data.CLOTHING_DIGEST


@pytest.fixture
def small_zip(tmp_path) -> bytes:
    """A zip as GitHub sends it: all below one folder named after the commit."""
    for number, split in enumerate(data.SHARES):
        write_classes(tmp_path / "zip" / "clothing-1196" / split, {"hat": 3, "shoes": 3}, start=10 * number)
    (tmp_path / "zip" / "clothing-1196" / "README.md").write_text("# Clothing")
    shutil.make_archive(tmp_path / "clothing", "zip", tmp_path / "zip")
    return (tmp_path / "clothing.zip").read_bytes()


@pytest.fixture
def serve(own_data, small_zip, tmp_path, monkeypatch):
    """Serve `answer(handler)` from this machine as if it were GitHub."""
    servers = []

    def start(answer):
        handler = type("Handler", (BaseHTTPRequestHandler,), {"do_GET": answer, "log_message": lambda *args: None})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(data, "CLOTHING_URL", f"http://127.0.0.1:{server.server_port}/zip/1196")

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for module in (data, files):
        monkeypatch.setattr(module, "MOST_BYTES", 1e6)
    monkeypatch.setattr(data, "CLOTHING_DIGEST", data.folder_digest(tmp_path / "zip" / "clothing-1196"))
    yield start
    for server in servers:
        server.shutdown()


def send(handler, content: bytes, length=None, status=200):
    handler.send_response(status)
    handler.send_header("Content-Length", str(length or len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def test_clothing_is_downloaded_once_verified_and_loaded(serve, small_zip):
    asked = []
    serve(lambda handler: asked.append(1) or send(handler, small_zip))
    assert data.load("clothing").counts.loc["total"].tolist() == [6, 6, 6, 18]
    data.load("clothing")
    assert len(asked) == 1
    assert sorted(path.name for path in (data.DATA / "downloads").iterdir()) == ["clothing"]


def test_two_processes_may_download_clothing_at_once(serve, small_zip):
    def slowly(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(small_zip)))
        handler.end_headers()
        for start in range(0, len(small_zip), 500):
            handler.wfile.write(small_zip[start : start + 500])
            time.sleep(0.1)

    serve(slowly)
    code = "import sys; from pathlib import Path; from helpers import data; "
    code += f"data.DATA, data.CLOTHING_URL = Path({str(data.DATA)!r}), {data.CLOTHING_URL!r}; "
    code += f"data.CLOTHING_DIGEST = {data.CLOTHING_DIGEST!r}; data.load('clothing')"
    children = []
    for _ in range(3):
        children.append(
            subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        )
        time.sleep(0.4)
    errors = [child.communicate()[1].decode() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], errors
    assert sorted(path.name for path in (data.DATA / "downloads").iterdir()) == ["clothing"]


def one_wrong_byte(content: bytes) -> bytes:
    """Change one byte of a picture and pack again: a sound zip of unsound content."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            body = old.read(member)
            new.writestr(member, body[:-1] + b"?" if member.filename.endswith("hat-001.png") else body)
    return out.getvalue()


def damaged(content: bytes) -> bytes:
    """Change the packed bytes of one member."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        member = zipped.getinfo("clothing-1196/train/hat/hat-001.png")
    at = member.header_offset + 30 + len(member.filename) + 20
    return content[:at] + bytes(byte ^ 255 for byte in content[at : at + 3]) + content[at + 3 :]


def trickle(handler, content):
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(600):
            handler.wfile.write(b".")
            time.sleep(0.05)
    except OSError:
        pass


def without_end(handler, content):
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(content)


def elsewhere(handler):
    handler.send_response(302)
    handler.send_header("Location", f"{handler.path}x")
    handler.end_headers()


FAULTS = {
    "half a file": (
        lambda handler, content: send(handler, content[:2000], len(content)),
        "connection.* broke",
    ),
    "html with status 200": (
        lambda handler, _: send(handler, b"<html>log in</html>"),
        "not a sound zip file",
    ),
    "a wrong byte in one picture": (
        lambda handler, content: send(handler, one_wrong_byte(content)),
        "not the ones",
    ),
    "a wrong byte in the zip": (
        lambda handler, content: send(handler, damaged(content)),
        "not a sound zip file",
    ),
    "no such page": (lambda handler, _: send(handler, b"gone", status=404), "it answers 404 Not Found"),
    "a length that is too short": (
        lambda handler, content: send(handler, content, len(content) // 2),
        "not a sound zip file",
    ),
    "a length that is no number": (lambda handler, content: send(handler, content, "many"), "Could not download"),
    "a redirect without end": (lambda handler, _: elsewhere(handler), "TooManyRedirects"),
    "a file without end": (without_end, "it sends more than 1 MB"),
    "a trickle without end": (trickle, "not finished after 1 s"),
    "closed at once": (lambda handler, _: handler.connection.close(), "no connection"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_download_that_goes_wrong_is_one_clear_line_and_leaves_nothing(serve, small_zip, fault):
    answer, message = FAULTS[fault]
    serve(lambda handler: answer(handler, small_zip))
    with pytest.raises(OSError, match=message) as caught:
        data.fetch_clothing(deadline=1)
    assert data.CLOTHING_URL in str(caught.value) and "\n" not in str(caught.value)
    assert list((data.DATA / "downloads").iterdir()) == []
    serve(lambda handler: send(handler, small_zip))
    assert data.fetch_clothing().exists(), "the next call starts from nothing"


def test_manifest_and_table_name_every_file(photos):
    dataset = data.load(photos)
    manifest = json.loads((dataset.folder / "manifest.json").read_text())
    assert len(manifest["files"]) == len(dataset.pictures) == len(manifest["assigned"])


def test_a_folder_whose_name_begins_like_the_solar_set_is_an_own_one(own_data, tmp_path):
    write_classes(tmp_path / "solar-panels", {"cat": 3, "dog": 3})
    assert data.load(tmp_path / "solar-panels").pictures["certain"].all()
    assert data.load(os.path.relpath(tmp_path / "solar-panels", data.ROOT)).name == "solar-panels"
