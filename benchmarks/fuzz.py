"""Feed spoilt pictures to the course's reader: each is read, or refused in one line that can be printed.

    python benchmarks/fuzz.py --seconds 300

Real pictures in every format that the course reads are spoilt: bytes flipped, cut, spliced, the header of one on the
body of another, sizes changed. A child process with a memory limit looks at each as data.load does and reads it as
training does. What does neither (a crash, another exception, too much memory or time) is kept in --keep. Linux and
macOS.
"""

import json
import multiprocessing
import os
import resource
import sys
import time
import zlib
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from table import arguments, report

from helpers import data
from helpers.pictures import FORMATS, examine, read_picture

PER_CHILD = 50  # pictures
SUFFIX = {"JPEG2000": ".jp2"}
OPTIONS = [{}, {"mode": "L"}, {"mode": "P"}, {"mode": "RGBA"}, {"mode": "I;16"}, {"mode": "CMYK"}, {"lossless": True},
           {"progressive": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"},
           {"save_all": True}, {"compression": "tiff_lzw"}, {"compression": "jpeg"},
           {"compression": "tiff_deflate"}]  # fmt: skip


def seeds(source: str | None) -> dict[str, list[bytes]]:
    """A few pictures of the data set, small, in each format and each form of it that Pillow writes."""
    paths = data.load(source).pictures["path"].iloc[[0, -1]]
    originals = [Image.fromarray(read_picture(path, 96)) for path in paths]
    made = {name: [] for name in FORMATS}
    for name, contents in made.items():
        for options in OPTIONS:
            more = {key: value for key, value in options.items() if key != "mode"}
            try:
                pair = [one.convert("L").convert("I").convert("I;16") if options.get("mode") == "I;16"
                        else one.convert(options.get("mode", "RGB")) for one in originals]  # fmt: skip
                out = BytesIO()
                pair[0].save(out, name, **more, **({"append_images": pair[1:]} if "save_all" in more else {}))
            except Exception:  # not every format has every form
                continue
            if out.getvalue() not in contents:
                contents.append(out.getvalue())
    return made


def spoil(rng: np.random.Generator, made: dict[str, list[bytes]]) -> tuple[str, str, bytes]:
    """(format, how it was spoilt, its bytes)"""
    name = str(rng.choice(list(made)))
    one, other = (made[which][rng.integers(len(made[which]))] for which in (name, str(rng.choice(list(made)))))
    how = str(rng.choice(["flip", "flip header", "cut", "splice", "header of another", "sizes", "repeat"]))
    content, head = bytearray(one), min(len(one), 700)
    at, end = sorted(rng.integers(0, len(one), 2))
    if how.startswith("flip"):
        for place in rng.integers(0, head if "header" in how else len(one), rng.integers(1, 12)):
            content[place] = rng.integers(256)
    elif how == "cut":
        content = content[:at] if rng.random() < 0.7 else content[:at] + content[end:]
    elif how == "splice":
        content = content[:at] + other[rng.integers(len(other)) :]
    elif how == "header of another":
        most = rng.integers(8, 200)
        content = bytearray(other[:most]) + content[most:]
    elif how == "sizes":  # 2 or 4 bytes of a header become a size that promises much or nothing
        for place in rng.integers(0, head, rng.integers(1, 4)):
            number = int(rng.choice([0, 1, 255, 9000, 30000, 65535, 2**31 - 1, 2**32 - 1]))
            order = str(rng.choice(["big", "little"]))
            width = 4 if number > 65535 or rng.random() < 0.5 else 2
            content[place : place + width] = number.to_bytes(width, order)
    else:
        content = content[:end] + content[at:end] * int(rng.integers(1, 200)) + content[end:]
    return name, how, with_checksums(bytes(content)) if rng.random() < 0.7 else bytes(content)


def with_checksums(content: bytes) -> bytes:
    """Right checksums for a PNG's chunks: with wrong ones, Pillow looks no further."""
    place, mended = 8, bytearray(content)
    while content.startswith(b"\x89PNG") and place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        mended[end : end + 4] = zlib.crc32(content[place + 4 : end]).to_bytes(4, "big") if end < len(content) else b""
        place = end + 4
    return bytes(mended)


def look(path: Path, seconds: float) -> dict:
    """What one picture gets: {"fate": "read" or "refused" or what went wrong, "says": the reason}."""
    start, fate, says = time.monotonic(), "read", ""
    try:
        says = examine(path)["unreadable"]
        pixels = read_picture(path, 150)
        if pixels.shape != (150, 150, 3) or pixels.dtype != np.uint8:
            fate = f"wrong shape {pixels.shape}"
        elif says:
            fate = "load and training disagree"
    except ValueError as error:
        says, fate = str(error), "refused"
        if not says.isprintable() or not says.startswith(f"{path}: "):
            fate = "reason that cannot be printed, or names no file"
    except BaseException as error:
        fate, says = f"raised {type(error).__name__}", str(error)
    taken = time.monotonic() - start
    return {"fate": f"over {seconds:.0f} s" if taken > seconds else fate, "says": says[:300], "seconds": taken}


def child(jobs: list[Path], megabytes: int, seconds: float, answers) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what libtiff and Pillow warn of
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
    for path in jobs:
        answers.send(look(path, seconds) | {"peak": peak_megabytes()})


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def run(jobs: list[Path], megabytes: int, seconds: float) -> list[dict]:
    """Look at all; where the child dies or hangs, the picture that it was at is to blame, and a new child goes on."""
    found, context = [], multiprocessing.get_context("fork")
    while len(found) < len(jobs):
        here, there = context.Pipe(False)
        one = context.Process(target=child, args=(jobs[len(found) :], megabytes, seconds, there))
        one.start()
        there.close()
        try:
            while len(found) < len(jobs):
                if not here.poll(10 * seconds):
                    found.append({"fate": "hung", "says": "", "seconds": 10 * seconds, "peak": np.nan})
                    break
                found.append(here.recv())
        except EOFError:
            one.join()
            found.append({"fate": f"child ended with {one.exitcode}", "says": "", "seconds": 0, "peak": np.nan})
        one.kill()
        one.join()
    return found


def main():
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long to go on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--megabytes", type=int, default=3000, help="memory limit of the child")
    parser.add_argument("--slow", type=float, default=20, help="seconds that one picture may take")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-offenders"), help="folder for what went wrong")
    options = parser.parse_args()
    rng, made = np.random.default_rng(options.seed), seeds(options.data)
    options.keep.mkdir(parents=True, exist_ok=True)
    work = options.keep / "now"
    work.mkdir(exist_ok=True)
    counts, most, end, number = Counter(), Counter(), time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        spoilt = [spoil(rng, made) for _ in range(PER_CHILD)]
        paths = [work / f"{number + place}{SUFFIX.get(one[0], '.png')}" for place, one in enumerate(spoilt)]
        for path, (_, _, content) in zip(paths, spoilt, strict=True):
            path.write_bytes(content)
        for path, (name, how, _), one in zip(paths, spoilt, run(paths, options.megabytes, options.slow), strict=True):
            fate = one["fate"] if one["fate"] in ("read", "refused") else "anything else"
            counts[name, fate] += 1
            most[name, "peak"] = max(most[name, "peak"], np.nan_to_num(one["peak"]))
            most[name, "seconds"] = max(most[name, "seconds"], one["seconds"])
            if fate == "anything else":
                path.replace(options.keep / path.name)
                print(json.dumps({"file": path.name, "format": name, "spoilt": how} | one), file=sys.stderr, flush=True)
            path.unlink(missing_ok=True)
        number += len(paths)
    work.rmdir()
    rows = []
    for name in FORMATS:
        fates = {fate: counts[name, fate] for fate in ("read", "refused", "anything else")}
        rows.append({"format": name, "forms": len(made[name]), "tried": sum(fates.values())} | fates |
                    {"slowest, s": most[name, "seconds"], "peak MB of its child": most[name, "peak"]})  # fmt: skip
    report(rows, options.csv)


if __name__ == "__main__":
    main()
