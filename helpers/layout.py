"""Layout: what a learner's folder means: which level holds the classes, and whose splits."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd

from helpers.images import printable

SPLITS = ("train", "validation", "test")
SPLIT_FOLDERS = {"val": "validation", "valid": "validation"} | {name: name for name in SPLITS}
SHAPES = {  # split folders that are there -> the split of each ("": content decides), in words
    frozenset(SPLITS): ({name: name for name in SPLITS}, "your own train, validation and test"),
    frozenset({"train", "test"}): (
        {"train": "", "test": "test"},
        "your own test; validation taken from your train by content",
    ),
    frozenset({"train", "validation"}): (
        {"train": "", "validation": "test"},
        "your own validation as test; validation taken from your train by content",
    ),
}
IGNORED = ("thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__")  # and hidden files
EXPECTED = "expected a folder for each of two or more classes, or these below train, val and test"


def find_images(folder: Path) -> tuple[pd.DataFrame, str]:
    """List every file below the class folders of `folder`, with or without split folders.

    Returns (files, understood). files : source (str), class_name, split ("" where content decides).
    understood : in words, whose splits these are, which level was read, what was left out.
    Raises ValueError in one line: what was expected, what was found, what to do.
    """
    level = _down(folder)
    parts, understood = _parts(level)
    classes = {part: _unique(_folders(part), _class_name) for part in parts}
    _check(level, classes)
    rows = []
    for part, split in parts.items():
        for name, class_folder in classes[part].items():
            rows += [(source, name, split) for source in _files(class_folder)]
    files = pd.DataFrame(rows, columns=["source", "class_name", "split"])
    empty = set(classes[part]) - set(files["class_name"])
    if empty:
        raise ValueError(
            f"{printable(folder)}: no files in the class folders: {some(empty)}. Put images in, or "
            "take these folders out."
        )
    if level != folder:
        understood += f"; read from {printable(level.relative_to(folder))}"
    return files, understood


def some(names: Iterable[str]) -> str:
    """The first three of many names, and how many there are."""
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _parts(level: Path) -> tuple[dict[Path, str], str]:
    """The folders that hold class folders -> their split, and in words what was understood."""
    found = _folders(level)
    split_folders = [path for path in found if _split_name(path) in SPLITS]
    splits = _unique(split_folders, _split_name)
    if len(splits) < 2:
        return {level: ""}, "split by content, about 60/20/20"
    if frozenset(splits) not in SHAPES:
        raise ValueError(f"{printable(level)}: {EXPECTED}; found {some(splits)}, but no train.")
    roles, understood = SHAPES[frozenset(splits)]
    others = [printable(path.name) for path in found if path not in split_folders]
    if others:
        understood += f"; left out beside them: {some(others)}"
    return {_down(path): roles[name] for name, path in splits.items()}, understood


def _down(folder: Path) -> Path:
    """Enter a folder that is alone and holds folders: archives unpack to photos/photos/cat."""
    inside = _folders(folder)
    while len(inside) == 1 and _folders(inside[0]):
        folder = inside[0]
        inside = _folders(folder)
    return folder


def _check(level: Path, classes: dict[Path, dict[str, Path]]) -> None:
    """Two or more classes, the same ones in each part."""
    names = set().union(*classes.values())
    if len(names) < 2:
        loose = [path.suffix.lower() or "no suffix" for path in level.iterdir() if path.is_file()]
        beside = [f"{count} {printable(end)}" for end, count in Counter(loose).most_common(3)]
        raise ValueError(
            f"{printable(level)}: {EXPECTED}; found class folders: {some(names) or 'none'}; "
            f"files: {', '.join(beside) or 'none'}. Sort the images into class folders."
        )
    for part, found in classes.items():
        missing = names - set(found)
        if missing:
            raise ValueError(
                f"{printable(part)}: expected the classes that are in the other splits; missing: "
                f"{some(missing)}. Add these folders, or take them out of the other splits."
            )


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not _ignored(path.name))


def _files(folder: Path) -> Iterator[str]:
    """Every file below. Links to folders are listed, not followed: there are no loops."""

    def stop(error: OSError):
        raise error

    for parent, folders, names in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not _ignored(name))
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in sorted(names + links):
            if not _ignored(name):
                yield os.path.join(parent, name)


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


def _unique(folders: list[Path], rename: Callable) -> dict[str, Path]:
    """New name -> folder. Cat and cat are one folder on Windows, val and valid are one split."""
    named, seen = {}, {}
    for path in folders:
        name = rename(path)
        twin = seen.setdefault(name.casefold(), path)
        if twin != path:
            raise ValueError(
                f"{printable(path.parent)}: the folders {twin.name!a} and {path.name!a} would "
                "become one. Rename one, or join them."
            )
        named[name] = path
    return named


def _split_name(folder: Path) -> str:
    name = folder.name.strip().lower()
    return SPLIT_FOLDERS.get(name, name)


def _class_name(folder: Path) -> str:
    """A name that a disk, Keras and a terminal can hold; accents may be written in two ways."""
    return printable(unicodedata.normalize("NFC", folder.name)).replace("\\", "-")[:60]
