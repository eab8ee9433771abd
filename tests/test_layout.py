"""What `layout.find_images` makes of a folder: which level holds the classes, and whose splits."""

import os

import pytest

from helpers.layout import find_images


def write(top, files: str):
    """Write empty files, named in one line, ~ for a blank; what ends in / is an empty folder."""
    for name in files.split():
        path = top / name.rstrip("/").replace("~", " ")
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
IN_ALL = "train/a1 train/b2 validation/a3 validation/b4 test/a5 test/b6"
TWO, IN_TWO = "train/a/1 train/b/2 test/a/5 test/b/6", "a1 b2 test/a5 test/b6"
# fmt: off
UNDERSTOOD = {  # files -> what becomes of them, and what is said
    "classes": ("a/1 a/2 b/3", "a1 a2 b3", CONTENT),
    "files beside classes": ("a/1 b/2 labels.csv", "a1 b2", CONTENT),
    "folders in classes": ("fruit/apple/1 fruit/x/y/2 veg/leek/3", "fruit1 fruit2 veg3",
      f"{CONTENT}; joined in their classes: apple, leek, x"),
    "one folder in each class": ("a/DCIM/100APPLE/1 b/DCIM/101APPLE/2", "a1 b2",
      f"{CONTENT}; joined in their classes: DCIM"),
    "folders in one class only": ("cat/young/1 cat/old/2 dog/3", "cat1 cat2 dog3",
      f"{CONTENT}; joined in their classes: old, young"),
    "what systems leave": (
      "a/1 b/2 a/.DS_Store a/Thumbs.db b/desktop.ini a/._1 .git/x/3 __MACOSX/a/4 a/.ipynb_checkpoints/5",
      "a1 b2", CONTENT),
    "three splits": (ALL, IN_ALL, OWN),
    "valid, in any case": (ALL.replace("validation", "VALID").replace("train", "Train"), IN_ALL, OWN),
    "eval beside val is the test set": (
      "train/a/1 train/b/2 val/a/3 val/b/4 eval/a/5 eval/b/6", IN_ALL, OWN),
    "train and test": (TWO, IN_TWO, OWN_TEST),
    "train and val": (TWO.replace("test", "val"), IN_TWO, OWN_VALIDATION),
    "something beside the splits": (f"{TWO} Meta/c/7 models/", IN_TWO, f"{OWN_TEST}; left out: Meta, models"),
    "a folder in a folder": ("photos/photos/a/1 photos/photos/b/2", "a1 b2", f"{CONTENT}; read from photos/photos"),
    "train in train": (TWO.replace("train", "train/train"), IN_TWO, OWN_TEST),
    "images of a competition's test without classes": ("Training/a/1 Training/b/2 Test/3", "a1 b2",
      f"{CONTENT}; read from Training; left out: Test"),
    "a test set of other classes": ("train/a/1 train/b/2 test/x/3 test/y/4", "a1 b2", f"{OWN_TRAIN}; left out: test"),
    "the same beside a validation set": ("train/a/1 train/b/2 valid/a/3 valid/b/4 seg_pred/ test1/5",
      "a1 b2 test/a3 test/b4", f"{OWN_VALIDATION}; left out: seg_pred, test1"),
    "images beside what describes them": (
      "CUB/images/in/a/1 CUB/images/in/b/2 CUB/attributes/3 CUB/parts/4 CUB/classes.txt",
      "a1 b2", f"{CONTENT}; read from CUB/images/in; left out: attributes, parts"),
    "classes beside their annotations": ("101/a/1 101/b/2 Annotations/a/1.mat Annotations/b/2.mat", "a1 b2",
      f"{CONTENT}; read from 101; left out: Annotations"),
    "an archive in an archive, its copy beside": (
      "x/train/a/1 x/train/b/2 x/test/a/3 x/test/b/4 x/x/train/a/5",
      "a1 b2 test/a3 test/b4", f"{OWN_TEST}; read from x; left out: x"),
    "classes beside a copy of them all": ("yes/1 no/2 brain/yes/1 brain/no/2", "no2 yes1",
      f"{CONTENT}; left out: brain"),
    "a class called train": ("train/1 car/2 bus/3", "bus3 car2 train1", CONTENT),
    "classes with a split's word": ("test_tube/1 beaker/2 trains/3", "beaker2 test_tube1 trains3", CONTENT),
    "masks as a class": ("masks/1 no~masks/2", "masks1 no~masks2", CONTENT),
}
# fmt: on


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_folder_is_understood(tmp_path, name):
    tree, expected, in_words = UNDERSTOOD[name]
    files, understood = find_images(write(tmp_path, tree))
    found = set()
    for row in files.itertuples():
        assert os.path.isfile(row.source)
        split = f"{row.split}/" if row.split else ""
        one = f"{split}{row.class_name}{os.path.basename(row.source)}"
        found.add(one.replace(" ", "~"))
    assert found == set(expected.split())
    assert understood == in_words


SPLIT_FOLDERS = (
    "Training|Testing seg_train/seg_train|seg_test/seg_test train_set|test_set train|test_set "
    "train_images|test_images train_photos|test TrainData|TestData 01_train|02_test cats-train|cats-test "
    "train_val|test Train~(1)|Test~(1) train~|test~ train|evaluation train|dev train2017|val2017"
)


@pytest.mark.parametrize("tops", SPLIT_FOLDERS.split())
def test_splits_are_recognized_by_words_in_their_names(tmp_path, tops):
    train, held_out = tops.split("|")
    tree = f"{train}/a/0 {train}/b/0 {held_out}/a/1 {held_out}/b/1"
    files, understood = find_images(write(tmp_path, tree))
    numbers = files["source"].map(os.path.basename)
    assert understood == (OWN_VALIDATION if held_out in ("dev", "val2017") else OWN_TEST)
    assert (files["split"] == numbers.map({"0": "", "1": "test"})).all() and len(files) == 4


WHAT = (
    "expected a folder for each of two or more classes, or these below train, val and test; found"
)
NONE = f"{WHAT} class folders: none; files: "
ONE_LEVEL = (
    "If these are classes, load one alone, or call all train, val, test. If not, keep one each"
)
PARTS = "look like parts of a set, as for detection, and not like classes. Load one of them alone"
# fmt: off
REFUSED = {
    "nothing": ("", f"{NONE}none. Unpack archives, and name the folder above those of the classes"),
    "the folder of one class": ("cat.0.jpg 2.jpg 3.PNG", f"{NONE}1 .png, 2 .jpg. Unpack archives"),
    "an archive": ("photos.zip", f"{NONE}1 .zip. Unpack archives"),
    "a table": ("images/1 labels.csv", f"{WHAT} class folders: images; files: 1 .csv. Unpack"),
    "splits without classes": ("train/cat.0.jpg test1/2", f"train: {NONE}1 .jpg. Unpack"),
    "one class": ("cat/1.png", f"{WHAT} class folders: cat; files: none. Unpack"),
    "an empty class": ("a/1 b/2 c/", "no files in c. Fill or delete them."),
    "YOLO": ("images/train/1 labels/train/1.txt", f": images, labels {PARTS}"),
    "Roboflow": ("train/images/1 train/labels/2 test/images/3 test/labels/4", f"images, labels {PARTS}"),
    "masks beside classes": ("a/1 b/2 masks/1", f": masks {PARTS}, or take out or rename them."),
    "numbered parts": ("ham_part_1/1 ham_part_2/2 ham.csv", f": ham_part_1, ham_part_2 {PARTS}"),
    "a camera's card": ("DCIM/100CANON/1 DCIM/101CANON/2 MISC/3", f"DCIM: 100CANON, 101CANON {PARTS}"),
    "masks in each class": ("a/images/1 a/masks/1 b/images/2 b/masks/2",
      f": a, b all hold the same folders: images, masks. {ONE_LEVEL}"),
    "the same in colour and grey": ("color/a/1 color/b/2 grayscale/a/1 grayscale/b/2",
      f": color, grayscale all hold the same folders: a, b. {ONE_LEVEL}"),
    "splits below the classes": ("a/train/1 a/test/2 b/train/3 b/test/4",
      f": a, b all hold the same folders: test, train. {ONE_LEVEL}"),
    "classes that differ": ("train/a/1 train/b/2 val/a/3 val/b/4 test/a/5 test/C/6",
      "train: expected the classes of the other splits; missing: C. Add these folders, take"),
}
# fmt: on


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_cannot_serve_says_what_was_expected_and_found(tmp_path, name):
    tree, message = REFUSED[name]
    with pytest.raises(ValueError) as caught:
        find_images(write(tmp_path, tree))
    assert message in str(caught.value) and str(tmp_path) in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="whom rights do not stop")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    write(tmp_path, "a/1 b/x/2")
    for locked in (tmp_path / "b" / "x", tmp_path / "b", tmp_path):
        locked.chmod(0)
        with pytest.raises(PermissionError, match=f"{locked} may not be read. Give"):
            find_images(tmp_path)
        locked.chmod(0o700)
