"""helpers.plots: what stands where in each figure."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from helpers import plots

GREY_IMAGES = np.zeros((4, 6, 6), "uint8")
NAMES = ["cat", "dog", "cow"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def titles(figure):
    return [axis.get_title() for axis in figure.axes]


def dataset(folder, name="solar", n_broken=165):
    rows = ["mono-defective"] * n_broken + ["mono-functional"] * (526 - n_broken)
    table = pd.DataFrame({"class_name": rows})
    return SimpleNamespace(
        name=name, folder=folder / "now", output_folder=folder, split=lambda split: table
    )


def put(folder, name, accuracy, found=None, contents="now"):
    row = {"name": name, "accuracy": accuracy, "broken_found": found, "dataset": contents}
    row["broken"] = None if found is None else 165
    (folder / "ladder").mkdir(exist_ok=True)
    (folder / "ladder" / f"{name}-{contents}.json").write_text(json.dumps(row), encoding="utf-8")


def rungs(figure):
    axis = figure.axes[0]
    filled = [to_hex(colour) != "#ffffff" for colour in axis.collections[0].get_facecolors()]
    return dict(zip([label.get_text() for label in axis.get_yticklabels()], filled, strict=True))


def test_importing_changes_no_setting_and_style_does():
    code = (
        "import matplotlib as m; before = dict(m.rcParams); from helpers import plots;"
        "assert dict(m.rcParams) == before; plots.style(); assert m.rcParams['figure.dpi'] == 150"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


ODD = ["$a_b^$", "$5 or {", r"\frac{", "$$"]
NOT_FORMULAS = {
    "image_grid": lambda: plots.image_grid(GREY_IMAGES, ODD),
    "predictions": lambda: plots.predictions(GREY_IMAGES, np.eye(4), ODD, [1, 1, 2, 3]),
    "mistakes": lambda: plots.mistakes(GREY_IMAGES, [1, 2, 3, 0], np.eye(4), ODD),
    "neighbours": lambda: plots.neighbours(GREY_IMAGES[:1], [GREY_IMAGES[:1]], ODD, [ODD]),
    "numbers": lambda: plots.numbers(np.eye(2), ODD[0]),
    "signed_maps": lambda: plots.signed_maps([np.eye(2)], ODD),
    "history": lambda: plots.history({ODD[0]: pd.DataFrame({"loss": [1], "accuracy": [1]})}),
    "curves": lambda: plots.curves({name: np.arange(3) for name in ODD}),
    "intervals": lambda: plots.intervals(
        pd.DataFrame({"mean": 1, "low": 0, "high": 2}, index=ODD), baselines={ODD[0]: 1}
    ),
    "dots": lambda: plots.dots(pd.DataFrame({"setting": ODD, "accuracy": range(4)})),
    "confusion": lambda: plots.confusion([0, 1], [1, 0], ODD),
    "large confusion": lambda: plots.confusion([0, 1], [1, 0], ODD * 10),
    "decision_boundary": lambda: plots.decision_boundary(
        lambda x: x[:, 0], np.eye(2), np.arange(2), ODD
    ),
    "blocks": lambda: plots.blocks([(ODD[0], ODD[1], "frozen")], title=ODD[2]),
}


@pytest.mark.parametrize("draw", NOT_FORMULAS.values(), ids=NOT_FORMULAS.keys())
def test_a_dollar_in_a_name_is_no_formula_and_no_text_is_under_8_points(draw):
    figure = draw()
    figure.canvas.draw()  # a formula would raise here
    shown = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
    assert min(text.get_fontsize() for text in shown) >= 8


def test_images_of_any_kind_stand_in_one_grid_under_their_titles(tmp_path):
    Image.new("RGB", (20, 10), "red").save(tmp_path / "red.png")
    images = [GREY_IMAGES[0], np.ones((4, 4, 3)), tmp_path / "red.png"]
    figure = plots.image_grid(images, ["grey", "float"], columns=2)
    assert titles(figure) == ["grey", "float", "", ""]
    assert figure.axes[1].images[0].get_clim() == (0, 1)
    assert figure.axes[2].images[0].get_array().shape == (150, 150, 3)
    assert not figure.axes[3].images


def test_predictions_show_the_likeliest_first_the_true_class_blue_and_a_wrong_one_orange():
    probabilities = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]
    figure = plots.predictions(GREY_IMAGES[:2], probabilities, NAMES, [1, 2])
    assert titles(figure)[:2] == ["✓ dog", "✗ true: cow"]
    right, wrong = figure.axes[2:]
    assert texts(right) == ["dog", "70%", "cow", "20%", "cat", "10%"]
    assert [bar.get_width() for bar in right.patches] == [0.7, 0.2, 0.1]
    blue, orange = plots.BLUE.lower(), plots.ORANGE.lower()
    assert [to_hex(bar.get_facecolor()) for bar in wrong.patches][::2] == [orange, blue]
    assert [axis.spines["top"].get_visible() for axis in figure.axes[:2]] == [False, True]
    bars = plots.predictions(GREY_IMAGES[:1], probabilities, NAMES).axes[1].patches
    assert {to_hex(bar.get_facecolor()) for bar in bars} == {plots.GREY.lower()}  # unknown truth


def test_the_worst_mistakes_come_first_and_correct_predictions_not_at_all():
    probabilities = [[0.9, 0.1], [0.4, 0.6], [0.01, 0.99]]
    figure = plots.mistakes(GREY_IMAGES[:3], [0, 0, 0], probabilities, NAMES)
    assert titles(figure)[:3] == ["true: cat\nsaid dog (99%)", "true: cat\nsaid dog (60%)", ""]


def test_no_mistake_means_a_line_and_no_figure(capsys):
    assert plots.mistakes(GREY_IMAGES[:1], [0], [[0.9, 0.1]], NAMES) is None
    assert "No wrong prediction" in capsys.readouterr().out


def test_a_neighbour_of_the_same_class_has_a_blue_frame_and_another_an_orange_one():
    found, same = [GREY_IMAGES[:2]] * 2, [[True, False], [False, True]]
    figure = plots.neighbours(GREY_IMAGES[:2], found, ["q", "r"], [["a", "b"], ["c", "d"]], same)
    assert titles(figure) == ["q", "a", "b", "r", "c", "d"]
    frames = [axis.spines["top"] for axis in figure.axes]
    assert [frame.get_visible() for frame in frames] == [False, True, True] * 2
    colours = [to_hex(frames[i].get_edgecolor()) for i in (1, 2, 4, 5)]
    blue, orange = plots.BLUE.lower(), plots.ORANGE.lower()
    assert colours == [blue, orange, orange, blue]


def test_numbers_stand_on_their_pixels():
    axis = plots.numbers([[1, -2.004], [0, 300]], kind="kernel").axes[0]
    places = {text.get_position(): text.get_text() for text in axis.texts}
    assert places == {(0, 0): "1", (1, 0): "−2", (0, 1): "0", (1, 1): "300"}
    assert axis.images[0].get_clim() == (-300, 300)


@pytest.mark.parametrize(("kind", "colours"), [("map", "RdBu_r"), ("kernel", "PuOr")])
def test_signed_maps_share_one_scale_with_zero_in_the_middle(kind, colours):
    figure = plots.signed_maps([np.array([[1, 0]]), np.array([[-4, 2]])], kind=kind)
    shown = [axis.images[0] for axis in figure.axes[:2]]
    assert [image.get_clim() for image in shown] == [(-4, 4), (-4, 4)]
    assert shown[0].get_cmap().name == colours
    assert [tick.get_text() for tick in figure.axes[2].get_yticklabels()] == ["−4", "0", "4"]


def test_the_history_draws_train_dashed_and_validation_solid():
    table = pd.DataFrame(
        {"loss": [2, 1], "val_loss": [3, 4], "accuracy": [0.1, 0.2], "val_accuracy": [0.3, 0.4]}
    )
    loss, accuracy = plots.history(table).axes
    lines = [(line.get_linestyle(), list(line.get_ydata())) for line in loss.lines + accuracy.lines]
    assert lines == [("--", [2, 1]), ("-", [3, 4]), ("--", [0.1, 0.2]), ("-", [0.3, 0.4])]
    labels = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert labels == ["train", "validation"]


def test_curves_carry_their_names_in_the_order_of_their_ends_and_none_covers_another():
    ends = {"middle": 0.5, "low": 0.0, "also middle": 0.51, "high": 1.0, "diverged": np.nan}
    axis = plots.curves({name: np.array([0.9, end]) for name, end in ends.items()}).axes[0]
    assert list(axis.lines[0].get_xdata()) == [1, 2]
    heights = {text.get_text(): text.get_position()[1] for text in axis.texts}
    assert sorted(heights, key=heights.get) == ["low", "middle", "also middle", "diverged", "high"]
    assert np.diff(sorted(heights.values())).min() > 0.069
    assert heights["middle"] == pytest.approx(0.5, abs=0.05) and heights["low"] < 0.1


def test_intervals_are_drawn_from_low_to_high_in_the_tables_order():
    table = pd.DataFrame({"mean": [0.8, 0.7], "low": [0.75, 0.6], "high": [0.85, 0.8]})
    table.index = ["first", "second"]
    axis = plots.intervals(table, baselines={"far": 0.1, "near": 0.55}).axes[0]
    segments = [segment[:, 0].tolist() for segment in axis.collections[0].get_segments()]
    assert segments == [[0.75, 0.85], [0.6, 0.8]]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["first", "second"]
    assert axis.yaxis_inverted()
    assert texts(axis) == ["← far 0.100", "near 0.550"]
    assert axis.lines[0].get_xdata()[0] == 0.55 and axis.get_xlim()[0] > 0.5


def test_dots_show_each_run_and_the_mean_of_its_setting():
    runs = pd.DataFrame({"setting": ["b", "a", "b"], "accuracy": [0.7, 0.9, 0.8]})
    axis = plots.dots(runs).axes[0]
    assert [list(line.get_xdata()) for line in axis.lines] == [[0.7, 0.8], [0.9]]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["b", "a"]
    assert texts(axis) == ["mean 0.750", "mean 0.900"]


def test_the_confusion_matrix_has_true_classes_as_rows_recall_right_and_precision_below():
    axis = plots.confusion([0, 0, 0, 0, 1], [0, 1, 1, 1, 1], ["cat", "dog"]).axes[0]
    places = {text.get_position(): text.get_text() for text in axis.texts}  # (column, row)
    assert {place: places[place] for place in [(0, 0), (1, 0), (1, 1)]} == {
        (0, 0): "1", (1, 0): "3", (1, 1): "1",
    }  # fmt: skip
    assert (places[2, 0], places[2, 1]) == ("25", "100")
    assert (places[0, 2], places[1, 2], places[2, 2]) == ("100", "25", "40")
    assert axis.get_xlabel() == "predicted class"
    assert texts(plots.confusion([0], [0], ["cat", "dog"]).axes[0])[-7:] == [
        "100",
        "100",
        "–",
        "–",
        "100",
        "accuracy, %",
        "recall, %",
    ]
    assert axis.images[0].get_array()[0].tolist()[:2] == [0.25, 0.75]


def test_sixty_classes_fit_into_a_page_and_the_largest_confusions_are_listed():
    names = [f"class {number}" for number in range(60)]
    figure = plots.confusion([*range(60), 7, 7], [*range(60), 9, 9], names)
    assert max(figure.get_size_inches()) <= plots.WIDTH
    assert not figure.axes[0].texts
    assert "2 × class 7 (7)\n      → class 9 (9)" in texts(figure.axes[1])[0]


def test_the_boundary_shows_each_place_its_own_probability():
    x, y = np.array([[-1, 0], [1, 9]]), np.array([0, 1])
    axis = plots.decision_boundary(lambda plane: plane[:, 0] > 0, x, y, ["no", "yes"]).axes[0]
    shown = axis.collections[0].get_array().reshape(200, 200)
    assert not shown[:, 0].any() and shown[:, -1].all()
    assert [list(line.get_ydata()) for line in axis.lines] == [[0], [9]]


def test_blocks_stand_in_order_with_their_shapes_groups_and_residual_connections():
    boxes = [("image", "8 x 8 x 3", "data"), ("a", "4 x 4 x 9", "frozen"), ("b", "9", "frozen")]
    axis = plots.blocks([*boxes, ("head", "2", "trained")], skips=[(0, 2)]).axes[0]
    across = {text.get_text(): text.get_position()[0] for text in axis.texts if text.get_text()}
    assert across["image"] < across["a"] == across["4 x 4 x 9"] < across["b"] < across["+"]
    assert across["+"] < across["head"] == across["2"] == across["trained"]
    assert across["a"] < across["frozen"] < across["b"]
    assert [to_hex(patch.get_facecolor()) for patch in axis.patches] == [
        plots.GROUPS[group].lower() for group in ("data", "frozen", "frozen", "trained")
    ]


def test_the_ladder_fills_what_ran_here_and_leaves_the_recorded_hollow(tmp_path):
    put(tmp_path, "linear head on Xception", 0.9, 100)
    put(tmp_path, "mine", 0.1, 3)
    put(tmp_path, "of other images", 0.99, 160, contents="before")
    put(tmp_path, "not judged", 0.2)
    figure = plots.ladder(dataset(tmp_path))
    filled = rungs(figure)
    assert list(filled)[-1] == "linear head on Xception"  # on top
    assert [name for name in filled if filled[name]] == [
        "mine", "not judged", "linear head on Xception",
    ]  # fmt: skip
    assert "most frequent class" in filled and "of other images" not in filled
    counts = [text.strip() for text in texts(figure.axes[1])]
    assert counts[0] == "3 of 165" and "not counted" in counts and counts[-1] == "100 of 165"


@pytest.mark.parametrize("change", [{"name": "photos"}, {"n_broken": 150}], ids=["name", "split"])
def test_on_other_images_the_ladder_shows_only_what_ran_here(tmp_path, change, capsys):
    assert plots.ladder(dataset(tmp_path, **change)) is None
    assert "training.rung" in capsys.readouterr().out
    put(tmp_path, "mine", 0.5)
    figure = plots.ladder(dataset(tmp_path, **change))
    assert rungs(figure) == {"mine": True}
    assert not figure.axes[1].get_visible()
