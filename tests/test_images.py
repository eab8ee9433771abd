"""What `images.read_image` promises: one way to read, and the name of what is no image."""

import io
import os
import subprocess
import sys
import warnings
from pathlib import PureWindowsPath

import matplotlib.pyplot as plt
import numpy as np
import pytest
from images import AS_IT_IS, CONVERTED, ODD, paint, png, write_classes, write_odd_folder
from PIL import EpsImagePlugin, Image

from helpers import classifier, images, plots
from helpers.images import ValueRangeError, read_image, read_images

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
SKIPPED_LATER = ("copy", "two classes")  # sound images, that `data` leaves out


@pytest.fixture(scope="module")
def odd_folder(tmp_path_factory):
    return write_odd_folder(tmp_path_factory.mktemp("odd")) / "odd"


def short(name: str) -> str:
    return images.printable(name)[:30].encode("ascii", "replace").decode()


@pytest.mark.parametrize("name", ODD, ids=short)
def test_an_odd_file_is_read_in_its_colours_or_called_by_its_kind(odd_folder, name, monkeypatch):
    monkeypatch.setattr(
        EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("it was started")
    )
    _, fate, left, right = ODD[name]
    if fate in (AS_IT_IS, CONVERTED):
        pixels = read_image(odd_folder / name).astype(int)
        middle, width = pixels.shape[0] // 3, pixels.shape[1]
        assert pixels.dtype == int and pixels.shape[2] == 3
        assert np.abs(pixels[middle, width // 4] - left).max() <= 12
        assert np.abs(pixels[middle, -1 - width // 4] - right).max() <= 12
    elif fate == "cannot be opened":
        if name == "unreadable.png" and os.access(odd_folder / name, os.R_OK):
            pytest.skip("this user (root?) may read everything")
        with pytest.raises((FileNotFoundError, ValueError)):
            read_image(odd_folder / name)
    elif fate not in SKIPPED_LATER and "not looked at" not in fate:
        with pytest.raises(ValueError, match=fate) as caught:
            read_image(odd_folder / name)
        assert str(caught.value).isprintable() and short(name) in str(caught.value)


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


NO_IMAGES = {
    "video": b"\0\0\0\x20ftypisom" + bytes(99),
    "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00",
    "DICOM file": bytes(128) + b"DICM" + bytes(99),
    "RAW photo": b"FUJIFILMCCD-RAW " + bytes(99),
    "archive": b"PK\x03\x04" + bytes(99),
    "file of arrays": b"\x93NUMPY\1\0" + bytes(99),
    "placeholder of iCloud": b"bplist00" + bytes(99),
    "unknown kind of file": bytes(range(99)),
}


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_what_is_no_image_is_called_by_its_first_bytes(tmp_path, kind):
    (tmp_path / "a.jpg").write_bytes(NO_IMAGES[kind])
    with pytest.raises(ValueError, match=rf"a\.jpg: {kind}"):
        read_image(tmp_path / "a.jpg")


def test_a_tiff_of_several_pages_is_no_image_and_its_preview_is_no_page(tmp_path):
    pages = {"scan": {}, "preview": {254: 1}, "mask": {254: 4}}
    for name, tags in pages.items():
        second = paint(8)
        second.encoderinfo = {"tiffinfo": tags}
        paint(7).save(tmp_path / f"{name}.tif", save_all=True, append_images=[second])
    with pytest.raises(ValueError, match=r"scan\.tif: TIFF of several pages: save each page"):
        read_image(tmp_path / "scan.tif")
    for name in ("preview", "mask"):
        assert np.array_equal(read_image(tmp_path / f"{name}.tif"), paint(7))


def test_the_small_preview_in_a_cameras_raw_file_is_no_image(tmp_path):
    paint(7).save(tmp_path / "a.dng", "TIFF", tiffinfo={254: 1})
    with pytest.raises(ValueError, match="RAW photo: export it as JPEG"):
        read_image(tmp_path / "a.dng")


# Grey values beyond 8 bits ------------------------------------------------------------------------


def write_grey(path, values, dtype="uint16"):
    Image.fromarray(np.array([values], dtype)).save(path)
    return path


@pytest.mark.parametrize(
    ("values", "dtype", "largest", "call"),
    [
        ([0, 0], "uint16", "0", "(0, 1)"),
        ([0.0, 1.0], "float32", "1", "(0, 1)"),
        ([0, 250], "uint16", "250", "(0, 255)"),
        ([0, 260], "uint16", "260", "(0, 511)"),
        ([7, 4012], "uint16", "4012", "(0, 4095)"),
        ([0, 65535], "uint16", "65535", "(0, 65535)"),
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
    """The first edition read 250 as 250, and 260 as 1."""
    plain = write_classes(tmp_path, {"cat": 1}) / "cat" / "cat-000.png"
    assert np.array_equal(read_image(plain, value_range=(0, 4095)), read_image(plain))
    for values in ([0, 250], [0, 260], [0, 4095], [1023, 5000]):
        path = write_grey(tmp_path / "deep.png", values)
        expected = np.minimum(np.array(values) / 4095 * 255, 255).round()
        assert read_image(path, value_range=(0, 4095))[0, :, 0].tolist() == expected.tolist()
    path = write_grey(tmp_path / "ct.tif", [-2000, -1000, 1000, 3000, np.nan], "float32")
    pixels = read_image(path, value_range=(-1000, 3000))[0]
    assert pixels.tolist() == [[v, v, v] for v in (0, 0, 128, 255, 64)]  # nan counts as 0


def test_a_reversed_value_range_is_refused(tmp_path):
    path = write_grey(tmp_path / "deep.png", [0, 250])
    with pytest.raises(ValueError, match=r"value_range is \(black, white\), .* not \(4095, 0\)"):
        read_image(path, value_range=(4095, 0))


# What a saved classifier and its figures make of it -----------------------------------------------


def half_bright(folder, **card) -> classifier.Classifier:
    """A classifier of two classes: the probability of the first is the mean brightness."""

    def forward(pixels):
        bright = pixels.mean(axis=(1, 2, 3), keepdims=False) / 255
        return np.stack([bright, 1 - bright], axis=1).astype("float32")

    card = {"class_names": ["bright 日本", "dark"], "size": 71} | card
    return classifier.Classifier(folder, card, forward)


def test_a_classifier_reads_and_draws_grey_values_by_the_range_on_its_card(tmp_path):
    path = write_grey(tmp_path / "deep.png", [1000, 1000])
    table = classifier.predict(half_bright(tmp_path, value_range=[0, 2000]), [path])
    assert table["p(bright 日本)"][0] == pytest.approx(0.5, abs=0.01) and not table["problem"][0]
    shown = classifier.draw(table.assign(image="deep"), [path]).axes[0].images[0].get_array()
    assert np.unique(shown).tolist() == [128]
    table = classifier.predict(half_bright(tmp_path), [path])
    assert "the largest is 1000" in table["problem"][0]


def test_a_windows_path_stands_in_the_csv_as_it_is(tmp_path):
    path = PureWindowsPath(r"C:\Users\new\table.jpg")
    classifier.write_csv(classifier.predict(half_bright(tmp_path), [path]), tmp_path / "a.csv")
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
        figure = classifier.draw(classifier.predict(half_bright(tmp_path), [path]), [path])
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


# Hostile files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [None, 10**10])
def test_a_bomb_is_refused_even_if_pillows_own_limit_is_switched_off(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    header = b"\0\0\x27\x10\0\0\x27\x10\x08\0\0\0\0"  # 10,000 x 10,000
    (tmp_path / "bomb.png").write_bytes(png(header, b""))
    with pytest.raises(ValueError, match=r"bomb\.png: too large: over 89 million pixels"):
        read_image(tmp_path / "bomb.png")


def test_a_file_larger_than_any_image_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_BYTES", 100)
    paint(7).save(tmp_path / "large.bmp")
    with pytest.raises(ValueError, match=r"large\.bmp: too large: over "):
        read_image(tmp_path / "large.bmp")


def test_importing_it_changes_nothing_else():
    code = (
        "import warnings, PIL.Image, numpy, pandas, pooch, tqdm; before = list(warnings.filters); "
    )
    code += "import logging; loggers = logging.getLogger('pooch').level; from helpers import data; "
    code += "assert warnings.filters == before and loggers == logging.getLogger('pooch').level"
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=images.Path(__file__).parent.parent
    )


def test_a_wide_image_is_squeezed_and_not_cropped(tmp_path):
    thirds = np.tile(np.repeat([0, 100, 200], 20), (20, 1)).astype("uint8")
    Image.fromarray(thirds).save(tmp_path / "wide.png")
    squeezed = read_image(tmp_path / "wide.png", 6)
    assert squeezed[0, :, 0].tolist() == [0, 0, 100, 100, 200, 200]
