"""What `features.extract_pixels` promises: the same features as `extract`, each picture of pixels computed once."""

import numpy as np
import pytest
from pictures import write_classes

from helpers import data, features

SIZE = 71


@pytest.fixture
def course(own_data, tmp_path):
    write_classes(tmp_path / "photos", {"cat": 4, "dog": 4}, size=(80, 75))
    dataset = data.load(tmp_path / "photos")
    return dataset, features.prepare(dataset.split("train")["source"], SIZE)


@pytest.fixture
def ran(monkeypatch):
    """How many pictures each call of the network held."""
    counts, compiled = [], features.compiled

    def counting(model):
        forward = compiled(model)
        return lambda pixels: counts.append(int(pixels.any(axis=(1, 2, 3)).sum())) or forward(pixels)

    monkeypatch.setattr(features, "compiled", counting)
    return counts


def test_unchanged_pixels_have_the_features_of_their_files(course):
    dataset, pictures = course
    vectors = features.extract_pixels(pictures)
    assert vectors.shape == (len(pictures), 2048) and vectors.dtype == np.float32
    assert np.allclose(vectors, features.extract(dataset, SIZE)["train"].x, atol=1e-4)


def test_only_pixels_that_were_never_seen_run_and_each_row_is_its_pictures(course, ran):
    _, pictures = course
    first = features.extract_pixels(pictures)
    again = features.extract_pixels(pictures[::-1])
    mirrored = pictures[:, :, ::-1]
    more = features.extract_pixels(np.concatenate([mirrored[:2], pictures, mirrored[:1]]))
    assert ran == [len(pictures), 2]
    assert np.array_equal(again, first[::-1])
    assert np.array_equal(more[2:-1], first) and np.array_equal(more[0], more[-1])
    assert not np.allclose(more[0], first[0], atol=1e-3)


def test_a_damaged_chunk_is_noticed_and_computed_again(course, ran, capsys):
    _, pictures = course
    first = features.extract_pixels(pictures)
    (chunk,) = features.cache_folder(SIZE).glob("*.npy")
    content = bytearray(chunk.read_bytes())
    content[-1] ^= 1
    chunk.write_bytes(content)
    assert np.allclose(features.extract_pixels(pictures), first, atol=1e-5)
    assert "damaged" in capsys.readouterr().out and len(ran) == 2


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (np.zeros((2, 71, 71), "uint8"), r"\(n, size, size, 3\), got \(2, 71, 71\)"),
        (np.zeros((2, 71, 80, 3), "uint8"), r"got \(2, 71, 80, 3\)"),
        (np.zeros((2, 71, 71, 3), "float32"), "uint8, 0 to 255, got float32"),
        (np.zeros((2, 60, 60, 3), "uint8"), "at least 71 px"),
    ],
)
def test_other_arrays_get_one_clear_line(own_data, pictures, message):
    with pytest.raises(ValueError, match=message):
        features.extract_pixels(pictures)
