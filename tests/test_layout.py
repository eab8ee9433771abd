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
OWN_VALIDATION = "your own validation as test; validation taken from your train by content"
OWN_TRAIN = "your train split by content, about 60/20/20"
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
        OWN_VALIDATION,
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
    "images of a competition's test without classes": (
        "train/a/1 train/b/2 test/3",
        "a1 b2",
        f"{CONTENT}; read from train, not from test beside it",
    ),
    "the same in a folder of their own": (
        "train/a/1 train/b/2 test/unknown/3",
        "a1 b2",
        f"{OWN_TRAIN}; left out beside them: test",
    ),
    "the same beside a validation set": (
        "train/a/1 train/b/2 valid/a/3 valid/b/4 seg_pred/ test1/5",
        "a1 b2 test/a3 test/b4",
        f"{OWN_VALIDATION}; left out beside them: seg_pred, test1",
    ),
    "images beside what describes them": (
        "CUB/images/a/1 CUB/images/b/2 CUB/attributes/3 CUB/parts/4 CUB/classes.txt",
        "a1 b2",
        f"{CONTENT}; read from CUB/images, not from attributes, parts beside it",
    ),
    "an archive in an archive, its copy beside": (
        "x/train/a/1 x/train/b/2 x/test/a/3 x/test/b/4 x/x/train/a/5 x/__MACOSX/train/a/6",
        "a1 b2 test/a3 test/b4",
        f"{OWN_TEST}; left out beside them: x; read from x",
    ),
    "classes with a split's word": (
        "test_tube/1 beaker/2 trains/3",
        "beaker2 test_tube1 trains3",
        CONTENT,
    ),
    "one folder in each class": ("a/DCIM/100APPLE/1 b/DCIM/101APPLE/2", "a1 b2", CONTENT),
    "what systems leave": (
        "a/1 b/2 a/.DS_Store a/Thumbs.db b/desktop.ini a/._1 .git/x/3 __MACOSX/a/4 "
        ".ipynb_checkpoints/5 a/.ipynb_checkpoints/6",
        "a1 b2",
        CONTENT,
    ),
}


SPLIT_FOLDERS = {
    "Training|Testing": OWN_TEST,
    "seg_train/seg_train|seg_test/seg_test": OWN_TEST,
    "train_set|test_set": OWN_TEST,
    "training_set|test_set": OWN_TEST,
    "train_images|test_images": OWN_TEST,
    "trainset|testset": OWN_TEST,
    "TrainData|TestData": OWN_TEST,
    "01_train|02_test": OWN_TEST,
    "cats-train|cats-test": OWN_TEST,
    "train_val|test": OWN_TEST,
    "Train (1)|Test (1)": OWN_TEST,
    "train |test ": OWN_TEST,
    "train|evaluation": OWN_TEST,
    "train|dev": OWN_VALIDATION,
    "train2017|val2017": OWN_VALIDATION,
}


@pytest.mark.parametrize("tops", SPLIT_FOLDERS)
def test_splits_are_recognized_by_words_in_their_names(tmp_path, tops):
    for top in tops.split("|"):
        for name in "ab":
            (tmp_path / top / name).mkdir(parents=True)
            (tmp_path / top / name / "1").touch()
    files, understood = find_images(tmp_path)
    assert set(files["class_name"]) == {"a", "b"} and understood == SPLIT_FOLDERS[tops]
    held_out = files["source"].str.startswith(str(tmp_path / tops.split("|")[1]))
    assert files["split"].where(held_out, "train").tolist().count("test") == 2
    assert set(files["split"][~held_out]) == {""}


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
    "nothing": ("", f"{WHAT}class folders: none; files: none. Sort the images into class folders"),
    "cat.0.jpg": ("cat.0.jpg 2.jpg 3.PNG", f"{WHAT}class folders: none; files: 1 .png, 2 .jpg."),
    "a table": ("images/1 labels.csv", f"{WHAT}class folders: images; files: 1 .csv. Sort the"),
    "splits without classes": ("train/cat.0.jpg test1/2", f"{WHAT}no folders below train. Sort"),
    "YOLO": ("images/train/1 labels/train/1.txt", ": images, labels are for detection"),
    "Roboflow": ("train/images/1 train/labels/2 test/images/3 test/labels/4", "images, labels are"),
    "Stanford Dogs": ("Images/a/1 Annotation/a/1.txt", ": Annotation, Images are for detection"),
    "masks": ("images/1 masks/1", "this course needs a class for each image. If one of them holds"),
    "masks in each class": (
        "a/images/1 a/masks/1 b/images/2 b/masks/2",
        ": a, b all hold the same folders: images, masks. If those are the classes, load one of",
    ),
    "the same in colour and grey": (
        "color/a/1 color/b/2 grayscale/a/1 grayscale/b/2",
        ": color, grayscale all hold the same folders: a, b. If those are the classes, load one of",
    ),
    "splits in Spanish": (
        "entrenamiento/a/1 entrenamiento/b/2 prueba/a/1 prueba/b/2",
        "or call the former train, val and test.",
    ),
    "splits below the classes": (
        "a/train/1 a/test/2 b/train/3 b/test/4",
        ": a, b all hold the same folders: test, train.",
    ),
    "one class": ("cat/1.png", f"{WHAT}class folders: cat; files: none. Sort"),
    "one class with folders": ("cat/x/1.png", f"cat: {WHAT}class folders: x; files: none. Sort"),
    "empty classes": (
        "a/1 b/2 c/ d/ e/ f/",
        "no files in these class folders: c, d, e and 1 more.",
    ),
    "no train": ("val/a/1 val/b/2 test/a/3 test/b/4", "test, val all hold the same folders: a, b."),
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
