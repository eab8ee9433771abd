"""Data sets: `load()` turns a source of pictures into train, validation and test folders of class folders.

data/solar/train/mono-defective/cell0001.png       what Keras and torchvision read as it is
data/solar/manifest.json                           which picture went where, and why one was left out
"""

import hashlib
import json
import os
import re
import shutil
import time
import unicodedata
import zipfile
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm.contrib.concurrent import thread_map

from helpers.files import MOST_BYTES, download, remove_partials, show, write_atomically, writing
from helpers.pictures import convert, examine
from helpers.pictures import read_picture as read_picture  # lessons say data.read_picture, .download and .show

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
SPLIT_NAMES = {"valid": "validation", "val": "validation"} | {name: name for name in SHARES}
SEED = 42
DESKTOPS = (".DS_Store", ".directory", "Thumbs.db", "desktop.ini")  # left by whoever looks into a folder

CLOTHING_COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
CLOTHING_URL = f"https://codeload.github.com/alexeygrigorev/clothing-dataset-small/zip/{CLOTHING_COMMIT}"
CLOTHING_DIGEST = "55ee2d8f2e6ad4bb657b13347839fe62bea5db0375d77ebe169e12026edee35c"  # of folder_digest


class Found(NamedTuple):
    """A file of a source: its key in the manifest, path, class, split if the source has splits, see `Dataset`."""

    key: str
    path: Path
    class_name: str
    split: str | None = None
    certain: bool = True


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
    copied) and never written to. Only new files, and those whose size or times changed, are looked at again; to have
    all looked at, delete train, validation, test and manifest.json in data/<name>/.
    Raises OSError or ValueError in one line that says what to do.
    """
    source = str(source or os.environ.get("COURSE_DATASET") or "solar")
    if source in ("solar", "solar-binary"):
        name, origin, found = source, "elpv-dataset", _solar(source)
    else:
        folder = fetch_clothing() if source == "clothing" else _own_folder(source)
        name, origin, found = _name(folder), str(folder), _listed(folder)
    return _build(name, origin, found)


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
    for left in folder.parent.glob("clothing.*.partial"):  # of processes that were killed
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left, ignore_errors=True)
    if folder.exists():
        return folder
    partial = folder.with_name(f"clothing.{os.getpid()}.partial")  # of this process: another may be at it, too
    try:
        try:
            archive = download(CLOTHING_URL, partial / "clothing.zip", deadline=deadline)
        except OSError as error:
            raise OSError(f"{error} Mend that and run this again, or load solar, which needs no network.") from None
        _unzip(archive, partial / "clothing")
        if folder_digest(partial / "clothing") != CLOTHING_DIGEST:
            raise OSError(f"The clothing photos from {CLOTHING_URL} are not the ones this course knows; not used.")
        try:
            os.replace(partial / "clothing", folder)
        except OSError:
            if not folder.exists():  # else another process was faster
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


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


def folder_digest(folder: Path) -> str:
    """sha256 over the sorted lines "path sha256" of every picture below the split folders of `folder`."""
    lines = []
    for path in sorted(path for split in SHARES for path in (folder / split).rglob("*") if path.is_file()):
        lines.append(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


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
        certain = row.probability in (0, 1)
        found.append(Found(row.file, images / row.file, class_name, splits.get(row.file), certain))
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
            if not name.startswith(".") and name not in DESKTOPS:
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
        write_atomically(folder / "manifest.json", lambda out: out.write(json.dumps(manifest, indent=0).encode()))
    items = {item.key: item for item in found}
    for key, entry in files.items():
        if not entry["reason"] and not _in_place(folder / entry["target"], items[key].path, entry["convert"]):
            _place(items[key].path, folder / entry["target"], bool(entry["convert"]))
    return _described(name, folder, files, items)


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


def _looked_at(found: list[Found], known: dict) -> dict[str, dict]:
    """A manifest entry for every file; only files whose size or times changed are read."""

    def entry(item: Found) -> dict:
        try:
            about = item.path.stat()
            stamp = [about.st_size, about.st_mtime_ns, about.st_ctime_ns]
        except OSError:  # `examine` says why
            stamp = None
        seen = known.get(item.key)
        if not stamp or not seen or seen["stamp"] != stamp or seen["unreadable"]:
            seen = examine(item.path)
        return seen | {"stamp": stamp, "class": item.class_name, "split": item.split,
                       "reason": seen["unreadable"], "target": ""}  # fmt: skip

    quick = len(found) < 200 or len(known) > 0.9 * len(found)
    entries = thread_map(entry, found, desc="looking at each picture once", disable=quick, max_workers=os.cpu_count())
    return {item.key: one for item, one in zip(found, entries, strict=True)}


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
                total = sum(counts[split] for split in SHARES) + 1
                split = max(SHARES, key=lambda split: SHARES[split] * total - counts[split])
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
                elif name in DESKTOPS:
                    with suppress(OSError):
                        path.unlink()
                elif name.endswith(".partial"):  # Keras and torchvision do not read these
                    remove_partials(path)
                else:
                    raise ValueError(
                        f"{show(path)} was not put there by the course. Move it away: data/ is made anew "
                        "from your own folder, so add pictures there."
                    )
            with suppress(OSError):  # not empty
                os.rmdir(parent)


def _in_place(target: Path, source: Path, convert: str) -> bool:
    """A link may by now name another picture: file names move between the folders of a source."""
    if not target.exists() or convert or not target.is_symlink():
        return target.exists()
    return source.exists() and target.samefile(source)


def _place(source: Path, target: Path, anew: bool) -> None:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        raise FileNotFoundError(f"{show(source)} vanished while the folder was looked at. Call data.load() again.")
    if anew:
        return convert(source, target)
    target.unlink(missing_ok=True)  # a link whose source has moved
    for link in (os.symlink, os.link):  # Windows allows the first to few, the second only within one drive
        try:
            return link(source.resolve(), target)
        except FileExistsError:  # another process was faster
            return
        except OSError:
            continue
    content = source.read_bytes()
    write_atomically(target, lambda out: out.write(content))


def _described(name: str, folder: Path, files: dict[str, dict], items: dict[str, Found]) -> Dataset:
    good = {key: entry for key, entry in files.items() if not entry["reason"]}
    labels = {class_name: n for n, class_name in enumerate(sorted({entry["class"] for entry in good.values()}))}
    rows = [
        (e["split"], e["class"], labels[e["class"]], str(folder / e["target"]), str(items[key].path), e["digest"],
         items[key].certain) for key, e in good.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (list(SHARES).index(row[0]), row[1], row[3]))  # the order in which Keras reads
    pictures = pd.DataFrame(rows, columns=["split", "class_name", "label", "path", "source", "digest", "certain"])
    bad = [(show(items[key].path), entry["reason"]) for key, entry in files.items() if entry["reason"]]
    set_aside = pd.DataFrame(bad, columns=["source", "reason"])
    if len(set_aside):
        first = f"{bad[0][0]}: {bad[0][1]}"
        print(f"{name}: {len(pictures):,} pictures; {len(bad)} files set aside (see .set_aside), first {first}")
    return Dataset(name, folder, pictures, set_aside)
