"""The first code cell of every lesson, run as on Colab: an empty folder, no course, a clone as the address."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ADDRESS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
CELL = next(cell.source for cell in nbformat.read(NOTEBOOKS[0], 4).cells if cell.id == "bootstrap")
# as if the course had not been installed, and where are the helpers afterwards?
BEFORE = "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]\n"
AFTER = "\nimport helpers; print('from', helpers.__file__)"


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """An empty folder, and git told to take a bare clone of this repository for the address."""
    bare = tmp_path / "bare.git"
    git = ["git", "-c", "safe.directory=*"]
    subprocess.run([*git, "clone", "--quiet", "--bare", ROOT, bare], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    subprocess.run([*git, "branch", "--force", "main", head.strip()], cwd=bare, capture_output=True)
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "file://{bare}"]\n\tinsteadOf = {ADDRESS}\n[safe]\n\tdirectory = *\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    folder = tmp_path / "content"
    folder.mkdir()
    return folder


def run(folder, cell=CELL, **env):
    return subprocess.run(
        [sys.executable, "-c", BEFORE + cell + AFTER],
        cwd=folder, env=os.environ | env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_course_is_fetched_into_an_empty_folder_and_only_once(colab):
    first = run(colab)
    assert first.returncode == 0, first.stderr
    course = colab / "deep-learning-for-images"
    assert f"from {course}" in first.stdout and len(first.stdout.splitlines()) == 3
    assert [path.name for path in colab.iterdir()] == [course.name]
    stamp = (course / "helpers" / "data.py").stat().st_mtime_ns
    assert run(colab).stdout == first.stdout
    assert (course / "helpers" / "data.py").stat().st_mtime_ns == stamp


def test_in_the_courses_own_folder_nothing_is_fetched(tmp_path):
    done = run(ROOT / "notebooks", PATH=str(tmp_path))
    assert done.returncode == 0 and f"from {ROOT / 'helpers'}" in done.stdout


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("no git", "git"),
        ("no network", "does not appear to be a git repository|unable to access|does not exist"),
        ("another branch", "Remote branch"),
    ],
)
def test_where_it_cannot_be_fetched_one_line_says_why(fault, message, colab, tmp_path):
    if fault == "no network":
        (tmp_path / "gitconfig").write_text(f'[url "file://{tmp_path}/nothing"]\n\tinsteadOf = {ADDRESS}\n')
    env = {"PATH": str(tmp_path)} if fault == "no git" else {}
    done = run(colab, CELL.replace('"main"', '"gone"') if fault == "another branch" else CELL, **env)
    assert done.returncode == 1
    assert re.search(message, done.stderr) and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(colab.iterdir()), "something half-made stays"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(colab):
    colab.chmod(0o500)
    done = run(colab)
    assert done.returncode == 1 and str(colab) in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_badge_and_bootstrap_name_the_repository_of_pyproject(path):
    nb = nbformat.read(path, 4)
    owner = ADDRESS.removeprefix("https://github.com/")
    assert f"https://colab.research.google.com/github/{owner}/blob/main/notebooks/{path.name}" in nb.cells[0].source
    assert f'ADDRESS, BRANCH = "{ADDRESS}", "main"' in nb.cells[1].source


@pytest.mark.skipif(not shutil.which("make"), reason="make is not here")
def test_make_links_names_another_repository_everywhere(tmp_path):
    course = tmp_path / "course"
    subprocess.run(["git", "-c", "safe.directory=*", "clone", "--quiet", ROOT, course], check=True)
    done = subprocess.run(["make", "links", "REPO=a-teacher/my.course"], cwd=course, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    old = ADDRESS.removeprefix("https://github.com/")
    named = {path.relative_to(ROOT) for path in ROOT.glob("notebooks/*.ipynb")}
    named |= {Path(name) for name in ("README.md", "pyproject.toml", "CITATION.cff")}
    for path in named:
        before, after = (ROOT / path).read_text("utf-8"), (course / path).read_text("utf-8")
        assert old in before and after == before.replace(old, "a-teacher/my.course"), path
    assert subprocess.run(["git", "grep", "-lF", old], cwd=course, capture_output=True).stdout == b""
    wrong = subprocess.run(["make", "links", "REPO=https://example.org"], cwd=course, capture_output=True, text=True)
    assert wrong.returncode and "make links REPO=owner/name" in wrong.stdout
