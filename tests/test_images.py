"""What `images.read_image` promises: one way to read, and the name of what is no image."""

import io
import warnings
from functools import cache
from pathlib import PureWindowsPath

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import AS_IT_IS, CONVERTED, ODD, paint, write_classes, write_odd_folder
from PIL import Image

from helpers import classifier, images, plots
from helpers.images import FORMATS, ValueRangeError, read_image, read_images

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def odd_folder(tmp_path_factory):
    return write_odd_folder(tmp_path_factory.mktemp("odd")) / "odd"


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_an_odd_file_is_read_in_its_colours_or_called_by_its_kind(odd_folder, name):
    _, fate, left, right = ODD[name]
    if fate in (AS_IT_IS, CONVERTED):
        pixels = read_image(odd_folder / name).astype(int)
        middle, width = pixels.shape[0] // 3, pixels.shape[1]
        assert np.abs(pixels[middle, width // 4] - left).max() <= 12
        assert np.abs(pixels[middle, -1 - width // 4] - right).max() <= 12
    else:
        with pytest.raises(ValueError, match=fate) as caught:
            read_image(odd_folder / name)
        assert str(caught.value).isprintable() and name in str(caught.value)


def test_a_file_object_reads_as_its_path_does(tmp_path):
    path = write_classes(tmp_path, {"cat": 1}) / "cat" / "cat-000.png"
    whole, square = read_image(path), read_image(path, 71)
    assert whole.shape == (16, 24, 3) and square.shape == (71, 71, 3)
    assert whole.dtype == square.dtype == np.uint8
    written = io.BytesIO()
    written.write(path.read_bytes())  # and so it stands at its end
    assert np.array_equal(read_image(written, 71), square)
    assert np.array_equal(read_images([path, path], 71), np.stack([square, square]))


def test_a_large_image_is_averaged_before_it_is_thinned_out(tmp_path):
    """8 x 8 blocks whose checkerboard of 0 and 100 has the mean 50, above a grey of 200."""
    board = np.indices((64, 64)).sum(axis=0) % 2 * 100
    board[32:] = 200
    Image.fromarray(board.astype("uint8")).save(tmp_path / "board.png")
    small = read_image(tmp_path / "board.png", 8)
    assert np.unique(small[:4]).tolist() == [50] and np.unique(small[4:]).tolist() == [200]


def test_a_wide_image_is_squeezed_and_not_cropped(tmp_path):
    thirds = np.tile(np.repeat([0, 100, 200], 20), (20, 1)).astype("uint8")
    Image.fromarray(thirds).save(tmp_path / "wide.png")
    squeezed = read_image(tmp_path / "wide.png", 6)
    assert squeezed[0, :, 0].tolist() == [0, 0, 100, 100, 200, 200]


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(tmp_path, monkeypatch):
    Image.effect_noise((800, 800), 50).save(tmp_path / "large.jpg")
    with Image.open(tmp_path / "large.jpg") as image:
        image.draft(None, (140, 140))
        expected = image.convert("RGB").reduce(image.width // 140).resize((70, 70), 0)
    assert np.array_equal(read_image(tmp_path / "large.jpg", 70), expected)


def test_a_heic_photo_is_read_where_pillow_heif_is(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heic")
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(paint(7, (80, 64))).save(path, quality=95)
    pixels = read_image(path).astype(int)
    assert np.abs(pixels[20, 10] - (255, 0, 0)).max() < 30 and pixels.shape == (64, 80, 3)
    assert images.suffix_to_convert_to(path.read_bytes()) == ".jpg"


# Grey values beyond 8 bits ------------------------------------------------------------------------


def write_grey(path, values, dtype="uint16"):
    Image.fromarray(np.array([values], dtype)).save(path)
    return path


@pytest.mark.parametrize(
    ("values", "dtype", "largest", "call"),
    [
        ([7, 4012], "uint16", "4012", "(0, 4095)"),
        ([-1000, 3000], "int32", "3000", "(-1000, 4095)"),
        ([0, 1.02], "float32", "1.01999998", "(0, 1.01999998)"),
        ([0.5, np.inf, -np.inf, np.nan], "float32", "0.5", "(0, 1)"),
    ],
)
def test_without_a_value_range_it_says_the_largest_value_and_what_to_call(
    tmp_path, values, dtype, largest, call
):
    path = write_grey(tmp_path / "deep.tif", values, dtype)
    with pytest.raises(ValueRangeError) as caught:
        read_image(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ") and f"the largest is {largest}." in said
    assert said.endswith(f"data.load(..., value_range={call})")


def test_values_are_mapped_by_the_range_and_never_by_what_an_image_holds(tmp_path):
    paint(7).save(tmp_path / "plain.png")
    assert np.array_equal(read_image(tmp_path / "plain.png", value_range=(0, 4095)), paint(7))
    for values in ([0, 250], [0, 260], [0, 4095], [1023, 5000]):
        path = write_grey(tmp_path / "deep.png", values)
        expected = np.minimum(np.array(values) / 4095 * 255, 255).round()
        assert read_image(path, value_range=(0, 4095))[0, :, 0].tolist() == expected.tolist()
    path = write_grey(tmp_path / "ct.tif", [-2000, -1000, 1000, 3000, np.nan], "float32")
    pixels = read_image(path, value_range=(-1000, 3000))[0]
    assert pixels.tolist() == [[v, v, v] for v in (0, 0, 128, 255, 64)]  # nan counts as 0


# Whatever a file holds ---------------------------------------------------------------------------


@cache
def sound(kind: str) -> bytes:
    out = io.BytesIO()
    paint(7, (40, 30)).save(out, kind)
    return out.getvalue()


@pytest.mark.slow
@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(FORMATS),
    other=st.sampled_from(FORMATS),
    cut=st.integers(0, 2000),
    join=st.integers(0, 2000),
    changes=st.dictionaries(st.integers(0, 2000), st.integers(0, 255), max_size=8),
)
def test_a_spoilt_image_is_read_or_refused_in_one_line(kind, other, cut, join, changes):
    content = bytearray(sound(kind)[:cut] + sound(other)[join:])
    for place, value in changes.items():
        if place < len(content):
            content[place] = value
    try:
        assert read_image(io.BytesIO(content), 71, value_range=(0, 65535)).shape == (71, 71, 3)
    except ValueError as error:
        assert str(error).isprintable()


# What files and figures show of names ------------------------------------------------------------


def undecided(folder) -> classifier.Classifier:
    card = {"class_names": ["bright 日本", "dark"], "size": 71}
    return classifier.Classifier(folder, card, lambda pixels: np.full((len(pixels), 2), 0.5))


def test_a_windows_path_stands_in_the_csv_as_it_is(tmp_path):
    path = PureWindowsPath(r"C:\Users\new\table.jpg")
    classifier.write_csv(classifier.predict(undecided(tmp_path), [path]), tmp_path / "a.csv")
    line = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1]
    assert line.startswith(r"C:\Users\new\table.jpg,") and "there is no such file" in line


def test_letters_that_no_font_has_become_squares_after_one_warning(tmp_path):
    """On a system with fonts for them they are drawn; here matplotlib has DejaVu Sans alone."""
    plots._warn_of_letters.cache_clear()
    with (
        plt.rc_context({"font.sans-serif": ["DejaVu Sans"]}),
        warnings.catch_warnings(record=True) as said,
    ):
        warnings.simplefilter("always")
        path = write_classes(tmp_path, {"日本": 1}) / "日本" / "日本-000.png"
        figure = classifier.draw(classifier.predict(undecided(tmp_path), [path]), [path])
        figure.canvas.draw()
        plots.image_grid([path], ["한국 Käfer $5"]).canvas.draw()
    assert [str(one.message)[:41] for one in said] == ["No font here has all letters of your name"]
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert sorted(labels) == ["bright □□", "dark"] and figure.axes[0].get_title() == "□□-000.png"


def test_of_many_classes_the_largest_confusions_are_printed(capsys):
    y_true, y_pred = [*range(120), 7, 7, 7, 3], [*range(120), 9, 9, 7, 4]
    plots.confusion(y_true, y_pred, [f"class {number}" for number in range(120)])
    assert capsys.readouterr().out.splitlines() == [
        "2 of 4 class 7, predicted as class 9",
        "1 of 2 class 3, predicted as class 4",
    ]
