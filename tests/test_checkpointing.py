"""Lesson 07's training script: killed and resumed it ends with the same bits; broken checkpoints are refused."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
kills = importlib.import_module("kills")
SMALL = {"units": 16, "epochs": 6, "patience": 6, "peak": 0.01}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return kills.lesson_script(tmp_path_factory.mktemp("script"), **SMALL)


def run_folder(folder):
    """A folder with vectors of three classes, 96 for training and 96 for validation."""
    folder.mkdir(parents=True)
    y = np.arange(192) % 3
    noise = np.random.default_rng(0).normal(size=(192, 64))
    x = (noise + 2 * np.eye(3, 64)[y]).astype("float32")
    arrays = {"x": x[:96], "y": y[:96], "x_validation": x[96:], "y_validation": y[96:]}
    np.savez(folder / "vectors.npz", **arrays)
    return folder


def lesson(script, *changes):
    """The script's functions in this process, silent, with pieces of its text changed."""
    source = script.read_text(encoding="utf-8").split("\ntry:\n    run_training")[0]
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    names = {"print": lambda *words, **options: None}
    exec(compile(source, "train.py", "exec"), names)
    return names


class Crash(BaseException):
    pass


def crash_when(line):
    def say(*words, **options):
        if words[0] == line:
            raise Crash

    return say


def difference(one, other) -> float:
    return kills.largest_difference(one / "state.npz", other / "state.npz")


def test_a_resumed_run_has_the_same_bits(script, tmp_path):
    functions = lesson(script)
    whole, cut = run_folder(tmp_path / "whole"), run_folder(tmp_path / "cut")
    functions["run_training"](whole)
    silent, functions["print"] = functions["print"], crash_when("epoch 4 batch 2")
    with pytest.raises(Crash):
        functions["run_training"](cut)
    functions["print"] = silent
    functions["run_training"](cut)
    assert difference(whole, cut) == 0.0


def test_a_failure_during_the_write_leaves_the_old_checkpoint(script, tmp_path):
    functions, path = lesson(script), tmp_path / "state.npz"
    functions["save"](path, {"run": {}, "epoch": 1}, {"weights0": np.ones(3)})

    class Dies:
        def __array__(self, *arguments, **options):
            raise Crash

    arrays = {"weights0": np.zeros(3), "weights1": Dies()}
    with pytest.raises(Crash):
        functions["save"](path, {"run": {}, "epoch": 2}, arrays)
    facts, arrays = functions["load"](path, {})
    assert facts["epoch"] == 1 and (arrays["weights0"] == 1).all()


@pytest.fixture(scope="module")
def checkpoint(script, tmp_path_factory) -> bytes:
    folder = run_folder(tmp_path_factory.mktemp("trained") / "run")
    lesson(script)["run_training"](folder)
    return (folder / "state.npz").read_bytes()


BAD = {  # name -> (what becomes of a good one, what is said, a change of the script)
    "truncated": (lambda good: good[: len(good) // 2], "not a whole checkpoint", ()),
    "another architecture": (lambda good: good, "units is 16, not 8", (("'units': 16", "'units': 8"),)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_checkpoint_stops_the_training_in_one_line_and_stays(
    name, script, checkpoint, tmp_path
):
    content, part, changes = BAD[name]
    folder = run_folder(tmp_path / "run")
    (folder / "state.npz").write_bytes(content(checkpoint))
    with pytest.raises(ValueError, match=part) as caught:
        lesson(script, *changes)["run_training"](folder)
    assert "\n" not in str(caught.value) and "delete it" in str(caught.value)
    assert (folder / "state.npz").read_bytes() == content(checkpoint)


# In processes of their own -------------------------------------------------------------------------


def started(script, folder):
    command = [sys.executable, "-u", str(script), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_a_run_killed_twice_ends_with_the_same_bits(script, checkpoint, tmp_path):
    folder = run_folder(tmp_path / "run")
    for last in ("epoch 1 batch 2", "epoch 5 batch 1", "finished"):
        said = []
        with started(script, folder) as training:
            while last not in said:
                said.append(next(training.stdout).strip())
            training.kill()
    assert any(line.startswith("resumes at epoch") for line in said)
    (tmp_path / "state.npz").write_bytes(checkpoint)
    assert difference(tmp_path, folder) == 0.0
