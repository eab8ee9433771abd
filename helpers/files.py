"""Files: downloads that are checked, and writes that are whole or not there at all."""

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from tqdm import tqdm

MOST_BYTES = 500e6  # of a download, packed or not, and of a picture: a server may send without end


def show(path) -> str:
    """A path as one printable line: line breaks and undecodable bytes in a name are escaped."""
    return repr(str(path))[1:-1]


def download(url: str, path: Path, known_hash: str | None = None, deadline: float = 900) -> Path:
    """Download `url` to `path` with a progress bar: temporary file, hash check, put in place (all by pooch).

    known_hash : "md5:..." or "sha256:...".
    deadline : seconds in all; a connection that is silent for 5 s is given up.
    Raises OSError that names the address and the reason.
    """
    import pooch
    import requests
    import urllib3

    def fetch(url, target, _):
        end = time.monotonic() + deadline
        with requests.get(url, stream=True, timeout=5, headers={"Accept-Encoding": "identity"}) as answer:
            if not answer.ok:
                raise OSError(f"it answers {answer.status_code} {answer.reason}")
            total = int(answer.headers.get("content-length", 0)) or None
            with tqdm(total=total, unit="B", unit_scale=True, desc=path.name) as bar, open(target, "wb") as out:
                while block := answer.raw.read1(2**16):  # what has come; read() would wait for all 64 KB of a trickle
                    out.write(block)
                    bar.update(len(block))
                    if time.monotonic() > end:
                        raise OSError(f"not finished after {deadline:.0f} s")
                    if bar.n > MOST_BYTES:
                        raise OSError(f"it sends more than {MOST_BYTES / 1e6:.0f} MB")
            if total and bar.n < total:
                raise OSError(f"the connection broke after {bar.n:,} of {total:,} bytes")

    try:
        pooch.get_logger().setLevel("ERROR")
        return Path(pooch.retrieve(url, known_hash, path.name, path.parent, downloader=fetch))
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        reason = f"no connection, or it broke ({type(error).__name__})"
    except ValueError:
        reason = "what came is not the file that this course knows"
    except OSError as error:
        reason = str(error)
    raise OSError(f"Could not download {url}: {reason}.")


def write_atomically(path: Path, write) -> None:
    """Write beside `path`, then put it in place: a kill leaves the old file or the new, never half of one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "wb") as out:
                write(out)
            os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def writing(path: Path):
    """What is done inside writes `path`: if it cannot, say so in one line, and what to do."""
    try:
        yield
    except OSError as error:  # Pillow's may have no number
        reason = os.strerror(error.errno) if error.errno else "not all of it fitted"
        advice = "Make room on the disk, or get the right to write there, and run this again."
        raise OSError(f"Could not write {show(path)} ({reason}). {advice}") from None


def remove_partials(*paths: Path) -> None:
    """Remove what killed processes left half-written. What is younger, another process may be writing just now."""
    for path in paths:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > 600:
                path.unlink()
