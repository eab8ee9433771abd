"""The package as a whole: what importing costs, which way imports go, the doctor, and the lint of pre-commit."""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from helpers import __main__ as terminal

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["images", "files", "layout", "splits", "data", "weights", "models", "features", "training"]
ORDER += ["plots", "classifier", "__main__"]
LIGHT = ["data", "weights", "features", "training", "plots", "convolution", "exercises"]
TORCH = find_spec("torch") is not None and find_spec("torchvision") is not None


def test_importing_loads_neither_tensorflow_nor_pytorch():
    code = "import importlib, sys\n"
    code += f"for name in {LIGHT}:\n    importlib.import_module('helpers.' + name)\n"
    code += "    assert not {'tensorflow', 'torch'} & {*sys.modules}, name\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers"):
            rest = node.module.removeprefix("helpers").strip(".")
            yield from [rest.split(".")[0]] if rest else [alias.name for alias in node.names]


@pytest.mark.parametrize("module", ORDER)
def test_imports_point_one_way(module):
    later = ORDER[ORDER.index(module) + 1 :]
    assert not set(imported(ROOT / "helpers" / f"{module}.py")) & set(later)


def test_pre_commit_lints_with_the_ruff_of_constraints():
    pinned = re.search(r"(?m)^ruff==.*", (ROOT / "constraints.txt").read_text("utf-8"))[0]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert set(re.findall(r"ruff==[\d.]+", hooks)) == {pinned}


# --- the doctor ---


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    """Ask the doctor, where `modules` (name -> code) stand before all packages: (exit code, what it says)."""

    def ask(**modules):
        for name, code in modules.items():
            (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
        return terminal.main([]), capsys.readouterr().out

    return ask


def test_the_doctor_says_which_lessons_can_run(doctor):
    code, said = doctor()
    assert code == 0 and f"Every lesson {'' if TORCH else 'but 10 '}can run." in said, said


def test_the_doctor_names_the_lesson_that_wants_pytorch(doctor, monkeypatch):
    monkeypatch.setattr(terminal, "_fails", lambda code: "broken" if "import torch" in code else "")
    code, said = doctor()
    assert code == 0 and "Every lesson but 10 can run." in said


def test_the_doctor_exits_1_where_tensorflow_dies(doctor):
    dies = "import os, sys; print('no AVX here', file=sys.stderr, flush=True); os.abort()"
    code, said = doctor(tensorflow=dies)
    assert code == 1 and "no AVX here" in said


def test_the_doctor_exits_1_and_names_the_file_that_is_no_weights_file(
    doctor, tmp_path, monkeypatch
):
    (tmp_path / "mine.h5").write_text("not numbers")
    monkeypatch.setenv("COURSE_WEIGHTS", str(tmp_path / "mine.h5"))
    fails = terminal._fails
    monkeypatch.setattr(terminal, "_fails", lambda code: "backbone" in code and fails(code))
    code, said = doctor()
    assert code == 1 and "mine.h5" in said
