"""What tests of several files share; the images that they write stand in images.py."""

import os
import shutil
from pathlib import Path

import pytest

from helpers import data


@pytest.fixture
def own_data(tmp_path, monkeypatch) -> Path:
    """The course writes into an empty data/ folder of this test, never into the learner's."""
    monkeypatch.setattr(data, "DATA", tmp_path / "data")
    monkeypatch.delenv("COURSE_DATASET", raising=False)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def chromium():
    """Chromium, driven by Playwright: `new_page` opens a page in it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("no chromium here: apt-get install chromium, or name one in CHROMIUM")
    quiet = ["--no-sandbox", "--disable-gpu"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    with playwright.sync_playwright() as driver:
        window = driver.chromium.launch(executable_path=path, args=quiet)
        yield window
        window.close()
