"""What `layout.find_images` makes of a folder: which level holds the classes, and whose splits."""

import os
import sys
import unicodedata

import pytest

from helpers import layout
from helpers.files import folders_in
from helpers.layout import find_images

linux = pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux's disks hold")


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
      "a/1 b/2 a/.DS_Store a/Thumbs.db b/desktop.ini a/._1 .git/x/3 __MACOSX/a/4 .ipynb_checkpoints/5 a/.ipynb_checkpoints/6",
      "a1 b2", CONTENT),
    "photos that are in iCloud": ("a/1 a/.2.jpg.icloud b/3", "a1 a.2.jpg.icloud b3", CONTENT),
    "three splits": (ALL, IN_ALL, OWN),
    "val, in any case": (ALL.replace("validation", "VAL").replace("train", "Train"), IN_ALL, OWN),
    "valid": (ALL.replace("validation", "valid"), IN_ALL, OWN),
    "train and test": (TWO, IN_TWO, OWN_TEST),
    "train and val": (TWO.replace("test", "val"), IN_TWO, OWN_VALIDATION),
    "classes in two cases": ("train/A/1 train/b/2 test/a/5 test/B/6", "A1 b2 test/A5 test/b6", OWN_TEST),
    "something beside the splits": (f"{TWO} Meta/c/7 models/", IN_TWO, f"{OWN_TEST}; left out: Meta, models"),
    "a folder in a folder": ("photos/photos/a/1 photos/photos/b/2", "a1 b2", f"{CONTENT}; read from photos/photos"),
    "train in train": (TWO.replace("train", "train/train"), IN_TWO, OWN_TEST),
    "images of a competition's test without classes": ("Training/a/1 Training/b/2 Test/3", "a1 b2",
      f"{CONTENT}; read from Training; left out: Test"),
    "the same in a folder of their own": ("train/a/1 train/b/2 test/unknown/3", "a1 b2",
      f"{CONTENT}; read from train; left out: test"),
    "a test set of other classes": ("train/a/1 train/b/2 test/x/3 test/y/4", "a1 b2", f"{OWN_TRAIN}; left out: test"),
    "the same beside a validation set": ("train/a/1 train/b/2 valid/a/3 valid/b/4 seg_pred/ test1/5",
      "a1 b2 test/a3 test/b4", f"{OWN_VALIDATION}; left out: seg_pred, test1"),
    "the same beside wrapped splits": (
      "New~(1)/New~(1)/train/a/1 New~(1)/New~(1)/train/b/2 New~(1)/New~(1)/valid/a/3 New~(1)/New~(1)/valid/b/4 test/test/5",
      "a1 b2 test/a3 test/b4", f"{OWN_VALIDATION}; read from New (1)/New (1); left out: test"),
    "train beside folders of other things": ("Training/a/1 Training/b/2 Meta/3 papers/4", "a1 b2",
      f"{CONTENT}; read from Training; left out: Meta, papers"),
    "images beside what describes them": (
      "CUB/images/in/a/1 CUB/images/in/b/2 CUB/attributes/3 CUB/parts/4 CUB/classes.txt",
      "a1 b2", f"{CONTENT}; read from CUB/images/in; left out: attributes, parts"),
    "classes beside their annotations": ("101/a/1 101/b/2 Annotations/a/1.mat Annotations/b/2.mat", "a1 b2",
      f"{CONTENT}; read from 101; left out: Annotations"),
    "what describes train, in train": ("train/images/a/1 train/images/b/2 train/boxes/3 test/a/5 test/b/6", IN_TWO,
      f"{OWN_TEST}; left out: boxes"),
    "an archive in an archive, its copy beside": (
      "x/train/a/1 x/train/b/2 x/test/a/3 x/test/b/4 x/x/train/a/5",
      "a1 b2 test/a3 test/b4", f"{OWN_TEST}; read from x; left out: x"),
    "classes beside a copy of them all": ("yes/1 no/2 brain/yes/1 brain/no/2", "no2 yes1",
      f"{CONTENT}; left out: brain"),
    "a class called train": ("train/1 car/2 bus/3", "bus3 car2 train1", CONTENT),
    "classes with a split's word": ("test_tube/1 beaker/2 trains/3", "beaker2 test_tube1 trains3", CONTENT),
    "classes with two splits' words": ("train~tracks/1 test~tube/2 bus/3", "bus3 test~tube2 train~tracks1", CONTENT),
    "masks as a class": ("masks/1 no~masks/2", "masks1 no~masks2", CONTENT),
    "images as a class": ("images/1 text/2", "images1 text2", CONTENT),
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
    "one class with a folder": ("cat/x/1.png", f"{WHAT} class folders: cat; files: none. Unpack"),
    "empty classes": ("a/1 b/2 c/ d/ e/ f/", "no files in c, d, e and 1 more. Fill or delete them."),
    "YOLO": ("images/train/1 labels/train/1.txt", f": images, labels {PARTS}"),
    "Roboflow": ("train/images/1 train/labels/2 test/images/3 test/labels/4", f"images, labels {PARTS}"),
    "masks": ("images/1 masks/1", f": images, masks {PARTS}"),
    "masks beside classes": ("a/1 b/2 masks/1", f": masks {PARTS}, or take out or rename them."),
    "numbered parts": ("ham_part_1/1 ham_part_2/2 ham.csv", f": ham_part_1, ham_part_2 {PARTS}"),
    "numbered folders of images": ("images_001/images/1 images_002/images/2", f"images_002 {PARTS}"),
    "a camera's card": ("DCIM/100CANON/1 DCIM/101CANON/2 MISC/3", f"DCIM: 100CANON, 101CANON {PARTS}"),
    "masks in each class": ("a/images/1 a/masks/1 b/images/2 b/masks/2",
      f": a, b all hold the same folders: images, masks. {ONE_LEVEL}"),
    "the same in colour and grey": ("color/a/1 color/b/2 grayscale/a/1 grayscale/b/2",
      f": color, grayscale all hold the same folders: a, b. {ONE_LEVEL}"),
    "splits in Spanish": ("entrenamiento/a/1 entrenamiento/b/2 prueba/a/1 prueba/b/2",
      f": entrenamiento, prueba all hold the same folders: a, b. {ONE_LEVEL}"),
    "splits below the classes": ("a/train/1 a/test/2 b/train/3 b/test/4",
      f": a, b all hold the same folders: test, train. {ONE_LEVEL}"),
    "sessions below classes with splits' words": (
      "train~tracks/mon/1 train~tracks/tue/2 test~tube/mon/3 test~tube/tue/4 bus/mon/5 bus/tue/6",
      "all hold the same folders: mon, tue."),
    "no train": ("val/a/1 val/b/2 test/a/3 test/b/4", "test, val all hold the same folders: a, b."),
    "classes that differ": ("train/a/1 train/b/2 val/a/3 val/b/4 test/a/5 test/C/6",
      "train: expected the classes of the other splits; missing: C. Add these folders, take"),
    "defects in test only": ("train/good/1 test/good/2 test/Cut/3 ground_truth/Cut/4",
      "train: expected the classes of the other splits; missing: Cut. Add these folders, take them out there, or load one split alone."),
}
# fmt: on


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
@pytest.mark.parametrize("tree", ["jpg/1", "x/y/1", "a/1 a/x/y/3 b/2"])
def test_links_to_folders_lead_in_no_circle(tmp_path, tree, monkeypatch):
    asked = []
    monkeypatch.setattr(layout, "folders_in", lambda path: asked.append(path) or folders_in(path))
    photos = write(tmp_path / "photos", tree)
    (photos / "up").symlink_to(tmp_path)
    files, _ = find_images(photos)
    assert len(asked) < 40 and len(files) < 9


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="whom rights do not stop")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    write(tmp_path, "a/1 b/x/2")
    for locked in (tmp_path / "b" / "x", tmp_path / "b", tmp_path):
        locked.chmod(0)
        with pytest.raises(PermissionError, match=f"{locked} may not be read. Give"):
            find_images(tmp_path)
        locked.chmod(0o700)


def test_eval_beside_val_is_the_test_set(tmp_path):
    folders = zip(("train", "val", "eval"), layout.SPLITS, strict=True)
    expected = {f"{name}/{kind}/{split}" for name, split in folders for kind in "ab"}
    write(tmp_path, " ".join(sorted(expected)))
    files, understood = find_images(tmp_path)
    assert understood == OWN
    assert all(source.endswith(split) for source, _, split in files.itertuples(index=False))
