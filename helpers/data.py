"""Pictures: `load()` turns a source of pictures into train, validation and test folders of class folders.

data/solar/train/mono-defective/cell0001.png       what Keras and torchvision read as it is
data/solar/manifest.json                           which picture went where, and why one was left out
"""

import hashlib
import json
import os
import re
import shutil
import stat
import threading
import time
import unicodedata
import warnings
import zipfile
from collections import Counter, defaultdict
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from tqdm import tqdm
from tqdm.contrib.concurrent import thread_map

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
SPLIT_NAMES = {"valid": "validation", "val": "validation"} | {name: name for name in SHARES}
SEED = 42

CLOTHING_COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
CLOTHING_URL = f"https://codeload.github.com/alexeygrigorev/clothing-dataset-small/zip/{CLOTHING_COMMIT}"
MOST_BYTES = 500e6  # of a download, packed or not, and of a picture: a server may send without end
CLOTHING_DIGEST = "55ee2d8f2e6ad4bb657b13347839fe62bea5db0375d77ebe169e12026edee35c"  # of folder_digest

# Pillow's other readers are left out: some of them start programs (EPS) or are never pictures of things.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
KERAS_READS = {"JPEG": (".jpg", ".jpeg"), "MPO": (".jpg", ".jpeg"), "PNG": (".png",)}
LARGE, ONE_LARGE = 30e6, threading.Lock()  # pixels: such a picture takes up to 2 GB, so one at a time
Image.init()  # with a list of formats, Pillow does not load their readers by itself
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # read_picture refuses them, whatever the filters


class Found(NamedTuple):
    """A file of a source: its key in the manifest, path, class, and split if the source has splits."""

    key: str
    path: Path
    class_name: str
    split: str | None = None


@dataclass(frozen=True)
class Dataset:
    """What `load` returns.

    pictures : one row a picture, in the order in which Keras reads the folders: split, class_name, label,
        path (under data/), source (the original file), digest (sha256 of the original), certain (bool: False
        where the experts themselves were not sure).
    set_aside : one row for each file that was left out: source, reason.
    """

    name: str
    folder: Path
    pictures: pd.DataFrame
    set_aside: pd.DataFrame

    @property
    def train(self) -> Path:
        return self.folder / "train"

    @property
    def validation(self) -> Path:
        return self.folder / "validation"

    @property
    def test(self) -> Path:
        return self.folder / "test"

    @property
    def class_names(self) -> list[str]:
        """Sorted, so that a class's position is its label in Keras and torchvision alike."""
        return sorted(self.pictures["class_name"].unique())

    @property
    def counts(self) -> pd.DataFrame:
        """Pictures per class (rows) and split (columns), with totals."""
        table = pd.crosstab(self.pictures["class_name"], self.pictures["split"])[list(SHARES)]
        table["total"] = table.sum(axis=1)
        table.loc["total"] = table.sum()
        return table.rename_axis(index="class", columns=None)

    def split(self, name: str) -> pd.DataFrame:
        """The rows of `pictures` of one split, in order."""
        return self.pictures[self.pictures["split"] == name].reset_index(drop=True)


def load(source: str | os.PathLike | None = None) -> Dataset:
    """Bring a data set's pictures into data/<name>/{train,validation,test}/<class>/ and describe them.

    source : "solar" (the default), "solar-binary" (its 2-class form), "clothing" (a download of 106 MB), or a
    folder:

        my-photos/            or       my-photos/
            cat/                           train/       cat/  dog/
            dog/                           validation/  cat/  dog/
                                           test/        cat/  dog/

    Without `source`, the environment variable COURSE_DATASET decides; a relative path counts from the repo's
    root. A folder without splits is split 60/20/20 within each class, by content and a fixed seed;
    data/<name>/manifest.json keeps every assignment. Your own files are linked where the system can (else
    copied) and never written to. Only new files, and those whose size or times changed, are looked at again; delete
    data/<name>/ to have all looked at.
    Raises OSError or ValueError in one line that says what to do.
    """
    source = str(source or os.environ.get("COURSE_DATASET") or "solar")
    if source in ("solar", "solar-binary"):
        name, origin, found = source, "elpv-dataset", _solar(source)
    else:
        folder = fetch_clothing() if source == "clothing" else _own_folder(source)
        name, origin, found = _name(folder), str(folder), _listed(folder)
    dataset = _build(name, origin, found)
    if source.startswith("solar"):
        certain = solar_labels().set_index("file")["probability"].isin([0, 1])
        dataset.pictures["certain"] = [certain[Path(path).name] for path in dataset.pictures["source"]]
    return dataset


def read_picture(file, size: int | None = None) -> np.ndarray:
    """Read a picture the one way this course does, for training and for prediction.

    file : a path, or a binary file object.  size : pixels of the square to resize to, or None.
    Returns (size, size, 3), or (height, width, 3), uint8, RGB: first frame, turned as its EXIF tag says,
    transparent parts on white, 16-bit values scaled to 8.
    Raises ValueError that names the file if Pillow cannot read it.
    """
    try:
        with _opened(file) as picture:
            if size:  # JPEG decodes large photos at a fraction of their size, still twice what is wanted
                picture.draft(None, (2 * size, 2 * size))
            ImageOps.exif_transpose(picture, in_place=True)
            picture = _as_rgb(picture)
            if size:
                # Averaged down to twice the size, then every second pixel: bilinear, softer, cost accuracy
                picture = picture.reduce(max(1, min(picture.size) // (2 * size)))
                picture = picture.resize((size, size), Image.Resampling.NEAREST)
            return np.asarray(picture)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's readers raise nearly every kind of exception on broken files
        name = show(file) if isinstance(file, str | os.PathLike) else "the picture"
        raise ValueError(f"{name}: {_reason(error)}") from None


def solar_labels() -> pd.DataFrame:
    """The experts' labels of the solar cells: file, probability of a defect (0, 1/3, 2/3, 1), module_type."""
    return pd.read_csv(
        _solar_folder() / "labels.csv", sep=r"\s+", header=None, names=["file", "probability", "module_type"]
    ).assign(file=lambda table: table["file"].str.removeprefix("images/"))


def fetch_clothing(deadline: float = 900) -> Path:
    """Download the clothing photos once, verify every file, and return their folder.

    deadline : seconds for the whole download. Raises OSError if it fails; nothing half-made stays in place.
    """
    folder = DATA / "downloads" / "clothing"
    if not folder.exists():
        try:
            archive = download(CLOTHING_URL, folder.with_suffix(".zip"), deadline=deadline)
        except OSError as error:
            raise OSError(f"{error} Mend that and run this again, or load solar, which needs no network.") from None
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            _unzip(archive, partial)
            if folder_digest(partial) != CLOTHING_DIGEST:
                raise OSError(f"The clothing photos from {CLOTHING_URL} are not the ones this course knows; not used.")
            os.replace(partial, folder)
            for left in folder.parent.glob("tmp*"):  # pooch's, of downloads that were killed
                with suppress(OSError):
                    left.unlink()
        finally:
            archive.unlink()
            shutil.rmtree(partial, ignore_errors=True)
    return folder


def download(url: str, path: Path, known_hash: str | None = None, deadline: float = 900) -> Path:
    """Download `url` to `path` with a progress bar: temporary file, hash check, put in place (all by pooch).

    known_hash : "md5:..." or "sha256:...".
    deadline : seconds in all; a connection that is silent for 5 s is given up.
    Raises OSError that names the address and the reason.
    """
    import pooch
    import requests
    import urllib3

    def fetch(url, target, _):
        end = time.monotonic() + deadline
        with requests.get(url, stream=True, timeout=5, headers={"Accept-Encoding": "identity"}) as answer:
            if not answer.ok:
                raise OSError(f"it answers {answer.status_code} {answer.reason}")
            total = int(answer.headers.get("content-length", 0)) or None
            with tqdm(total=total, unit="B", unit_scale=True, desc=path.name) as bar, open(target, "wb") as out:
                while block := answer.raw.read1(2**16):  # what has come; read() would wait for all 64 KB of a trickle
                    out.write(block)
                    bar.update(len(block))
                    if time.monotonic() > end:
                        raise OSError(f"not finished after {deadline:.0f} s")
                    if bar.n > MOST_BYTES:
                        raise OSError(f"it sends more than {MOST_BYTES / 1e6:.0f} MB")
            if total and bar.n < total:
                raise OSError(f"the connection broke after {bar.n:,} of {total:,} bytes")

    try:
        pooch.get_logger().setLevel("ERROR")
        return Path(pooch.retrieve(url, known_hash, path.name, path.parent, downloader=fetch))
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        reason = f"no connection, or it broke ({type(error).__name__})"
    except ValueError:
        reason = "what came is not the file that this course knows"
    except OSError as error:
        reason = str(error)
    raise OSError(f"Could not download {url}: {reason}.")


def folder_digest(folder: Path) -> str:
    """sha256 over the sorted lines "path sha256" of every picture below the split folders of `folder`."""
    lines = []
    for path in sorted(path for split in SHARES for path in (folder / split).rglob("*") if path.is_file()):
        lines.append(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def show(path) -> str:
    """A path as one printable line: line breaks and undecodable bytes in a name are escaped."""
    return repr(str(path))[1:-1]


# Sources ----------------------------------------------------------------------------------------------------


def _solar_folder() -> Path:
    package = find_spec("elpv_dataset")
    if package is None:
        raise OSError("The solar pictures come with a package that is missing: pip install elpv-dataset==1.0.0.post1")
    return Path(package.origin).parent / "data"


def _solar(name: str) -> list[Found]:
    images, binary = _solar_folder() / "images", name == "solar-binary"
    splits = {}
    if binary:  # the same pictures in the same splits, so that results compare
        whole = load("solar").pictures
        splits = dict(zip(whole["source"].map(os.path.basename), whole["split"], strict=True))
    found = []
    for row in solar_labels().itertuples():
        state = "defective" if row.probability >= 0.5 else "functional"
        class_name = state if binary else f"{row.module_type}-{state}"
        found.append(Found(row.file, images / row.file, class_name, splits.get(row.file)))
    return found


def _own_folder(source: str) -> Path:
    folder = Path(os.path.expanduser(source))
    folder = Path(os.path.normpath(folder if folder.is_absolute() else ROOT / folder))
    if folder.is_file():
        raise NotADirectoryError(f"{show(folder)} is a file. Name the folder that holds a sub-folder per class.")
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {show(folder)}. Name a folder that holds a sub-folder per class, or "
            "one of: solar, solar-binary, clothing."
        )
    return folder


def _name(folder: Path) -> str:
    """The folder's own name; where that is taken by another folder, a short digest behind it."""
    name = re.sub(r"[^\w.-]+", "-", folder.name)[:60].strip(".-") or "pictures"
    if folder == DATA / "downloads" / "clothing":
        return "clothing"
    taken = name.lower() in ("solar", "solar-binary", "clothing", "downloads", "features", "weights", "readme.md")
    own = folder.resolve()  # it may lie in data/ itself: nothing may be made inside it, nor around it
    taken = taken or (DATA / name).resolve() in (own, *own.parents)
    if taken or _read_manifest(DATA / name).get("origin", str(folder)) != str(folder):
        return f"{name}-{hashlib.sha256(str(folder).encode('utf-8', 'surrogateescape')).hexdigest()[:6]}"
    return name


def _subfolders(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    except PermissionError:
        raise PermissionError(f"No permission to read {show(folder)}. Give yourself the right to read it.") from None
    names = {}
    for path in found:  # Cat and cat are one folder on Windows and macOS, and val and valid are one split
        name = SPLIT_NAMES.get(path.name.lower(), _class_name(path).casefold())
        if name in names:
            twins = f"{names[name]!a} and {path.name!a}"
            raise ValueError(f"{show(folder)}: the folders {twins} would become one. Rename one, or join them.")
        names[name] = path.name
    return found


def _listed(folder: Path) -> list[Found]:
    """Every file below the class folders of a folder with or without split folders."""
    tops = _subfolders(folder)
    splits = {SPLIT_NAMES[top.name.lower()]: top for top in tops if top.name.lower() in SPLIT_NAMES}
    if len(splits) == 3:
        classes = [(top, split) for split, parent in splits.items() for top in _subfolders(parent)]
        _same_classes(folder, classes)
    elif splits and len(splits) == len(tops):
        missing = ", ".join(sorted(set(SHARES) - set(splits)))
        raise ValueError(f"{show(folder)} has no folder for: {missing}. Add it, or put all classes side by side.")
    else:
        classes = [(top, None) for top in tops]
    if len({top.name for top, _ in classes}) < 2:
        loose = Counter(show(path.suffix.lower()) or "no suffix" for path in folder.iterdir() if path.is_file())
        seen = ", ".join(f"{count} {suffix}" for suffix, count in loose.most_common(3)) or "no files"
        classes_found = ", ".join(sorted({show(top.name) for top, _ in classes})) or "none"
        raise ValueError(
            f"{show(folder)} needs a sub-folder for each of two or more classes; "
            f"found class folders: {classes_found}; beside them {seen}. Sort the pictures into class folders."
        )
    files = [found for top, split in classes for found in _files_below(folder, top, split)]
    empty = ", ".join(sorted({_class_name(top) for top, _ in classes} - {found.class_name for found in files}))
    if empty:
        raise ValueError(
            f"{show(folder)}: no files in the class folder {empty}. Put pictures in, or take the folder out."
        )
    return files


def _class_name(folder: Path) -> str:
    """Keras cannot hold undecodable bytes in a name, a disk no long one, and accents may be written in two ways."""
    name = unicodedata.normalize("NFC", show(folder.name).replace("\\", "-"))
    return name.encode()[:200].decode(errors="ignore")


def _same_classes(folder: Path, classes: list[tuple[Path, str]]) -> None:
    by_split = {split: {_class_name(top) for top, s in classes if s == split} for split in SHARES}
    if len(set(map(frozenset, by_split.values()))) > 1:
        lists = "; ".join(f"{split}: {', '.join(sorted(names)) or 'none'}" for split, names in by_split.items())
        raise ValueError(f"{show(folder)}: each split needs the same class folders, but has {lists}.")


def _files_below(folder: Path, top: Path, split: str | None) -> list[Found]:
    found = []

    def complain(error):
        if isinstance(error, PermissionError):
            raise PermissionError(f"No permission to read {show(error.filename)}. Give yourself the right to read it.")
        raise OSError(f"{show(top)}: a folder in it cannot be read ({error.strerror}). Take it out.")

    for parent, folders, files in os.walk(top, onerror=complain):  # links to folders are not followed: no loops
        if len(Path(parent).parts) > len(top.parts) + 100:  # os.walk of Python 3.11 stumbles later
            raise ValueError(f"{show(top)}: folders in folders, more than 100 deep. Take them out.")
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(files + [link for link in folders if os.path.islink(os.path.join(parent, link))]):
            if not name.startswith(".") and name not in ("Thumbs.db", "desktop.ini"):
                path = Path(parent, name)
                found.append(Found(path.relative_to(folder).as_posix(), path, _class_name(top), split))
    return found


# From a source to data/<name> -------------------------------------------------------------------------------


def _build(name: str, origin: str, found: list[Found]) -> Dataset:
    """Look at what is new, assign it, and make data/<name> agree.

    A kill between two lines is mended by the next call: what is wrong is removed before the manifest is
    written, and what is missing is placed after.
    """
    folder = DATA / name
    old = _read_manifest(folder)
    files = _looked_at(found, old.get("files", {}))
    _set_duplicates_aside(files)
    assigned = _assign(files, old.get("assigned", {}))
    _check_classes(origin, files)
    _name_targets(files)
    wanted = {entry["target"]: entry["digest"] for entry in files.values() if not entry["reason"]}
    _remove_strangers(folder, wanted, {entry["target"]: entry["digest"] for entry in old.get("files", {}).values()})
    manifest = {"origin": origin, "assigned": assigned, "files": files}
    if manifest != old:  # a folder that is up to date may be read-only
        _write_atomically(folder / "manifest.json", lambda out: out.write(json.dumps(manifest, indent=0).encode()))
    paths = {item.key: item.path for item in found}
    for key, entry in files.items():
        if not entry["reason"] and not (folder / entry["target"]).exists():
            _place(paths[key], folder / entry["target"], entry["convert"])
    return _described(name, folder, files, paths)


def _looked_at(found: list[Found], known: dict) -> dict[str, dict]:
    """A manifest entry for every file; only files whose size or times changed are read."""

    def entry(item: Found) -> dict:
        try:
            stat = item.path.stat()
            stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        except OSError as error:
            stamp, error_reason = None, _reason(error)
        before = known.get(item.key)
        if stamp and before and before["stamp"] == stamp and not before["unreadable"]:
            seen = {field: before[field] for field in ("digest", "convert", "unreadable")}
        elif stamp:
            seen = _examine(item.path)
        else:
            seen = {"digest": "", "convert": "", "unreadable": error_reason}
        return seen | {"stamp": stamp, "class": item.class_name, "split": item.split,
                       "reason": seen["unreadable"], "target": ""}  # fmt: skip

    quick = len(found) < 200 or len(known) > 0.9 * len(found)
    entries = thread_map(entry, found, desc="looking at each picture once", disable=quick, max_workers=os.cpu_count())
    return {item.key: one for item, one in zip(found, entries, strict=True)}


def _examine(path: Path) -> dict:
    """Read a file once: its sha256, the suffix to convert it to ("" if Keras reads it), why it is no good."""
    try:
        with _opened(path) as picture, open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            picture.load()
            plain = (
                picture.format in KERAS_READS
                and picture.mode in ("L", "RGB")
                and "transparency" not in picture.info
                and picture.getexif().get(0x0112, 1) == 1
                and (getattr(picture, "n_frames", 1) == 1 or picture.format == "MPO")
                and (picture.format != "PNG" or _whole(path))
            )
            suffix = ".jpg" if picture.format in ("JPEG", "MPO") else ".png"
        del picture  # its pixels, before the next line takes as much again
        if not plain:
            read_picture(path)
        return {"digest": digest, "convert": "" if plain else suffix, "unreadable": ""}
    except Exception as error:
        reason = "an empty file" if path.is_file() and not path.stat().st_size else _reason(error)
        return {"digest": "", "convert": "", "unreadable": reason.removeprefix(f"{show(path)}: ")}


def _set_duplicates_aside(files: dict[str, dict]) -> None:
    """Keep one of each content; of a content under two classes keep none, since one label is wrong."""
    by_digest = defaultdict(list)
    for key, entry in files.items():
        if not entry["reason"]:
            by_digest[entry["digest"]].append(key)
    for keys in by_digest.values():
        if len({files[key]["class"] for key in keys}) > 1:
            for key in keys:
                others = ", ".join(show(other) for other in keys if other != key)
                files[key]["reason"] = f"the same picture stands under another class: {others}"
        else:  # where a source has splits of its own, its test set stays whole
            keys.sort(key=lambda key: (-list(SHARES).index(files[key]["split"] or "train"), key))
            for key in keys[1:]:
                files[key]["reason"] = f"the same picture as {show(keys[0])}"


def _assign(files: dict[str, dict], assigned: dict[str, str]) -> dict[str, str]:
    """Give each picture its split: the source's own, the remembered, or the one furthest below its share.

    Three or more pictures fill all splits. The order is that of a seeded hash of the content, so neither
    names nor the order of the disk matter. Returns every assignment ever made: digest -> split.
    """
    assigned = dict(assigned)
    by_class = defaultdict(list)
    for entry in files.values():
        if entry["reason"]:
            continue
        if entry["split"] is None:
            by_class[entry["class"]].append(entry)
        assigned[entry["digest"]] = entry["split"] or assigned.get(entry["digest"])
    for entries in by_class.values():
        entries.sort(key=lambda entry: hashlib.sha256(f"{SEED} {entry['digest']}".encode()).digest())
        counts = Counter(assigned[entry["digest"]] for entry in entries)
        for entry in entries:
            if assigned[entry["digest"]] is None:
                split = _furthest_below(counts)
                assigned[entry["digest"]] = split
                counts[split] += 1
        for split in SHARES:  # pictures that were deleted may have emptied a split
            if not counts[split] and len(entries) >= 3:
                largest = max(SHARES, key=lambda name: counts[name])
                moved = next(entry for entry in entries if assigned[entry["digest"]] == largest)
                assigned[moved["digest"]] = split
                counts.update({split: 1, largest: -1})
        for entry in entries:
            entry["split"] = assigned[entry["digest"]]
    return assigned


def _furthest_below(counts: Counter) -> str:
    total = sum(counts[split] for split in SHARES) + 1
    return max(SHARES, key=lambda split: SHARES[split] * total - counts[split])


def _check_classes(origin: str, files: dict[str, dict]) -> None:
    classes = sorted({entry["class"] for entry in files.values()})
    problems = []
    for class_name in classes:
        good = [entry for entry in files.values() if entry["class"] == class_name and not entry["reason"]]
        bad = [key for key, entry in files.items() if entry["class"] == class_name and entry["reason"]]
        empty = [split for split in SHARES if split not in {entry["split"] for entry in good}]
        if len(good) < 3 or empty:
            why = f" (left out: {show(bad[0])}: {files[bad[0]]['reason']})" if bad else ""
            where = f", none for {' and '.join(empty)}" if len(good) >= 3 else ""
            problems.append(f"{show(class_name)} has {len(good)} usable pictures{where}{why}")
    if problems:
        raise ValueError(
            f"{show(origin)}: each class needs at least three pictures, one a split, but "
            f"{'; '.join(problems)}. Add pictures, or take the class folder out."
        )


def _name_targets(files: dict[str, dict]) -> None:
    """Keep plain file names; others get a plain form and the start of the digest, so no two names clash."""
    taken = set()
    for entry_key, entry in files.items():
        if entry["reason"]:
            continue
        name = Path(entry_key).name
        stem, suffix = os.path.splitext(name)
        ending = entry["convert"] or (suffix if suffix.lower() in (".jpg", ".jpeg", ".png") else ".png")
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "picture"
        target = f"{entry['split']}/{entry['class']}/{plain}{ending}"
        if entry["convert"] or target.casefold() in taken or Path(target).name != name:
            target = f"{entry['split']}/{entry['class']}/{plain}-{entry['digest'][:8]}{ending}"
        taken.add(target.casefold())
        entry["target"] = target


def _remove_strangers(folder: Path, wanted: dict[str, str], old: dict[str, str]) -> None:
    """Keras and torchvision would read whatever lies in the folders, so nothing else may lie there.

    wanted, old : target -> digest, of now and of the last call. Links are removed, never followed.
    """
    for split in SHARES:
        if (folder / split).is_symlink():
            (folder / split).unlink()
        for parent, folders, names in os.walk(folder / split, topdown=False):
            for name in names + [link for link in folders if os.path.islink(os.path.join(parent, link))]:
                path = Path(parent, name)
                target = path.relative_to(folder).as_posix()
                if target in wanted and old.get(target, wanted[target]) == wanted[target]:
                    continue
                if target in old or path.is_symlink() or ".ipynb_checkpoints" in path.parts:
                    path.unlink(missing_ok=True)
                elif name.endswith(".partial"):  # Keras and torchvision do not read these
                    remove_partials(path)
                else:
                    raise ValueError(
                        f"{show(path)} was not put there by the course. Move it away: data/ is made anew "
                        "from your own folder, so add pictures there."
                    )
            if not folders and not names:
                with suppress(OSError):  # another process has just put a picture there
                    os.rmdir(parent)


def _place(source: Path, target: Path, convert: str) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        raise FileNotFoundError(f"{show(source)} vanished while the folder was looked at. Call data.load() again.")
    if convert:
        picture = Image.fromarray(read_picture(source))
        kind = {"format": "JPEG", "quality": 95, "subsampling": 0} if convert == ".jpg" else {"format": "PNG"}
        _write_atomically(target, lambda out: picture.save(out, **kind))
        return
    target.unlink(missing_ok=True)  # a link whose source has moved
    for link in (os.symlink, os.link):  # Windows allows the first to few, the second only within one drive
        try:
            return link(source.resolve(), target)
        except FileExistsError:  # another process was faster
            return
        except OSError:
            continue
    content = source.read_bytes()
    _write_atomically(target, lambda out: out.write(content))


def _described(name: str, folder: Path, files: dict[str, dict], paths: dict[str, Path]) -> Dataset:
    good = [(key, entry) for key, entry in files.items() if not entry["reason"]]
    rows = [(e["split"], e["class"], str(folder / e["target"]), str(paths[key]), e["digest"]) for key, e in good]
    pictures = pd.DataFrame(rows, columns=["split", "class_name", "path", "source", "digest"])
    order = pictures.assign(split=pictures["split"].map(list(SHARES).index)).sort_values(
        ["split", "class_name", "path"]
    )
    pictures = pictures.loc[order.index].reset_index(drop=True)
    labels = {class_name: label for label, class_name in enumerate(sorted(pictures["class_name"].unique()))}
    pictures.insert(2, "label", pictures["class_name"].map(labels))
    pictures["certain"] = True
    bad = [(show(paths[key]), entry["reason"]) for key, entry in files.items() if entry["reason"]]
    set_aside = pd.DataFrame(bad, columns=["source", "reason"])
    if len(set_aside):
        first = f"{bad[0][0]}: {bad[0][1]}"
        print(f"{name}: {len(pictures):,} pictures; {len(bad)} files set aside (see .set_aside), first {first}")
    return Dataset(name, folder, pictures, set_aside)


# Small things -----------------------------------------------------------------------------------------------


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture)
        most, grey = np.nanmax(values), np.empty(values.shape, "uint8")
        top = 1 if picture.mode == "F" and most <= 1 else 65535 if most > 255 else 255
        parts = values.size // 2**20 + 1  # in float64, the whole would take eight times its memory
        for part, done in zip(np.array_split(values.ravel(), parts), np.array_split(grey.ravel(), parts), strict=True):
            done[:] = (np.clip(np.nan_to_num(part.astype("float64") / top), 0, 1) * 255).round()
        picture = Image.fromarray(grey)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


@contextmanager
def _opened(file):
    """Open a picture if it is a plain file (a pipe would wait for ever) that memory can hold."""
    if isinstance(file, str | os.PathLike):
        about = os.stat(file)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("a link to a folder, or not a plain file")
        if about.st_size > MOST_BYTES:
            raise ValueError(f"a file of more than {MOST_BYTES / 1e6:.0f} MB; make it smaller")
    with Image.open(file, formats=FORMATS) as picture:
        pixels = picture.width * picture.height
        if pixels > Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError
        with ONE_LARGE if pixels > LARGE else nullcontext():
            yield picture


def _whole(path: Path) -> bool:
    """Whether a PNG's checksums and end are there: Pillow reads it without, Keras refuses it."""
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.verify()
    except Exception:
        return False
    return b"IEND\xaeB`\x82" in path.read_bytes()


def _reason(error: Exception) -> str:
    """One line for the list of what was set aside."""
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS // 10**6} million pixels; make it smaller"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture that the course reads (a HEIC photo? save it as JPEG)"
    if isinstance(error, FileNotFoundError):
        return "vanished, or a link to nothing"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    text = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
    text = "".join(letter if letter.isprintable() else show(letter) for letter in text)  # may quote the file
    return text if isinstance(error, ValueError) and text else f"broken picture ({text[:100] or type(error).__name__})"


def _read_manifest(folder: Path) -> dict:
    path = folder / "manifest.json"
    try:
        if path.is_file():  # a pipe would wait for ever
            manifest = json.loads(path.read_text())
            if _sound(manifest):
                return manifest
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    if path.exists():
        print(f"{show(path)} is damaged and is made anew.")
    return {}


def _sound(manifest: dict) -> bool:
    """Whether it is as `_build` writes it: files are written and removed by it, so it may name no other place."""
    form = {
        "digest": "[0-9a-f]*",
        "convert": r"(\.jpg|\.png)?",
        "unreadable": ".*",
        "target": rf"(({'|'.join(SHARES)})/[^./\\][^/\\]*/[\w-][^/\\]*)?",
    }
    return (
        set(manifest) == {"origin", "assigned", "files"}
        and set(manifest["assigned"].values()) <= set(SHARES)
        and all(
            "stamp" in entry and re.fullmatch(pattern, entry[field], re.DOTALL)
            for entry in manifest["files"].values()
            for field, pattern in form.items()
        )
    )


def _unzip(archive: Path, folder: Path) -> None:
    """Unpack below `folder` without the archive's own top folder."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > MOST_BYTES:
                raise OSError(f"{archive.name} would unpack to over {MOST_BYTES / 1e6:.0f} MB; not used.")
            for member in members:
                member.filename = member.filename.partition("/")[2] or member.filename
                with writing(folder):
                    zipped.extract(member, folder)  # zipfile strips "..", drive letters and leading slashes
    except OSError:
        raise
    except Exception:  # zipfile raises nearly every kind of exception on broken archives
        raise OSError(f"What {CLOTHING_URL} sent is not a sound zip file; try again later.") from None


def _write_atomically(path: Path, write) -> None:
    """Write beside `path`, then put it in place: a kill leaves the old file or the new, never half of one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "wb") as out:
                write(out)
            os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def writing(path: Path):
    """What is done inside writes `path`: if it cannot, say so in one line, and what to do."""
    try:
        yield
    except OSError as error:  # NumPy's has no strerror on a full disk
        reason = os.strerror(error.errno) if error.errno else "not all of it fitted"
        advice = "Make room on the disk, or get the right to write there, and run this again."
        raise OSError(f"Could not write {show(path)} ({reason}). {advice}") from None


def remove_partials(*paths: Path) -> None:
    """Remove what killed processes left half-written. What is younger, another process may be writing just now."""
    for path in paths:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > 600:
                path.unlink()
