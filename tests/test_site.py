"""The website: no dead link, nothing from another host, and what each page must have. `make site` brings Sphinx."""

import os
import re
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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
pytestmark = pytest.mark.site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site: the one in COURSE_SITE, or a new one, built without a warning."""
    if built := os.environ.get("COURSE_SITE"):
        return ROOT / built
    if not find_spec("myst_nb"):
        pytest.skip("Sphinx is not here: make site installs it")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    command += ["-d", folder / "doctrees", ROOT / "site", folder / "site"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site):
    """Every page of the site: address below the site's folder -> parsed HTML."""
    found = [path for path in sorted(site.rglob("*.html")) if site / "_static" not in path.parents]
    return {path.relative_to(site).as_posix(): parsed(path.read_text("utf-8")) for path in found}


def parsed(html):
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html.parser")


def address(tag):
    return tag.get("href") or tag.get("src") or ""


def dead_links(pages, files):
    """Yield (page, link) for each link within the site that no page, anchor or file answers."""
    anchors = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        for link in map(address, page.find_all(["a", "img", "link", "script"])):
            if urlsplit(link).scheme or urlsplit(link).netloc:
                continue
            target = urlsplit(urljoin(f"/{name}", link))
            file, anchor = unquote(target.path).lstrip("/"), unquote(target.fragment)
            known = file in pages or file in files
            if not known or (anchor and anchor not in anchors.get(file, [])):
                yield name, link


def foreign(page):
    """What a browser would fetch from another host in order to show the page."""
    tags = page.find_all(["script", "img", "iframe", "link", "source"])
    tags = [tag for tag in tags if tag.get("rel") != ["canonical"]]
    return [address(tag) for tag in tags if urlsplit(address(tag)).netloc]


def test_no_link_within_the_site_is_dead(site, pages):
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert list(dead_links(pages, files)) == []
    for page in pages.values():
        for link in page.find_all("a", string="Edit this page"):
            assert (ROOT / link["href"].split("/edit/main/")[1]).is_file()


def test_nothing_is_fetched_from_another_host(site, pages):
    assert {name: foreign(page) for name, page in pages.items() if foreign(page)} == {}
    styles = "\n".join(path.read_text("utf-8") for path in site.rglob("_static/**/*.css"))
    assert not re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)]*", styles)


@each_lesson
def test_a_lesson_page_has_its_links_and_no_first_cell(pages, path):
    page = pages[f"notebooks/{path.stem}.html"]
    links = {tag.text: tag["href"] for tag in page.find_all("a", href=True)}
    name = REPOSITORY.removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{name}/blob/colab/notebooks/{path.name}"
    assert links["Open in Colab"] == colab
    assert links["Edit this page"] == f"{REPOSITORY}/edit/main/notebooks/{path.name}"
    assert links["Report a mistake"].startswith(f"{REPOSITORY}/issues/new?template=problem.yml&")
    assert "this cell installs the course" not in page.text


@each_lesson
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


def test_every_data_set_has_a_page_with_its_licence(pages):
    sections = re.findall(r"(?m)^## (.*)", (ROOT / "data" / "README.md").read_text("utf-8"))
    assert len([name for name in pages if re.match("data/(?!index)", name)]) == len(sections)
    assert "CC BY-NC-SA 4.0" in pages["data/solar.html"].text
    assert "CC0" in pages["data/clothing.html"].text


@pytest.fixture
def phone(site, chromium):
    """A page 360 pixels wide, with the site behind it."""
    size = {"width": 360, "height": 740}
    page = chromium.new_page(viewport=size, base_url=site.resolve().as_uri() + "/")
    page.set_default_timeout(60_000)
    yield page
    page.close()


def test_on_a_phone_no_page_is_wider_than_the_screen(phone, pages):
    for name in pages:
        phone.goto(name)
        phone.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360, name


def test_on_a_phone_the_one_button_opens_the_lessons(phone):
    """The theme's script takes the first of several, and the others do nothing."""
    phone.goto("notebooks/01_filters.html")
    assert phone.locator(".primary-toggle").count() == 1
    phone.get_by_role("button", name="Lessons").click()
    phone.get_by_role("link", name="02 Feature maps").first.click()
    phone.wait_for_url("**/02_feature_maps.html")
