"""What `layout.find_images` makes of a folder: which level holds the classes, and whose splits."""

import os
import sys
import unicodedata

import pytest

from helpers.layout import find_images

linux = pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux's disks hold")


def write(top, files: str):
    """Write empty files, named in one line; a name that ends in / is an empty folder."""
    for name in files.split():
        path = top / name.rstrip("/")
        folder = path if name.endswith("/") else path.parent
        folder.mkdir(parents=True, exist_ok=True)
        if folder is not path:
            path.touch()
    return top


CONTENT = "split by content, about 60/20/20"
OWN = "your own train, validation and test"
OWN_TEST = "your own test; validation taken from your train by content"
ALL = "train/a/1 train/b/2 validation/a/3 validation/b/4 test/a/5 test/b/6"
UNDERSTOOD = {
    "classes": ("a/1 a/2 b/3", "a1 a2 b3", CONTENT),
    "folders in classes": ("a/1 a/x/y/2 b/3", "a1 a2 b3", CONTENT),
    "files beside classes": ("a/1 b/2 labels.csv", "a1 b2", CONTENT),
    "a class called train": ("train/1 car/2 bus/3", "bus3 car2 train1", CONTENT),
    "three splits": (ALL, "train/a1 train/b2 validation/a3 validation/b4 test/a5 test/b6", OWN),
    "val, in any case": (
        "Train/a/1 Train/b/2 VAL/a/3 VAL/b/4 test/a/5 test/b/6",
        "train/a1 train/b2 validation/a3 validation/b4 test/a5 test/b6",
        OWN,
    ),
    "valid": (
        ALL.replace("validation", "valid"),
        "train/a1 train/b2 validation/a3 validation/b4 test/a5 test/b6",
        OWN,
    ),
    "train and test": (
        "train/a/1 train/b/2 test/a/5 test/b/6",
        "a1 b2 test/a5 test/b6",
        OWN_TEST,
    ),
    "train and val": (
        "train/a/1 train/b/2 val/a/5 val/b/6",
        "a1 b2 test/a5 test/b6",
        "your own validation as test; validation taken from your train by content",
    ),
    "something beside the splits": (
        "train/a/1 train/b/2 test/a/5 test/b/6 Meta/c/7 models/",
        "a1 b2 test/a5 test/b6",
        f"{OWN_TEST}; left out beside them: Meta, models",
    ),
    "a folder in a folder": (
        "photos/photos/a/1 photos/photos/b/2",
        "a1 b2",
        f"{CONTENT}; read from photos/photos",
    ),
    "train in train": (
        "train/train/a/1 train/train/b/2 test/a/5 test/b/6",
        "a1 b2 test/a5 test/b6",
        OWN_TEST,
    ),
    "what systems leave": (
        "a/1 b/2 a/.DS_Store a/Thumbs.db b/desktop.ini a/._1 .git/x/3 __MACOSX/a/4 "
        ".ipynb_checkpoints/5 a/.ipynb_checkpoints/6",
        "a1 b2",
        CONTENT,
    ),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_folder_is_understood(tmp_path, name):
    tree, expected, in_words = UNDERSTOOD[name]
    files, understood = find_images(write(tmp_path, tree))
    found = set()
    for row in files.itertuples():
        assert os.path.isfile(row.source)
        split = f"{row.split}/" if row.split else ""
        found.add(f"{split}{row.class_name}{os.path.basename(row.source)}")
    assert found == set(expected.split())
    assert understood == in_words


WHAT = (
    "expected a folder for each of two or more classes, or these below train, val and test; found "
)
REFUSED = {
    "nothing": ("", f"{WHAT}class folders: none; files: none. Sort the images into class folders."),
    "loose files": ("1.png 2.png 3.JPG", f"{WHAT}class folders: none; files: 2 .png, 1 .jpg. Sort"),
    "one class": ("cat/1.png", f"{WHAT}class folders: cat; files: none. Sort"),
    "one class with folders": ("cat/x/1.png", f"cat: {WHAT}class folders: x; files: none. Sort"),
    "empty classes": (
        "a/1 b/2 c/ d/ e/ f/",
        "no files in these class folders: c, d, e and 1 more.",
    ),
    "no train": ("val/a/1 val/b/2 test/a/3 test/b/4", f"{WHAT}test, validation, but no train."),
    "classes that differ": (
        "train/a/1 train/b/2 val/a/3 val/b/4 test/a/5 test/c/6",
        "test: expected the classes that are in the other splits; missing: b. Add these folders",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_cannot_serve_says_what_was_expected_and_found(tmp_path, name):
    tree, message = REFUSED[name]
    with pytest.raises(ValueError) as caught:
        find_images(write(tmp_path, tree))
    assert message in str(caught.value) and str(tmp_path) in str(caught.value)
    assert str(caught.value).isprintable()


@linux
@pytest.mark.parametrize(
    "twins",
    [
        ("Cat", "cat"),
        ("Käfer", unicodedata.normalize("NFD", "Käfer")),
        ("a\nb", "a-nb"),
        ("x" * 250, "x" * 249),
    ],
    ids=["case", "accents", "escapes", "long"],
)
def test_class_folders_that_would_become_one_are_named(tmp_path, twins):
    for name in twins:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").touch()
    with pytest.raises(ValueError, match="would become one") as caught:
        find_images(tmp_path)
    assert all(ascii(name) in str(caught.value) for name in twins)


@linux
@pytest.mark.parametrize("twin", ["val", "Validation"])
def test_no_split_is_dropped_for_another_of_its_name(tmp_path, twin):
    write(tmp_path, f"{ALL} {twin}/a/7 {twin}/b/8")
    with pytest.raises(ValueError, match=f"{twin}.*would become one"):
        find_images(tmp_path)


def test_accents_written_in_two_ways_are_one_class_across_splits(tmp_path):
    for split, form in {"train": "NFC", "test": "NFD"}.items():
        write(tmp_path, f"{split}/{unicodedata.normalize(form, 'Käfer')}/1 {split}/b/2")
    files, _ = find_images(tmp_path)
    assert set(files["class_name"]) == {"Käfer", "b"}


@pytest.mark.skipif(sys.platform == "win32", reason="links")
def test_links_to_folders_are_listed_and_not_followed(tmp_path):
    write(tmp_path / "photos", "a/1 b/2")
    (tmp_path / "photos" / "a" / "up").symlink_to("..")
    files, _ = find_images(tmp_path / "photos")
    assert sorted(os.path.basename(source) for source in files["source"]) == ["1", "2", "up"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="whom rights do not stop")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    write(tmp_path, "a/1 b/x/2")
    for locked in (tmp_path / "b" / "x", tmp_path / "b", tmp_path):
        locked.chmod(0)
        with pytest.raises(PermissionError, match=str(locked)):
            find_images(tmp_path)
        locked.chmod(0o700)
