"""For those who write lessons.

    python tools/lessons.py count              a row for each lesson: cells, words, lines, figures
    python tools/lessons.py store 01 04        run lessons and store them with what they show
    python tools/lessons.py page 01 FOLDER     what a reader sees, as page.md and images

tests/test_prose.py holds what the prose says against the outputs.
"""

import argparse
import base64
import io
import re
import sys
from pathlib import Path

import nbformat
import pandas as pd
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
FIGURES = {"image/png": "png", "image/jpeg": "jpg"}
COLOUR = re.compile(r"\x1b\[[\d;]*m")  # what a terminal would show in colour
PHOTOGRAPHS = 200_000  # letters of a figure stored as PNG: drawings stay far below


def lesson(number):
    """The path of lesson "01"."""
    found = sorted(NOTEBOOKS.glob(f"{number}_*.ipynb"))
    if len(found) != 1:
        sys.exit(
            f"There is no lesson {number}: {', '.join(p.name for p in NOTEBOOKS.glob('*.ipynb'))}"
        )
    return found[0]


# --- count ---


def unfolded(markdown):
    """Markdown without folded parts (hints, solutions, boxes) and without code."""
    return re.sub(r"<details>.*?</details>|```.*?```", "", markdown, flags=re.S)


def words(markdown):
    """Words that a reader reads: no folded parts, no code, no addresses."""
    text = re.sub(r"\]\([^)]*\)|<[^>]+>|\$[^$]*\$", " ", unfolded(markdown))
    return len(re.findall(r"[^\W_]+(?:['.,-][^\W_]+)*", text))


def teaching_cells(nb):
    """The cells between the bootstrap cell and the exercises."""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and re.search(r"^## Exercises", cell.source, re.M):
            return
        if cell.id != "bootstrap":
            yield cell


def open_lines(cell):
    """The lines of code that a learner sees: no blank ones, none of a folded cell."""
    if cell.cell_type != "code" or cell.metadata.get("jupyter", {}).get("source_hidden"):
        return 0
    return len([line for line in cell.source.splitlines() if line.strip()])


def demonstrations(cells):
    """How many runs of code cells, with prose before and after, show a result."""
    found, shows = 0, False
    for cell in cells:
        if cell.cell_type == "code":
            shows = shows or bool(cell.outputs)
        else:
            found, shows = found + shows, False
    return found + shows


def has_figure(cell):
    kinds = [kind for output in cell.get("outputs", []) for kind in output.get("data", {})]
    return any(kind.startswith("image/") for kind in kinds)


def count(path):
    """What LESSONS.md sets budgets for, of one notebook."""
    nb = nbformat.read(path, 4)
    lines = [open_lines(cell) for cell in teaching_cells(nb)]
    lines = [number for number in lines if number]
    return {
        "lesson": path.stem,
        "cells": len(nb.cells),
        "demonstrations": demonstrations(teaching_cells(nb)),
        "words": sum(words(cell.source) for cell in nb.cells if cell.cell_type == "markdown"),
        "code lines": sum(lines),
        "longest cell": max(lines),
        "mean cell": round(sum(lines) / len(lines), 1),
        "figures": sum(has_figure(cell) for cell in nb.cells),
        "MB": round(path.stat().st_size / 1e6, 2),
    }


# --- exercises ---


def solution(nb, place):
    """The code of the folded solution to the exercise whose answer cell is number `place`."""
    texts = [nb.cells[place - 1], *nb.cells[place + 1 :]]
    folded = next(cell.source for cell in texts if "<summary>Solution" in cell.source)
    return re.search(r"<summary>Solution</summary>.*?```python\n(.*?)```", folded, re.S)[1]


# --- store ---


def store(path):
    """Run a lesson in a new kernel and store what it shows; no warnings, no widgets, no times."""
    nb = nbformat.read(path, 4)
    client = NotebookClient(
        nb, timeout=1800, record_timing=False, resources={"metadata": {"path": NOTEBOOKS}}
    )
    client.execute()
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = joined([lighter(output) for output in cell.outputs if is_kept(output)])
    nbformat.write(nb, path)


def is_kept(output):
    return output.get("name") != "stderr" and WIDGET not in output.get("data", {})


def lighter(output):
    """A figure of photographs becomes a JPEG, a fifth of the size; text loses its colours."""
    data = output.get("data", {})
    if "text/plain" in data:
        data["text/plain"] = COLOUR.sub("", data["text/plain"])
    if len(data.get("image/png", "")) > PHOTOGRAPHS:
        image = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGB")
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=85, optimize=True)
        data["image/jpeg"] = base64.b64encode(jpeg.getvalue()).decode()
    return output


def joined(outputs):
    """Pieces of printed text that followed one another, in one."""
    kept = []
    for output in outputs:
        if kept and output.output_type == kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


# --- page ---


def page(path, folder):
    """Write page.md and its images: the lesson without title, goals, recap, and solutions."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.id not in ("title", "bootstrap")]
    parts = []
    for cell in cells:
        if cell.source.startswith("## Recap"):
            break
        is_code = cell.cell_type == "code"
        parts.append(code(cell, folder) if is_code else without_solutions(cell.source))
    (folder / "page.md").write_text("\n\n".join(parts), encoding="utf-8")


def without_solutions(markdown):
    return re.sub(r"<details>\s*<summary>Solution</summary>.*?</details>", "", markdown, flags=re.S)


def code(cell, folder):
    """A code cell with its outputs as Markdown; figures become files beside the page."""
    parts = [f"```python\n{cell.source}\n```"]
    for output in cell.outputs:
        data = output.get("data", {})
        kind = next((kind for kind in FIGURES if kind in data), None)
        if kind:
            name = f"{len(list(folder.glob('*_*.*'))) + 1:02}_{cell.id}.{FIGURES[kind]}"
            (folder / name).write_bytes(base64.b64decode(data[kind]))
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            parts.append(f"![{alt}]({name})")
        else:
            parts.append(f"```text\n{output.get('text') or data.get('text/plain', '')}\n```")
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("count")
    commands.add_parser("store").add_argument("numbers", nargs="+", type=lesson)
    pages = commands.add_parser("page")
    pages.add_argument("number", type=lesson)
    pages.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    if chosen.command == "count":
        table = pd.DataFrame([count(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))])
        print(table.to_string(index=False))
    elif chosen.command == "store":
        for path in chosen.numbers:
            store(path)
            print(f"stored {path.name}")
    else:
        page(chosen.number, chosen.folder)


if __name__ == "__main__":
    main()
