"""The package as a whole: what importing costs, which way imports go, and the doctor."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["files", "pictures", "data", "weights", "models", "features", "training", "plots", "classifier", "__main__"]


def python(code, **env):
    import os

    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=os.environ | env, check=False
    )


@pytest.mark.parametrize(
    "module", ["", ".data", ".weights", ".features", ".training", ".plots", ".convolution", ".exercises"]
)
def test_importing_loads_no_tensorflow(module):
    done = python(f"import sys, helpers{module}; sys.exit('tensorflow' in sys.modules or 'torch' in sys.modules)")
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


@pytest.mark.parametrize("path", sorted((ROOT / "helpers").rglob("*.py")), ids=lambda path: path.stem)
def test_no_function_has_more_than_40_lines_of_code(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{path.name}: {node.name} has {lines} lines"


def test_the_doctor_says_that_every_lesson_can_run():
    done = subprocess.run([sys.executable, "-m", "helpers"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout
    assert "Every lesson can run." in done.stdout


def test_the_doctor_exits_1_and_names_the_file_that_is_no_weights_file(tmp_path):
    (tmp_path / "mine.h5").write_text("not numbers")
    done = python(
        "import sys; from helpers.__main__ import main; sys.exit(main())", COURSE_WEIGHTS=str(tmp_path / "mine.h5")
    )
    assert done.returncode == 1
    assert "mine.h5" in done.stdout
