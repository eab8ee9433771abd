"""Every exercise: its solution is right in its own notebook, and wrong answers get the message meant for them."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from helpers import exercises

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def wrong_answers():
    for path in sorted((ROOT / "tests" / "exercise_answers").glob("lesson_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield from module.WRONG


WRONG = list(wrong_answers())
NUMBERS = {number for number, _, _ in WRONG}


@pytest.mark.parametrize(("number", "answer", "part"), WRONG, ids=[f"{row[0]}-{i}" for i, row in enumerate(WRONG)])
def test_a_wrong_answer_gets_the_message_meant_for_it(number, answer, part):
    result = exercises.check(number, answer)
    assert result.status != exercises.RIGHT
    assert part.lower() in repr(result).lower()


@pytest.mark.parametrize("number", sorted(NUMBERS))
def test_at_least_four_wrong_answers_are_tried(number):
    assert sum(row[0] == number for row in WRONG) >= 4


def test_an_unknown_exercise_is_named():
    with pytest.raises(ValueError, match=r"99\.1"):
        exercises.check("99.1", 1)


def asked(cell):
    return re.search(r'exercises\.check\("([\d.]+)"', cell.source)[1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_with_every_solution_put_in(path):
    nb = nbformat.read(path, 4)
    solved = []
    for place, cell in enumerate(nb.cells):
        if "exercise" in cell.metadata.get("tags", []):
            folded = next(c.source for c in nb.cells[place:] if c.cell_type == "markdown" and "Solution" in c.source)
            solution = re.search(r"<summary>Solution</summary>.*?```python\n(.*?)```", folded, re.S)[1]
            kept = [line for line in cell.source.splitlines() if line.startswith(("from ", "import "))]
            cell.source = "\n".join([*kept, solution, cell.source.splitlines()[-1]])
            solved.append(cell)
    assert {asked(cell) for cell in solved} <= NUMBERS, "an exercise without wrong answers in tests/exercise_answers"
    NotebookClient(nb, timeout=900, resources={"metadata": {"path": path.parent}}).execute()
    said = {asked(cell): cell.outputs[-1]["data"]["text/plain"] for cell in solved}
    assert said == dict.fromkeys(said, "Right.")
