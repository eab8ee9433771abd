"""What the notebooks need as tests, which tests a run leaves out, and the tables at the end of it."""

import re
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import nbformat
import psutil
import pytest
from nbval.plugin import IPyNbCell

from tools import lessons

TORCH = find_spec("torch") is not None and find_spec("torchvision") is not None
if TORCH and "--light" not in sys.argv:  # before TensorFlow: after it, Python may crash
    import torch  # noqa: F401
    import torchvision  # noqa: F401

LESSONS = {}  # notebook -> {"seconds": float, "megabytes": float}
LEFT_OUT = Counter()  # marker -> number of tests
HOW = {  # marker -> how to run what pyproject.toml leaves out
    "slow": "spoilt files and kills: pytest -m slow tests",
    "browser": "lessons in Chromium: pytest -m browser",
    "site": "the website: make site, then COURSE_SITE=build/site pytest -m site",
}
LIGHT = {"test_data", "test_images", "test_intervals", "test_layout", "test_notebooks"}
LIGHT |= {"test_plots", "test_prose", "test_recorded"}


def pytest_addoption(parser):
    parser.addoption(
        "--light",
        action="store_true",
        help="only the files that need no TensorFlow; loading it or PyTorch is an error",
    )


class NotLight:
    """Where Python looks for packages first: these it does not find."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "torch", "torchvision"):
            raise ModuleNotFoundError(f"a test with --light wants {name}", name=name)


def pytest_configure(config):
    if config.getoption("--light"):
        sys.meta_path.insert(0, NotLight)


def pytest_ignore_collect(collection_path, config):
    if config.getoption("--light") and collection_path.suffix in (".py", ".ipynb"):
        return True if collection_path.stem not in LIGHT else None


def pytest_collectstart(collector):
    if getattr(collector, "path", Path()).suffix == ".ipynb":
        collector.skip_compare += ("stderr", "text/html", "application/javascript")


def pytest_collection_modifyitems(items, config):
    if config.getoption("--light"):  # what compares with Keras says so in its name
        items[:] = [item for item in items if "keras" not in item.name]
    items[:] = [each for item in items for each in (item, *solution_of(item))]
    skip_without_torch(items)


def solution_of(item):
    """The folded solution, to be run right after its exercise, in the same kernel."""
    if isinstance(item, IPyNbCell) and "exercise" in item.cell.metadata.get("tags", []):
        kept = [line for line in item.cell.source.splitlines() if re.match("from |import ", line)]
        code = lessons.solution(item.parent.nb, item.parent.nb.cells.index(item.cell))
        check = f"said = repr({item.cell.source.splitlines()[-1]})"
        cell = nbformat.v4.new_code_cell(
            "\n".join([*kept, code, check, 'assert said == "Right.", said'])
        )
        yield IPyNbCell.from_parent(
            item.parent,
            name=f"{item.name}, solution",
            cell_num=item.cell_num,
            cell=cell,
            options=item.options | {"check": False},
        )


def pytest_deselected(items):
    LEFT_OUT.update(mark for item in items for mark in HOW if item.get_closest_marker(mark))


def skip_without_torch(items):
    """Lesson 10 wants more than the core; its form is looked at without."""
    missing = pytest.mark.skip(
        reason="lesson 10 needs PyTorch: pip install -r requirements-torch.txt"
    )
    for item in items:
        runs = item.nodeid.startswith("notebooks/") or "is_tried" in item.nodeid
        if not TORCH and runs and "10_pytorch_by_hand" in item.nodeid:
            item.add_marker(missing)


def pytest_runtest_teardown(item):
    kernel = getattr(getattr(item, "parent", None), "kernel", None)
    if kernel is not None and item.nodeid.partition("::")[0].endswith(".ipynb"):
        peak = _peak_megabytes(kernel.km.provisioner.pid)
        item.user_properties.append(("megabytes", peak))  # the report carries it


def pytest_runtest_logreport(report):
    notebook, _, cell = report.nodeid.partition("::")
    if notebook.endswith(".ipynb") and cell:
        lesson = LESSONS.setdefault(notebook, {"seconds": 0.0, "megabytes": 0.0})
        lesson["seconds"] += report.duration
        peak = dict(report.user_properties).get("megabytes", 0.0)
        lesson["megabytes"] = max(lesson["megabytes"], peak)


def pytest_terminal_summary(terminalreporter, config):
    for marker, number in LEFT_OUT.items():
        terminalreporter.write_line(f"left out: {number} {marker} ({HOW[marker]})")
    if not LESSONS:
        return
    terminalreporter.section("lessons")
    terminalreporter.write_line(
        f"{'lesson':<40} {'seconds':>8} {'header says':>12} {'peak memory':>12}"
    )
    for notebook, lesson in sorted(LESSONS.items()):
        minutes = stated_minutes(config.rootpath / notebook)
        mark = "   over" if lesson["seconds"] > 60 * minutes else ""
        stated, peak = f"{minutes} min", f"{lesson['megabytes']:,.0f} MB"
        terminalreporter.write_line(
            f"{Path(notebook).name:<40} {lesson['seconds']:>8.0f} {stated:>12} {peak:>12}{mark}"
        )


def stated_minutes(notebook: Path) -> int:
    """The run time that a lesson's first cell states, in minutes."""
    first = nbformat.read(notebook, 4).cells[0].source
    found = re.search(r"Run time: (\d+) min", first)
    return int(found[1]) if found else 0


def _peak_megabytes(pid: int) -> float:
    """Peak resident memory where the system keeps it (Linux, Windows), else the present one."""
    try:
        status = Path(f"/proc/{pid}/status")
        if status.exists():
            return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024
        memory = psutil.Process(pid).memory_info()
        return getattr(memory, "peak_wset", memory.rss) / 1e6
    except (psutil.Error, OSError, TypeError):
        return 0.0
