"""Files: which there are, what they hold; downloads; folders that are whole or not there at all."""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pandas as pd
import pooch
from tqdm import tqdm

from helpers.images import ValueRangeError, printable, read_bytes, read_image, suffix_to_convert_to

MAKING = "making-"  # how temporary folders are called
ABANDONED = 3600  # seconds without a change, after which a temporary folder is removed
TIMEOUT = (10, 30)  # seconds to connect, seconds without a byte
IGNORED = ("thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__", "@eadir")  # by systems
WORKERS, BATCH = min(8, os.cpu_count() or 1), 256


def folders_in(folder: Path) -> list[Path]:
    """The folders in it, sorted, and the links to folders."""
    # asking an entry costs nothing; asking the disk about each file does
    maybe = [
        one for one in _entries(folder) if one.is_dir(follow_symlinks=False) or one.is_symlink()
    ]
    return sorted(Path(one) for one in maybe if not _ignored(one.name) and os.path.isdir(one))


def files_in(folder: str | Path) -> Iterator[str]:
    """Every file below. A link to a folder counts as a file: followed, it could lead in circles."""
    for entry in sorted(_entries(folder), key=lambda entry: entry.name):
        if _ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from files_in(entry.path)
        else:
            yield entry.path


def endings_in(folder: Path) -> Counter:
    """How many files of each ending lie in the folder itself."""
    files = [one for one in _entries(folder) if one.is_file() and not _ignored(one.name)]
    return Counter(Path(one).suffix.lower() or "without an ending" for one in files)


def _entries(folder: str | Path) -> list[os.DirEntry]:
    try:
        return list(os.scandir(folder))
    except PermissionError:
        advice = "Give yourself the right to read it, or move it elsewhere."
        raise PermissionError(f"{printable(folder)} may not be read. {advice}") from None


def _ignored(name: str) -> bool:
    """Whether systems and programs made it for themselves. A photo may wait in iCloud, though."""
    return name.lower() in IGNORED or (name.startswith(".") and not name.endswith(".icloud"))


def class_name(folder: Path) -> str:
    """A folder's name on one line, in 60 letters. NFC: one code for an accented letter."""
    return printable(unicodedata.normalize("NFC", folder.name)).replace("\\", "-")[:60]


def by_name(folders: list[Path], name_of: Callable[[Path], str]) -> dict[str, Path]:
    """Name in small letters -> folder. Refuses Cat beside cat (one on Windows), and val, valid."""
    found = {}
    for path in folders:
        name = name_of(path).casefold()
        if name in found:
            twins = f"the folders {found[name].name!a} and {path.name!a} would become one"
            raise ValueError(f"{printable(path.parent)}: {twins}. Join them, or rename one.")
        found[name] = path
    return found


def look(files: pd.DataFrame, memory: Path, shared: Path | None = None) -> pd.DataFrame:
    """Add to each file, by its column source, what `_examine` finds in it.

    memory : the SQLite file that remembers it, so that a file is read again only if it changed.
    shared : another such file, which is only read.
    """
    stamps = {source: _stamp(source) for source in files["source"]}
    memory.parent.mkdir(parents=True, exist_ok=True)
    known = {}
    try:
        if shared and shared.exists():
            with closing(sqlite3.connect(f"{shared.as_uri()}?mode=ro", timeout=60, uri=True)) as db:
                known = _remembered(db)
        with closing(sqlite3.connect(memory, timeout=60)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS seen (stamp PRIMARY KEY, found)")
            known |= _remembered(db)
            new = [source for source, stamp in stamps.items() if stamp not in known]
            bar = tqdm(total=len(new), desc="looking at each image once", disable=len(new) < 200)
            with bar, ThreadPoolExecutor(WORKERS) as pool:
                for start in range(0, len(new), BATCH):
                    batch = new[start : start + BATCH]
                    found = dict(zip(batch, pool.map(_examine, batch), strict=True))
                    known |= {stamps[source]: one for source, one in found.items()}
                    _remember(db, stamps, found)
                    bar.update(len(batch))
    except sqlite3.Error as error:
        advice = (
            "Set COURSE_DATA to a folder that may be written and has room, or delete this file."
        )
        raise OSError(f"{memory}: {error}. {advice}") from None
    found = [known[stamps[source]] for source in files["source"]]
    return files.join(pd.DataFrame(found, files.index))


def _remembered(db: sqlite3.Connection) -> dict[str, dict]:
    return {stamp: json.loads(found) for stamp, found in db.execute("SELECT * FROM seen")}


def _remember(db: sqlite3.Connection, stamps: dict[str, str], found: dict[str, dict]) -> None:
    for source, one in found.items():
        # what could not be read may be readable next time, and HEIC where pillow-heif is new
        if one["digest"] and not one["reason"].startswith("HEIC"):
            row = (stamps[source], json.dumps(one))
            db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", row)
    db.commit()


def _stamp(source: str) -> str:
    """A file's path, size and time, as JSON: as long as it stays, the file is taken as known."""
    try:
        about = os.stat(source)
        return json.dumps([source, about.st_size, about.st_mtime_ns])
    except OSError:  # `_examine` says why
        return json.dumps([source])


def _examine(source: str) -> dict:
    """Read a file. Raises OSError if the disk fails: that is no broken image.

    Returns digest (sha256), convert (the suffix to convert to, or ""), low and high (of grey values
    of more than 8 bits, else None), reason (why the file is skipped, or "").
    """
    found = {"digest": "", "convert": "", "low": None, "high": None, "reason": ""}
    try:
        content = read_bytes(source)
        found["digest"] = hashlib.sha256(content).hexdigest()
        read_image(io.BytesIO(content), 64)  # small, which is fast: only errors matter
        found["convert"] = suffix_to_convert_to(content)
    except ValueRangeError as error:
        found |= {"convert": ".png", "low": error.low, "high": error.high}
    except ValueError as error:
        found["reason"] = str(error).removeprefix(f"{printable(source)}: ")
    except FileNotFoundError:
        found["reason"] = "cannot be opened: vanished, or a link to nothing"
    return found


def download(url: str, path: Path) -> None:
    """Download a file with a progress bar. Raises OSError in one line if that fails."""
    send = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT, chunk_size=2**16)
    try:
        send(url, path, pooch=None)
    except Exception as error:  # requests raises nearly every kind
        hint = "Try again later."
        if "SSL" in type(error).__name__:
            hint = "In a company's network, name its certificate file in REQUESTS_CA_BUNDLE."
        problem = f"{type(error).__name__}: {printable(error)}"
        raise OSError(f"Could not download {url} ({problem}). {hint}") from None


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """Yield a place to make a file or folder, which then becomes `path` in one step.

    If another process was faster, its result stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent)
    with tempfile.TemporaryDirectory(prefix=MAKING, dir=path.parent) as temporary:
        made = Path(temporary, path.name)
        yield made
        try:
            os.replace(made, path)
        except OSError:
            if not path.exists():
                raise


def remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left half-made in `folder`, unchanged for an hour."""
    for made in folder.glob(f"{MAKING}*"):
        with suppress(FileNotFoundError):  # another process finished it just now
            newest = max(path.lstat().st_mtime for path in [made, *made.rglob("*")])
            if time.time() - newest > ABANDONED:
                shutil.rmtree(made, ignore_errors=True)
