"""Data sets: `load` turns a source of images into train, validation and test folders of classes.

data/solar/3f9a01c27b44/train/mono-defective/cell0001.png    as Keras and torchvision read them
data/solar/3f9a01c27b44/index.csv    which image went where, and which file was skipped and why

The hash is that of the index. Such a folder is made beside its place and renamed: it is there whole
or not at all, and never changed. You may delete all of data/: it is made again.
"""

import hashlib
import io
import os
import re
import shutil
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pooch
from PIL import Image
from tqdm import tqdm

from helpers.images import ValueRangeError, conversion, printable, read_bytes, read_image
from helpers.images import read_images as read_images  # lessons say data.read_images
from helpers.layout import SPLITS, find_images, some

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "pyproject.toml").exists():  # installed by pip, as on Colab
    ROOT = Path.cwd()
DATA = Path(os.environ.get("COURSE_DATA") or ROOT / "data").expanduser().absolute()
RECORDED = Path(__file__).parent / "recorded"  # what benchmarks measured: numbers, no images
SEED = 42
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
WITHOUT_TEST = {"train": 0.8, "validation": 0.2}  # where a folder has its own test
PACKAGED = ("solar", "solar-binary", "clothing")
TAKEN = (
    *PACKAGED,
    "downloads",
    "features",
    "weights",
    "files.sqlite",
    "readme.md",
)  # names in data/
TEMPORARY = "making-"
WORKERS = min(8, os.cpu_count() or 1)
COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
CLOTHING_URL = f"https://codeload.github.com/alexeygrigorev/clothing-dataset-small/zip/{COMMIT}"
CLOTHING_DIGEST = "55ee2d8f2e6ad4bb657b13347839fe62bea5db0375d77ebe169e12026edee35c"
STALL = 30  # seconds without a byte, after which a download is given up
SEEN = ["path", "size", "mtime_ns", "digest", "convert", "low", "high", "reason"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """What `load` returns.

    images : one row an image, in the order in which Keras reads the folders: split, class_name,
        label, path (below `folder`), source (the original file), digest (sha256 of the original;
        with the value range, if any), certain (bool: False where the experts were not sure).
    skipped : one row a file that was left out: source, reason ("kind: more").
    """

    name: str
    folder: Path
    images: pd.DataFrame
    skipped: pd.DataFrame
    value_range: tuple[float, float] | None = None

    def __repr__(self) -> str:
        names = self.class_names
        return f"{self.name}: {len(self.images):,} images in {len(names)} classes ({some(names)})"

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
    def output_folder(self) -> Path:
        """data/<name>, where lessons write."""
        return self.folder.parent

    @property
    def class_names(self) -> list[str]:
        """Sorted, so that a class's position is its label in Keras and torchvision alike."""
        return sorted(self.images["class_name"].unique())

    @property
    def counts(self) -> pd.DataFrame:
        """Images per class (rows) and split (columns), with totals."""
        table = pd.crosstab(self.images["class_name"], self.images["split"])[list(SPLITS)]
        table["total"] = table.sum(axis=1)
        table.loc["total"] = table.sum()
        return table.rename_axis(index="class", columns=None)

    def split(self, name: str) -> pd.DataFrame:
        """The rows of one split, in order. Raises ValueError if there is no such split."""
        if name not in SPLITS:
            raise ValueError(f"There is no split {name!r}. The splits are {', '.join(SPLITS)}.")
        return self.images[self.images["split"] == name].reset_index(drop=True)


def load(
    source: str | os.PathLike | None = None,
    group: Callable[[Path], object] | None = None,
    value_range: tuple[float, float] | None = None,
) -> Dataset:
    """Bring a data set's images into data/<name>/<hash>/{train,validation,test}/<class>/.

    source : "solar" (the default), "solar-binary" (two classes), "clothing" (a download of 106 MB),
        or a folder that holds a folder for each class, with or without train, validation and test
        above them. Without it COURSE_DATASET decides; a relative path counts from the repository.
    group : path -> object, patient, ...: what may not stand in two splits.
    value_range : (black, white) for 16-bit and float grey images.

    In a folder without splits a hash of an image's content (or group) decides: about 60/20/20, the
    same whatever is added, renamed or deleted (only in a class too small for that, the rank of the
    hashes decides, and load says so). Exact copies are skipped. Your files are linked, or
    else copied, and never written to.
    Raises OSError or ValueError in one line that says what to do.
    """
    source = str(source or os.environ.get("COURSE_DATASET") or "solar")
    name, understood = source.lower(), ""
    if group and name in PACKAGED:
        raise ValueError(f"{name} has its own split: group is for a folder of yours.")
    _remove(DATA.glob(f"*/{TEMPORARY}*"), older_than=3600)
    if name in ("solar", "solar-binary"):
        files = _solar(name)
    elif name == "clothing":
        files = _look(find_images(fetch_clothing())[0])
    else:
        folder = _own_folder(source)
        files, understood = find_images(folder)
        name = _own_name(folder)
        if group and (files["split"] != "").any():
            raise ValueError(f"{name} has splits of its own: group is for a folder without any.")
        files = _look(files)
    _check_range(name, files, value_range)
    _skip_copies(files)
    understood += _fill_splits(files, group)
    _check_classes(source, files)
    dataset = _made(name, files, value_range)
    if understood:
        kinds = dataset.skipped["reason"].str.split(":").str[0].value_counts()
        skipped = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        print(f"{dataset}; {understood}; skipped: {skipped or 'none'}")
    return dataset


def solar_labels() -> pd.DataFrame:
    """The experts' labels: file, probability of a defect (0, 1/3, 2/3, 1), module_type."""
    columns = ["file", "probability", "module_type"]
    labels = pd.read_csv(_solar_folder() / "labels.csv", sep=r"\s+", header=None, names=columns)
    return labels.assign(file=labels["file"].str.removeprefix("images/"))


def fetch_clothing() -> Path:
    """Download the clothing photos once, verify every file, and return their folder.

    Raises OSError in one line if that fails; nothing half-made stays.
    """
    folder = DATA / "downloads" / "clothing"
    if folder.exists():
        return folder
    download = pooch.HTTPDownloader(progressbar=True, timeout=STALL, chunk_size=2**16)
    with _made_whole(folder) as made:
        archive, unpacked = made.with_name("clothing.zip"), made.with_name("unpacked")
        try:
            download(CLOTHING_URL, archive, None)
            zipfile.ZipFile(archive).extractall(unpacked)
        except Exception as error:  # requests and zipfile raise nearly every kind
            raise OSError(
                f"Could not download {CLOTHING_URL} ({type(error).__name__}: {printable(error)}). "
                "Try again later, or load solar, which needs no network."
            ) from None
        os.rename(next(unpacked.iterdir()), made)
        if folder_digest(made) != CLOTHING_DIGEST:
            raise OSError(f"{CLOTHING_URL} sent other files than the course knows: not used.")
    return folder


def folder_digest(folder: Path) -> str:
    """sha256 over the sorted lines "path sha256" of all files below the split folders."""
    lines = []
    for split in SPLITS:
        for path in (folder / split).rglob("*"):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                lines.append(f"{path.relative_to(folder).as_posix()} {digest}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def clean() -> list[Path]:
    """Remove all made folders of images but the newest of each data set."""
    old = []
    for output_folder in DATA.glob("*"):
        made = [path.parent for path in output_folder.glob("*/index.csv")]
        made = [path for path in made if re.fullmatch("[0-9a-f]{12}", path.name)]
        old += sorted(made, key=lambda path: path.stat().st_mtime)[:-1]
    _remove(old)
    return old


# Sources: tables of files with source, class_name, split ("" where content decides) ---------------


def _solar_folder() -> Path:
    package = find_spec("elpv_dataset")
    if package is None:
        raise OSError("The solar images are missing: pip install elpv-dataset==1.0.0.post1")
    return Path(package.origin).parent / "data"


def _solar(name: str) -> pd.DataFrame:
    """The solar cells, split by rank within each of the four classes, as they ever were."""
    labels, folder = solar_labels(), _solar_folder() / "images"
    state = labels["probability"].ge(0.5).map({True: "defective", False: "functional"})
    files = pd.DataFrame({"class_name": labels["module_type"] + "-" + state})
    files["source"] = [str(folder / file) for file in labels["file"]]
    files["certain"] = labels["probability"].isin([0, 1])
    files = _look(files)
    files["split"] = files.groupby("class_name")["digest"].transform(_by_rank, SHARES)
    if name == "solar-binary":  # the same splits, so that results compare
        files["class_name"] = state
    return files


def _own_folder(source: str) -> Path:
    folder = Path(os.path.abspath(ROOT / Path(source).expanduser()))
    if folder.is_dir():
        return folder
    problem = "is a file: unpack an archive first" if folder.is_file() else "is not there"
    raise NotADirectoryError(
        f"{printable(folder)} {problem}. Name a folder that holds a folder for each class, or one "
        f"of: {', '.join(PACKAGED)}."
    )


def _own_name(folder: Path) -> str:
    """The folder's name; with a hash, if the course or another folder has taken it in data/."""
    name = re.sub(r"[^\w.-]+", "-", folder.name)[:60].strip(".-") or "images"
    own = os.fsencode(folder)
    with _remembered() as db:
        _remember(db, "INSERT OR IGNORE INTO names VALUES (?, ?)", [(name.lower(), own)])
        owner = db.execute("SELECT folder FROM names WHERE name = ?", [name.lower()]).fetchone()
    real, place = folder.resolve(), (DATA / name).resolve()
    if owner == (own,) and name.lower() not in TAKEN and place not in (real, *real.parents):
        return name
    return f"{name}-{hashlib.sha256(own).hexdigest()[:6]}"


# What is in the files: each is read once, and remembered in data/files.sqlite ---------------------


@contextmanager
def _remembered() -> Iterator[sqlite3.Connection]:
    path = DATA / "files.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=60)) as db:
            db.execute(f"CREATE TABLE IF NOT EXISTS files ({', '.join(SEEN)}, PRIMARY KEY (path))")
            db.execute("CREATE TABLE IF NOT EXISTS names (name PRIMARY KEY, folder)")
            yield db
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}. Delete it, or set COURSE_DATA to a folder.") from None


def _remember(db: sqlite3.Connection, statement: str, rows: list[tuple]) -> None:
    with suppress(sqlite3.OperationalError), db:  # a folder that may only be read serves, too
        db.executemany(statement, rows)


def _look(files: pd.DataFrame) -> pd.DataFrame:
    """Add the columns SEEN to every file. Only a file that is new or has changed is read."""
    stamps = [_stamp(source) for source in files["source"]]
    with _remembered() as db, ThreadPoolExecutor(WORKERS) as pool:
        known = {row[:3]: row for row in db.execute("SELECT * FROM files")}
        new = [stamp for stamp in stamps if stamp not in known]
        with tqdm(total=len(new), desc="looking at each image once", disable=len(new) < 200) as bar:
            for start in range(0, len(new), 256):
                rows = list(pool.map(_examine, new[start : start + 256]))
                known |= {row[:3]: row for row in rows}
                lasting = [row for row in rows if row[3]]  # rights and links change without a trace
                _remember(db, "INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?)", lasting)
                bar.update(len(rows))
    seen = pd.DataFrame([known[stamp] for stamp in stamps], files.index, SEEN)
    return files.join(seen.drop(columns=["path", "mtime_ns"]))


def _stamp(source: str) -> tuple[bytes, int, int]:
    try:
        about = os.stat(source)
        return os.fsencode(source), about.st_size, about.st_mtime_ns
    except OSError:  # `_examine` says why
        return os.fsencode(source), 0, 0


def _examine(stamp: tuple[bytes, int, int]) -> tuple:
    """Read a file: its row of SEEN. Raises OSError if the disk fails: that is no broken image."""
    path = os.fsdecode(stamp[0])
    digest, convert, low, high, reason = "", "", None, None, ""
    try:
        content = read_bytes(path)
        digest = hashlib.sha256(content).hexdigest()
        read_image(io.BytesIO(content), 64)
        convert = conversion(content)
    except ValueRangeError as error:
        convert, low, high = ".png", error.low, error.high
    except ValueError as error:
        reason = str(error).removeprefix(f"{printable(path)}: ")
    except FileNotFoundError:
        reason = "cannot be opened: vanished, or a link to nothing"
    return *stamp, digest, convert, low, high, reason


def _check_range(name: str, files: pd.DataFrame, value_range) -> None:
    deep = files.dropna(subset="high")
    if value_range is None and len(deep):
        raise ValueRangeError(deep["low"].min(), deep["high"].max(), f"{name}: ")
    if value_range is not None and not value_range[0] < value_range[1]:
        raise ValueError(f"value_range is (black, white), as (0, 4095), and not {value_range}.")


# From a table of files to data/<name>/<hash> ------------------------------------------------------


def _skip_copies(files: pd.DataFrame) -> None:
    """Of exact copies one stays, in test if it can; of a content under two classes none."""
    good = files[files["reason"] == ""]
    rank = good["split"].map({"test": 0, "validation": 1}).fillna(2)
    good = good.assign(rank=rank).sort_values(["rank", "source"])
    for _, twins in good[good.duplicated("digest", keep=False)].groupby("digest"):
        first, second = twins["source"].iloc[:2].map(printable)
        if twins["class_name"].nunique() == 1:
            files.loc[twins.index[1:], "reason"] = f"copy: the same image as {first}"
        else:
            files.loc[twins.index, "reason"] = f"two classes: {first} and {second} are one image"


def _fill_splits(files: pd.DataFrame, group: Callable | None) -> str:
    """Fill in the splits that content decides. Returns what is to be said about it."""
    rows = files[(files["split"] == "") & (files["reason"] == "")]
    keys = rows["digest"]
    if group:
        keys = rows["source"].map(lambda source: str(group(Path(source))))
    shares = WITHOUT_TEST if "test" in set(files["split"]) else SHARES
    splits = _by_hash(keys, shares)
    filled = splits.groupby(rows["class_name"]).nunique()
    small = filled[filled < len(shares)].index
    first_class = rows["class_name"].groupby(keys).transform("first")  # a group may have several
    for name in small:
        members = first_class == name
        splits[members] = _by_rank(keys[members], shares)
    files.loc[rows.index, "split"] = splits
    return f"; by rank in small classes: {some(small)}" if len(small) else ""


def _hash(key: str) -> str:
    return hashlib.sha256(f"{SEED} {key}".encode("utf-8", "surrogateescape")).hexdigest()


def _by_hash(keys: pd.Series, shares: dict[str, float]) -> pd.Series:
    """The split of each key by its own hash, whatever else there is."""
    place = keys.map(lambda key: int(_hash(key)[:8], 16) / 2**32)
    test = shares.get("test", 0.0)
    splits = pd.Series("train", keys.index, dtype=object)
    splits[place < test + shares["validation"]] = "validation"
    splits[place < test] = "test"
    return splits


def _by_rank(keys: pd.Series, shares: dict[str, float]) -> pd.Series:
    """Deal keys out in the order of their hashes, each to the split furthest below its share."""
    counts, dealt = dict.fromkeys(shares, 0), {}
    order = sorted(keys.unique(), key=_hash)
    for number, key in enumerate(order, start=1):
        missing = {split: share * number - counts[split] for split, share in shares.items()}
        empty = [split for split in shares if not counts[split]]
        last = len(order) - number < len(empty)  # three keys fill three splits
        dealt[key] = max(empty if last else shares, key=missing.get)
        counts[dealt[key]] += 1
    return keys.map(dealt)


def _check_classes(source: str, files: pd.DataFrame) -> None:
    good = files["reason"] == ""
    filled = files[good].groupby("class_name")["split"].nunique()
    small = [name for name in files["class_name"].unique() if filled.get(name, 0) < len(SPLITS)]
    if small:
        reasons = files.loc[~good & files["class_name"].isin(small), "reason"]
        skipped = f" (skipped there: {reasons.iloc[0]})" if len(reasons) else ""
        raise ValueError(
            f"{printable(source)}: each class needs an image (or group) for each of three splits; "
            f"too few in {some(small)}{skipped}. Add images, or take these class folders out."
        )


def _paths(images: pd.DataFrame) -> list[str]:
    """split/class/file: the file's own name, or a plain form of it and the start of the digest."""
    paths, taken = [], set()
    for row in images.itertuples():
        name = os.path.basename(row.source)
        stem, suffix = os.path.splitext(name)
        if row.convert or suffix.lower() not in (".jpg", ".jpeg", ".png"):
            suffix = row.convert or ".png"
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "image"
        path = f"{row.split}/{row.class_name}/{plain}{suffix}"
        if row.convert or path.casefold() in taken or plain + suffix != name:
            path = f"{row.split}/{row.class_name}/{plain}-{row.digest[:8]}{suffix}"
        taken.add(path.casefold())
        paths.append(path)
    return paths


def _made(name: str, files: pd.DataFrame, value_range) -> Dataset:
    """Name the images' places, in the order in which Keras reads them, and fill the folder."""
    files = files.assign(path="", certain=files.get("certain", True))
    if value_range is not None:
        files["digest"] += f" {value_range[0]:.9g}..{value_range[1]:.9g}"
    skipped, images = files[files["reason"] != ""], files[files["reason"] == ""]
    images = images.assign(path=_paths(images), order=images["split"].map(SPLITS.index))
    images = images.sort_values(["order", "class_name", "path"], ignore_index=True)
    columns = ["split", "class_name", "path", "source", "digest", "certain"]
    index = pd.concat([rows[[*columns, "reason"]] for rows in (images, skipped)])
    index = index.to_csv(index=False).encode("utf-8", "surrogateescape")
    folder = DATA / name / hashlib.sha256(index).hexdigest()[:12]
    if not folder.exists():
        with _made_whole(folder) as made:
            _fill(made, images, value_range)
            (made / "index.csv").write_bytes(index)
    images["path"] = [str(folder / path) for path in images["path"]]
    images.insert(2, "label", images["class_name"].map(sorted(images["class_name"].unique()).index))
    skipped = skipped.assign(source=skipped["source"].map(printable)).reset_index(drop=True)
    columns.insert(2, "label")
    return Dataset(name, folder, images[columns], skipped[["source", "reason"]], value_range)


def _fill(folder: Path, images: pd.DataFrame, value_range) -> None:
    """Put links to the images below `folder`, or copies where the system gives no links."""
    for parent in set(images["path"].map(os.path.dirname)):
        (folder / parent).mkdir(parents=True)
    put = os.symlink
    try:
        os.symlink(folder / "train", folder / "link")
        (folder / "link").unlink()
    except OSError:
        put = shutil.copyfile
        megabytes = images["size"].sum() / 1e6
        print(f"This system gives no links: copying {megabytes:,.0f} MB to {folder.parent.parent}")

    def place(row):
        target = folder / row.path
        if row.convert:
            pixels = read_image(row.source, value_range=value_range)
            Image.fromarray(pixels).save(target, quality=95, subsampling=0)
        else:
            put(row.source, target)

    rows, quiet = list(images.itertuples()), len(images) < 200
    with ThreadPoolExecutor(WORKERS) as pool:
        done = pool.map(place, rows)
        for _ in tqdm(done, "making the folders", len(rows), unit=" images", disable=quiet):
            pass


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """Yield a place to fill, which then becomes `folder`, unless another process was faster."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder.parent) as temporary:
        made = Path(temporary, folder.name)
        yield made
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.exists():
                raise


def _remove(folders: Iterable[Path], older_than: float = 0) -> None:
    """Remove folders that were made at least so many seconds ago."""
    for folder in folders:
        with suppress(FileNotFoundError):  # another process was faster
            if time.time() - folder.stat().st_mtime >= older_than:
                shutil.rmtree(folder, ignore_errors=True)
