"""Every exercise: wrong answers get the message meant for them."""

import re
import runpy
from pathlib import Path

import nbformat
import pytest

from helpers import exercises

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ANSWERS = sorted((ROOT / "tests" / "exercise_answers").glob("lesson_*.py"))
WRONG = [row for path in ANSWERS for row in runpy.run_path(str(path))["WRONG"]]


@pytest.mark.parametrize(
    ("number", "answer", "part"), WRONG, ids=[f"{row[0]}-{i}" for i, row in enumerate(WRONG)]
)
def test_a_wrong_answer_gets_the_message_meant_for_it(number, answer, part):
    result = exercises.check(number, answer)
    assert result.status != exercises.RIGHT
    assert part.lower() in repr(result).lower()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_exercise_is_tried_with_wrong_answers(path):
    """Its solution runs where it stands, with the notebook: see conftest.py at the root."""
    cells = [c for c in nbformat.read(path, 4).cells if "exercise" in c.metadata.get("tags", [])]
    asked = {re.search(r'exercises\.check\("([\d.]+)"', cell.source)[1] for cell in cells}
    assert asked and asked <= {number for number, _, _ in WRONG}
