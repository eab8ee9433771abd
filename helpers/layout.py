"""Layout: what a learner's folder means: which level holds the classes, and whose splits."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd

from helpers.images import printable

SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {"val": "validation", "valid": "validation"}  # other names of the same
IGNORED = ("thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__")  # made by systems
EXPECTED = "expected a folder for each of two or more classes, or these below train, val and test"


def find_images(folder: Path) -> tuple[pd.DataFrame, str]:
    """List every file below the class folders of `folder`, with or without split folders.

    Returns (files, understood). files : source (str), class_name, split: the learner's own, or ""
    where it is still open (data.load then lets the image's content decide).
    understood : in words, whose splits these are, which level was read, what was left out.
    Raises ValueError in one line: what was expected, what was found, what to do.
    """
    level = _enter_wrappers(folder)
    splits, understood = _splits_of(level)
    classes = {top: _by_name(_folders(top), _class_name) for top in splits}
    class_names = _require_same_classes(level, classes)
    rows = []
    for top, split in splits.items():
        for name, class_folder in classes[top].items():
            rows += [(source, name, split) for source in _files(class_folder)]
    files = pd.DataFrame(rows, columns=["source", "class_name", "split"])
    empty = class_names - set(files["class_name"])
    if empty:
        raise ValueError(f"{printable(folder)}: no files in these class folders: {some(empty)}.")
    if level != folder:
        understood += f"; read from {printable(level.relative_to(folder))}"
    return files, understood


def some(names: Iterable[str]) -> str:
    """The first three of many names, and how many more there are."""
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _splits_of(level: Path) -> tuple[dict[Path, str], str]:
    """The folders that hold the class folders -> their split, and in words what was understood."""
    folders = _folders(level)
    split_folders = [path for path in folders if _split_name(path) in SPLITS]
    named = _by_name(split_folders, _split_name)
    if len(named) < 2:
        return {level: ""}, "split by content, about 60/20/20"
    if "train" not in named:
        raise ValueError(f"{printable(level)}: {EXPECTED}; found {some(named)}, but no train.")
    splits = {_enter_wrappers(path): name for name, path in named.items()}
    understood = "your own train, validation and test"
    if len(named) == 2:  # what is not for training is the test set
        splits = {top: "" if name == "train" else "test" for top, name in splits.items()}
        held_out = "test" if "test" in named else "validation as test"
        understood = f"your own {held_out}; validation taken from your train by content"
    others = [printable(path.name) for path in folders if path not in split_folders]
    if others:
        understood += f"; left out beside them: {some(others)}"
    return splits, understood


def _enter_wrappers(folder: Path) -> Path:
    """Enter a folder that is alone and holds folders: archives unpack to photos/photos/cat."""
    inside = _folders(folder)
    while len(inside) == 1 and _folders(inside[0]):
        folder = inside[0]
        inside = _folders(folder)
    return folder


def _require_same_classes(level: Path, classes: dict[Path, dict[str, Path]]) -> set[str]:
    """The names of two or more classes, which must be the same in all splits."""
    names = set()
    for found in classes.values():
        names |= set(found)
    if len(names) < 2:
        loose = [path.suffix.lower() or "no suffix" for path in level.iterdir() if path.is_file()]
        beside = [f"{count} {printable(end)}" for end, count in Counter(loose).most_common(3)]
        raise ValueError(
            f"{printable(level)}: {EXPECTED}; found class folders: {some(names) or 'none'}; "
            f"files: {', '.join(beside) or 'none'}. Sort the images into class folders."
        )
    for top, found in classes.items():
        missing = names - set(found)
        if missing:
            raise ValueError(
                f"{printable(top)}: expected the classes that are in the other splits; missing: "
                f"{some(missing)}. Add these folders, or take them out of the other splits."
            )
    return names


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not _ignored(path.name))


def _files(folder: str | Path) -> Iterator[str]:
    """Every file below. A link to a folder counts as a file: followed, it could lead in circles."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if _ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        else:
            yield entry.path


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


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
    name = folder.name.strip().lower()
    return SPLIT_NAMES.get(name, name)


def _class_name(folder: Path) -> str:
    """A name that a disk, Keras and a terminal can hold. NFC: one code for an accented letter."""
    return printable(unicodedata.normalize("NFC", folder.name)).replace("\\", "-")[:60]
