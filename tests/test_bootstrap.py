"""The first code cell of every lesson, run as on Colab: an empty folder, no course, a clone as the address."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ADDRESS = PROJECT["urls"]["Repository"]
CELL = next(cell.source for cell in nbformat.read(NOTEBOOKS[0], 4).cells if cell.id == "bootstrap")
AFTER = "\nimport helpers.data; print('from', helpers.__file__)"


def clone(folder, *options):
    command = ["git", "-c", "safe.directory=*", "clone", "--quiet", *options, ROOT, folder]
    subprocess.run(command, check=True)
    return folder


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def colab(tmp_path):
    """Run a cell in an empty folder, in a Python that has all packages but not the course.

    git is told to take a bare clone of this repository for the address.
    """
    config = tmp_path / "gitconfig"
    bare = clone(tmp_path / "bare.git", "--bare")
    config.write_text(f'[url "file://{bare}"]\n\tinsteadOf = {ADDRESS}\n[safe]\n\tdirectory = *\n')
    python = make_python(tmp_path / "python")
    folder = tmp_path / "content"
    folder.mkdir()

    settings = {"GIT_CONFIG_GLOBAL": str(config), "IPYTHONDIR": str(tmp_path), "PYTHONPATH": ""}

    def run_cell(code):
        script = tmp_path / "cell.ipy"
        script.write_text(code)
        return run([python, "-m", "IPython", script], cwd=folder, env=os.environ | settings)

    run_cell.folder, run_cell.python = folder, python
    return run_cell


def make_python(folder):
    """A virtual environment that sees this one's packages, but not the course installed in it."""
    venv.create(folder, with_pip=False)
    packages = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
    Path(packages, "packages.pth").write_text(sysconfig.get_path("purelib"))
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def versions(python):
    return run([python, "-m", "pip", "freeze", "--exclude", PROJECT["name"]]).stdout


def test_the_course_is_installed_once_and_no_version_moves(colab):
    before = versions(colab.python)
    assert "tensorflow==" in before
    first = colab(CELL + AFTER)
    assert f"from {colab.python.parent.parent}" in first.stdout, first.stdout + first.stderr
    assert versions(colab.python) == before
    recorded = "\nprint('recorded', any(helpers.data.RECORDED.glob('*.csv')))"
    again = colab(CELL + AFTER + recorded).stdout
    assert again.startswith("from ") and "recorded True" in again
    assert not list(colab.folder.iterdir()), "the learner's folder stays empty"


def test_where_the_course_is_there_already_nothing_happens():
    done = run([sys.executable, "-m", "IPython", "-c", CELL + AFTER], cwd=ROOT / "notebooks")
    assert done.stdout.startswith("from "), done.stdout + done.stderr


def test_a_learners_own_helpers_is_named_as_what_stands_in_the_way(colab):
    mine = colab.folder / "helpers.py"
    mine.write_text("mine = True")
    done = colab("import sys; sys.path.insert(0, '')\n" + CELL)
    assert f"Another 'helpers' hides the course's: rename {mine}" in done.stdout + done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_badge_and_bootstrap_name_the_repository_of_pyproject(path):
    nb = nbformat.read(path, 4)
    owner = ADDRESS.removeprefix("https://github.com/")
    badge = f"https://colab.research.google.com/github/{owner}/blob/main/notebooks/{path.name}"
    assert badge in nb.cells[0].source
    assert f"git+{ADDRESS} " in nb.cells[1].source
    for package in ("elpv-dataset==1.0.0.post1", "pooch"):
        assert package in nb.cells[1].source


@pytest.mark.skipif(not shutil.which("make"), reason="make is not here")
def test_make_links_names_another_repository_everywhere(tmp_path):
    course = clone(tmp_path / "a course")
    done = run(["make", "links", "REPO=a-teacher/my.course", "BRANCH=colab"], cwd=course)
    assert done.returncode == 0, done.stderr
    old, new = ADDRESS.removeprefix("https://github.com/"), "a-teacher/my.course"
    old_page, new_page = (each.replace("/", ".github.io/", 1) for each in (old, new))
    for path in [Path("README.md"), *(path.relative_to(ROOT) for path in NOTEBOOKS)]:
        before, after = (ROOT / path).read_text("utf-8"), (course / path).read_text("utf-8")
        filled = before.replace(f"{old}/blob/main/notebooks", f"{new}/blob/colab/notebooks")
        filled = filled.replace(old, new).replace(old_page, new_page)
        assert old in before and after == filled, path
    assert run(["git", "grep", "-lF", "-e", old, "-e", old_page], cwd=course).stdout == ""
