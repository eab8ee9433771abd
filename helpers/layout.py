"""Layout: what a learner's folder means: which level holds the classes, and whose splits."""

import re
from pathlib import Path

import pandas as pd

from helpers.files import by_name, class_name, endings_in, files_in, folders_in
from helpers.images import printable, some

SPLITS = ("train", "validation", "test")
SPLIT_WORDS = {  # in names of folders, as in seg_train, Testing or val2017
    "train": r"train(val|ing)?(set|data)?",
    "validation": r"(val|valid|validation|validate|dev)(set|data)?",
    "test": r"(test|testing|eval|evaluation|holdout)(set|data)?",
}
TOLD = "|".join([*SPLIT_WORDS.values(), r"set|data|dataset|images?|photos?|folder"])
UNDERSTOOD = {  # by the splits that a folder has of its own
    "": "split by content, about 60/20/20",
    "train": "your train split by content, about 60/20/20",
    "train test": "your own test; validation taken from your train by content",
    "train validation": "your own validation as test; validation taken from your train by content",
    "train validation test": "your own train, validation and test",
}
NO_CLASSES = (  # names of the parts of a set, as for detection; x_part_2; 101CANON of a camera
    r"(?i:(jpeg)?images?|labels|annotations?|masks|(.*[\W_])?(part|batch|fold|images?)[\W_]*\d+)"
    r"|\d{3}[A-Z_]{5}"
)
EXPECTED = "expected a folder for each of two or more classes, or these below train, val and test"
SORT = "data/README.md shows how to sort images into class folders, by a CSV or by file names."


def find_images(folder: Path) -> tuple[pd.DataFrame, str]:
    """List every file below the class folders of `folder`, with or without split folders.

    Returns (files, understood). files : source (str), class_name, split: the learner's own, or ""
    where it is still open (data.load then lets the image's content decide).
    understood : in words, whose splits these are, which level was read, what was left out.
    Raises ValueError in one line: what was expected, what was found, what to do.
    """
    level = _enter_wrappers(folder)
    classes = _classes_by_split(level)
    last_train = reversed(classes.values())  # its spelling wins
    names = {key: class_name(path) for found in last_train for key, path in found.items()}
    if len(names) < 2:
        raise _no_classes(level, names)
    rows = []
    for split, found in classes.items():
        _require_classes(found, names)
        if len(classes) < 3:  # what is not for training is the test set
            split = "" if split in ("", "train") else "test"
        for key, path in found.items():
            rows += [(source, names[key], split) for source in files_in(path)]
    files = pd.DataFrame(rows, columns=["source", "class_name", "split"])
    if empty := set(names.values()) - set(files["class_name"]):
        raise ValueError(f"{printable(folder)}: no files in {some(empty)}. Fill or delete them.")
    return files, UNDERSTOOD[" ".join(classes)] + _read_and_left_out(folder, level, classes)


def _enter_wrappers(folder: Path) -> Path:
    """Go down to the class folders, or to the splits, as in photos/photos/cat.

    A folder is entered if no other branches, and if it is alone, has a name that is no class's, or
    holds splits. So cat/{young,old} beside dog/ is a class.
    """
    folders = [path for path in folders_in(folder) if "annotation" not in path.name.lower()]
    # a link is not followed further: it could lead in circles
    levels = {path: path if path.is_symlink() else _enter_wrappers(path) for path in folders}
    branching = [path for path in folders if len(folders_in(levels[path])) > 1]
    if len(branching) != 1:
        return folder
    name, level = branching[0].name, levels[branching[0]]
    no_class = name.lower() in ("images", "dcim") or _split_name(name) == ("train", "")
    return level if len(folders) == 1 or no_class or _split_folders(level) else folder


def _classes_by_split(level: Path) -> dict[str, dict[str, Path]]:
    """Split -> class -> folder; the split is "" in a folder without splits of its own."""
    splits = _split_folders(level)
    if not splits:
        return {"": _class_folders(level)}
    classes = {split: _class_folders(_enter_wrappers(path)) for split, path in splits.items()}
    if not classes["train"]:
        raise _no_classes(splits["train"], {})
    # a competition's test images are not sorted into classes
    return {split: found for split, found in classes.items() if found.keys() & classes["train"]}


def _split_folders(level: Path) -> dict[str, Path]:
    """Split -> folder, if names differ by a split's word only: seg_train and seg_test; or {}."""
    names = {path: _split_name(path.name) for path in folders_in(level)}
    rests = [rest for split, rest in names.values() if split == "train"]
    alike = [path for path, (split, rest) in names.items() if split and rest in rests]
    found = by_name(alike, lambda path: names[path][0])
    return {split: found[split] for split in SPLITS if split in found} if len(found) > 1 else {}


def _split_name(name: str) -> tuple[str, str]:
    """The split that a word of a name stands for, or ""; and what else it tells: (train, seg)."""
    spaced = re.sub(r"([a-z])([A-Z])|[\W\d_]+", r"\1 \2", name).lower()  # TrainSet_2
    found = [split for split, word in SPLIT_WORDS.items() if re.search(rf"\b({word})\b", spaced)]
    return (found or [""])[0], " ".join(re.sub(rf"\b({TOLD})\b", "", spaced).split())


def _class_folders(top: Path) -> dict[str, Path]:
    """Class -> folder; without a copy of all of it beside it: yes/ and no/ beside x/{yes,no}."""
    folders = folders_in(top)
    names = {path.name for path in folders}
    copies = [path for path in folders if len(names & {one.name for one in folders_in(path)}) > 1]
    return by_name([path for path in folders if path not in copies], class_name)


def _no_classes(level: Path, names: dict[str, str]) -> ValueError:
    """What was expected, what is there instead, and what to do."""
    files = some(f"{count} {ending}" for ending, count in endings_in(level).items())
    found = f"class folders: {some(names.values()) or 'none'}; files: {files or 'none'}"
    advice = f"Unpack archives, and name the folder above those of the classes. {SORT}"
    return ValueError(f"{printable(level)}: {EXPECTED}; found {found}. {advice}")


def _require_classes(found: dict[str, Path], names: dict[str, str]) -> None:
    """Refuse folders that are no classes, missing classes, and two levels that may be classes."""
    odd = [path.name for path in found.values() if re.fullmatch(NO_CLASSES, path.name)]
    missing = [name for key, name in names.items() if key not in found]
    inside = [{path.name for path in folders_in(path)} for path in found.values()]
    shared = set.intersection(*inside)
    problem = ""
    if len(odd) > 1 or (odd and len(found) > 2):
        problem = f"{some(odd)} look like parts of a set, as for detection, and not like classes. "
        problem += f"Load one of them alone, or take out or rename them. {SORT}"
    elif missing:
        problem = f"expected the classes of the other splits; missing: {some(missing)}. Add these "
        problem += "folders, take them out there, or load one split alone."
    elif len(shared) > max(1, len(set().union(*inside)) / 2):  # a few are objects, or sessions
        problem = f"{some(names.values())} all hold the same folders: {some(shared)}. If these are "
        problem += "classes, load one alone, or call all train, val, test. If not, keep one each."
    if problem:
        raise ValueError(f"{printable(next(iter(found.values())).parent)}: {problem}")


def _read_and_left_out(folder: Path, level: Path, classes: dict[str, dict[str, Path]]) -> str:
    """In words: where the class folders lie, what is joined in them, what lies beside them."""
    used = {path for found in classes.values() for path in found.values()}
    above = {parent for path in used for parent in path.parents if parent.is_relative_to(folder)}
    joined = {inner.name for path in used for inner in folders_in(path)}
    beside = {path for parent in above for path in folders_in(parent)} - above - used
    words = f"; read from {level.relative_to(folder).as_posix()}" if level != folder else ""
    words += f"; joined in their classes: {some(joined)}" if joined else ""
    words += f"; left out: {some(path.name for path in beside)}" if beside else ""
    return printable(words)
