"""Every notebook keeps to the form that DESIGN promises; each rule is itself tried on a notebook broken on purpose."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINES = {1: 20, 2: 12}  # at most, by edition


def executed_in_order(nb, path):
    counts = [cell.execution_count for cell in nb.cells if cell.cell_type == "code"]
    return counts == list(range(1, len(counts) + 1))


def no_error_output(nb, path):
    return not [output for output in outputs(nb) if output.output_type == "error"]


def format_4_5_with_unique_ids(nb, path):
    ids = [cell.get("id") for cell in nb.cells]
    return (nb.nbformat, nb.nbformat_minor) >= (4, 5) and all(ids) and len(set(ids)) == len(ids)


def one_h1_that_carries_the_number(nb, path):
    titles = re.findall(r"^# .*", "\n".join(prose(nb)), re.M)
    return len(titles) == 1 and titles[0].startswith(f"# {path.stem[:2]} ")


def header_states_the_minutes(nb, path):
    return bool(
        re.search(r"^(Reading t|T)ime: \d+ min.* · Run time: \d+ min", nb.cells[0].source, re.M)
    )


def at_most_two_and_a_half_megabytes(nb, path):
    return len(nbformat.writes(nb).encode()) <= 2.5e6


def no_widget_state(nb, path):
    return "widgets" not in nb.metadata and not any(
        "widget-state" in key for o in outputs(nb) for key in o.get("data", {})
    )


def no_path_of_a_persons_machine(nb, path):
    texts = [
        str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
        for output in outputs(nb)
    ]
    return not re.search(r"(/home/|/Users/|/root/|/work/|/tmp/|[A-Z]:\\)", "\n".join(texts))


def no_empty_or_giant_code_cell(nb, path):
    cells = [
        cell.source for cell in nb.cells if cell.cell_type == "code" and "bootstrap" not in cell.id
    ]
    most = LINES[nb.metadata.get("edition", 1)]
    return all(
        0 < len([line for line in source.splitlines() if line.strip()]) <= most for source in cells
    )


def the_same_bootstrap_cell(nb, path):
    first = next((cell for cell in nb.cells if cell.cell_type == "code"), None)
    reference = nbformat.read(NOTEBOOKS[0], 4) if NOTEBOOKS else nb
    known = next(cell.source for cell in reference.cells if cell.id == "bootstrap")
    return first is not None and first.id == "bootstrap" and first.source == known


def links_that_lead_somewhere(nb, path):
    targets = re.findall(r"\]\(([^)\s#]+)", "\n".join(prose(nb)))
    local = [
        target for target in targets if not target.startswith(("http://", "https://", "data:"))
    ]
    return all((path.parent / target).exists() for target in local)


def a_recap_and_exercises(nb, path):
    text = "\n".join(prose(nb))
    return "\n## Exercises" in text and "\n## Recap" in text and text.count("\n### Exercise ") >= 3


RULES = [
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__module__", "") == __name__
]


def outputs(nb):
    return [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]


def prose(nb):
    return [f"\n{cell.source}" for cell in nb.cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_notebook_keeps(rule, path):
    assert rule(nbformat.read(path, 4), path), f"{path.name} breaks the rule: {rule.__name__}"


def broken(nb, rule):
    """Break one rule in a sound notebook."""
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    match rule:
        case "executed_in_order":
            code[1].execution_count = None
        case "no_error_output":
            code[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]
        case "format_4_5_with_unique_ids":
            nb.cells[1].id = nb.cells[0].id
        case "one_h1_that_carries_the_number":
            nb.cells[-1].source += "\n# Another title"
        case "header_states_the_minutes":
            nb.cells[0].source = nb.cells[0].source.replace("Run time", "Time")
        case "at_most_two_and_a_half_megabytes":
            nb.cells[-1].source += "x" * 2_600_000
        case "no_widget_state":
            nb.metadata["widgets"] = {}
        case "no_path_of_a_persons_machine":
            code[1].outputs = [nbformat.v4.new_output("stream", text="kept in /home/ann/course")]
        case "no_empty_or_giant_code_cell":
            code[1].source = "\n".join(["x = 1"] * (LINES[1] + 1))
        case "the_same_bootstrap_cell":
            code[0].source += "\nprint()"
        case "links_that_lead_somewhere":
            nb.cells[-1].source += "\n[there](nowhere.ipynb)"
        case "a_recap_and_exercises":
            nb.cells = nb.cells[:3]
    return nb


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_notebook_broken_on_purpose_is_caught_by(rule):
    path = NOTEBOOKS[-1]
    assert rule(nbformat.read(path, 4), path)
    assert not rule(broken(nbformat.read(path, 4), rule.__name__), path)
