"""The website, as Sphinx wants it described; `make site` builds it into build/site.

The lessons are the stored notebooks: nothing is run here. The pages of data sets are the sections
of data/README.md.
"""

import json
import re
import shutil
import tomllib
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from latex2mathml.converter import convert

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
NAME = REPOSITORY.removeprefix("https://github.com/")
COLAB = (
    f"https://colab.research.google.com/github/{NAME}/blob/colab/"  # see .github/workflows/site.yml
)

# Sphinx reads below this folder only.
shutil.rmtree(HERE / "notebooks", ignore_errors=True)
(HERE / "notebooks").mkdir()
for path in (ROOT / "notebooks").glob("*.ipynb"):
    shutil.copy(path, HERE / "notebooks")

project = "Deep learning for images"
author = "the authors of the course"
copyright = "the authors. Lesson texts CC BY 4.0, code MIT, images of solar cells CC BY-NC-SA 4.0"
release = PROJECT["version"]
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"
myst_enable_extensions = ["attrs_block", "attrs_inline", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = ["search.js", "figures.js"]
html_theme = "sphinx_book_theme"
html_title = project
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_theme_options = {
    "article_footer_items": ["page-links"],
    "navbar_persistent": [],  # else the button that opens the lessons on a phone does nothing
    "footer_content_items": ["copyright"],
    "icon_links": [
        {"name": "The course on GitHub", "url": REPOSITORY, "icon": "fa-brands fa-github"}
    ],
    "search_bar_text": "Search the course",
    "toc_title": "On this page",
    "use_download_button": False,
    "use_fullscreen_button": False,
}


def prepare(app, docname, source):
    """Adapt a notebook to the site before Sphinx reads it."""
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    notebook["cells"] = [cell for cell in notebook["cells"] if cell["id"] != "bootstrap"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = linked("".join(cell["source"]), docname)
            continue
        tags = cell["metadata"].setdefault("tags", [])
        if cell["metadata"].get("jupyter", {}).get("source_hidden"):
            tags.append("hide-input")
        if "exercise" in tags:
            cell["outputs"] = []  # "Not answered" says nothing to a reader
    source[0] = json.dumps(notebook)


def linked(markdown, docname):
    """Markdown whose badge and links to files of the repository lead somewhere from the site."""
    button = f"[Open in Colab]({COLAB}{docname}.ipynb){{.open-in-colab}}"
    markdown = re.sub(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)", button, markdown)
    markdown = markdown.replace("](../data/README.md", "](../data/index.md")
    return re.sub(r"\]\(\.\./(?!data/index\.md)", f"]({REPOSITORY}/blob/main/", markdown)


def describe_figures(app, doctree):
    """Give a figure without alternative text the heading that it stands under."""
    for image in doctree.findall(nodes.image):
        if "alt" not in image:
            section = image
            while not isinstance(section, nodes.section):
                section = section.parent
            image["alt"] = f"Figure in the section “{section[0].astext()}”"


def add_page_links(app, pagename, templatename, context, doctree):
    """Where a reader changes the page, or says what is wrong with it."""
    if doctree is None:
        return
    if pagename.startswith("notebooks/"):
        file = f"{pagename}.ipynb"
    else:
        file = "data/README.md" if pagename.startswith("data/") else f"site/{pagename}.md"
    context["edit_url"] = f"{REPOSITORY}/edit/main/{file}"
    page = quote(app.env.titles[pagename].astext())
    context["report_url"] = f"{REPOSITORY}/issues/new?template=problem.yml&lesson={page}"


def visit_math(translator, node):
    """Write a formula as MathML, which browsers draw and screen readers read without a script."""
    inline = isinstance(node, nodes.math)
    mathml = convert(node.astext(), display="inline" if inline else "block")
    mathml = mathml if inline else f'<div class="formula" tabindex="0">{mathml}</div>'
    # TeX leaves a thin space between log or exp and its argument; MathML wants it said.
    function = re.compile(r"(<mi>[a-z]{2,}</mi>)(?!<mo)")
    translator.body.append(function.sub(r'\1<mspace width="0.17em"/>', mathml))
    raise nodes.SkipNode


def drop_icon_script(app, exception):
    """Empty the theme's script of 1.5 MB that draws the icons: its fonts draw them already."""
    if exception is None:
        (Path(app.outdir) / "_static" / "scripts" / "fontawesome.js").write_text("")


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("source-read", prepare)
    app.connect("doctree-read", describe_figures)
    app.connect("html-page-context", add_page_links)
    app.connect("build-finished", drop_icon_script, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
