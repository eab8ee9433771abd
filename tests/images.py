"""Small real images for the tests: class folders, and a folder of all that people's folders hold."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

RED, BLUE, WHITE, GREEN = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 255, 0)


def paint(number: int, size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Red on the left, blue on the right; a grey foot makes every number another image."""
    pixels = np.full((size[1], size[0], 3), RED, "uint8")
    pixels[:, size[0] // 2 :] = BLUE
    pixels[-2:, :, :] = (number % 256, number // 256 % 256, 128)
    return Image.fromarray(pixels)


def write_classes(folder: Path, classes: dict[str, int], start: int = 0, size=(24, 16)) -> Path:
    """Write `classes[name]` different PNG images into folder/name, numbered on from `start`."""
    number = start
    for class_name, count in classes.items():
        (folder / class_name).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            paint(number, size).save(folder / class_name / f"{class_name}-{number:03}.png")
            number += 1
    return folder


# Odd files: name -> (what writes it, what it gets, the colours left and right if it is kept) ----------------

AS_IT_IS, CONVERTED = "kept as it is", "converted"
BROKEN_HEIC = "broken image" if find_spec("pillow_heif") else "HEIC"
ODD = {}


def odd(name, fate, left=RED, right=BLUE):
    """Register a writer (path, image) for a file of that name in the class "odd"."""

    def register(write):
        ODD[name] = (write, fate, left, right)
        return write

    return register


def saved(name, fate, left=RED, right=BLUE, mode="RGB", **options):
    odd(name, fate, left, right)(lambda path, image: image.convert(mode).save(path, **options))


def bytes_of(name, fate, content):
    odd(name, fate)(lambda path, image: path.write_bytes(content))


GREY = {"left": (76, 76, 76), "right": (29, 29, 29)}
saved("plain.jpg", AS_IT_IS, quality=95)
saved("grey.jpg", AS_IT_IS, **GREY, mode="L", quality=95)
saved("UPPER.JPG", AS_IT_IS, format="JPEG", quality=95)
saved("plain.png", AS_IT_IS)
saved("a jpeg named.png", AS_IT_IS, format="JPEG", quality=95)
saved("no suffix", AS_IT_IS, format="JPEG", quality=95)
saved("Käfer 日本 🐱.png", AS_IT_IS)
saved("broken-exif.jpg", AS_IT_IS, quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
saved("still.gif", CONVERTED)
saved("plain.bmp", CONVERTED)
saved("plain.webp", CONVERTED, quality=95)
saved("a webp named.jpg", CONVERTED, format="WEBP", lossless=True)
saved("plain.tiff", CONVERTED)
saved("cmyk.jpg", CONVERTED, mode="CMYK", quality=95)
saved("plain.avif", CONVERTED, quality=95)
saved("palette.png", CONVERTED, mode="P")
saved("one-bit.png", CONVERTED, WHITE, (0, 0, 0), mode="1")
saved("rgb-transparent.png", CONVERTED, WHITE, BLUE, transparency=RED)
saved("preview-in-raw.dng", "RAW photo", format="TIFF", tiffinfo={254: 1})
saved("plain.ico", "unknown kind of file", format="ICO")
bytes_of("drawing.svg", "document", b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>")
bytes_of("empty.jpg", "empty file", b"")
bytes_of("photo.heic", BROKEN_HEIC, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
bytes_of("text.jpg", "text file", b"this is no image\n" * 20)
bytes_of("page.png", "web page", b"<!doctype html><title>404</title>")
bytes_of("video.jpg", "video", b"\0\0\0\x20ftypisom" + bytes(99))
bytes_of("lfs.jpg", "Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00")
bytes_of("scan.dcm", "DICOM file", bytes(128) + b"DICM" + bytes(99))
bytes_of("photo.raf", "RAW photo", b"FUJIFILMCCD-RAW " + bytes(99))


@odd("alpha.png", CONVERTED, RED, WHITE)
@odd("grey-alpha.png", CONVERTED, (76, 76, 76), WHITE)
def alpha(path, image):
    image.putalpha(Image.fromarray(np.repeat([[255] * 12 + [0] * 12], 16, 0).astype("uint8")))
    image.convert("LA" if "grey" in path.name else "RGBA").save(path)


@odd("animated.gif", CONVERTED)
@odd("animated.png", CONVERTED)
def animated(path, image):
    second = Image.new("RGB", image.size, GREEN)
    image.save(path, save_all=True, append_images=[second], duration=40)


@odd("exif-6.jpg", CONVERTED)
@odd("exif-6.png", CONVERTED)
def rotated(path, image):
    """Stored lying, with the tag that says how to stand it up."""
    tags = Image.Exif()
    tags[0x0112] = 6
    image.rotate(90, expand=True).save(path, quality=95, exif=tags)


@odd("two-in-one.jpg", AS_IT_IS)
def mpo(path, image):
    """What phones write: a JPEG with a second JPEG behind it."""
    second = Image.new("RGB", image.size, GREEN)
    image.save(path, format="MPO", save_all=True, append_images=[second], quality=95)


@odd("one-pixel.png", AS_IT_IS, RED, RED)
def one_pixel(path, image):
    Image.new("RGB", (1, 1), RED).save(path)


@odd("90-million-pixels.png", "too large")
def too_many_pixels(path, image):
    Image.new("1", (9500, 9500)).save(path)


@odd("cut.jpg", "broken image")
@odd("cut.png", "broken image")
def cut(path, image):
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@odd("without-its-end.png", CONVERTED)
def without_its_end(path, image):
    """Pillow reads it, Keras does not."""
    image.save(path)
    path.write_bytes(path.read_bytes()[:-6])


@odd("link-to-a-file.png", AS_IT_IS)
def link(path, image):
    original = path.parent.parent.parent / "original.png"
    image.save(original)
    path.symlink_to(original)


def write_odd_folder(folder: Path) -> Path:
    """Every odd file in the class "odd", beside the sound class "plain"."""
    write_classes(folder, {"plain": 6}, start=1000)
    for number, (name, (write, *_)) in enumerate(ODD.items()):
        path = folder / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, paint(number * 3))
    return folder
