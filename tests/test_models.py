"""The backbone and its weights, heads, both together; and TensorFlow's import."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers import models, weights
from helpers.models import keras

ROOT = Path(__file__).resolve().parent.parent
SIZE = 71


@pytest.fixture(scope="module")
def whole():
    return models.backbone(SIZE)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).uniform(-1, 1, (2, SIZE, SIZE, 3)).astype("float32")


def test_the_backbone_is_frozen_and_holds_the_known_numbers(whole):
    """DIGEST is the sha256 over shapes and values in layer order, whatever file they came in."""
    assert whole.output_shape == (None, 3, 3, 2048) and not whole.trainable_weights
    total = hashlib.sha256()
    for tensor in whole.get_weights():
        total.update(str(tensor.shape).encode())
        total.update(np.ascontiguousarray(tensor, "<f4"))
    assert total.hexdigest() == weights.DIGEST


@pytest.mark.parametrize("kind", ["cut", "head"])
def test_a_file_that_does_not_load_is_named_in_one_line(tmp_path, monkeypatch, kind):
    path = tmp_path / f"{kind}.weights.h5"
    if kind == "cut":
        path.write_bytes(weights.fetch().read_bytes()[:10_000_000])
    else:
        models.head(8, 2).save_weights(path)
    monkeypatch.setenv("COURSE_WEIGHTS", str(path))
    with pytest.raises(OSError, match=r"is damaged or not Xception's: .* Delete it") as caught:
        models.backbone(SIZE)
    assert path.name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "channels", "feeds"),
    [(1, 64, "block2_sepconv1"), (4, 728, "block5_sepconv1_act"), (13, 1024, "block14_sepconv1")],
)
def test_a_whole_block_gives_what_feeds_the_next_one(whole, pixels, number, channels, feeds):
    block = models.backbone(SIZE, f"block{number}")
    assert block.output_shape[-1] == channels and not block.trainable_weights
    expected = keras.Model(whole.input, whole.get_layer(feeds).input)(pixels)
    assert np.allclose(block(pixels), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "layer", "message"),
    [
        (70, None, "at least 71 px, not 70"),
        (SIZE, "add_3", "no layer 'add_3', but block1 to block13, and block1_conv1,"),
        (SIZE, "block14", "no layer 'block14', but block1 to block13, and"),
    ],
)
def test_a_size_or_layer_that_does_not_exist_is_named(size, layer, message):
    with pytest.raises(ValueError, match=message):
        models.backbone(size, layer)


def test_the_classifier_scales_pools_and_asks_the_head(whole, pixels):
    head = models.head(2048, 3)
    answers = models.classifier(whole, head)((pixels + 1) * 127.5).numpy()
    expected = head(whole(pixels, training=False).numpy().mean(axis=(1, 2))).numpy()
    assert np.allclose(answers, expected, atol=1e-5) and np.allclose(answers.sum(axis=1), 1)


# Heads ---------------------------------------------------------------------------------------


def test_a_head_is_relu_dropout_and_softmax():
    head, x = models.head(8, 3, units=16, dropout=0.5), np.random.default_rng(0).normal(size=(5, 8))
    hidden, hidden_bias, outer, bias = head.get_weights()
    scores = np.maximum(x @ hidden + hidden_bias, 0) @ outer + bias
    exponents = np.exp(scores)
    expected = exponents / exponents.sum(axis=1, keepdims=True)
    assert np.allclose(head(x), expected, atol=1e-6)
    assert not np.allclose(head(x, training=True), expected, atol=1e-2)
    assert [weights.shape for weights in models.head(8, 3).get_weights()] == [(8, 3), (3,)]


# TensorFlow's import -------------------------------------------------------------------------


def start(tmp_path) -> subprocess.CompletedProcess:
    """Import helpers.models in a new process, which finds modules in tmp_path first."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", "import helpers.models, os; os.write(2, b'after')"]
    return subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)


def test_tensorflows_start_up_lines_are_not_shown(tmp_path):
    done = start(tmp_path)
    assert done.returncode == 0 and done.stderr == "after"


def test_if_tensorflow_cannot_be_imported_its_reason_is_seen(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('DLL load failed')")
    done = start(tmp_path)
    assert done.returncode != 0 and "DLL load failed" in done.stderr
