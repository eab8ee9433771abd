"""Lesson 10's PyTorch: the same maps as Keras, and the lesson's own cells on ResNet50, freezing, kill and resume."""

import contextlib
import io
import itertools
import os
import urllib.error
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: requirements-torch.txt")
pytest.importorskip("torchvision", reason="torchvision is missing: requirements-torch.txt")

from skimage.data import chelsea  # noqa: E402

from helpers import torch_models  # noqa: E402
from helpers.models import backbone, keras  # noqa: E402

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "10_pytorch_by_hand.ipynb"
DEPTHS = {1: "block1_conv2_act", 2: "block3_sepconv1_act", 3: "block4_sepconv1_act", 8: "block9_sepconv1_act",
          14: "block14_sepconv2_act"}  # fmt: skip
RESNET_FILE = "resnet50-11ad3fa6.pth"


def lesson(*names: str, **given) -> dict:
    """Run cells of the lesson by their ids; returns their names."""
    sources = {one.id: one.source for one in nbformat.read(NOTEBOOK, 4).cells}
    space = {"torch": torch, "nn": torch.nn, "np": np, "os": os, "device": "cpu", **given}
    for name in names:
        exec(compile(sources[name], f"<cell {name}>", "exec"), space)
    return space


def channels_first(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


# Xception ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    return torch_models.xception()


def test_maps_of_a_real_image_are_keras_at_five_depths(model):
    quarters = np.stack([chelsea()[:150, :150], chelsea()[150:, 150:300]])
    pixels = quarters.astype("float32") / 127.5 - 1
    in_keras = backbone(150)
    outputs = [in_keras.get_layer(name).output for name in DEPTHS.values()]
    depths = keras.Model(in_keras.input, outputs).predict(pixels, verbose=0)
    for blocks, expected in zip(DEPTHS, depths, strict=True):
        with torch.inference_mode():
            maps = model[:blocks](channels_first(pixels)).relu().permute(0, 2, 3, 1).numpy()
        assert maps.shape == expected.shape
        assert np.abs(maps - expected).max() < 1e-5 * np.abs(expected).max()


def test_batch_norm_has_keras_constants_and_stands_still_until_train_is_called(model):
    ours = [one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    theirs = backbone(71).get_layer("block1_conv1_bn")
    assert {(one.eps, 1 - one.momentum) for one in ours} == {(theirs.epsilon, theirs.momentum)}
    assert not any(one.training for one in model.modules())


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 5), (6, 7), (9, 4), (72, 37)])
def test_pooling_puts_its_windows_where_keras_does(height, width):
    shape = (1, height, width, 3)
    x = np.random.default_rng(0).normal(size=shape).astype("float32") - 9  # zeros would win
    expected = keras.ops.convert_to_numpy(keras.ops.max_pool(x, 3, strides=2, padding="same"))
    pooled = torch_models.same_max_pool(channels_first(x))
    assert np.array_equal(pooled.permute(0, 2, 3, 1), expected)


# ResNet50 ------------------------------------------------------------------------------------


@pytest.fixture
def hub(tmp_path):
    """torchvision looks for its weights in an empty folder of this test."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


def test_resnet50_from_a_file_trains_its_head_only(hub):
    from torchvision.models import resnet50
    from torchvision.transforms import v2

    hub.mkdir()
    torch.manual_seed(3)
    made = resnet50(weights=None)
    torch.save(made.state_dict(), hub / RESNET_FILE)
    space = lesson("transfer-model", "resnet", "safe-model", v2=v2)
    parts = space["resnet50_parts"]()
    assert torch.equal(parts["backbone"].conv1.weight, made.conv1.weight)
    model = space["SafeTransferModel"](n_classes=7, **parts).train()
    assert model.head.training and not any(layer.training for layer in model.backbone.modules())
    kept = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    trains = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trains == ["head.weight", "head.bias"]
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.1)
    logits = model(torch.rand(2, 3, 64, 64))
    assert logits.shape == (2, 7)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 6])).backward()
    optimizer.step()
    after = model.backbone.state_dict()
    assert all(torch.equal(after[name], value) for name, value in kept.items())


def blocked(*_, **__):
    raise urllib.error.URLError("no connection")


def test_a_download_that_fails_is_one_line_and_leaves_nothing(hub, monkeypatch):
    monkeypatch.setattr(torch.hub, "urlopen", blocked)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        assert lesson("resnet")["resnet50_parts"]() is None
    [line] = [one for one in heard.getvalue().splitlines() if not one.startswith("Downloading")]
    assert "no connection" in line and "goes on with Xception" in line
    assert not list(hub.rglob("*.*"))


# Cut and resume ------------------------------------------------------------------------------

CELLS = ("train-epoch", "evaluate", "batches", "schedule", "save", "run")
MOMENTS = [(torch.optim.Adam, "step", 5), (torch, "save", 3), (os, "replace", 2)]


class PowerCut(BaseException):
    pass


def cut_in(function, call: int):
    """The function, which in that call does not return; torch.save leaves half a file then."""
    calls, saves = itertools.count(1), function is torch.save  # asked before it is replaced

    def until_then(*arguments, **options):
        saves_best = saves and "state" not in arguments[1].name
        if saves_best or next(calls) < call:
            return function(*arguments, **options)
        if saves:
            arguments[1].write_bytes(b"half of a file")
        raise PowerCut

    return until_then


def test_a_run_cut_in_a_step_a_write_and_before_a_rename_ends_with_the_same_bits(
    tmp_path, monkeypatch, capsys
):
    rng, vectors = np.random.default_rng(0), {}
    for name, n in (("train", 90), ("validation", 30)):
        y = np.arange(n) % 4
        x = (rng.normal(size=(n, 8)) + np.eye(4, 8)[y]).astype("float32")
        vectors[name] = SimpleNamespace(x=x, y=y)
    given = {"class_names": list("abcd"), "loss_function": torch.nn.CrossEntropyLoss()}
    run = lesson(*CELLS, vectors=vectors, **given)["run"]
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    calm.mkdir(), stormy.mkdir()
    for holder, name, call in MOMENTS:
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(holder, name, cut_in(getattr(holder, name), call))
            run(stormy, epochs=6)
        assert 0 < torch.load(stormy / "state.pt", weights_only=True)["epoch"] < 6
    (expected, losses), (head, losses_after_cuts) = run(calm, epochs=6), run(stormy, epochs=6)
    assert losses == losses_after_cuts
    assert torch.equal(head.weight, expected.weight) and torch.equal(head.bias, expected.bias)
    best = [torch.load(folder / "best.pt", weights_only=True) for folder in (calm, stormy)]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])
    assert run(stormy, seed=1, epochs=1)[1] != losses[:1], "another run starts anew"
    assert "another run" in capsys.readouterr().out
