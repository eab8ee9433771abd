"""What the tests of the helpers share; the images that they write stand in images.py."""

from pathlib import Path

import pytest

from helpers import data


@pytest.fixture
def own_data(tmp_path, monkeypatch) -> Path:
    """The course writes into an empty data/ folder of this test, never into the learner's."""
    monkeypatch.setattr(data, "DATA", tmp_path / "data")
    monkeypatch.delenv("COURSE_DATASET", raising=False)
    return tmp_path / "data"
