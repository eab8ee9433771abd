"""Every exercise: its solution is right in its own notebook, and wrong answers get the message meant for them."""

import ast
import importlib.util
import re
import symtable
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


@pytest.mark.parametrize(
    ("number", "answer", "part"), WRONG, ids=[f"{row[0]}-{i}" for i, row in enumerate(WRONG)]
)
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


def names(source):
    """What a cell takes from earlier cells, and what it gives to later ones."""
    takes, gives = set(), set()
    for statement in ast.parse(source).body:
        tables = [symtable.symtable(ast.unparse(statement), "cell", "exec")]
        top = tables[0].get_symbols()
        made = {s.get_name() for s in top if s.is_assigned() or s.is_imported()}
        taken = {s.get_name() for s in top if s.is_referenced()}
        while tables:  # inside functions and comprehensions only their global names count
            tables += (children := tables.pop().get_children())
            taken |= {
                s.get_name() for table in children for s in table.get_symbols() if s.is_global()
            }
        takes |= (
            taken
            - gives
            - (made if isinstance(statement, ast.For | ast.With | ast.FunctionDef) else set())
        )
        gives |= made
    return takes, gives


def needed_by(exercise_cells, code_cells):
    """The exercises' cells and the earlier ones that these stand on: nbval runs the others."""
    wanted, kept = set(), []
    for cell in reversed(code_cells):
        if cell.id == "bootstrap":  # the course is here, and %pip is no Python
            continue
        takes, gives = names(cell.source)
        if cell in exercise_cells or wanted & gives:
            wanted = wanted - gives | takes
            kept.insert(0, cell)
    return kept


def test_cells_that_an_exercise_stands_on_are_kept_and_others_are_not():
    sources = [
        "import a",
        "x = [a.b(i) for i in range(3)]",
        "y = 2",
        "def f(n): return n + x[0]",
        "answer = f(1)",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    assert [cell.source for cell in needed_by(cells[-1:], cells)] == [*sources[:2], *sources[3:]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_solution_is_right_in_its_notebook(path):
    nb = nbformat.read(path, 4)
    solved = []
    for place, cell in enumerate(nb.cells):
        if "exercise" in cell.metadata.get("tags", []):
            folded = next(
                c.source
                for c in nb.cells[place:]
                if c.cell_type == "markdown" and "Solution" in c.source
            )
            solution = re.search(
                r"<summary>Solution</summary>.*?```python\n(.*?)```", folded, re.S
            )[1]
            kept = [
                line for line in cell.source.splitlines() if line.startswith(("from ", "import "))
            ]
            cell.source = "\n".join([*kept, solution, cell.source.splitlines()[-1]])
            solved.append(cell)
    assert {asked(cell) for cell in solved} <= NUMBERS, (
        "an exercise without wrong answers in tests/exercise_answers"
    )
    nb.cells = needed_by(solved, [cell for cell in nb.cells if cell.cell_type == "code"])
    NotebookClient(nb, timeout=900, resources={"metadata": {"path": path.parent}}).execute()
    said = {asked(cell): cell.outputs[-1]["data"]["text/plain"] for cell in solved}
    assert said == dict.fromkeys(said, "Right.")
