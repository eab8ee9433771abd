"""Lesson 07's training script: killed and resumed it ends with the same bits; broken checkpoints are refused."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
kills = importlib.import_module("kills")
SMALL = {"units": 16, "epochs": 6, "patience": 6, "peak": 0.01}


def vectors(n=192, n_features=64, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = (rng.normal(size=(n, n_features)) + 2 * np.eye(3, n_features)[y]).astype("float32")
    return {
        "x": x[: n // 2],
        "y": y[: n // 2],
        "x_validation": x[n // 2 :],
        "y_validation": y[n // 2 :],
    }


def run_folder(place, name):
    (place / name).mkdir(parents=True)
    np.savez(place / name / "vectors.npz", **vectors())
    return place / name


def run_script(script, folder):
    """(exit code, lines that it printed)"""
    command = [sys.executable, str(script), str(folder)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines()


def killed_at(line, script, folder):
    """Run the script in folder/training and kill it as soon as it has printed `line`."""
    job = {"script": str(script), "url": "", "digest": ""}
    code, said = kills.run(job, folder, ["training"], "training", line)
    assert code == -9 or sys.platform == "win32", said


def epoch_of(folder) -> int:
    with np.load(folder / "state.npz") as file:
        return json.loads(str(file["facts"]))["epoch"]


def difference(one, other) -> float:
    return kills.largest_difference(one / "state.npz", other / "state.npz")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    return kills.lesson_script(tmp_path_factory.mktemp("script"), **SMALL)


def lesson(script, *changes):
    """The script's functions in this process, with pieces of its text changed."""
    source = script.read_text(encoding="utf-8").split("\ntry:\n    run_training")[0]
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    names = {}
    exec(compile(source, "train.py", "exec"), names)
    return names


def dies_in_the_write(script, epoch):
    """The same script, but it kills itself when half of a checkpoint is written."""
    write = "np.savez(file, facts=json.dumps(facts), **arrays)\n"
    half = "file.truncate(file.tell() // 2), file.flush(), os.kill(os.getpid(), 9)"
    source = script.read_text(encoding="utf-8")
    assert source.count(write) == 1
    dying = script.with_name("dies.py")
    dying.write_text(
        source.replace(
            write, f"{write}        if facts['epoch'] == {epoch}:\n            {half}\n"
        ),
        encoding="utf-8",
    )
    return dying


class Crash(BaseException):
    pass


def crash_when(line):
    def say(*words, **options):
        if words[0] == line:
            raise Crash

    return say


@pytest.fixture(scope="module")
def undisturbed(script, tmp_path_factory):
    folder = run_folder(tmp_path_factory.mktemp("undisturbed"), "run")
    code, lines = run_script(script, folder)
    assert code == 0 and "no checkpoint here: starts at epoch 1" in lines, lines[-1]
    return folder


def test_a_run_killed_again_and_again_ends_with_the_same_bits(script, undisturbed, tmp_path):
    folder = run_folder(tmp_path / "killed", "training")
    killed_at("epoch 1 batch 2", script, tmp_path / "killed")
    assert not (folder / "state.npz").exists()
    assert run_script(dies_in_the_write(script, epoch=3), folder)[0] != 0
    assert (folder / "state.npz.partial").exists() and epoch_of(folder) == 2
    killed_at("epoch 5 batch 1", script, tmp_path / "killed")
    assert epoch_of(folder) == 4
    assert run_script(script, folder)[0] == 0
    assert difference(undisturbed, folder) == 0.0


FAULTS = {
    "nothing": (),
    "the optimizer is not restored": ((', ("optimizer", model.optimizer.variables)):', ",):"),),
    "dropout is not reseeded": (('.seed_generator.state.assign([int(rng.integers(2**31)), 0])', ""),),
    "the order depends on what was drawn before": (("order = rng.permutation(", "order = np.random.permutation("),),
    "the best so far is forgotten": (("facts, arrays = load(path, run)", "facts, arrays = load(path, run)\n"
                                      "        facts |= {'best': -1.0}"),),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_part_of_the_state_matters(fault, script, tmp_path):
    functions = lesson(script, *FAULTS[fault])
    whole, cut = run_folder(tmp_path, "whole"), run_folder(tmp_path, "cut")
    functions["print"] = lambda *words, **options: None
    functions["run_training"](whole)
    functions["print"] = crash_when("epoch 4 batch 2")
    with pytest.raises(Crash):
        functions["run_training"](cut)
    functions["print"] = lambda *words, **options: None
    functions["run_training"](cut)
    assert (difference(whole, cut) == 0.0) == (fault == "nothing")


def test_a_failure_during_the_write_leaves_the_old_checkpoint(script, tmp_path):
    functions = lesson(script)
    path = tmp_path / "state.npz"
    functions["save"](path, {"run": {}, "epoch": 1}, {"weights0": np.ones(3)})

    class Dies:
        def __array__(self, *arguments, **options):
            raise Crash

    with pytest.raises(Crash):
        functions["save"](
            path, {"run": {}, "epoch": 2}, {"weights0": np.zeros(3), "weights1": Dies()}
        )
    facts, arrays = functions["load"](path, {})
    assert facts["epoch"] == 1 and (arrays["weights0"] == 1).all()


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("truncated", lambda good: good[: len(good) // 2], "not a whole checkpoint"),
        ("empty", lambda good: b"", "not a whole checkpoint"),
        ("foreign text", lambda good: b"hello", "not a whole checkpoint"),
        (
            "a flipped bit",
            lambda good: good[:900] + bytes([good[900] ^ 1]) + good[901:],
            "not a whole checkpoint",
        ),
        ("another architecture", None, "units is 16, not 8"),
    ],
)
def test_a_bad_checkpoint_stops_the_training_in_one_line_and_stays(
    name, content, part, script, undisturbed, tmp_path
):
    folder = run_folder(tmp_path, "run")
    good = (undisturbed / "state.npz").read_bytes()
    bad = content(good) if content else good
    (folder / "state.npz").write_bytes(bad)
    functions = lesson(script, *([] if content else [("'units': 16", "'units': 8")]))
    with pytest.raises(ValueError, match=part) as caught:
        functions["run_training"](folder)
    assert "\n" not in str(caught.value) and "delete it" in str(caught.value)
    assert (folder / "state.npz").read_bytes() == bad


def test_the_script_itself_stops_with_that_line(script, tmp_path):
    folder = run_folder(tmp_path, "run")
    (folder / "state.npz").write_bytes(b"")
    code, lines = run_script(script, folder)
    assert code == 1 and lines[-1].startswith("stopped: state.npz is not a whole checkpoint")
    assert not any("saved" in line for line in lines)
