"""Images: read in one way, for training and for prediction; and what a file is that is no image."""

import errno
import io
import os
import re
import stat
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Pillow's other readers are left out: EPS starts a program, and the rest are never photos.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")
MOST_PIXELS = 89_478_485  # Pillow's own default, which notebooks like to switch off
MOST_BYTES = 500_000_000
PNG_END = b"IEND\xaeB`\x82"  # Keras refuses a PNG without its last chunk, Pillow reads it
NOT_OURS = (errno.EACCES, errno.EPERM, errno.ELOOP)  # no right to read it, a link to itself
HEIC = rb".{4}ftyp(hei|hev|mif1|msf1)"  # how photos of an iPhone begin
KINDS = {  # how a file begins that this Pillow cannot read -> what it is; the first that fits
    rb"\Z": "empty file",
    HEIC: "HEIC photo: pip install pillow-heif, or save it as JPEG",
    rb".{4}ftypavi[fs]": "AVIF photo: save it as JPEG",
    rb"(II|MM)(\*\0|\0\*|RO|RS|U\0|OR)|FUJIFILMCCD|.{4}ftypcrx": "RAW photo: export it as JPEG",
    rb".{4}(ftyp|moov|mdat|wide)|\x1aE\xdf\xa3|RIFF.{4}AVI": "video: save frames of it as JPEG",
    rb"(?i)\s*<(!doctype )?html": "web page: the download went wrong",
    rb"version https://git-lfs": "Git LFS pointer: run git lfs pull where it comes from",
    rb".{128}DICM": "DICOM file: export it as PNG",
    rb"%PDF|%!PS|8BPS|\s*<.*?svg": "drawing or document: export it as PNG",
    rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc": "archive: unpack it first",
    rb"bplist00": "placeholder of iCloud: download the photo first",
    rb"\x93NUMPY|\x89HDF|MATLAB": "file of arrays: save each image in it as PNG",
    rb"[^\0-\x08\x0e-\x1f]+\Z": "text file",  # no control characters in it
    rb"": "unknown kind of file: if it is an image, save it as JPEG or PNG",
}


class ValueRangeError(ValueError):
    """Grey values of more than 8 bits, from `low` to `high`, and no value_range."""

    def __init__(self, low: float, high: float, name: str = ""):
        self.low, self.high = low, high
        white = max(high, 1.0)  # float images usually run from 0 to 1
        if high > 1 and high.is_integer():  # 8 bits or more: 4095 for a camera of 12 bits
            white = 2 ** max(8, int(high).bit_length()) - 1
        super().__init__(
            f"{name}16-bit or float grey values, the largest is {high:.9g}. Say which is black "
            f"and which is white: data.load(..., value_range=({min(0, low):.9g}, {white:.9g}))"
        )


class SeveralPagesError(ValueError):
    """A TIFF holds more than one image."""


def read_image(file, size: int | None = None, value_range=None) -> np.ndarray:
    """Read an image the one way this course does, for training and for prediction.

    file : a path, or a binary file object.
    size : pixels of the square that the image is squeezed into (not cropped), or None.
    value_range : (black, white) for 16-bit and float grey images; other images need none.
    Returns (size, size, 3), or (height, width, 3), uint8, RGB: first frame, turned as its EXIF tag
    says, transparent parts on white.
    Raises ValueError in one line if it is no image, ValueRangeError if value_range is missing,
    FileNotFoundError, and other OSErrors if the disk fails.
    """
    if value_range is not None and not value_range[0] < value_range[1]:
        raise ValueError(f"value_range is (black, white), as (0, 4095), and not {value_range}.")
    name = f"{printable(file)}: " if isinstance(file, str | os.PathLike) else ""
    content = read_bytes(file)
    try:
        image = _open(content)
        if size:  # a large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, still twice the target
            image.draft(None, (2 * size, 2 * size))
        image = _as_rgb(ImageOps.exif_transpose(image), value_range, name)
        if size:  # average over whole pixels, down to twice the target at the least; then pick
            image = image.reduce(max(1, min(image.size) // (2 * size)))
            image = image.resize((size, size), Image.Resampling.NEAREST)  # bilinear cost accuracy
        return np.asarray(image)
    except ValueRangeError:
        raise
    except Exception as error:  # Pillow's readers raise nearly every kind on broken files
        raise ValueError(f"{name}{_problem(error, content)}") from None


def read_images(files, size: int, value_range=None) -> np.ndarray:
    """Read images as `read_image` does: (n, size, size, 3) uint8."""
    return np.stack([read_image(file, size, value_range) for file in files])


def read_bytes(file) -> bytes:
    """What a path or a binary file object holds. ValueError if the fault is this file's alone."""
    if not isinstance(file, str | os.PathLike):
        file.seek(0)  # it may just have been written
        return file.read()
    name = printable(file)
    try:
        about = os.stat(file)
        if not stat.S_ISREG(about.st_mode):  # a pipe would wait forever
            raise ValueError(f"{name}: not a plain file: folder, pipe or device")
        if about.st_size > MOST_BYTES:
            raise ValueError(f"{name}: too large: over {MOST_BYTES // 10**6} MB")
        return Path(file).read_bytes()
    except OSError as error:
        if error.errno in NOT_OURS:
            raise ValueError(f"{name}: cannot be opened: {error.strerror}") from None
        raise  # of a failing disk: then all must stop


def suffix_to_convert_to(content: bytes) -> str:
    """The suffix to convert to, or "" if Keras and torchvision read it as `read_image` does."""
    image = _open(content)
    if image.format == "HEIF":  # as a PNG it would be ten times as large
        return ".png" if image.has_transparency_data else ".jpg"
    jpeg = image.format in ("JPEG", "MPO")  # MPO: a phone's JPEG with a second picture behind it
    if not jpeg and image.format != "PNG":
        return ".png"
    plain = image.mode in ("L", "RGB") and not image.has_transparency_data
    upright = image.getexif().get(0x0112, 1) == 1  # the EXIF tag of how the camera was held
    if jpeg:
        return "" if plain and upright else ".jpg"
    still, whole = image.n_frames == 1, PNG_END in content
    return "" if plain and upright and still and whole else ".png"


def printable(name) -> str:
    """A path on one line: line breaks and undecodable bytes in it are escaped."""
    text = str(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def some(names: Iterable[str]) -> str:
    """The first three of many names, and how many more there are."""
    names = sorted(map(printable, names))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _open(content: bytes) -> Image.Image:
    if re.match(HEIC, content, re.DOTALL) and find_spec("pillow_heif"):
        from pillow_heif import HeifImageFile  # of the extra "heic": its import takes a while

        image = HeifImageFile(io.BytesIO(content))
    else:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    if image.format == "TIFF" and (image.tag_v2.get(254) == 1 or content[8:10] == b"CR"):
        raise Image.UnidentifiedImageError  # a camera's raw data; what opened is its small preview
    if image.width * image.height > MOST_PIXELS:
        raise Image.DecompressionBombError
    if image.format == "TIFF" and _has_pages(image):
        raise SeveralPagesError
    return image


def _has_pages(image: Image.Image) -> bool:
    """Whether a TIFF holds a second image that is no preview and no mask of the first."""
    if image.n_frames == 1:
        return False
    image.seek(1)
    what = image.tag_v2.get(254, 0)  # bit 0: a preview, bit 2: a mask
    image.seek(0)
    return not what & 5


def _as_rgb(image: Image.Image, value_range, name: str) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # integers of 16 or 32 bits, or floats
        values = np.asarray(image, "float64")
        values = np.where(np.isfinite(values), values, 0.0)
        if value_range is None:
            raise ValueRangeError(float(values.min()), float(values.max()), name)
        image = Image.fromarray(np.interp(values, value_range, (0, 255)).round().astype("uint8"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _problem(error: Exception, content: bytes) -> str:
    """What is wrong with a file, "kind: more", in one line."""
    if isinstance(error, Image.DecompressionBombError):
        return f"too large: over {MOST_PIXELS // 10**6} million pixels"
    if isinstance(error, SeveralPagesError):
        return "TIFF of several pages: save each page as an image of its own"
    if isinstance(error, Image.UnidentifiedImageError):
        for start, kind in KINDS.items():
            if re.match(start, content[:200], re.DOTALL):
                return kind
    text = printable(" ".join(str(error).split()))[:100]
    return f"broken image: {text or type(error).__name__}"
