"""The package as a whole: what importing costs, which way imports go, and the doctor."""

import ast
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = [
    "images",
    "files",
    "layout",
    "splits",
    "data",
    "weights",
    "models",
    "features",
    "training",
    "plots",
    "classifier",
    "__main__",
]


def python(code, **env):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | env,
        check=False,
    )


@pytest.mark.parametrize(
    "module",
    ["", ".data", ".weights", ".features", ".training", ".plots", ".convolution", ".exercises"],
)
def test_importing_loads_no_tensorflow(module):
    done = python(
        f"import sys, helpers{module}; sys.exit('tensorflow' in sys.modules or 'torch' in sys.modules)"
    )
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


def doctor(folder, **env):
    """What the doctor says where `folder` stands before all packages."""
    return python(
        "import sys; from helpers.__main__ import main; sys.exit(main([]))",
        PYTHONPATH=os.pathsep.join([str(folder), str(ROOT)]),
        **env,
    )


def test_the_doctor_says_which_lessons_can_run(tmp_path):
    done = doctor(tmp_path)
    torch = find_spec("torch") is not None and find_spec("torchvision") is not None
    assert done.returncode == 0, done.stdout
    assert f"Every lesson {'' if torch else 'but 10 '}can run." in done.stdout


def test_the_doctor_names_the_lesson_that_wants_pytorch(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('broken')")
    done = doctor(tmp_path)
    assert done.returncode == 0 and "Every lesson but 10 can run." in done.stdout


def test_the_doctor_exits_1_where_tensorflow_dies(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os, sys; print('no AVX here', file=sys.stderr, flush=True); os.abort()"
    )
    done = doctor(tmp_path)
    assert done.returncode == 1 and "no AVX here" in done.stdout, done.stdout


def test_the_doctor_exits_1_and_names_the_file_that_is_no_weights_file(tmp_path):
    (tmp_path / "mine.h5").write_text("not numbers")
    done = doctor(tmp_path, COURSE_WEIGHTS=str(tmp_path / "mine.h5"))
    assert done.returncode == 1
    assert "mine.h5" in done.stdout
