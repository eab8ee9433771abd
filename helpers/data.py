"""Data sets: `load` turns a source of images into train, validation and test folders of classes.

data/solar/3f9a01c27b44/train/mono-defective/cell0001-9c2e4d10.png    for Keras and torchvision
data/solar/3f9a01c27b44/index.csv    which image went where, and which file was skipped and why

The hash is that of the index: other images, another folder. Each is made beside its place and
renamed, so it is there whole or not at all. You may delete all of data/: it is made again.
"""

import hashlib
import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from PIL import Image
from tqdm.contrib.concurrent import thread_map

from helpers.files import MAKING, WORKERS, download, look, made_whole, remove_abandoned
from helpers.images import ValueRangeError, printable, read_image, some
from helpers.images import read_images as read_images  # lessons say data.read_images
from helpers.layout import SPLITS, find_images
from helpers.splits import SHARES, by_kind, by_rank, with_splits, without_copies, without_masks

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "pyproject.toml").exists():  # installed by pip, as on Colab
    ROOT = Path.cwd()


def places(wanted: Path, course: Path) -> tuple[Path, Path | None]:
    """Where new files go; and the folder that may only be read whose files are used too, or None.

    So a class shares one `course` folder, and each learner has a `wanted` one, or ~/course-data.
    """
    nearest = next(path for path in (wanted, *wanted.parents) if path.exists())
    own = wanted if os.access(nearest, os.W_OK) else Path.home() / "course-data"
    for shared in (wanted, course):
        if shared != own and shared.is_dir() and not os.access(shared, os.W_OK):
            return own, shared
    return own, None


COURSE_DATA = ROOT / Path(os.environ.get("COURSE_DATA") or "data").expanduser()
DATA, SHARED = places(COURSE_DATA, ROOT / "data")
RECORDED = Path(__file__).parent / "recorded"  # what benchmarks measured: numbers, no images
PACKAGED = ("solar", "solar-binary", "clothing")
HINTS = {  # what is in a path that leads to no folder -> what to do
    r"^[a-z]\w+:/": "Download it first. ",  # https://, and no drive such as C:/
    r"^file:": "Write it as a path, without file://. ",
    r"\.(zip|gz|tar|rar|7z)$": "Unpack it first. ",
    r"\.(jpe?g|png|heic|tiff?)$": "Name the folder above that of its class. ",
    r"[*?$%]|\\ ": "Write it as it is called, without *, $ or \\ for a shell. ",
    r"[\t\n\r\f\v\a\b]": 'Python reads some \\ as signs of its own: write r"C:\\temp". ',
}
FEW = 10  # images of a class; with fewer, lessons that compare or calibrate make no sense
DAY = 24 * 3600  # seconds
COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"
CLOTHING_URL = f"https://codeload.github.com/alexeygrigorev/clothing-dataset-small/zip/{COMMIT}"
CLOTHING_DIGEST = "55ee2d8f2e6ad4bb657b13347839fe62bea5db0375d77ebe169e12026edee35c"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """What `load` returns.

    images : one row an image, in the order in which Keras reads the folders: split, class_name,
        label, path (in `folder`), source (the original file), digest (sha256 of the original;
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
        classes = self.images["class_name"].rename("class")
        table = pd.crosstab(classes, self.images["split"], margins=True, margins_name="total")
        return table[[*SPLITS, "total"]].rename_axis(columns=None)

    def split(self, name: str) -> pd.DataFrame:
        """The rows of one split, in order. Raises ValueError if there is no such split."""
        if name not in SPLITS:
            raise ValueError(f"There is no split {name!r}. The splits are {', '.join(SPLITS)}.")
        return self.images[self.images["split"] == name].reset_index(drop=True)


def load(
    source: str | os.PathLike | None = None,
    group: Callable[[Path], object] | None = None,
    value_range: tuple[float, float] | None = None,
    skip_small: bool = False,
) -> Dataset:
    """Bring a data set's images into data/<name>/<hash>/{train,validation,test}/<class>/.

    source : "solar" (the default), "solar-binary" (two classes), "clothing" (a download of 106 MB),
        or a folder that holds a folder for each class, with or without train, validation and test
        above them. Without it COURSE_DATASET decides. A relative path counts from the repository;
        if nothing is there, from the current folder.
    group : path -> object, patient, ...: what may not stand in two splits.
    value_range : (black, white) for 16-bit and float grey images.
    skip_small : leave out classes that have no image for each of three splits.

    In a folder without splits a hash of an image's content (or group) decides: about 60/20/20, the
    same whatever else is added, renamed or deleted. In a class so small that a split would stay
    empty the rank of the hashes decides, and load says so: there an image may change its split.
    Exact copies are skipped. Your files are linked, or else copied, and never written to.
    Raises OSError or ValueError in one line that says what to do.
    """
    if source is None:
        source = os.environ.get("COURSE_DATASET") or "solar"
    source = str(source).strip(" \n\"'“”")  # quotes: Windows' Copy as path
    name, understood = source.lower(), ""
    if name in ("solar", "solar-binary"):
        files = _solar(name)
    elif name == "clothing":
        files, _ = find_images(fetch_clothing())
        files = _look(files)
    else:
        folder = _own_folder(source)
        name = _own_name(folder)
        files, understood = find_images(folder)
        files = without_masks(_look(files))
    deep = files.dropna(subset="high")
    if value_range is None and len(deep):
        raise ValueRangeError(deep["low"].min(), deep["high"].max(), f"{printable(source)}: ")
    files = without_copies(files)
    files, small_classes = with_splits(source, files, group, skip_small)
    dataset = _made(name, files, value_range)
    if understood:
        _say(dataset, understood, small_classes)
    return dataset


def solar_labels() -> pd.DataFrame:
    """The experts' labels: file, probability of a defect (0, 1/3, 2/3, 1), module_type."""
    columns = ["file", "probability", "module_type"]
    labels = pd.read_csv(_solar_folder() / "labels.csv", sep=r"\s+", header=None, names=columns)
    return labels.assign(file=labels["file"].str.removeprefix("images/"))


def fetch_clothing() -> Path:
    """Download the clothing photos once, verify every photo, and return their folder.

    Raises OSError in one line if that fails; nothing half-made stays.
    """
    folder = DATA / "downloads" / "clothing"
    shared = SHARED and SHARED / "downloads" / "clothing"
    if shared and shared.exists():
        return shared
    if not folder.exists():
        with made_whole(folder) as made:
            archive, unpacked = made.with_name("clothing.zip"), made.with_name("unpacked")
            download(CLOTHING_URL, archive)
            if zipfile.is_zipfile(archive):
                zipfile.ZipFile(archive).extractall(unpacked)
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
    """Remove folders of images that nobody has loaded for a day, but each data set's latest."""
    removed = []
    for output_folder in DATA.glob("*/"):
        remove_abandoned(output_folder)
        made = [index.parent for index in output_folder.glob(f"{'[0-9a-f]' * 12}/index.csv")]
        made.sort(key=lambda folder: folder.stat().st_mtime)  # every load sets it
        removed += [folder for folder in made[:-1] if time.time() - folder.stat().st_mtime > DAY]
    for folder in removed:
        doomed = folder.with_name(f"{MAKING}{folder.name}")  # so that no half of it is ever loaded
        os.replace(folder, doomed)
        shutil.rmtree(doomed, ignore_errors=True)
    return removed


# Sources: tables of files with source, class_name, split ("" where content decides) ---------------


def _solar_folder() -> Path:
    package = find_spec("elpv_dataset")
    if package is None:
        raise OSError("The solar images are missing: pip install elpv-dataset==1.0.0.post1")
    return Path(package.origin).parent / "data"


def _solar(name: str) -> pd.DataFrame:
    """The solar cells, split by rank within each of the four classes: recorded figures need it."""
    labels, folder = solar_labels(), _solar_folder() / "images"
    state = labels["probability"].ge(0.5).map({True: "defective", False: "functional"})
    files = pd.DataFrame({"class_name": labels["module_type"] + "-" + state})
    files["source"] = [str(folder / file) for file in labels["file"]]
    files["certain"] = labels["probability"].isin([0, 1])
    files = _look(files)
    for _, digests in files.groupby("class_name")["digest"]:
        files.loc[digests.index, "split"] = by_rank(digests, SHARES)
    if name == "solar-binary":  # the same splits, so that results compare
        files["class_name"] = state
    return files


def _look(files: pd.DataFrame) -> pd.DataFrame:
    return look(files, DATA / "files.sqlite", SHARED and SHARED / "files.sqlite")


def _own_folder(source: str) -> Path:
    """The folder that a learner means: below the repository, or else below the current folder."""
    path = os.path.expanduser(source)
    folders = list(dict.fromkeys((place / path).resolve() for place in (ROOT, Path.cwd())))
    for folder in folders:
        if source and folder.is_dir() and not ROOT.is_relative_to(folder):  # not the course itself
            return folder
    hints = [hint for pattern, hint in HINTS.items() if re.search(pattern, source.lower())]
    raise NotADirectoryError(
        f"'{printable(source)}' is no folder of images (looked for "
        f"{' and '.join(map(printable, folders))}). {''.join(hints)}Name a folder that holds a "
        f"folder for each class, or one of: {', '.join(PACKAGED)}."
    )


def _own_name(folder: Path) -> str:
    """The folder's name in data/. A hash of its place keeps apart what is called alike."""
    plain = re.sub(r"[^\w.-]+", "-", folder.name)[:60].strip(".-") or "images"
    return f"{plain}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:6]}"


def _say(dataset: Dataset, understood: str, small_classes: list[str]) -> None:
    """Print in a line how an own folder was understood, and in another if it is very small."""
    if ranked := set(small_classes) & set(dataset.class_names):
        understood += f"; by rank in small classes: {some(ranked)}"
    print(f"{dataset}; {understood}; skipped: {by_kind(dataset.skipped['reason'])}")
    few = list(dataset.counts.index[dataset.counts["total"] < FEW])
    if few:
        print(f"Fewer than {FEW} images in {some(few)}: too few for most lessons. Add images.")
    if any("$" in name for name in dataset.class_names):
        pd.set_option("display.html.use_mathjax", False)  # a $ in a table would begin a formula


def _made(name: str, files: pd.DataFrame, value_range) -> Dataset:
    """Name the images' places, in the order in which Keras reads them, and make the folder."""
    if value_range is not None:
        files["digest"] += f" {value_range[0]:.9g}..{value_range[1]:.9g}"
    if "certain" not in files:
        files["certain"] = True
    images, skipped = files[files["reason"] == ""].copy(), files[files["reason"] != ""]
    class_names = sorted(images["class_name"].unique())
    images["label"] = images["class_name"].map(class_names.index)
    images["path"] = [_path(row) for row in images.itertuples()]
    parts = [images[images["split"] == split].sort_values(["label", "path"]) for split in SPLITS]
    images = pd.concat(parts, ignore_index=True)
    columns = ["split", "class_name", "path", "source", "digest", "certain", "reason"]
    index = pd.concat([images, skipped])[columns].to_csv(index=False)
    index = index.encode("utf-8", "surrogateescape")  # names may be undecodable
    folder = DATA / name / hashlib.sha256(index).hexdigest()[:12]
    if not folder.exists():
        with made_whole(folder) as made:
            _fill(made, images, value_range)
            (made / "index.csv").write_bytes(index)
    with suppress(OSError):  # it may be read-only
        os.utime(folder)  # says `clean` that it is in use
    images["path"] = [str(folder / path) for path in images["path"]]
    images = images[["split", "class_name", "label", "path", "source", "digest", "certain"]]
    skipped = skipped.assign(source=skipped["source"].map(printable)).reset_index(drop=True)
    return Dataset(name, folder, images, skipped[["source", "reason"]], value_range)


def _path(row) -> str:
    """split/class/file: a plain form of the file's name, and the start of its hash."""
    stem, suffix = os.path.splitext(os.path.basename(row.source))
    if suffix.lower() not in (".jpg", ".jpeg", ".png"):
        suffix = ".png"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "image"
    return f"{row.split}/{row.class_name}/{plain}-{row.digest[:8]}{row.convert or suffix}"


def _fill(folder: Path, images: pd.DataFrame, value_range) -> None:
    """Put links to the images below `folder`, or copies where the system gives no links."""
    for parent in set(images["path"].map(os.path.dirname)):
        (folder / parent).mkdir(parents=True)
    put = os.symlink
    try:
        os.symlink("nothing", folder / "link")
        (folder / "link").unlink()
    except OSError:
        put = shutil.copyfile
        megabytes = sum(map(os.path.getsize, images["source"])) / 1e6
        print(f"This system gives no links: copying {megabytes:,.0f} MB to {folder.parent.parent}")

    def place(row):
        if row.convert:
            image = Image.fromarray(read_image(row.source, value_range=value_range))
            image.save(folder / row.path, quality=95, subsampling=0)
        else:
            put(row.source, folder / row.path)

    rows, quiet = list(images.itertuples()), len(images) < 200
    thread_map(place, rows, max_workers=WORKERS, desc="making the folders", disable=quiet)
