"""Small real images for the tests: class folders, and a folder of all that people's folders hold."""

import os
import struct
import zlib
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

AS_IT_IS, CONVERTED, UNSEEN = "kept as it is", "converted", "not looked at"
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


def header(width: int, height: int, bits=8, kind=2) -> bytes:
    """Of a PNG. kind : 0 grey, 2 RGB."""
    return struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)


def png(header: bytes, rows: bytes, notes: bytes = b"") -> bytes:
    """A PNG from its header fields, its raw rows and a zTXt chunk: what Pillow does not write."""
    chunks = {b"IHDR": header, b"zTXt": notes, b"IDAT": zlib.compress(rows), b"IEND": b""}
    content = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks.items():
        if body or kind != b"zTXt":
            checksum = struct.pack(">I", zlib.crc32(kind + body))
            content += struct.pack(">I", len(body)) + kind + body + checksum
    return content


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
saved("plain.ico", "unknown kind", format="ICO")
saved("plain.eps", "document", format="EPS")
saved("plain.pdf", "document", format="PDF")
bytes_of("empty.jpg", "empty file", b"")
bytes_of("photo.heic", "HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
bytes_of("text.jpg", "text file", b"this is no image\n" * 20)
bytes_of("page.png", "web page", b"<!doctype html><title>404</title>")
bytes_of("drawing.svg", "document", b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>")
bytes_of("script.eps", "document", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(evil) run\n")
bytes_of("bomb.png", "too large", png(header(30000, 30000), bytes(9)))
bytes_of("half-bomb.png", "too large", png(header(10000, 10000, kind=0), bytes(9)))
bytes_of("lying-header.png", "broken image", png(header(900, 900), bytes(99)))
bytes_of("Thumbs.db", UNSEEN, b"\xd0\xcf\x11\xe0")
bytes_of(".DS_Store", UNSEEN, b"\0\0\0\1Bud1")
saved("._plain.png", UNSEEN, format="PNG")
saved(".ipynb_checkpoints/plain-checkpoint.png", UNSEEN)


@odd("palette-transparent.png", CONVERTED, WHITE, BLUE)
def transparent_red(path, image):
    image = image.quantize(8)
    image.save(path, transparency=image.getpixel((0, 0)))


@odd("16-bit-colour.png", AS_IT_IS)
def sixteen_bit_colour(path, image):
    rows = (np.asarray(image).astype(">u2") * 257).reshape(16, -1)
    content = b"".join(b"\0" + row.tobytes() for row in rows)
    path.write_bytes(png(header(24, 16, bits=16), content))


@odd("alpha.png", CONVERTED, RED, WHITE)
@odd("alpha.webp", CONVERTED, RED, WHITE)
@odd("grey-alpha.png", CONVERTED, (76, 76, 76), WHITE)
def alpha(path, image):
    image.putalpha(Image.fromarray(np.repeat([[255] * 12 + [0] * 12], 16, 0).astype("uint8")))
    image.convert("LA" if "grey" in path.name else "RGBA").save(path)


@odd("animated.gif", CONVERTED)
@odd("animated.png", CONVERTED)
@odd("animated.webp", CONVERTED)
def animated(path, image):
    second = Image.new("RGB", image.size, GREEN)
    image.save(path, save_all=True, append_images=[second], duration=40)


@odd("exif-3.jpg", CONVERTED)
@odd("exif-6.jpg", CONVERTED)
@odd("exif-6.png", CONVERTED)
@odd("exif-8.jpg", CONVERTED)
def rotated(path, image):
    """Stored lying, with the tag that says how to stand it up."""
    orientation = int(path.stem[-1])
    lying = image.rotate({3: 180, 6: 90, 8: 270}[orientation], expand=True)
    lying.save(path, quality=95, exif=exif(orientation))


@odd("two-in-one.jpg", AS_IT_IS)
def mpo(path, image):
    """What phones write: a JPEG with a second JPEG behind it."""
    second = Image.new("RGB", image.size, GREEN)
    image.save(path, format="MPO", save_all=True, append_images=[second], quality=95)


@odd("one-pixel.png", AS_IT_IS, RED, RED)
def one_pixel(path, image):
    Image.new("RGB", (1, 1), RED).save(path)


@odd("cut.jpg", "broken image")
@odd("cut.png", "broken image")
@odd("cut.gif", "broken image")
def cut(path, image):
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@odd("without-its-end.png", CONVERTED)
def without_its_end(path, image):
    """Pillow reads it, Keras does not."""
    image.save(path)
    path.write_bytes(path.read_bytes()[:-6])


@odd("wrong-checksum.png", "broken image")
def wrong_checksum(path, image):
    image.save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 1
    path.write_bytes(content)


@odd(os.fsdecode(b"bytes-\xff\xfe.png"), AS_IT_IS)
def undecodable(path, image):
    image.save(path)


@odd("link-to-a-file.png", AS_IT_IS)
def link(path, image):
    elsewhere = path.parent.parent.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    image.save(elsewhere / "original.png")
    path.symlink_to(elsewhere / "original.png")


@odd("link-to-a-folder", "not a plain file")
def folder_link(path, image):
    path.symlink_to(path.parent.parent / "plain", target_is_directory=True)


@odd("link-to-nothing.png", "cannot be opened")
@odd("link-to-itself.png", "cannot be opened")
def broken_link(path, image):
    path.symlink_to("nowhere.png" if "nothing" in path.name else path.name)


@odd("link-upwards", "not a plain file")
def upwards(path, image):
    path.symlink_to("..", target_is_directory=True)


@odd("twin.png", "copy")
@odd("same-as-in-plain.png", "two classes")
def twins(path, image):
    original = "plain.png" if path.stem == "twin" else "../plain/shared.png"
    path.write_bytes((path.parent / original).read_bytes())


@odd("pipe.png", "not a plain file")
def pipe(path, image):
    os.mkfifo(path)


@odd("unreadable.png", "cannot be opened")
def unreadable(path, image):
    image.save(path)
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
