"""A learner's way through a lesson: the JupyterLab that `make lab` starts, driven in Chromium. Marker `browser`.

    pytest -m browser                      all lessons
    pytest -m browser -k "01 or 03"        two of them

Wants make, Debian's chromium (or CHROMIUM=path) and the package playwright. Screenshots: build/browser/.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import nbformat
import pytest

from tools import lessons

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHOTS = ROOT / "build" / "browser"
MINUTES = 60_000  # Playwright counts milliseconds


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`make lab` in a copy of the course: the browser saves notebooks. Yields the folder and the address."""
    course = tmp_path_factory.mktemp("browser") / "course"
    left_out = shutil.ignore_patterns(".git", ".venv", "data", "build", ".*_cache")
    shutil.copytree(ROOT, course, ignore=left_out)
    for folder in (".venv", "data"):
        (course / folder).symlink_to(ROOT / folder)
    settings, log = course.parent / "settings", course.parent / "log.txt"
    settings.mkdir()
    closed = {"ServerApp": {"open_browser": False, "port": 8951}, "LabApp": {"open_browser": False}}
    (settings / "jupyter_server_config.json").write_text(json.dumps(closed))
    own = {"JUPYTER_CONFIG_DIR": str(settings), "JUPYTERLAB_WORKSPACES_DIR": str(settings)}
    command = ["make", "-o", ".venv/installed", "lab"]
    with open(log, "w") as out:
        options = {"cwd": course, "env": os.environ | own, "stdout": out, "stderr": out}
        server = subprocess.Popen(command, start_new_session=True, **options)
    try:
        for _ in range(240):
            found = re.search(r"http://(localhost|127\.0\.0\.1)\S+token=\w+", log.read_text())
            if found or server.poll() is not None:
                break
            time.sleep(0.5)
        assert found, f"JupyterLab did not start:\n{log.read_text()}"
        yield course, found[0]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_learner_follows_the_lesson(path, lab, chromium):
    course, address = lab
    page = chromium.new_page(viewport={"width": 1400, "height": 950})
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    opened = re.sub(r"/lab/tree/[^?]*", f"/lab/tree/notebooks/{path.name}", address)
    page.goto(f"{opened}&reset")
    panel = page.locator(".jp-NotebookPanel:visible")
    panel.locator("h1", has_text=path.stem[:2]).wait_for(timeout=2 * MINUTES)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=2 * MINUTES)
    assert not page.locator(".jp-Dialog").count(), "something asks before the lesson starts"
    assert not page.get_by_text("news", exact=False).count()
    shoot(page, path, "1-top")

    run_all(page)
    executed = saved(page, course / "notebooks" / path.name)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o.evalue for cell in code for o in cell.outputs if o.output_type == "error"]
    page.keyboard.press("Control+Shift+k")  # the table of contents, to go to places
    page.locator(".jp-tocItem-content:visible").first.wait_for(timeout=MINUTES)
    if any("playgrounds." in cell.source for cell in code):
        move_a_control(page, path)
    answer_the_first_exercise(page, path, executed)
    assert not problems, problems
    page.close()


def run_all(page):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    busy = page.locator(".jp-Notebook-ExecutionIndicator:not([data-status=idle])")
    busy.first.wait_for(timeout=MINUTES)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=10 * MINUTES)


def saved(page, file):
    before = file.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    wait(lambda: file.stat().st_mtime_ns != before)
    time.sleep(0.5)
    return nbformat.read(file, 4)


def wait(done):
    """Until something has happened that no event of the page tells of; 20 seconds at most."""
    for _ in range(100):
        if done():
            return
        time.sleep(0.2)
    raise TimeoutError


def cell_with(page, text):
    """Cells far away are not drawn: scroll down until it is there."""
    found = page.locator(".jp-NotebookPanel:visible .jp-CodeCell", has_text=text)
    for _ in range(80):
        if found.count():
            break
        page.mouse.wheel(0, 700)
        page.wait_for_timeout(150)
    found.first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    return found.first


def move_a_control(page, path):
    page.locator(".jp-tocItem-content:visible").first.click()
    page.locator(".jp-NotebookPanel:visible .jp-WindowedPanel-outer").hover()
    cell = cell_with(page, "playgrounds.")
    image = cell.locator(".jp-OutputArea img").first
    image.wait_for(timeout=MINUTES)
    before = image.get_attribute("src")
    shoot(cell, path, "2-playground")
    handle, choice = cell.locator(".noUi-handle"), cell.locator("select")
    if handle.count():
        handle.first.focus()
        page.keyboard.press("ArrowRight")
    else:
        choice.last.select_option(index=2)
    wait(lambda: image.get_attribute("src") != before)  # the figure follows the control
    shoot(cell, path, "3-playground-moved")


def answer_the_first_exercise(page, path, notebook):
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    place = next(number for number, given in enumerate(tags) if "exercise" in given)
    source, solution = notebook.cells[place].source, lessons.solution(notebook, place)
    check = source.splitlines()[-1]
    name = re.search(r", (\w+)\)$", check)[1]
    imports = [line for line in source.splitlines() if line.startswith(("from ", "import "))]
    title = f"Exercise {path.stem[:2]}.1"
    page.locator(".jp-tocItem-content:visible", has_text=title).first.click()
    page.wait_for_timeout(800)
    cell = cell_with(page, check)
    for answer, message in ((f"{name} = -1", "Not yet"), (solution, "Right.")):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text("\n".join([*imports, answer, check]))
        page.keyboard.press("Control+Enter")
        cell.locator(".jp-OutputArea", has_text=message).wait_for(timeout=MINUTES)
        shoot(page, path, f"4-exercise-{message[:3]}")


def shoot(what, path, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    what.screenshot(path=SHOTS / f"{path.stem[:2]}-{name}.png")
