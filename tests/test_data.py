"""What `data.load` promises: splits, made folders, skipped files, the solar cells, the clothing download."""

import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from images import AS_IT_IS, CONVERTED, ODD, paint, write_classes, write_odd_folder
from PIL import Image

from helpers import data, files, images
from helpers.images import ValueRangeError
from helpers.layout import SPLITS

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


@pytest.mark.parametrize("count", [3, 4, 8])
def test_rank_decides_only_in_a_class_where_a_split_would_be_empty(photos, count):
    before = by_digest(data.load(photos))
    write_classes(photos, {"rare": count}, start=200)
    after = data.load(photos)
    assert (after.counts.loc["rare"] > 0).all()
    assert before.items() <= by_digest(after).items()


@pytest.mark.parametrize("dogs", [range(20, 25), range(12, 17)], ids=["apart", "in both classes"])
def test_what_belongs_together_is_not_torn_apart(own_data, tmp_path, dogs):
    """Five objects a class, eight images each: so few that rank decides, and some in both classes."""
    for class_name, objects in {"cat": range(9, 14), "dog": dogs}.items():
        for number in objects:
            start = 8 * number + 99 * (class_name == "dog")
            write_classes(tmp_path / "photos" / class_name, {f"object {number}": 8}, start)
    dataset = data.load(tmp_path / "photos", group=lambda path: path.parent.name)
    objects = dataset.images["source"].map(lambda source: Path(source).parent.name)
    assert (dataset.images["split"].groupby(objects).nunique() == 1).all()
    assert (dataset.counts > 0).all(axis=None)


def test_splits_of_a_folders_own_may_not_tear_a_group_apart(own_data, tmp_path):
    folder = write(tmp_path / "photos", {f"{split}/{name}": 2 for split in SPLITS for name in "ab"})
    with pytest.raises(ValueError, match=r"tear groups apart: a person\. Move"):
        data.load(folder, group=lambda path: "a person")


def test_each_split_has_its_own_folder(photos):
    dataset = data.load(photos)
    for split in SPLITS:
        assert getattr(dataset, split) == dataset.folder / split
    with pytest.raises(ValueError, match=r"'val'\. The splits are train, validation, test"):
        dataset.split("val")


# Exact copies -------------------------------------------------------------------------------------


def test_of_copies_in_a_class_one_is_kept_and_of_copies_in_two_classes_none(photos):
    shutil.copy(photos / "cat" / "cat-003.png", photos / "cat" / "zz.png")
    shutil.copy(photos / "cat" / "cat-004.png", photos / "dog" / "or-a-dog.png")
    dataset = data.load(photos)
    two = f"two classes: {photos}/cat/cat-004.png and {photos}/dog/or-a-dog.png are one image"
    assert len(dataset.images) == 119 and reasons(dataset) == {
        "zz.png": f"copy: the same image as {photos}/cat/cat-003.png",
        "cat-004.png": two,
        "or-a-dog.png": two,
    }


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


@pytest.mark.parametrize("name", [".nfs0001", "._cat-000.png", "Icon\r", "x.png"])
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


@pytest.mark.parametrize(("name", "plain"), [("solar", "solar"), ("Käfer & Co", "Käfer-Co")])
def test_an_own_folder_gets_a_plain_name_with_a_hash_of_its_place(own_data, tmp_path, name, plain):
    first, second = (data.load(write(tmp_path / place / name, CATS)) for place in ("a", "b"))
    for dataset in (first, second):
        assert re.fullmatch(rf"{plain}-[0-9a-f]{{6}}", dataset.name)
    assert first.name != second.name


def test_two_notebooks_that_load_at_once_do_not_meet(photos):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(data.load, [photos, photos])
    assert first.images.equals(second.images)
    assert os.listdir(first.output_folder) == [first.folder.name]


@posix
def test_a_build_that_is_killed_is_made_whole_by_the_next_call(own_data, tmp_path):
    folder = write_classes(tmp_path / "photos", {"cat": 50, "dog": 50}, size=(300, 300))
    for path in folder.rglob("*.png"):  # these are converted, so that the build takes its time
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    code = f"from helpers import data; data.load({str(folder)!r})"
    environment = os.environ | {"COURSE_DATA": str(own_data)}
    killed = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=data.ROOT)
    while len(list(own_data.glob("*/making-*/*/*/*/*.png"))) < 5 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    dataset = data.load(folder)
    assert len(dataset.images) == 100
    for row in dataset.images.itertuples():
        assert np.array_equal(Image.open(row.path), Image.open(row.source))
    (left,) = own_data.glob("*/making-*")
    data.clean()
    assert left.exists(), "another process may be making it just now"
    for path in (left, *left.rglob("*")):
        os.utime(path, (0, 0))
    data.clean()
    assert not left.exists()


def test_clean_keeps_what_is_in_use_and_what_lessons_wrote(photos):
    """The folder that is made last is not the one in use: the images went back to what they were."""
    used = data.load(photos)
    paint(900).save(photos / "cat" / "more.png")
    other = data.load(photos)
    (photos / "cat" / "more.png").unlink()
    (used.output_folder / "classifier").mkdir()
    assert data.clean() == [], "another notebook may use what was loaded today"
    os.utime(used.folder, (0, 0))
    os.utime(other.folder, (1, 1))
    data.load(photos)
    assert data.clean() == [other.folder]
    left = {path.name for path in used.output_folder.iterdir()}
    assert left == {"classifier", used.folder.name}


# Each file is looked at once ----------------------------------------------------------------------


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the files that are read from now on."""
    names, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda one: names.append(one.name) or read_bytes(one))
    return names


def test_only_a_file_that_is_new_or_changed_or_may_be_readable_now_is_read_again(
    photos, read, monkeypatch
):
    monkeypatch.setattr(images, "find_spec", lambda name: None)  # pillow_heif may be installed next
    (photos / "cat" / "later.heic").write_bytes(HEIC)
    (photos / "cat" / "notes.txt").write_text("no image")
    data.load(photos)
    assert len(read) == 122
    paint(700).save(photos / "dog" / "dog-070.png")
    paint(701).save(photos / "dog" / "new.png")
    read.clear()
    dataset = data.load(photos)
    assert sorted(read) == ["dog-070.png", "later.heic", "new.png"]
    found = dict(zip(dataset.images["source"], dataset.images["path"], strict=True))
    assert np.array_equal(Image.open(found[str(photos / "dog" / "dog-070.png")]), paint(700))


# Grey values beyond 8 bits ------------------------------------------------------------------------


def test_16_bit_images_stop_load_until_a_range_is_given(photos):
    for number in range(9):
        pixels = np.arange(400, dtype="uint16").reshape(20, 20) * 10 + number
        Image.fromarray(pixels).save(photos / "cat" / f"deep-{number}.png")
    with pytest.raises(ValueRangeError, match=r"photos: .* largest is 3998\. .*\(0, 4095\)\)"):
        data.load(photos)
    ranges = [(0, 4095), (0, 4095.4), (0, 65535)]
    loaded = [data.load(photos, value_range=one) for one in ranges]
    assert [dataset.value_range for dataset in loaded] == ranges
    assert len({dataset.folder for dataset in loaded}) == 3
    narrow, _, wide = loaded
    assert not set(narrow.images["digest"]) & set(wide.images["digest"])
    for dataset, white in ((narrow, 3998 / 4095), (wide, 3998 / 65535)):
        (path,) = (path for path in dataset.images["path"] if "deep-8" in path)
        assert np.asarray(Image.open(path)).max() == round(white * 255)
    assert narrow.images[["source", "split"]].equals(wide.images[["source", "split"]])


# What load says -----------------------------------------------------------------------------------


def write(folder: Path, contents: dict) -> Path:
    """Write so many different images into a folder, or what a file shall hold."""
    for number, (name, content) in enumerate(contents.items()):
        path = folder / name
        if isinstance(content, int):
            write_classes(path.parent, {path.name: content}, start=50 * number)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def image_file(number: int, kind="PNG", **options) -> bytes:
    content = io.BytesIO()
    paint(number).save(content, kind, **options)
    return content.getvalue()


PAGES = image_file(9000, "TIFF", save_all=True, append_images=[paint(9001)])
HEIC, VIDEO = b"\0\0\0\x18ftypheic" + bytes(99), b"\0\0\0\x14ftypqt  " + bytes(8)
PHONE = {
    "mug": 2,
    "mug/1.heic": HEIC,
    "mug/2.heic": HEIC,
    "mug/1.mov": VIDEO,
    "mug/1.aae": b"plist",
}
CATS, ONES = {"cat": 20, "dog": 20}, {f"class {number:02}": 1 for number in range(40)}
MASKS = {f"cat/cat-003{end}.png": image_file(9000) for end in ("_mask", "-seg-1", "_thumb")}
# fmt: off
SAID = {
    "masks and thumbnails beside their images": (CATS | MASKS, {},
      r"40 images in 2 classes .* skipped: 3 mask or thumbnail \(of cat-003\)$"),
    "photos that are in iCloud": (CATS | {"dog/.1.jpg.icloud": b"bplist00" + bytes(99)}, {},
      r"skipped: 1 placeholder of iCloud \(download the photo first\)$"),
    "scans of several pages": (CATS | {"dog/scan.tif": PAGES}, {},
      r"skipped: 1 TIFF of several pages \(save each page as an image of its own\)$"),
    "a class of three": ({"cat": 3, "dog": 20}, {},
      r"by rank in small classes: cat; skipped: none\nFewer than 10 images in cat: too few for"),
    "classes of one, left out": (CATS | ONES, {"skip_small": True},
      r"2 classes \(cat, dog\); split by content, about 60/20/20; skipped: 40 small class \(lacks an"),
    "classes of one": (CATS | ONES, {},
      r"40 of 42 classes: class 00, class 01, class 02 and 37 more\. Add images, or leave .*=True"),
    "one class, and one of two": ({"cat": 20, "dog": 2}, {"skip_small": True},
      r"1 of 2 classes: dog\. Add images\.$"),
    "a class that lacks test images": ({"train/a": 20, "train/b": 20, "test/a": 5, "test/b/x.jpg": b"text"}, {},
      r"1 of 2 classes: b \(none in test\) \(skipped there: 1 text file\)\. Add images\.$"),
    "photos of a phone": ({"spoon": 9} | PHONE, {},
      r"mug \(skipped there: 2 (HEIC photo \(pip install|broken image).*, 1 text file, 1 video "),
}
# fmt: on


@pytest.mark.parametrize("name", SAID)
def test_load_says_in_a_line_what_it_did_or_what_to_do(own_data, tmp_path, capsys, name):
    contents, options, expected = SAID[name]
    try:
        data.load(write(tmp_path / "photos", contents), **options)
        said = capsys.readouterr().out
    except ValueError as error:
        said = str(error)
        assert said.isprintable()
    assert re.search(expected, said), said


def test_a_dollar_in_a_class_name_begins_no_formula_in_a_table(own_data, tmp_path):
    folder = write(tmp_path / "bills", {"$5 & $10": 9, "US$_1_US$": 9})
    with pd.option_context("display.html.use_mathjax", True):
        assert "mathjax_ignore" in data.load(folder).counts._repr_html_()


# Where a folder is looked for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "current"),
    [('"{photos}"', "/"), ("photos", "{photos}/.."), (".", "{photos}"), ("{relative}", "/")],
    ids=["in quotes", "from the current folder", "the current folder", "from the course"],
)
def test_a_folder_is_found(photos, monkeypatch, source, current):
    names = {"photos": photos, "relative": os.path.relpath(photos, data.ROOT)}
    monkeypatch.chdir(current.format(**names))
    monkeypatch.setenv("COURSE_DATASET", source.format(**names))
    assert data.load().name.startswith("photos-")


NO_FOLDERS = {
    "nowhere": "(looked for {root}/nowhere and {current}/nowhere). Name a folder that holds a folder",
    "https://a.org/x": "Download it first.",
    "photos.zip": "Unpack it first.",
    "cat/CAT.JPG": "Name the folder above that of its class.",
    "photos/*/*.jpg": "Write it as it is called, without *, $ or \\ for a shell.",
    "C:\temp": r'Python reads some \ as signs of its own: write r"C:\temp".',
}


@pytest.mark.parametrize("source", NO_FOLDERS)
def test_what_is_no_folder_of_images_is_named_with_what_to_do(photos, monkeypatch, source):
    monkeypatch.chdir(photos)
    (photos / "photos.zip").write_bytes(b"PK")
    with pytest.raises(NotADirectoryError) as caught:
        data.load(source)
    expected = NO_FOLDERS[source].format(root=data.ROOT, current=photos)
    assert expected in str(caught.value) and str(caught.value).isprintable()
    assert str(caught.value).endswith("one of: solar, solar-binary, clothing.")


# Odd files, and what Keras reads ------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> dict[str, object]:
    """The folder of odd files, loaded once: name -> row of `images`, or the reason."""
    top = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "DATA", top / "data")
        dataset = data.load(write_odd_folder(top / "photos"))
    found = {row.source: row for row in dataset.images.itertuples()}
    found |= dict(zip(dataset.skipped["source"], dataset.skipped["reason"], strict=True))
    return {name: found[str(top / "photos" / "odd" / name)] for name in ODD}


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_an_odd_file_gets_its_due(odd, name):
    fate = odd[name]
    if not isinstance(fate, str):
        fate = AS_IT_IS if os.path.islink(fate.path) else CONVERTED
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
    for split in SPLITS:
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


def test_solar_has_2624_cells_in_four_classes_and_the_split_of_ever(solar_data, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "")  # set and empty: not set
    dataset = data.load()
    assert dataset.counts["total"].tolist() == [369, 705, 452, 1098, 2624]
    assert dataset.counts.loc["total"].tolist() == [1574, 526, 524, 2624]
    assert (~dataset.images["certain"]).sum() == 401 and len(dataset.skipped) == 0
    assert file_and_split(dataset) == SOLAR_SPLIT


def test_the_two_class_variant_has_the_same_split_and_looks_at_no_file_again(solar_data, read):
    dataset = data.load("Solar-Binary ")
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
    for number, split in enumerate(SPLITS):
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


def send(handler, content: bytes, pause: float = 0.0, length: int = 0):
    handler.send_response(200)
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


FAULTS = {
    "a line that stalls": (lambda h, zipped: send(h, zipped[:4000], 1.5, 9999), "timed out"),
    "half a file": (lambda h, zipped: send(h, zipped[:2000], length=len(zipped)), "IncompleteRead"),
    "html with status 200": (lambda h, _: send(h, b"<html>log in</html>"), "sent other files"),
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
