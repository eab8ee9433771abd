"""Every notebook keeps to the form that DESIGN promises."""

import functools
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINES = {1: 20, 2: 12}  # of a code cell, at most, by edition
A_PERSONS_PATH = re.compile(r"(/home/|/Users/|/root/|/work/|/tmp/|[A-Z]:\\)")
RULES = []

read = functools.cache(lambda path: nbformat.read(path, 4))


def rule(keeps):
    RULES.append(keeps)
    return keeps


def code(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def prose(nb):
    return "\n".join(f"\n{cell.source}" for cell in nb.cells if cell.cell_type == "markdown")


def outputs(nb):
    return [output for cell in code(nb) for output in cell.outputs]


@rule
def executed_in_order(nb, path):
    counts = [cell.execution_count for cell in code(nb)]
    return counts == list(range(1, len(counts) + 1))


@rule
def no_error_output(nb, path):
    return not [output for output in outputs(nb) if output.output_type == "error"]


@rule
def format_4_5_with_unique_ids(nb, path):
    ids = [cell.get("id") for cell in nb.cells]
    return (nb.nbformat, nb.nbformat_minor) >= (4, 5) and all(ids) and len(set(ids)) == len(ids)


@rule
def one_h1_that_carries_the_number(nb, path):
    titles = re.findall(r"^# .*", prose(nb), re.M)
    return len(titles) == 1 and titles[0].startswith(f"# {path.stem[:2]} ")


@rule
def at_most_two_and_a_half_megabytes(nb, path):
    return len(nbformat.writes(nb).encode()) <= 2.5e6


@rule
def no_widget_state(nb, path):
    kinds = [kind for output in outputs(nb) for kind in output.get("data", {})]
    return "widgets" not in nb.metadata and not any("widget-state" in kind for kind in kinds)


@rule
def no_path_of_a_persons_machine(nb, path):
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs(nb)]
    return not any(A_PERSONS_PATH.search(text) for text in texts)


@rule
def no_empty_or_giant_code_cell(nb, path):
    cells = [cell.source for cell in code(nb) if cell.id != "bootstrap"]
    lines = [len([line for line in source.splitlines() if line.strip()]) for source in cells]
    return all(0 < number <= LINES[nb.metadata.get("edition", 1)] for number in lines)


@rule
def the_same_bootstrap_cell(nb, path):
    first, known = code(nb)[0], code(read(NOTEBOOKS[0]))[0]
    return first.id == known.id == "bootstrap" and first.source == known.source


@rule
def links_that_lead_somewhere(nb, path):
    targets = re.findall(r"\]\(([^)\s#]+)", prose(nb))
    elsewhere = ("http://", "https://", "data:")
    return all((path.parent / to).exists() for to in targets if not to.startswith(elsewhere))


@rule
def a_recap_and_exercises(nb, path):
    text = prose(nb)
    return "\n## Exercises" in text and "\n## Recap" in text and text.count("\n### Exercise ") >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_keeps_all_rules(path):
    broken = [keeps.__name__ for keeps in RULES if not keeps(read(path), path)]
    assert broken == []
