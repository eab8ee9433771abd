"""The website: no dead link, nothing from another host, and what each page must have. `make site` brings Sphinx."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"][
    "Repository"
]
NEEDS_SPHINX = pytest.mark.skipif(
    not os.environ.get("COURSE_SITE") and not find_spec("myst_nb"),
    reason="Sphinx is not here: make site installs it",
)
pytestmark = pytest.mark.site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site: the one in COURSE_SITE, or a new one, built without a warning."""
    if built := os.environ.get("COURSE_SITE"):
        return ROOT / built
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    command += ["-d", folder / "doctrees", ROOT / "site", folder / "site"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the site: address below the site's folder -> parsed HTML."""
    return {
        path.relative_to(site).as_posix(): parsed(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if not path.is_relative_to(site / "_static")
    }


def parsed(html):
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html.parser")


def dead_links(pages, files):
    """Yield (page, link) for each link within the site that no page, anchor or file answers."""
    anchors = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        for tag in page.find_all(["a", "img", "link", "script"]):
            link = tag.get("href") or tag.get("src") or ""
            if urlsplit(link).scheme or urlsplit(link).netloc:
                continue
            target = urlsplit(urljoin(f"/{name}", link))
            file, anchor = unquote(target.path).lstrip("/"), unquote(target.fragment)
            known = file in pages or file in files
            if not known or (anchor and anchor not in anchors.get(file, [])):
                yield name, link


def files_of(site):
    return {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}


def foreign(page):
    """What a browser would fetch from another host in order to show the page."""
    for tag in page.find_all(["script", "img", "iframe", "link", "source"]):
        link = tag.get("src") or tag.get("href") or ""
        if urlsplit(link).netloc and tag.get("rel") != ["canonical"]:
            yield link


@NEEDS_SPHINX
def test_no_link_within_the_site_is_dead(site, pages):
    assert list(dead_links(pages, files_of(site))) == []


@NEEDS_SPHINX
def test_nothing_is_fetched_from_another_host(site, pages):
    assert {name: list(foreign(page)) for name, page in pages.items() if any(foreign(page))} == {}
    styles = "\n".join(path.read_text("utf-8") for path in site.rglob("_static/**/*.css"))
    assert not re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)]*", styles)


@NEEDS_SPHINX
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_page_has_its_links_and_no_first_cell(pages, path):
    page = pages[f"notebooks/{path.stem}.html"]
    links = {tag.text: tag["href"] for tag in page.find_all("a", href=True)}
    name = REPOSITORY.removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{name}/blob/colab/notebooks/{path.name}"
    assert links["Open in Colab"] == colab
    assert links["Edit this page"] == f"{REPOSITORY}/edit/main/notebooks/{path.name}"
    assert links["Report a mistake"].startswith(f"{REPOSITORY}/issues/new?template=problem.yml&")
    assert "this cell installs the course" not in page.text


@NEEDS_SPHINX
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_page_shows_all_figures_folds_and_formulas(pages, path):
    article = pages[f"notebooks/{path.stem}.html"].find("article")
    cells = nbformat.read(path, 4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    figures = sum("image/png" in data or "image/jpeg" in data for data in outputs)
    assert len(article("img")) == figures + len(re.findall(r"(?<!\[)!\[", prose))
    assert all(len(image["alt"]) > 10 and "_images" not in image["alt"] for image in article("img"))
    folds = [fold for fold in article("details") if "hide" not in fold.get("class", [])]
    assert len(folds) == prose.count("<details>")
    for code in article(["pre", "code"]):
        code.extract()
    assert not re.search(r"\$\$|\\(frac|text|log|sum|sqrt)\b", article.text)


@NEEDS_SPHINX
def test_the_button_for_the_lessons_is_there_once(pages):
    """The theme's script takes the first; a second one, on a phone, would do nothing."""
    assert {
        name: len(page.select(".primary-toggle")) for name, page in pages.items()
    } == dict.fromkeys(pages, 1)


@NEEDS_SPHINX
def test_edit_links_lead_to_files_of_the_repository(pages):
    for name, page in pages.items():
        for link in page.find_all("a", string="Edit this page"):
            assert (ROOT / link["href"].split("/edit/main/")[1]).is_file(), name


@NEEDS_SPHINX
def test_every_data_set_has_a_page_with_its_licence(pages):
    sections = re.findall(r"(?m)^## (.*)", (ROOT / "data" / "README.md").read_text("utf-8"))
    assert len([name for name in pages if re.match("data/(?!index)", name)]) == len(sections)
    assert "CC BY-NC-SA 4.0" in pages["data/solar.html"].text
    assert "CC0" in pages["data/clothing.html"].text


@pytest.mark.skipif(not find_spec("bs4"), reason="BeautifulSoup is not here")
def test_a_dead_link_is_found():
    html = '<h1 id="here">x</h1><a href="#here"><a href="b.html#there"><a href="b.html"><a href="c.html">'
    pages = {
        "a.html": parsed(html),
        "d/b.html": parsed("<a href='../a.html#here'>"),
        "b.html": parsed(""),
    }
    assert list(dead_links(pages, set())) == [("a.html", "b.html#there"), ("a.html", "c.html")]
    assert list(foreign(parsed("<img src='x.png'><script src='https://example.org/x.js'>")))


@pytest.fixture
def phone(site):
    """A page in Chromium, 360 pixels wide, with the site behind it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here: apt-get install chromium, or name one in CHROMIUM")
    with playwright.sync_playwright() as driver:
        window = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        size = {"width": 360, "height": 740}
        page = window.new_page(viewport=size, base_url=site.resolve().as_uri() + "/")
        page.set_default_timeout(60_000)
        yield page
        window.close()


@NEEDS_SPHINX
def test_on_a_phone_no_page_is_wider_than_the_screen(phone, pages):
    for name in pages:
        phone.goto(name)
        phone.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360, name


@NEEDS_SPHINX
def test_on_a_phone_the_button_opens_the_lessons(phone):
    phone.goto("notebooks/01_filters.html")
    phone.get_by_role("button", name="Lessons").click()
    phone.get_by_role("link", name="02 Feature maps").first.click()
    phone.wait_for_url("**/02_feature_maps.html")


# --- what the pages take from elsewhere; no Sphinx is needed ---


def test_readme_names_every_lesson_with_the_minutes_that_it_states():
    rows = re.findall(r"\| \[(.*?)\]\(notebooks/(.*?)\) \| .* \| (\d+) \|", readme())
    stated = []
    for path in LESSONS:
        text = nbformat.read(path, 4).cells[0].source
        title = re.search(r"^# (.*)", text)[1]
        stated.append((title, path.name, re.search(r"(?m)^(?:Reading t|T)ime: (\d+)", text)[1]))
    assert [row[1:] for row in rows] == [each[1:] for each in stated]
    assert all(title[:2] == row[0][:2] for row, (title, *_) in zip(rows, stated, strict=True))
    assert len(readme().splitlines()) <= 70


def readme():
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_lesson_that_the_glossary_names_explains_the_term():
    """Of the second edition; each word of the term must occur, in one form or another."""
    entries = re.findall(
        r"(?m)^(\S.*)\n  .*\(notebooks/(.*)\)$", (ROOT / "site" / "glossary.md").read_text("utf-8")
    )
    assert len(entries) > 60
    assert [term for term, _ in entries] == sorted((term for term, _ in entries), key=str.lower)
    missing = []
    for term, file in entries:
        nb = nbformat.read(ROOT / "notebooks" / file, 4)
        prose = " ".join(cell.source for cell in nb.cells if cell.cell_type == "markdown").lower()
        words = [word.removesuffix("ing")[:6] for word in re.findall(r"[^\W-]+", term.lower())]
        if nb.metadata.get("edition") == 2 and not all(word in prose for word in words):
            missing.append((term, file))
    assert missing == []
