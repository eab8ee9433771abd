"""A classifier's folder and its answers: the same numbers on every road, and one clear line for whatever is wrong."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from images import AS_IT_IS, CONVERTED, ODD, paint, write_classes, write_odd_folder

from helpers import classifier, data
from helpers.__main__ import main
from helpers.images import printable

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["blue", "red", "Käfer, 日本"]
SIZE = 71
# A fresh process: what it answers goes to standard output
ALONE = "import sys; from helpers import classifier as c; t = c.predict(c.load(sys.argv[1]), sys.argv[2:]); "
ALONE += "sys.stdout.buffer.write(t.filter(like='p(').to_numpy().tobytes())"


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


@pytest.fixture
def images(tmp_path):
    write_classes(tmp_path, {"few": 70})
    return sorted((tmp_path / "few").iterdir())


def probabilities(table):
    return table.filter(like="p(").to_numpy("float32")


# The same numbers on every road --------------------------------------------------------------------------------


def test_notebook_terminal_and_fresh_process_give_the_same_numbers(folder, mine, images, tmp_path):
    here = probabilities(classifier.predict(mine, images[:5]))
    asked = [str(folder), *map(str, images[:5])]
    csv = tmp_path / "answers.csv"
    command = [sys.executable, "-m", "helpers", "predict", *asked, "--csv", str(csv)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    alone = subprocess.run(
        [sys.executable, "-c", ALONE, *asked], cwd=ROOT, check=True, capture_output=True
    ).stdout[-here.nbytes :]
    assert len(np.unique(here, axis=0)) == 5, "different images get different answers"
    assert np.abs(probabilities(pd.read_csv(csv)) - here).max() == 0
    assert np.abs(np.frombuffer(alone, "float32").reshape(here.shape) - here).max() == 0


@pytest.mark.parametrize(
    "saved", sorted((ROOT / "tests" / "saved").iterdir()), ids=lambda path: path.name
)
def test_a_classifier_saved_by_another_version_of_keras_answers_the_same(saved):
    old, sources = classifier.load(saved), data.load("solar").images["source"]
    answers = old.card["answers"]
    asked = [path for path in sources if Path(path).name in answers]
    expected = [answers[Path(path).name] for path in asked]
    np.testing.assert_allclose(probabilities(classifier.predict(old, asked)), expected, atol=1e-5)


def test_an_image_gets_the_same_numbers_alone_and_among_others(mine, images):
    together = probabilities(classifier.predict(mine, images))
    for place in (0, 33, 69):
        assert np.array_equal(
            probabilities(classifier.predict(mine, [images[place]]))[0], together[place]
        )


def test_the_answers_are_the_mean_of_the_heads_on_the_features_of_training(
    mine, heads, own_data, tmp_path
):
    from helpers import features

    write_classes(tmp_path / "photos", {"a": 9, "b": 9})
    dataset = data.load(tmp_path / "photos")
    weights_are_here = ROOT / "data" / "weights" / "xception_imagenet_notop.weights.h5"
    assert weights_are_here.exists()
    split = features.extract(dataset, SIZE)["train"]
    expected = np.mean([head(split.x) for head in heads], axis=0)
    answers = probabilities(classifier.predict(mine, dataset.split("train")["source"]))
    assert np.abs(answers - expected).max() < 1e-6


def test_class_and_probability_are_those_of_the_largest_number(mine, images):
    table = classifier.predict(mine, images)
    assert list(table["class"]) == [NAMES[label] for label in probabilities(table).argmax(axis=1)]
    assert np.array_equal(table["probability"], probabilities(table).max(axis=1))
    assert probabilities(table).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_no_images_give_an_empty_table(mine):
    assert len(classifier.predict(mine, [])) == 0


# Odd and broken images ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not have")
def test_odd_images_are_answered_and_each_broken_one_gets_a_line(folder, tmp_path, capsys):
    odd = write_odd_folder(tmp_path / "all") / "odd"
    for made in ("pipe.png", "unreadable.png"):  # root reads all; a pipe would wait for ever
        (odd / made).unlink()
    asked = [
        str(odd / name) for name in ODD if os.path.lexists(odd / name) and not (odd / name).is_dir()
    ]
    good = {name for name, (_, fate, *_) in ODD.items() if fate in (AS_IT_IS, CONVERTED)}
    good |= {
        "twin.png",
        "same-as-in-plain.png",
        "..png",
        "._plain.png",
        ".ipynb_checkpoints/plain-checkpoint.png",
    }
    csv = tmp_path / "answers.csv"
    assert main(["predict", str(folder), *asked, "--csv", str(csv)]) == 1
    table = pd.read_csv(csv, keep_default_na=False).set_index("image")
    answered = {
        name for name in ODD if printable(odd / name) in table.index[table["problem"] == ""]
    }
    assert answered == {name for name in good if str(odd / name) in asked}
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == len(answered), "a line for each, whatever its name"
    problems = [
        line
        for line in said.err.splitlines()
        if printable(odd) in line and "not images" not in line
    ]
    assert len(problems) == len(asked) - len(answered) >= 10
    assert next(line for line in problems if "photo.heic" in line).endswith("save it as JPEG")
    assert next(line for line in problems if "link-to-nothing.png" in line).endswith(
        "there is no such file"
    )


def test_the_good_images_around_a_broken_one_keep_their_answers(mine, images, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    table = classifier.predict(mine, [images[0], tmp_path / "broken.jpg", images[1]])
    assert np.array_equal(
        probabilities(table)[[0, 2]], probabilities(classifier.predict(mine, images[:2]))
    )
    assert (
        table["class"][1] == ""
        and np.isnan(probabilities(table)[1]).all()
        and "broken.jpg" in table["problem"][1]
    )


def test_a_name_too_long_for_the_system_costs_no_other_answer(folder, images, capsys):
    assert main(["predict", str(folder), "x" * 300 + ".png", str(images[0])]) == 1
    said = capsys.readouterr()
    assert said.out.startswith(str(images[0])) and "xxx.png" in said.err


def test_a_name_with_a_dash_in_front_is_an_image(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paint(1).save("-rf.png")
    paint(2).save("--csv.png")
    assert main(["predict", str(folder), "-rf.png", "--csv.png"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_folder_is_searched_and_what_is_no_image_by_its_ending_is_counted(tmp_path):
    write_classes(tmp_path, {"b": 2, "a": 1, ".hidden": 3})
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "a" / "PHOTO.HEIC").write_bytes(b"no image either, but that shall be said")
    found, left = classifier.listed([tmp_path, tmp_path / "gone.png"])
    assert [path.name for path in found] == [
        "PHOTO.HEIC",
        "a-002.png",
        "b-000.png",
        "b-001.png",
        "gone.png",
    ]
    assert left == 1


def test_csv_and_plot_are_written(folder, images, tmp_path, capsys):
    csv, plot = tmp_path / "answers.csv", tmp_path / "answers.png"
    main(["predict", str(folder), *map(str, images[:3]), "--csv", str(csv), "--plot", str(plot)])
    table = pd.read_csv(csv)
    assert list(table.columns[4:]) == [f"p({name})" for name in NAMES]
    assert data.read_image(plot).std() > 10
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["{folder}", "{empty}"], "No images in"),
        (["{folder}", "{empty}/mistyped.jpg"], "There is no file {empty}/mistyped.jpg."),
        (["{empty}", "{image}"], "holds no card.json"),
        (["{image}", "{folder}"], "Name first the classifier, then images"),
        (["{empty}/nowhere", "{image}"], "There is no folder"),
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
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        (folder / "card.json").write_text(json.dumps(card | fields), encoding="utf-8")

    return change


def cut(folder):
    weights = next(folder.glob("*.h5"))
    weights.write_bytes(weights.read_bytes()[:-100])


def other_weights(folder):
    """A foreign file with its digest on the card."""
    weights = next(folder.glob("*.h5"))
    weights.write_bytes(b"something else")
    changed(weights={"file": weights.name, "sha256": classifier._sha256(weights)})(folder)


FORM = {"features": 2048, "classes": 3, "units": 8, "heads": 3}


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda folder: (folder / "card.json").unlink(), "holds no card.json"),
        (lambda folder: (folder / "card.json").write_text('{"kind": '), "is damaged"),
        (lambda folder: (folder / "card.json").write_bytes(b"\xff\xfe\0"), "is damaged"),
        (lambda folder: (folder / "card.json").write_text("[1]"), "not a table"),
        (lambda folder: (folder / "card.json").write_text("{}"), "not a card of this course"),
        (changed(kind="a model of another course"), "another course"),
        (changed(class_names=["a", "b"]), "class_names"),
        (changed(class_names="abc"), "class_names"),
        (changed(size="150"), "size"),
        (changed(size=10**9), "size"),
        (changed(size=True), "size"),
        (changed(head={"features": 2048}), "head"),
        (changed(head=FORM | {"heads": 10**9}), "head"),
        (changed(head=FORM | {"units": 9}), "other weights than a head"),
        (changed(weights={"file": "../elsewhere.h5", "sha256": "0"}), "weights"),
        (changed(backbone="0" * 64), "another backbone"),
        (cut, "missing or damaged"),
        (lambda folder: next(folder.glob("*.h5")).unlink(), "missing or damaged"),
        (other_weights, "other weights than a head"),
    ],
)
def test_a_damaged_or_foreign_folder_gets_one_line(heads, tmp_path, spoil, part):
    folder = classifier.save(tmp_path / "spoilt", heads, NAMES, SIZE)
    spoil(folder)
    with pytest.raises(ValueError, match=part) as error:
        classifier.load(folder)
    assert "spoilt" in str(error.value) and "\n" not in str(error.value)


def test_saving_again_replaces_the_classifier_and_leaves_other_files_alone(heads, tmp_path):
    mine = {"notes.txt", "head-baseline.weights.h5", "movie.mkv.partial"}
    for name in mine:
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
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
    with pytest.raises(ValueError, match="2048 features of the last layer, not on 1024"):
        classifier.save(tmp_path, [models.head(1024, len(NAMES))], NAMES, SIZE)
    assert not list(tmp_path.iterdir())


# The upload button ---------------------------------------------------------------------------------------------


def test_what_ipywidgets_7_and_8_hand_over_is_understood(mine, images):
    content = images[0].read_bytes()
    seven = {"a\nb.png": {"metadata": {"name": "a\nb.png"}, "content": content}}
    eight = ({"name": "a\nb.png", "content": memoryview(content), "size": len(content)},)
    assert classifier.uploaded(seven) == classifier.uploaded(eight) == [("a\\nb.png", content)]
    table = classifier.predict(mine, [*classifier.uploaded(eight), ("text.jpg", b"no image")])
    assert np.array_equal(
        probabilities(table)[0], probabilities(classifier.predict(mine, images[:1]))[0]
    )
    assert table["problem"][1].startswith("text.jpg: ") and "the image" not in table["problem"][1]


def test_where_nobody_is_there_a_still_figure_stands_for_the_button(
    mine, images, capsys, monkeypatch
):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    classifier.upload(mine, images[0])
    assert "a button for your images stands here" in capsys.readouterr().out


def test_the_button_answers_what_is_uploaded_and_names_what_is_broken(mine, images, monkeypatch):
    from helpers import playgrounds

    shown = []
    monkeypatch.setattr(playgrounds, "somebody_there", lambda: True)
    monkeypatch.setattr(playgrounds, "show_widget", shown.append)
    classifier.upload(mine, images[0])
    button, lines, image = shown[0].children
    names = ("<b>a.png", "broken.jpg")
    contents = (images[0].read_bytes(), b"no image")
    if isinstance(button.value, dict):  # ipywidgets 7
        button.metadata, button.data = [{"name": name} for name in names], list(contents)
        button._counter = 2
    else:
        when = datetime.datetime.now(datetime.UTC)
        kinds = {"type": "image/png", "size": 3, "last_modified": when}
        button.value = [
            {"name": n, "content": memoryview(c), **kinds}
            for n, c in zip(names, contents, strict=True)
        ]
    assert "&lt;b&gt;a.png" in lines.value and "broken.jpg: text file" in lines.value
    assert bytes(image.value).startswith(b"\x89PNG") and image.layout.display == ""


def test_a_figure_takes_odd_names_and_leaves_out_what_was_not_answered(mine, tmp_path):
    paint(1).save(tmp_path / "$x_^$.png")
    asked = [tmp_path / "$x_^$.png", tmp_path / "gone.png"]
    table = classifier.predict(mine, asked)
    figure = classifier.draw(table, asked)
    classifier.write_png(figure, tmp_path / "figure")
    assert figure.axes[0].get_title() == "$x_^$.png"
    assert sum(axis.has_data() for axis in figure.axes) == 2
    assert classifier.draw(table[1:], asked[1:]) is None
    assert os.path.getsize(tmp_path / "figure") > 1000


def test_a_cards_own_fields_cannot_be_overwritten(tmp_path):
    from helpers import models

    with pytest.raises(ValueError, match="The card says kind, weights by itself"):
        classifier.save(
            tmp_path, [models.head(2048, 2)], ["a", "b"], weights="mine", kind="cat", accuracy=0.8
        )
