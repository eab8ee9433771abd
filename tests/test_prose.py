"""What the prose of a lesson says in numbers stands in its outputs; what README and glossary say of lessons is so.

Only lessons of the second edition are held to it.
"""

import re
from pathlib import Path

import nbformat
import pytest

from tools import lessons

ROOT = Path(__file__).resolve().parent.parent
LESSONS = {path: nbformat.read(path, 4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
SECOND = [path for path, nb in LESSONS.items() if nb.metadata.get("edition") == 2]
each_lesson = pytest.mark.parametrize("path", SECOND, ids=lambda path: path.stem)
EXCEPTIONS = 5
FREE = 10  # whole numbers up to this one are counted by the reader's eye: 3 x 3, four panels
# A number that is not part of a name (ResNet50, 2.1.3): digits with thousands commas, or decimals.
NUMBER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)?(\.\d+)?(?![\w]|[.,]\d)(\s?%)?")


def said(markdown):
    """The numbers of a Markdown cell, as they are written; not those of code, formulas, addresses, names."""
    unsaid = r"```.*?```|`[^`]*`|\$[^$]*\$|^#.*?$|^\s*\|?[-:| ]+\|\s*$"
    text = re.sub(unsaid, " ", markdown, flags=re.S | re.M)
    text = re.sub(r"\]\([^)]*\)|https?://\S+|<[^>]+>", " ", text)
    text = re.sub(r"\b(?:lessons?|exercises?|Python|Keras) \d[\d., and to]*", " ", text, flags=re.I)
    text = re.sub(r"(?m)^Time: .*$|^\s*\d+\. ", " ", text)
    for found in NUMBER.finditer(text):
        if found[0].strip(" %"):
            yield found[0].strip()


def value(written):
    number = float(written.replace(",", "").rstrip(" %"))
    return number / 100 if written.endswith("%") else number


def unit(written):
    """What the last digit is worth: .81 -> 0.01, 12 % -> 0.01, 1,500 -> 1."""
    digits = written.rstrip(" %").partition(".")[2]
    return 10.0 ** -len(digits) / (100 if written.endswith("%") else 1)


def shown(nb):
    """Every number that the lesson prints, and every whole number in its code."""
    printed, code = [], []
    for cell in nb.cells:
        if cell.cell_type == "code":
            code += re.findall(r"(?<![\w.])\d[\d_]*(?![\w.]*\.\d)", cell.source)
            for output in cell.outputs:
                text = output.get("text") or output.get("data", {}).get("text/plain", "")
                printed += re.findall(r"(?:\d[\d,]*)?\.?\d+(?:e[-+]?\d+)?%?", text)
    found = {value(number.strip(",")) for number in printed}
    return found | {float(number.replace("_", "")) for number in code}


def unsupported(nb):
    """The numbers of the prose that no output bears out, with their cell."""
    known = shown(nb)
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        for written in said(cell.source):
            number, half = value(written), unit(written) / 2 * (1 + 1e-9)
            free = unit(written) == 1 and number <= FREE
            excepted = written in cell.metadata.get("numbers", {})
            if not free and not excepted and not any(abs(k - number) <= half for k in known):
                yield cell.id, written


@each_lesson
def test_every_number_of_the_prose_stands_in_an_output(path):
    assert list(unsupported(LESSONS[path])) == []


@each_lesson
def test_exceptions_are_few_and_have_a_reason(path):
    excepted = [cell.metadata.get("numbers", {}) for cell in LESSONS[path].cells]
    reasons = [reason for numbers in excepted for reason in numbers.values()]
    assert len(reasons) <= EXCEPTIONS and all(len(reason) > 10 for reason in reasons)


@each_lesson
def test_every_figure_has_an_alternative_text(path):
    figures = [cell for cell in LESSONS[path].cells if lessons.has_figure(cell)]
    texts = {cell.id: cell.metadata.get("mystnb", {}).get("image", {}) for cell in figures}
    assert [name for name, image in texts.items() if len(image.get("alt", "")) < 20] == []


@pytest.mark.parametrize(
    ("prose", "printed", "wrong"),
    [
        ("The accuracy is .82.", "accuracy 0.8123", ".82"),
        ("It is 75% sure.", "0.74", "75%"),
        ("It has 1,123,852,801 weights.", "1123852800", "1,123,852,801"),
        ("It finds 88 of 165.", "87 of 165 cells", "88"),
        ("about 12 points", "12.4%", "12"),
    ],
)
def test_a_number_is_caught_that_is_not_what_was_printed_rounded(prose, printed, wrong):
    code = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("stream", text=printed)])
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(prose), code])
    assert [written for _, written in unsupported(nb)] == [wrong]


# --- README and glossary ---


def test_readme_names_every_lesson_with_the_minutes_that_it_states():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| \[(..).*?\]\(notebooks/(.*?)\) \| .* \| (\d+) \|", readme)
    headers = [(path, nb.cells[0].source) for path, nb in LESSONS.items()]
    minutes = re.compile(r"(?m)^(?:Reading t|T)ime: (\d+)")
    stated = [(text[2:4], path.name, minutes.search(text)[1]) for path, text in headers]
    assert rows == stated
    assert len(readme.splitlines()) <= 70


def test_the_lesson_that_the_glossary_names_explains_the_term():
    """Each word of the term must occur in the lesson, in one form or another."""
    glossary = (ROOT / "site" / "glossary.md").read_text("utf-8")
    entries = re.findall(r"(?m)^(\S.*)\n  .*\(notebooks/(.*)\)$", glossary)
    assert len(entries) > 60
    assert entries == sorted(entries, key=lambda entry: entry[0].lower())
    missing = []
    for term, file in entries:
        nb = LESSONS[ROOT / "notebooks" / file]
        prose = " ".join(cell.source for cell in nb.cells if cell.cell_type == "markdown").lower()
        words = [word.removesuffix("ing")[:6] for word in re.findall(r"[^\W-]+", term.lower())]
        if nb.metadata.get("edition") == 2 and not all(word in prose for word in words):
            missing.append((term, file))
    assert missing == []
