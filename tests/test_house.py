"""The package as a whole: what importing costs, and the doctor."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from helpers import __main__ as terminal

ROOT = Path(__file__).resolve().parent.parent
LIGHT = ["data", "weights", "features", "training", "plots", "convolution", "exercises"]
TORCH = find_spec("torch") is not None and find_spec("torchvision") is not None


def test_importing_loads_neither_tensorflow_nor_pytorch():
    code = "import importlib, sys\n"
    code += f"for name in {LIGHT}:\n    importlib.import_module('helpers.' + name)\n"
    code += "    assert not {'tensorflow', 'torch'} & {*sys.modules}, name\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
