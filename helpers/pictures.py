"""Pictures: read in one way, for training and for prediction, and looked at once for whether they can be read."""

import hashlib
import os
import stat
import threading
import warnings
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from helpers.files import MOST_BYTES, show, write_atomically

# Pillow's other readers are left out: some of them start programs (EPS) or are never pictures of things.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
KERAS_READS = ("JPEG", "MPO", "PNG")
MOST_PIXELS = 89_478_485  # Pillow's own default, which notebooks like to switch off
LARGE, ONE_LARGE = 30e6, threading.Lock()  # pixels: such a picture takes up to 2 GB, so one at a time
Image.init()  # with a list of formats, Pillow does not load their readers by itself
warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # read_picture refuses them, whatever the filters


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


def examine(path: Path) -> dict:
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
        why = "an empty file" if os.path.isfile(path) and not os.path.getsize(path) else _reason(error)
        return {"digest": "", "convert": "", "unreadable": why.removeprefix(f"{show(path)}: ")}


def convert(source: Path, target: Path) -> None:
    """Write a picture anew as one that Keras reads: a JPEG or PNG, as the ending of `target` says."""
    picture = Image.fromarray(read_picture(source))
    kind = {"format": "JPEG", "quality": 95, "subsampling": 0} if target.suffix == ".jpg" else {"format": "PNG"}
    write_atomically(target, lambda out: picture.save(out, **kind))


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
        if pixels > MOST_PIXELS:
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
        return f"more than {MOST_PIXELS // 10**6} million pixels; make it smaller"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture that the course reads (a HEIC photo? save it as JPEG)"
    if isinstance(error, FileNotFoundError):
        return "vanished, or a link to nothing"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    text = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
    text = "".join(letter if letter.isprintable() else show(letter) for letter in text)  # may quote the file
    return text if isinstance(error, ValueError) and text else f"broken picture ({text[:100] or type(error).__name__})"
