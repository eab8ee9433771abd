"""The package as a whole: what importing costs, which way imports go, pinned versions, the doctor."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.specifiers import SpecifierSet

from helpers import __main__ as terminal

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["images", "files", "layout", "splits", "data", "weights", "models", "features", "training"]
ORDER += ["plots", "classifier", "__main__"]
LIGHT = ["data", "weights", "features", "training", "plots", "convolution", "exercises"]
TORCH = find_spec("torch") is not None and find_spec("torchvision") is not None


def test_importing_changes_no_setting_and_loads_neither_tensorflow_nor_pytorch():
    code = "import importlib, sys, matplotlib\nbefore = dict(matplotlib.rcParams)\n"
    code += f"for name in {LIGHT}:\n    importlib.import_module('helpers.' + name)\n"
    code += "    assert not {'tensorflow', 'torch'} & {*sys.modules}, name\n"
    code += "    assert dict(matplotlib.rcParams) == before, name\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_imports_point_one_way():
    for place, module in enumerate(ORDER):
        code = (ROOT / "helpers" / f"{module}.py").read_text("utf-8")
        imported = re.findall(r"\w+", " ".join(re.findall(r"from helpers.* import .*", code)))
        assert not set(imported) & set(ORDER[place + 1 :]), module


def test_every_pinned_version_installs_on_the_oldest_python_that_the_course_takes():
    refusing = []
    for pin in re.findall(r"(?m)^[\w.-]+==.*", (ROOT / "constraints.txt").read_text("utf-8")):
        with suppress(PackageNotFoundError):  # of an extra that is not installed
            wanted = metadata(pin.partition("==")[0])["Requires-Python"]
            if wanted and "3.11.0" not in SpecifierSet(wanted):
                refusing.append(f"{pin} wants Python {wanted}")
    assert not refusing


def test_the_doctor_says_which_lessons_can_run(capsys):
    code, said = terminal.main([]), capsys.readouterr().out
    assert code == 0 and f"Every lesson {'' if TORCH else 'but 10 '}can run." in said, said


def test_the_doctor_names_the_lesson_that_wants_pytorch(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "_fails", lambda code: "broken" if "import torch" in code else "")
    assert terminal.main([]) == 0
    assert "Every lesson but 10 can run." in capsys.readouterr().out


def test_the_doctor_exits_1_where_tensorflow_dies(tmp_path, monkeypatch, capsys):
    dies = "import os, sys; print('no AVX here', file=sys.stderr, flush=True); os.abort()"
    (tmp_path / "tensorflow.py").write_text(dies)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert terminal.main([]) == 1
    assert "no AVX here" in capsys.readouterr().out
