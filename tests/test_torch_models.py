"""Lesson 10's PyTorch: the same maps as Keras, and the lesson's own cells on ResNet50, freezing, kill and resume."""

import contextlib
import email.message
import io
import os
import pathlib
import random
import subprocess
import sys
import urllib.error
import urllib.response

import nbformat
import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install -r requirements-torch.txt"
)
pytest.importorskip(
    "torchvision", reason="torchvision is not installed: pip install -r requirements-torch.txt"
)

from helpers import data, features, torch_models  # noqa: E402
from helpers.models import backbone, keras  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "10_pytorch_by_hand.ipynb"
DEPTHS = {1: "block1_conv2_act", 2: "block3_sepconv1_act", 3: "block4_sepconv1_act", 8: "block9_sepconv1_act",
          14: "block14_sepconv2_act"}  # fmt: skip
RESNET_FILE = "resnet50-11ad3fa6.pth"


def cell(name: str) -> str:
    return next(one.source for one in nbformat.read(NOTEBOOK, 4).cells if one.id == name)


def lesson(*names: str, **given) -> dict:
    """Run cells of the lesson by their ids; returns their names."""
    space = {
        "torch": torch,
        "nn": torch.nn,
        "np": np,
        "os": os,
        "pathlib": pathlib,
        "device": "cpu",
        **given,
    }
    for name in names:
        exec(compile(cell(name), f"<cell {name}>", "exec"), space)
    return space


@pytest.fixture(scope="module")
def dataset():
    return data.load("solar")


@pytest.mark.parametrize("size", [150, 299])
def test_maps_of_real_images_are_keras_at_five_depths(size, dataset):
    images = data.read_images(dataset.split("validation")["source"][:4], size)
    pixels = images.astype("float32") / 127.5 - 1
    in_keras = backbone(size)
    depths = keras.Model(
        in_keras.input, [in_keras.get_layer(name).output for name in DEPTHS.values()]
    )
    model = torch_models.xception()
    for blocks, expected in zip(DEPTHS, depths.predict(pixels, verbose=0), strict=True):
        with torch.inference_mode():
            maps = (
                model[:blocks](torch.from_numpy(pixels).permute(0, 3, 1, 2))
                .relu()
                .permute(0, 2, 3, 1)
                .numpy()
            )
        assert maps.shape == expected.shape
        assert np.abs(maps - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("height", "width"), [(6, 6), (5, 5), (6, 7), (9, 4), (72, 37)])
def test_pooling_puts_its_windows_where_keras_does(height, width):
    x = (
        np.random.default_rng(0).normal(size=(1, height, width, 3)).astype("float32") - 9
    )  # negative: zeros would win
    expected = keras.ops.convert_to_numpy(keras.ops.max_pool(x, 3, strides=2, padding="same"))
    pooled = torch_models.same_max_pool(torch.from_numpy(x).permute(0, 3, 1, 2))
    assert np.array_equal(pooled.permute(0, 2, 3, 1), expected)


@pytest.mark.parametrize(
    "change", [lambda tensors: tensors[:-1], lambda tensors: [*tensors, tensors[-1]]]
)
def test_a_tensor_too_few_or_too_many_is_refused(change):
    with pytest.raises(ValueError, match="tensors"):
        torch_models.load(
            torch_models.xception(pretrained=False), change(backbone(71).get_weights())
        )


@pytest.fixture
def hub(tmp_path):
    """torchvision looks for its weights in an empty folder of this test."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


def test_resnet50_from_a_file_trains_its_head_only(hub):
    from torchvision.models import resnet50

    hub.mkdir()
    torch.manual_seed(3)
    made = resnet50(weights=None)
    torch.save(made.state_dict(), hub / RESNET_FILE)
    space = lesson("pictures", "transfer-model", "resnet", "safe-model", dataset=data.load("solar"),
                   class_names=data.load("solar").class_names, data=data)  # fmt: skip
    parts = space["resnet50_parts"]()
    assert torch.equal(parts["backbone"].conv1.weight, made.conv1.weight)
    assert isinstance(parts["backbone"].fc, torch.nn.Identity)
    model = space["SafeTransferModel"](n_classes=7, **parts).train()
    assert model.head.training and not any(layer.training for layer in model.backbone.modules())
    kept = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    trains = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trains == {"head.weight", "head.bias"}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.1)
    logits = model(torch.rand(2, 3, 64, 64))
    assert logits.shape == (2, 7)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 6])).backward()
    assert {
        name for name, parameter in model.named_parameters() if parameter.grad is not None
    } == trains
    optimizer.step()
    assert all(
        torch.equal(value, kept[name]) for name, value in model.backbone.state_dict().items()
    )


def blocked(*_, **__):
    raise urllib.error.URLError("no connection")


def html(request, **_):
    """What a hotel's network answers."""
    page = io.BytesIO(b"<html>log in here</html>")
    return urllib.response.addinfourl(page, email.message.Message(), request.full_url)


@pytest.mark.parametrize(("answer", "said"), [(blocked, "no connection"), (html, "invalid hash")])
def test_a_download_that_fails_is_one_line_and_leaves_nothing(hub, monkeypatch, answer, said):
    monkeypatch.setattr(torch.hub, "urlopen", answer)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        assert lesson("resnet")["resnet50_parts"]() is None
    lines = [line for line in heard.getvalue().splitlines() if not line.startswith("Downloading")]
    assert len(lines) == 1 and said in lines[0] and "goes on with Xception" in lines[0]
    assert not list(hub.rglob("*.*"))


CHILD = """
import os, signal, sys
import numpy as np
import torch
from types import SimpleNamespace
import nbformat
from pathlib import Path

folder, fuse = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)  # twelve children: spinning threads would take most of the time on a busy machine
kept = np.load(sys.argv[3])
vectors = {name: SimpleNamespace(x=kept[name + "_x"], y=kept[name + "_y"]) for name in ("train", "validation")}


def counted(function):
    def call(*arguments, **named):
        global fuse
        fuse -= 1
        if fuse == 0:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return function(*arguments, **named)
    return call


space = {"torch": torch, "nn": torch.nn, "np": np, "os": os, "device": "cpu", "vectors": vectors,
         "class_names": ["a", "b", "c", "d"], "loss_function": torch.nn.CrossEntropyLoss()}
sources = {cell.id: cell.source for cell in nbformat.read(sys.argv[4], 4).cells}
for name in ("train-epoch", "evaluate", "batches", "schedule", "save", "run"):
    exec(sources[name], space)
torch.optim.Adam.step, torch.save, os.replace = map(counted, (torch.optim.Adam.step, torch.save, os.replace))
head, losses = space["run"](folder, epochs=12)
fuse = 0
np.savez(folder / "end.npz", weight=head.weight.detach(), bias=head.bias.detach(), losses=losses)
"""


def test_ten_kills_at_random_moments_change_no_bit(tmp_path, dataset):
    vectors = features.extract(dataset)
    kept = {
        f"{name}_{part}": getattr(vectors[name], part)
        for name in ("train", "validation")
        for part in "xy"
    }
    np.savez(tmp_path / "vectors.npz", **kept)
    (tmp_path / "child.py").write_text(CHILD)

    def child(folder, fuse):
        files = tmp_path / "vectors.npz", NOTEBOOK
        command = [sys.executable, tmp_path / "child.py", folder, fuse, *files]
        return subprocess.run([str(part) for part in command], check=False).returncode

    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    calm.mkdir(), stormy.mkdir()
    assert child(calm, 0) == 0
    steps = -(-len(vectors["train"].y) // 32)
    moments = random.Random(10)
    reached = []
    for _ in range(
        10
    ):  # each dies within the next two epochs: before, in or after a step or the writing of a file
        assert child(stormy, moments.randint(1, 2 * steps + 8)) != 0, "it was to be killed"
        state = stormy / "state.pt"
        reached.append(torch.load(state, weights_only=True)["epoch"] if state.exists() else 0)
    assert len(set(reached)) >= 3 and reached[-1] < 12, f"too few resumes in the middle: {reached}"
    assert child(stormy, 0) == 0
    one, other = np.load(calm / "end.npz"), np.load(stormy / "end.npz")
    assert all(np.array_equal(one[name], other[name]) for name in one.files)
    best = [torch.load(folder / "best.pt", weights_only=True) for folder in (calm, stormy)]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])


def test_a_checkpoint_of_another_run_is_not_continued(tmp_path, capsys):
    space = lesson("save")
    torch.save({"setting": {"seed": 1}, "epoch": 5}, tmp_path / "state.pt")
    assert space["resume"](tmp_path / "state.pt", {}, {"seed": 2}) == (0, 0.0, [])
    assert "another run" in capsys.readouterr().out
