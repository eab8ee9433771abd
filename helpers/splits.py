"""Splits: which image is for training, validation or test. No state: a hash of its content decides.

A table of files has the columns source, class_name, split ("" where it is still open), digest and
reason (why the file is skipped, or "").
"""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from helpers.images import printable, some
from helpers.layout import SPLITS

SEED = 42
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
MASK = r"(?i)(.+)[ _-](?:mask|segmentation|seg|gt|thumb|thumbnail)(?:[ _-]?\d+)?$"
SHARES_BESIDE_TEST = {"train": 0.8, "validation": 0.2}  # where a folder brings its own test set


def without_copies(files: pd.DataFrame) -> pd.DataFrame:
    """Skip copies. Of equal files one stays, in test if it can; of one under two classes none."""
    files = files.copy()
    good = files[files["reason"] == ""]
    rank = good["split"].map({"test": 0, "validation": 1, "train": 2, "": 2})
    good = good.assign(rank=rank).sort_values(["rank", "source"])
    for _, twins in good[good.duplicated("digest", keep=False)].groupby("digest"):
        first, second = twins["source"].iloc[:2].map(printable)
        if twins["class_name"].nunique() == 1:
            files.loc[twins.index[1:], "reason"] = f"copy: the same image as {first}"
        else:
            files.loc[twins.index, "reason"] = f"two classes: {first} and {second} are one image"
    return files


def without_masks(files: pd.DataFrame) -> pd.DataFrame:
    """Skip what is called like a mask or thumbnail of an image beside it: x_mask.png, x.png."""
    stems = [os.path.splitext(source)[0] for source in files["source"]]
    images, reasons = set(stems), []
    for stem, reason in zip(stems, files["reason"], strict=True):
        mask = re.match(MASK, stem)
        if mask and mask[1] in images and not reason:
            reason = f"mask or thumbnail: of {printable(os.path.basename(mask[1]))}"
        reasons.append(reason)
    return files.assign(reason=reasons)


def with_splits(source: str, files: pd.DataFrame, group: Callable | None, skip_small: bool = False):
    """Give each image whose split is open one by its content, or by its group.

    Returns (files, names of the classes in which rank had to decide). Raises ValueError if a class
    lacks a split, or if the splits that the folder came with tear a group apart.
    """
    files, own = files.copy(), files["split"].ne("").any()
    good = files[files["reason"] == ""].assign(key=files["digest"])
    if group:
        good["key"] = [str(group(Path(source))) for source in good["source"]]
    shares = SHARES_BESIDE_TEST if "test" in set(files["split"]) else SHARES
    rows = good[good["split"] == ""].copy()
    rows["split"] = [by_hash(key, shares) for key in rows["key"]]
    filled = rows.groupby("class_name")["split"].nunique()
    small_classes = list(filled.index[filled < len(shares)])
    first_class = rows.groupby("key")["class_name"].transform("first")  # a group may have several
    for class_name in small_classes:
        members = rows.loc[first_class == class_name, "key"]
        rows.loc[members.index, "split"] = by_rank(members, shares)
    files.loc[rows.index, "split"] = rows["split"]
    small = _lacking(files)
    if small and skip_small and len(small) < files["class_name"].nunique() - 1:
        too_small = files["class_name"].isin(small) & (files["reason"] == "")
        files.loc[too_small, "reason"] = "small class: lacks an image for each of three splits"
    elif small:
        raise ValueError(f"{printable(source)}: {_why_too_small(files, small, own)}")
    splits = files["split"].groupby(good["key"]).nunique()
    if group and splits.max() > 1:
        torn = printable(some(splits.index[splits > 1]))
        raise ValueError(
            f"{printable(source)}: the splits that it came with tear groups apart: {torn}. Move "
            "each group into one split, or load a folder without splits."
        )
    return files, small_classes


def by_hash(key: str, shares: dict[str, float]) -> str:
    """The split of a key by its own hash, whatever other keys there are."""
    place = int(_seeded_hash(key)[:8], 16) / 2**32  # 0..1, as if drawn at random
    test = shares.get("test", 0.0)
    if place < test:
        return "test"
    return "validation" if place < test + shares["validation"] else "train"


def by_rank(keys: pd.Series, shares: dict[str, float]) -> pd.Series:
    """Deal keys out in the order of their hashes, each to the split furthest below its share."""
    counts, dealt = dict.fromkeys(shares, 0), {}
    order = sorted(keys.unique(), key=_seeded_hash)
    for number, key in enumerate(order, start=1):
        missing = {split: share * number - counts[split] for split, share in shares.items()}
        empty = [split for split in shares if counts[split] == 0]
        left = len(order) - number + 1
        candidates = empty if left <= len(empty) else shares  # so three keys fill three splits
        dealt[key] = max(candidates, key=missing.get)
        counts[dealt[key]] += 1
    return keys.map(dealt)


def _seeded_hash(key: str) -> str:
    content = f"{SEED} {key}".encode("utf-8", "surrogateescape")  # file names may be undecodable
    return hashlib.sha256(content).hexdigest()


def _lacking(files: pd.DataFrame) -> dict[str, set[str]]:
    """Class -> the splits in which it has no image, of the classes that lack one."""
    good = files[files["reason"] == ""]
    filled = good.groupby("class_name")["split"].agg(set)
    lacking = {name: set(SPLITS) - filled.get(name, set()) for name in files["class_name"].unique()}
    return {name: splits for name, splits in lacking.items() if splits}


def _why_too_small(files: pd.DataFrame, small: dict[str, set[str]], own: bool) -> str:
    skipped = files.loc[(files["reason"] != "") & files["class_name"].isin(small), "reason"]
    why = f" (skipped there: {by_kind(skipped)})" if len(skipped) else ""
    n_classes, advice = files["class_name"].nunique(), "Add images."
    if len(small) < n_classes - 1:  # two classes are left
        advice = "Add images, or leave these classes out: data.load(..., skip_small=True)."
    if own:
        small = [f"{name} (none in {some(splits)})" for name, splits in small.items()]
    return (
        "each class needs an image (or group) for each of three splits; too few in "
        f"{len(small)} of {n_classes} classes: {some(small)}{why}. {advice}"
    )


def by_kind(reasons: pd.Series) -> str:
    """How many files of which kind; and what to do, if that is the same for all of the kind."""
    said = []
    for kind, same in reasons.groupby(reasons.str.split(":").str[0]):
        advice = same.iloc[0].partition(": ")[2]
        once = f" ({advice})" if advice and same.nunique() == 1 else ""
        said.append(f"{len(same)} {kind}{once}")
    return ", ".join(said) or "none"
