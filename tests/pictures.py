"""Small real pictures for the tests: plain class folders, and a folder of all that people's folders hold."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

RED, BLUE, WHITE, GREEN = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 255, 0)


def paint(number: int, size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Red on the left, blue on the right; a grey foot makes every number another picture."""
    pixels = np.full((size[1], size[0], 3), RED, "uint8")
    pixels[:, size[0] // 2 :] = BLUE
    pixels[-2:, :, :] = (number % 256, number // 256 % 256, 128)
    return Image.fromarray(pixels)


def write_classes(folder: Path, classes: dict[str, int], start: int = 0, size=(24, 16)) -> Path:
    """Write `classes[name]` different PNG pictures into folder/name, numbered on from `start`."""
    number = start
    for class_name, count in classes.items():
        (folder / class_name).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            paint(number, size).save(folder / class_name / f"{class_name}-{number:03}.png")
            number += 1
    return folder


# Odd files: name -> (what writes it, what it gets, the colours left and right if it is kept) ----------------

AS_IT_IS, CONVERTED, UNSEEN = "kept as it is", "converted", "not looked at"
ODD = {}


def odd(name, fate, left=RED, right=BLUE):
    """Register a writer (path, picture) for a file of that name in the class "odd"."""

    def register(write):
        ODD[name] = (write, fate, left, right)
        return write

    return register


def saved(name, fate, left=RED, right=BLUE, mode="RGB", **options):
    odd(name, fate, left, right)(lambda path, picture: picture.convert(mode).save(path, **options))


def bytes_of(name, fate, content):
    odd(name, fate)(lambda path, picture: path.write_bytes(content))


def png(header: bytes, rows: bytes) -> bytes:
    """A PNG from its header fields and its raw rows: what Pillow does not write."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


GREY = {"left": (76, 76, 76), "right": (29, 29, 29)}
saved("plain.jpg", AS_IT_IS, quality=95)
saved("UPPER.JPG", AS_IT_IS, format="JPEG", quality=95)
saved("progressive.jpeg", AS_IT_IS, quality=95, progressive=True)
saved("grey.jpg", AS_IT_IS, **GREY, mode="L", quality=95)
saved("plain.png", AS_IT_IS)
saved("grey.png", AS_IT_IS, **GREY, mode="L")
saved("a jpeg named.png", AS_IT_IS, format="JPEG", quality=95)
saved("a png named.jpg", AS_IT_IS, format="PNG")
saved("a png named.txt", AS_IT_IS, format="PNG")
saved("no suffix", AS_IT_IS, format="JPEG", quality=95)
saved("Käfer 日本 🐱.png", AS_IT_IS)
saved("日本.png", AS_IT_IS)
saved("long-" + "x" * 240 + ".png", AS_IT_IS)
saved("line\nbreak.png", AS_IT_IS)
saved("-rf.png", AS_IT_IS)
saved("..png", UNSEEN, format="PNG")
saved("up..and..down..png", AS_IT_IS, format="PNG")
saved("two.of.them.png", AS_IT_IS)
saved("percent%20&quote'\".png", AS_IT_IS)
saved("nested/deeper/plain.png", AS_IT_IS)
saved("exif-1.jpg", AS_IT_IS, quality=95, exif=exif(1))
saved("broken-exif.jpg", AS_IT_IS, quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
saved("still.gif", CONVERTED)
saved("plain.bmp", CONVERTED)
saved("plain.ppm", CONVERTED)
saved("lossy.webp", CONVERTED, quality=95)
saved("lossless.webp", CONVERTED, lossless=True)
saved("a webp named.jpg", CONVERTED, format="WEBP", lossless=True)
saved("plain.tiff", CONVERTED)
saved("cmyk.tif", CONVERTED, mode="CMYK")
saved("cmyk.jpg", CONVERTED, mode="CMYK", quality=95)
saved("plain.avif", CONVERTED, quality=95)
saved("plain.jp2", CONVERTED)
saved("palette.png", CONVERTED, mode="P")
saved("one-bit.png", CONVERTED, WHITE, (0, 0, 0), mode="1", dpi=(72, 72))
saved("rgb-transparent.png", CONVERTED, WHITE, BLUE, transparency=RED)
saved("plain.ico", "not a picture", format="ICO")
saved("plain.eps", "not a picture", format="EPS")
saved("plain.pdf", "not a picture", format="PDF")
bytes_of("empty.jpg", "empty", b"")
bytes_of("photo.heic", "HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
bytes_of("text.jpg", "not a picture", b"this is not a picture\n" * 20)
bytes_of("page.png", "not a picture", b"<!doctype html><title>404</title>")
bytes_of(
    "drawing.svg",
    "not a picture",
    b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>",
)
bytes_of("script.eps", "not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(evil) run\n")
bytes_of("bomb.png", "million pixels", png(struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0), bytes(9)))
bytes_of("half-bomb.png", "million pixels", png(struct.pack(">IIBBBBB", 10000, 10000, 8, 0, 0, 0, 0), bytes(9)))
bytes_of("lying-header.png", "broken picture", png(struct.pack(">IIBBBBB", 900, 900, 8, 2, 0, 0, 0), bytes(99)))
bytes_of("Thumbs.db", UNSEEN, b"\xd0\xcf\x11\xe0")
bytes_of(".DS_Store", UNSEEN, b"\0\0\0\1Bud1")
saved("._plain.png", UNSEEN, format="PNG")
saved(".ipynb_checkpoints/plain-checkpoint.png", UNSEEN)


@odd("palette-transparent.png", CONVERTED, WHITE, BLUE)
def transparent_red(path, picture):
    picture = picture.quantize(8)
    picture.save(path, transparency=picture.getpixel((0, 0)))


@odd("16-bit-grey.png", CONVERTED, (76, 76, 76), (29, 29, 29))
@odd("16-bit-grey.tif", CONVERTED, (76, 76, 76), (29, 29, 29))
def sixteen_bit(path, picture):
    Image.fromarray(np.asarray(picture.convert("L")).astype("uint16") * 257).save(path)


@odd("16-bit-colour.png", AS_IT_IS)
def sixteen_bit_colour(path, picture):
    rows = (np.asarray(picture).astype(">u2") * 257).reshape(16, -1)
    path.write_bytes(
        png(struct.pack(">IIBBBBB", 24, 16, 16, 2, 0, 0, 0), b"".join(b"\0" + row.tobytes() for row in rows))
    )


@odd("float.tif", CONVERTED, (76, 76, 76), (29, 29, 29))
def float_values(path, picture):
    Image.fromarray(np.asarray(picture.convert("L")).astype("float32") / 255).save(path)


@odd("alpha.png", CONVERTED, RED, WHITE)
@odd("alpha.webp", CONVERTED, RED, WHITE)
@odd("grey-alpha.png", CONVERTED, (76, 76, 76), WHITE)
def alpha(path, picture):
    picture.putalpha(Image.fromarray(np.repeat([[255] * 12 + [0] * 12], 16, 0).astype("uint8")))
    picture.convert("LA" if "grey" in path.name else "RGBA").save(path)


@odd("animated.gif", CONVERTED)
@odd("animated.png", CONVERTED)
@odd("animated.webp", CONVERTED)
def animated(path, picture):
    picture.save(path, save_all=True, append_images=[Image.new("RGB", picture.size, GREEN)], duration=40)


@odd("exif-3.jpg", CONVERTED)
@odd("exif-6.jpg", CONVERTED)
@odd("exif-6.png", CONVERTED)
@odd("exif-8.jpg", CONVERTED)
def rotated(path, picture):
    """Stored lying, with the tag that says how to stand it up."""
    orientation = int(path.stem[-1])
    lying = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    picture.transpose(lying).save(path, quality=95, exif=exif(orientation))


@odd("two-in-one.jpg", AS_IT_IS)
def mpo(path, picture):
    """What phones write: a JPEG with a second JPEG behind it."""
    picture.save(path, format="MPO", save_all=True, append_images=[Image.new("RGB", picture.size, GREEN)], quality=95)


@odd("one-pixel.png", AS_IT_IS, RED, RED)
def one_pixel(path, picture):
    Image.new("RGB", (1, 1), RED).save(path)


@odd("30000x10.png", AS_IT_IS)
def very_wide(path, picture):
    picture.resize((30000, 10), Image.Resampling.NEAREST).save(path)


@odd("cut.jpg", "broken picture")
@odd("cut.png", "broken picture")
@odd("cut.gif", "broken picture")
def cut(path, picture):
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@odd("without-its-end.png", CONVERTED)
def without_its_end(path, picture):
    """Pillow reads it, Keras does not."""
    picture.save(path)
    path.write_bytes(path.read_bytes()[:-6])


@odd("wrong-checksum.png", "broken picture")
def wrong_checksum(path, picture):
    picture.save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 1
    path.write_bytes(content)


@odd("tail.jpg", AS_IT_IS)
def tail(path, picture):
    picture.save(path, quality=95)
    path.write_bytes(path.read_bytes() + b"camera notes" * 20)


@odd(os.fsdecode(b"bytes-\xff\xfe.png"), AS_IT_IS)
def undecodable(path, picture):
    picture.save(path)


@odd("link-to-a-file.png", AS_IT_IS)
def link(path, picture):
    elsewhere = path.parent.parent.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    picture.save(elsewhere / "original.png")
    path.symlink_to(elsewhere / "original.png")


@odd("link-to-a-folder", "link to a folder")
def folder_link(path, picture):
    path.symlink_to(path.parent.parent / "plain", target_is_directory=True)


@odd("link-to-nothing.png", "link to nothing")
def broken_link(path, picture):
    path.symlink_to("nowhere.png")


@odd("link-to-itself.png", "link")
def loop(path, picture):
    path.symlink_to(path.name)


@odd("link-upwards", "link to a folder")
def upwards(path, picture):
    path.symlink_to("..", target_is_directory=True)


@odd("twin.png", "the same picture as")
@odd("same-as-in-plain.png", "another class")
def twins(path, picture):
    original = path.parent / "plain.png" if path.stem == "twin" else path.parent.parent / "plain" / "shared.png"
    path.write_bytes(original.read_bytes())


@odd("pipe.png", "not a plain file")
def pipe(path, picture):
    os.mkfifo(path)


@odd("unreadable.png", "no permission")
def unreadable(path, picture):
    picture.save(path)
    path.chmod(0)


def write_odd_folder(folder: Path) -> Path:
    """Every odd file in the class "odd", beside the sound class "plain"."""
    write_classes(folder, {"plain": 6}, start=1000)
    paint(999).save(folder / "plain" / "shared.png")
    for number, (name, (write, *_)) in enumerate(ODD.items()):
        path = folder / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, paint(number * 3))
    return folder
