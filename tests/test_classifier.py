"""A classifier's folder and its answers: the same numbers on every road, and one clear line for whatever is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from images import paint, write_classes
from PIL import Image

from helpers import classifier, data
from helpers.__main__ import main
from helpers.images import printable

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["blue", "red", "Käfer, 日本"]
SIZE = 71


@pytest.fixture(scope="module")
def heads():
    from helpers import models

    return [models.head(2048, len(NAMES), units=8, dropout=0.5, seed=seed) for seed in range(3)]


@pytest.fixture(scope="module")
def folder(heads, tmp_path_factory):
    place = tmp_path_factory.mktemp("classifier")
    return classifier.save(place / "mine", heads, NAMES, SIZE, test={"accuracy": 0.8})


@pytest.fixture(scope="module")
def mine(folder):
    return classifier.load(folder)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return sorted(write_classes(tmp_path_factory.mktemp("images"), {"few": 70}).glob("few/*"))


@pytest.fixture
def ask(mine, monkeypatch, capsys):
    """`python -m helpers predict`, in this process with the classifier already loaded: (exit code, out, err)."""
    monkeypatch.setattr(classifier, "load", lambda folder: mine)

    def ask(*arguments):
        code = main(["predict", str(mine.folder), *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    return ask


def probabilities(table):
    return table.filter(like="p(").to_numpy("float32")


# The same numbers on every road --------------------------------------------------------------------------------


def test_notebook_and_terminal_give_the_same_numbers(folder, mine, images, tmp_path):
    here = probabilities(classifier.predict(mine, images[:5]))
    csv = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "helpers", "predict", str(folder), "--csv", str(csv)]
    subprocess.run([*command, *map(str, images[:5])], cwd=ROOT, check=True, capture_output=True)
    assert len(np.unique(here, axis=0)) == 5, "different images get different answers"
    assert np.abs(probabilities(pd.read_csv(csv)) - here).max() == 0


@pytest.mark.parametrize("version", ["keras-3.13.2", "keras-3.15.1"])
def test_a_classifier_saved_by_another_version_of_keras_answers_the_same(version):
    old = classifier.load(ROOT / "tests" / "saved" / version)
    answers = old.card["answers"]
    sources = data.load("solar").images["source"]
    asked = [path for path in sources if Path(path).name in answers]
    expected = [answers[Path(path).name] for path in asked]
    np.testing.assert_allclose(probabilities(classifier.predict(old, asked)), expected, atol=1e-5)


def test_each_image_gets_its_likeliest_class_in_order_and_none_gets_no_row(mine, images):
    table = classifier.predict(mine, images)
    rows = probabilities(table)
    assert np.array_equal(probabilities(classifier.predict(mine, images[69:])), rows[69:])
    assert list(table["class"]) == [NAMES[label] for label in rows.argmax(axis=1)]
    assert np.array_equal(table["probability"], rows.max(axis=1))
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert len(classifier.predict(mine, [])) == 0


def test_the_answers_are_the_mean_of_the_heads_on_the_features_of_training(
    mine, heads, own_data, tmp_path
):
    from helpers import features

    write_classes(tmp_path / "photos", {"a": 9, "b": 9})
    dataset = data.load(tmp_path / "photos")
    split = features.extract(dataset, SIZE)["train"]
    expected = np.mean([head(split.x) for head in heads], axis=0)
    answers = probabilities(classifier.predict(mine, dataset.split("train")["source"]))
    assert np.abs(answers - expected).max() < 1e-6


# What is asked about ---------------------------------------------------------------------------------------


def test_a_folder_is_searched_and_what_is_no_image_by_its_ending_is_counted(tmp_path):
    write_classes(tmp_path, {"b": 2, "a": 1, ".hidden": 3})
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "a" / "PHOTO.HEIC").write_bytes(b"no image either, but that shall be said")
    found, left = classifier.listed([tmp_path, tmp_path / "gone.png"])
    names = ["PHOTO.HEIC", "a-002.png", "b-000.png", "b-001.png", "gone.png"]
    assert [path.name for path in found] == names
    assert left == 1


def test_csv_and_plot_are_written_whole_and_take_odd_names(ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["-rf.png", "$x_^$.png", "gone.png"]
    for number, name in enumerate(asked[:2]):
        paint(number).save(name)
    code, out, err = ask(*asked, "--csv", "answers.csv", "--plot", "answers.png")
    assert code == 1 and len(out) == 2 and err[-1] == "gone.png: there is no such file"
    table = pd.read_csv("answers.csv", keep_default_na=False)
    assert list(table.columns[4:]) == [f"p({name})" for name in NAMES]
    assert data.read_image("answers.png").std() > 10
    assert not list(tmp_path.glob("*.partial"))
    figure = classifier.draw(table, asked)
    titles = [axis.get_title() for axis in figure.axes[::2]]
    assert titles == asked[:2], "only what was answered is drawn"
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    assert widths == sorted(widths, reverse=True), "the likeliest class on top"
    assert classifier.draw(table[2:], asked[2:]) is None


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["{folder}", "{empty}"], "No images in"),
        (["{folder}", "{empty}/mistyped.jpg"], "There is no file {empty}/mistyped.jpg."),
        (["{empty}", "{image}"], "holds no card.json"),
        (["{image}", "{folder}"], "Name first the classifier, then images"),
        (["{folder}", "{image}", "--csv", "{empty}/nowhere/a.csv"], "nowhere/a.csv: No such"),
    ],
)
def test_what_cannot_be_done_gets_one_line_and_exit_code_1(
    folder, images, tmp_path, capsys, arguments, part
):
    (tmp_path / "empty").mkdir()
    places = {"folder": folder, "empty": tmp_path / "empty", "image": images[0]}
    assert main(["predict", *(one.format(**places) for one in arguments)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert part.format(**places) in lines[-1]
    assert not any("Traceback" in line for line in lines)


# The folder ----------------------------------------------------------------------------------------------------


def changed(**fields):
    def change(folder):
        was = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        (folder / "card.json").write_text(json.dumps(was | fields), encoding="utf-8")

    return change


def weights_of(folder):
    return next(folder.glob("*.h5"))


OTHER_FORM = {"features": 2048, "classes": 3, "units": 9, "heads": 3}
SPOILT = {
    "half a card": (lambda folder: os.truncate(folder / "card.json", 20), "is damaged"),
    "another form": (changed(head=OTHER_FORM), "other weights than a head"),
    "another backbone": (changed(backbone="0" * 64), "another backbone"),
    "half the weights": (
        lambda folder: os.truncate(weights_of(folder), 1000),
        "missing or damaged",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_damaged_or_foreign_folder_gets_one_line(folder, tmp_path, name):
    spoil, part = SPOILT[name]
    spoilt = shutil.copytree(folder, tmp_path / "spoilt")
    spoil(spoilt)
    with pytest.raises(ValueError, match=part) as error:
        classifier.load(spoilt)
    assert printable(spoilt) in str(error.value) and str(error.value).isprintable()


def test_saving_again_replaces_the_classifier_and_leaves_other_files_alone(heads, tmp_path):
    mine = {"notes.txt", "head-baseline.weights.h5", "movie.mkv.partial"}
    for name in mine:
        (tmp_path / name).write_text("mine")
    classifier.save(tmp_path, heads, NAMES, SIZE)
    classifier.save(tmp_path, heads[:1], NAMES, SIZE)
    left = {path.name for path in tmp_path.iterdir()}
    assert left > mine and sorted(name[-5:] for name in left - mine) == [".json", "ts.h5"]
    assert classifier.load(tmp_path).card["head"]["heads"] == 1


def test_heads_that_do_not_fit_are_refused(heads, tmp_path):
    from helpers import models

    with pytest.raises(ValueError, match="3 outputs, but there are 2 class names"):
        classifier.save(tmp_path, heads, ["a", "b"], SIZE)
    with pytest.raises(ValueError, match="of one form"):
        classifier.save(tmp_path, [*heads, models.head(2048, len(NAMES))], NAMES, SIZE)
    assert not list(tmp_path.iterdir())


# The upload button ----------------------------------------------------------------------------------


def test_what_ipywidgets_7_and_8_hand_over_is_understood(mine, images):
    content = images[0].read_bytes()
    seven = {"a\nb.png": {"metadata": {"name": "a\nb.png"}, "content": content}}
    eight = ({"name": "a\nb.png", "content": memoryview(content), "size": len(content)},)
    assert classifier.uploaded(seven) == classifier.uploaded(eight) == [("a\\nb.png", content)]
    table = classifier.predict(mine, [("text.jpg", b"no image"), *classifier.uploaded(eight)])
    alone = probabilities(classifier.predict(mine, images[:1]))
    assert np.array_equal(probabilities(table)[1], alone[0])
    assert table["problem"][0] == "text.jpg: text file"
    assert table["class"][0] == "" and np.isnan(probabilities(table)[0]).all()


def test_the_button_answers_what_is_uploaded_and_names_what_is_broken(mine, images, monkeypatch):
    from helpers import playgrounds

    shown = []
    monkeypatch.setattr(playgrounds, "somebody_there", lambda: True)
    monkeypatch.setattr(playgrounds, "show_widget", shown.append)
    classifier.upload(mine, images[0])
    button, lines, image = shown[0].children
    files = {"<b>a.png": images[0].read_bytes(), "broken.jpg": b"no image"}
    monkeypatch.setattr(classifier, "uploaded", lambda value: [*files.items()])
    button.notify_change({"name": "value", "type": "change"})
    assert "&lt;b&gt;a.png" in lines.value and "broken.jpg: text file" in lines.value
    assert bytes(image.value).startswith(b"\x89PNG") and image.layout.display == ""


def test_grey_values_of_more_than_8_bits_are_read_in_the_cards_range(mine, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (80, 80))
    asked = [tmp_path / "8-bit.png", tmp_path / "16-bit.png"]
    Image.fromarray(grey.astype("uint8")).save(asked[0])
    Image.fromarray((grey * 257).astype("uint16")).save(asked[1])
    card = mine.card | {"value_range": [0, 65535]}
    table = classifier.predict(classifier.Classifier(mine.folder, card, mine.forward), asked)
    assert list(table["problem"]) == ["", ""]
    assert np.array_equal(*probabilities(table))
    assert classifier.draw(table, asked) is not None, "draw reads them once more"
