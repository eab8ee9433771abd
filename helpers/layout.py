"""Layout: what a learner's folder means: which level holds the classes, and whose splits."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from helpers.files import files_in, folders_in
from helpers.images import printable, some

SPLITS = ("train", "validation", "test")
SPLIT_WORDS = {  # in names of folders, as in seg_train, Testing or val2017
    "train": r"train(val|ing)?(set|data)?",
    "validation": r"(val|valid|validation|validate|dev)(set|data)?",
    "test": r"(test|testing|eval|evaluation|holdout)(set|data)?",
}
NO_CLASSES = {"images", "image", "jpegimages", "labels", "annotations", "annotation", "masks"}
EXPECTED = "expected a folder for each of two or more classes, or these below train, val and test"
SORT = "Sort the images into class folders: data/README.md shows how, by a CSV or by file names."


def find_images(folder: Path) -> tuple[pd.DataFrame, str]:
    """List every file below the class folders of `folder`, with or without split folders.

    Returns (files, understood). files : source (str), class_name, split: the learner's own, or ""
    where it is still open (data.load then lets the image's content decide).
    understood : in words, whose splits these are, which level was read, what was left out.
    Raises ValueError in one line: what was expected, what was found, what to do.
    """
    level = _enter_wrappers(folder)
    splits, understood = _splits_of(level)
    classes = {top: _by_name(folders_in(top), _class_name) for top in splits}
    class_names = _require_same_classes(level, classes)
    rows = []
    for top, split in splits.items():
        for name, class_folder in classes[top].items():
            rows += [(source, name, split) for source in files_in(class_folder)]
    files = pd.DataFrame(rows, columns=["source", "class_name", "split"])
    empty = class_names - set(files["class_name"])
    if empty:
        raise ValueError(f"{printable(folder)}: no files in these class folders: {some(empty)}.")
    if level != folder:
        beside = [path.name for path in folders_in(level.parent) if path != level]
        understood += f"; read from {printable(level.relative_to(folder))}"
        understood += f", not from {some(beside)} beside it" if beside else ""
    return files, understood


def _splits_of(level: Path) -> tuple[dict[Path, str], str]:
    """The folders that hold the class folders -> their split, and in words what was understood."""
    folders = folders_in(level)
    named = {path: _split_name(path) for path in folders if _split_name(path)}
    if len(set(named.values())) < 2 or "train" not in named.values():
        return {level: ""}, "split by content, about 60/20/20"
    tops = {path: _enter_wrappers(path) for path in named}
    classes = {
        path: {_class_name(one).casefold() for one in folders_in(tops[path])} for path in tops
    }
    known = set().union(*(classes[path] for path in named if named[path] == "train"))
    if not known:
        raise ValueError(f"{printable(level)}: {EXPECTED}; found no folders below train. {SORT}")
    used = _by_name([path for path in named if classes[path] & known], _split_name)
    splits = {tops[path]: name for name, path in used.items()}
    understood = "your own train, validation and test"
    if len(used) < 3:  # what is not for training is the test set
        splits = {top: "" if name == "train" else "test" for top, name in splits.items()}
        held_out = "test" if "test" in used else "validation as test"
        understood = f"your own {held_out}; validation taken from your train by content"
    if list(used) == ["train"]:
        understood = "your train split by content, about 60/20/20"
    others = [path.name for path in folders if path not in used.values()]
    if others:  # no splits, or without train's classes, as the test images of a competition
        understood += f"; left out beside them: {some(others)}"
    return splits, understood


def _enter_wrappers(folder: Path) -> Path:
    """Enter what alone holds folders, as in photos/photos/cat, or images/cat beside models/."""
    folders = folders_in(folder)
    deep = [path for path in folders if folders_in(path)]
    if len(deep) == 1 and (folders == deep or deep[0].name.lower() in ("images", "train")):
        return _enter_wrappers(deep[0])
    return folder


def _require_same_classes(level: Path, classes: dict[Path, dict[str, Path]]) -> set[str]:
    """The names of two or more classes, which must be the same in all splits."""
    names = set().union(*classes.values())
    if len(names) < 2:
        loose = [path.suffix.lower() or "no suffix" for path in level.iterdir() if path.is_file()]
        beside = some(f"{loose.count(end)} {end}" for end in set(loose))
        raise ValueError(
            f"{printable(level)}: {EXPECTED}; found class folders: {some(names) or 'none'}; "
            f"files: {beside or 'none'}. {SORT}"
        )
    for top, found in classes.items():
        _require_one_level(top, found)
        missing = names - set(found)
        if missing:
            raise ValueError(
                f"{printable(top)}: expected the classes that are in the other splits; missing: "
                f"{some(missing)}. Add these folders, or take them out of the other splits."
            )
    return names


def _require_one_level(top: Path, found: dict[str, Path]) -> None:
    """Refuse folders that are no classes, and two levels that may both be the classes."""
    odd = [name for name in found if name.lower() in NO_CLASSES]
    if len(odd) > 1:
        raise ValueError(
            f"{printable(top)}: {some(odd)} are for detection or segmentation, this course needs a "
            f"class for each image. If one of them holds class folders, load that one. {SORT}"
        )
    inside = [{path.name for path in folders_in(path)} for path in found.values()]
    shared = set.intersection(*inside) if len(inside) > 1 else set()
    if len(shared) > max(1, len(set().union(*inside)) / 2):  # a few are objects, or sessions
        raise ValueError(
            f"{printable(top)}: {some(found)} all hold the same folders: {some(shared)}. If those "
            f"are the classes, load one of the former, as {printable(min(found.values()))}; or "
            "call the former train, val and test. If not, leave one of those in each class."
        )


def _by_name(folders: list[Path], name_of: Callable[[Path], str]) -> dict[str, Path]:
    """Name -> folder. Refuses Cat beside cat (one folder on Windows), and val beside valid."""
    seen = {}
    for path in folders:
        name = name_of(path).casefold()
        if name in seen:
            raise ValueError(
                f"{printable(path.parent)}: the folders {seen[name].name!a} and {path.name!a} "
                "would become one. Rename one, or join them."
            )
        seen[name] = path
    return {name_of(path): path for path in folders}


def _split_name(folder: Path) -> str:
    """The split that a word of the folder's name stands for, or ""."""
    spaced = re.sub(r"([a-z])([A-Z])|[\W\d_]+", r"\1 \2", folder.name).lower()  # TrainSet_2
    found = [name for name, words in SPLIT_WORDS.items() if re.search(rf"\b({words})\b", spaced)]
    return found[0] if found else ""


def _class_name(folder: Path) -> str:
    """A name that a disk, Keras and a terminal can hold. NFC: one code for an accented letter."""
    return printable(unicodedata.normalize("NFC", folder.name)).replace("\\", "-")[:60]
