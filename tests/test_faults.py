"""kill -9 at random progress of download, split and feature pass: the next run mends it and ends with the same bytes.

The child counts its steps in each phase: what it does to files (through Python's audit hook) and the steps of the
progress bars. It kills itself at the given count, up to 5 ms later: within a write as well as between two.
"""

import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pictures import write_classes
from PIL import Image

from helpers import data

PHASES = ("download", "split", "features")
CHILD = """
import hashlib, json, os, pathlib, random, signal, sys, threading, time
folder, url, digest, phase, at, seed = sys.argv[1:]
random.seed(seed)
counts, now, ran = {}, "", []

def kill():
    time.sleep(random.random() * 0.005)
    os.kill(os.getpid(), signal.SIGKILL)

def step():
    counts[now] = counts.get(now, 0) + 1
    if now == phase and counts[now] == int(at):
        threading.Thread(target=kill).start()

def count(event, args):
    if now and args and event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link"):
        if any(isinstance(one, str | os.PathLike) and os.fspath(one).startswith(folder) for one in args):
            step()

from helpers import data, features

class Bar(data.tqdm):
    def update(self, n=1):
        for _ in range(max(1, n // 128)):  # of a download: every 128 bytes
            step()
        return super().update(n)

data.tqdm = features.tqdm = Bar
data.DATA, data.CLOTHING_URL, data.CLOTHING_DIGEST = pathlib.Path(folder), url, digest
features.BATCH = features.CHUNK = 8
compiled = features._compiled

def counting(model):
    forward = compiled(model)
    return lambda pixels: ran.append(int(pixels.any(axis=(1, 2, 3)).sum())) or forward(pixels)

features._compiled = counting
sys.addaudithook(count)
now = "download"
data.fetch_clothing()
now = "split"
dataset = data.load("clothing")
now = "features"
splits = features.extract(dataset, 71)
now = ""
rows = {d: hashlib.sha256(x.tobytes()).hexdigest() for s in data.SHARES
        for d, x in zip(dataset.split(s)["digest"], splits[s].x)}
table = dataset.pictures.drop(columns=["path", "source"]).to_csv()
print(json.dumps({"counts": counts, "ran": sum(ran), "rows": rows, "table": table}))
"""


@pytest.fixture
def server(tmp_path):
    """Forty pictures in one folder of class folders, zipped and sent slowly; `requests` counts who asked."""
    write_classes(tmp_path / "zip" / "clothing" / "train", {"hat": 15, "shoes": 9}, size=(90, 80))
    write_classes(tmp_path / "zip" / "clothing" / "validation", {"hat": 5, "shoes": 3}, start=50, size=(90, 80))
    write_classes(tmp_path / "zip" / "clothing" / "test", {"hat": 5, "shoes": 3}, start=70, size=(90, 80))
    for path in sorted((tmp_path / "zip").rglob("*.png"))[::4]:  # some that must be converted
        Image.open(path).save(path.with_suffix(".webp"), lossless=True)
        path.unlink()
    content = Path(shutil.make_archive(tmp_path / "clothing", "zip", tmp_path / "zip")).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            for start in range(0, len(content), 128):
                try:
                    self.wfile.write(content[start : start + 128])
                except OSError:
                    return  # the child was killed
                time.sleep(0.002)

        def log_message(self, *args):
            pass

    requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        http.requests, http.digest = requests, data.folder_digest(tmp_path / "zip" / "clothing")
        yield http
        http.shutdown()


def run(server, folder: Path, phase="none", at=0, seed=0):
    """One child over `folder`; returns (exit code, its report or {})."""
    url = f"http://127.0.0.1:{server.server_port}/zip"
    command = [sys.executable, "-c", CHILD, str(folder), url, server.digest, phase, str(at), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-2000:]
    return done.returncode, json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}


def folder_bytes(folder: Path) -> dict[str, str]:
    """What Keras would read: path -> sha256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for split in data.SHARES
        for path in sorted((folder / "clothing" / split).rglob("*.*g"))
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_is_mended_by_the_next_one(server, tmp_path):
    rng = random.Random(2)
    code, undisturbed = run(server, tmp_path / "undisturbed")
    assert code == 0 and undisturbed["ran"] == 40
    for phase in PHASES:
        at = round(rng.uniform(0.35, 0.9) * undisturbed["counts"][phase])
        code, _ = run(server, tmp_path / "killed", phase, at, phase)
        assert code == -signal.SIGKILL, f"the child was to be killed in {phase}"
    code, after = run(server, tmp_path / "killed")
    assert code == 0
    assert after["table"] == undisturbed["table"]
    assert after["rows"] == undisturbed["rows"]
    assert folder_bytes(tmp_path / "killed") == folder_bytes(tmp_path / "undisturbed")
    assert [path.name for path in (tmp_path / "killed" / "downloads").iterdir()] == ["clothing"]
