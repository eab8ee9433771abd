"""helpers.plots: what stands where in each figure."""

from types import SimpleNamespace

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from helpers import plots, training

GREY_IMAGES = np.zeros((4, 6, 6), "uint8")
NAMES = ["cat", "dog", "cow"]


@pytest.fixture(autouse=True)
def closed():
    with plt.rc_context():
        plots.style()
        yield
    plt.close("all")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def titles(figure):
    return [axis.get_title() for axis in figure.axes]


def ticks(labels):
    return [label.get_text() for label in labels]


def colour_names(bars):
    """Of bars: "BLUE", ... where plots has a name for the colour, else as #rrggbb."""
    names = {getattr(plots, name).lower(): name for name in ("BLUE", "ORANGE", "GREY")}
    faces = [to_hex(one.get_facecolor()) for one in bars]
    return [names.get(face, face) for face in faces]


@pytest.fixture
def solar(tmp_path):
    """The validation split of the solar cells, as far as the ladder asks."""
    names = ["mono-defective", "mono-functional"]
    table = pd.DataFrame({"class_name": np.repeat(names, [165, 361])})
    folders = {"folder": tmp_path / "now", "output_folder": tmp_path}
    return SimpleNamespace(name="solar", class_names=names, split=lambda split: table, **folders)


ODD = ["$a_b^$", "$5 or {", r"\frac{", "$$"]
NOT_FORMULAS = {
    "image_grid": lambda: plots.image_grid(GREY_IMAGES, ODD),
    "predictions": lambda: plots.predictions(GREY_IMAGES, np.eye(4), ODD, [1, 1, 2, 3]),
    "history": lambda: plots.history({ODD[0]: pd.DataFrame({"loss": [1], "accuracy": [1]})}),
    "curves": lambda: plots.curves({name: np.arange(3) for name in ODD}),
    "intervals": lambda: plots.intervals(
        pd.DataFrame({"mean": 1, "low": 0, "high": 2}, index=ODD), baselines={ODD[0]: 1}
    ),
    "confusion": lambda: plots.confusion([0, 1], [1, 0], ODD),
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
    images = [GREY_IMAGES[0], np.full((4, 4), 100), np.ones((4, 4, 3)), tmp_path / "red.png"]
    figure = plots.image_grid(images, ["8 bits", "int64", "float"], columns=3)
    assert titles(figure) == ["8 bits", "int64", "float", "", "", ""]
    shown = [axis.images[0] for axis in figure.axes[:4]]
    assert [image.get_clim() for image in shown[:3]] == [(0, 255), (0, 255), (0, 1)]
    assert shown[3].get_array().shape == (150, 150, 3)
    assert not figure.axes[4].images


def test_predictions_show_the_likeliest_first_the_true_class_blue_and_a_wrong_one_orange():
    probabilities = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]
    figure = plots.predictions(GREY_IMAGES[:2], probabilities, NAMES, [1, 2])
    assert titles(figure)[:2] == ["✓ dog", "✗ true: cow"]
    right, wrong = figure.axes[2:]
    assert texts(right) == ["70% dog", "20% cow", "10% cat"]
    assert [bar.get_width() for bar in right.patches] == [0.7, 0.2, 0.1]
    assert colour_names(right.patches) == ["BLUE", "GREY", "GREY"]
    assert colour_names(wrong.patches) == ["ORANGE", "GREY", "BLUE"]
    assert [axis.spines["top"].get_visible() for axis in figure.axes[:2]] == [False, True]
    untold = plots.predictions(GREY_IMAGES[:1], probabilities, NAMES).axes[1]
    assert colour_names(untold.patches) == ["GREY"] * 3


def test_the_worst_mistakes_come_first_and_without_any_there_is_a_line(capsys):
    probabilities = [[0.9, 0.1], [0.4, 0.6], [0.01, 0.99]]
    images = np.arange(3)[:, None, None] * np.ones((3, 6, 6), "uint8")
    figure = plots.mistakes(images, [0, 0, 0], probabilities, NAMES)
    assert titles(figure)[:3] == ["true: cat\nsaid dog (99%)", "true: cat\nsaid dog (60%)", ""]
    assert [axis.images[0].get_array().max() for axis in figure.axes[:2]] == [2, 1]
    assert plots.mistakes(images[:1], [0], [[0.9, 0.1]], NAMES) is None
    assert "No wrong prediction" in capsys.readouterr().out


def test_a_neighbour_of_the_same_class_has_a_blue_frame_and_another_an_orange_one():
    found, same = [GREY_IMAGES[:2]] * 2, [[True, False], [False, True]]
    figure = plots.neighbours(GREY_IMAGES[:2], found, ["q", "r"], [["a", "b"], ["c", "d"]], same)
    assert titles(figure) == ["q", "a", "b", "r", "c", "d"]
    frames = [axis.spines["top"] for axis in figure.axes]
    assert [frame.get_visible() for frame in frames] == [False, True, True] * 2
    colours = [to_hex(frames[i].get_edgecolor()).upper() for i in (1, 2, 4, 5)]
    assert colours == [plots.BLUE, plots.ORANGE, plots.ORANGE, plots.BLUE]


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
    assert ticks(figure.axes[2].get_yticklabels()) == ["−4", "0", "4"]


def test_the_history_draws_train_dashed_and_validation_solid():
    table = pd.DataFrame(
        {"loss": [2, 1], "val_loss": [3, 4], "accuracy": [0.1, 0.2], "val_accuracy": [0.3, 0.4]}
    )
    figure = plots.history({"a": table, "b": table[["loss", "accuracy"]]})
    loss, accuracy = figure.axes
    assert titles(figure) == ["loss (cross-entropy)", "accuracy"]
    drawn = [(line.get_linestyle(), list(line.get_ydata())) for line in loss.lines]
    assert drawn == [("--", [2, 1]), ("-", [3, 4]), ("--", [2, 1])]
    drawn = [(line.get_linestyle(), list(line.get_ydata())) for line in accuracy.lines]
    assert drawn == [("--", [0.1, 0.2]), ("-", [0.3, 0.4]), ("--", [0.1, 0.2])]
    assert ticks(accuracy.get_legend().get_texts()) == ["a train", "a validation", "b train"]
    first, same, other = [line.get_color() for line in accuracy.lines]
    assert first == same != other
    assert ticks(plots.history(table).axes[1].get_legend().get_texts()) == ["train", "validation"]


def test_curves_are_named_in_the_order_of_their_ends_each_in_its_colour():
    ends = {"middle": 0.5, "low": 0.0, "also middle": 0.51, "high": 1.0, "lost": np.nan}
    axis = plots.curves({name: np.array([0.9, end]) for name, end in ends.items()}).axes[0]
    assert list(axis.lines[0].get_xdata()) == [1, 2]
    names = axis.get_legend().get_texts()
    order = ["high", "lost", "also middle", "middle", "low"]  # lost: 0.9 was its last number
    assert ticks(names) == order
    assert names[-1].get_color() == axis.lines[1].get_color()


def test_intervals_are_drawn_from_low_to_high_in_the_tables_order():
    table = pd.DataFrame({"mean": [0.8, 0.7], "low": [0.75, 0.6], "high": [0.85, 0.8]})
    table.index = ["first", "second"]
    axis = plots.intervals(table, baselines={"far": 0.1, "near": 0.55}).axes[0]
    segments = [segment.tolist() for segment in axis.collections[0].get_segments()]
    assert segments == [[[0.75, 0], [0.85, 0]], [[0.6, 1], [0.8, 1]]]  # (x, row)
    assert axis.lines[0].get_xydata().tolist() == [[0.8, 0], [0.7, 1]]
    assert ticks(axis.get_yticklabels()) == ["first", "second"] and axis.yaxis_inverted()
    assert ticks(axis.get_legend().get_texts()) == ["far 0.100 (further left)", "near 0.550"]
    assert axis.lines[-1].get_xdata()[0] == 0.55 and 0.5 < axis.get_xlim()[0] < 0.55


def test_dots_show_each_run_and_the_mean_of_its_setting():
    runs = pd.DataFrame({"setting": ["b", "a", "b"], "accuracy": [0.7, 0.9, 0.8]})
    axis = plots.dots(runs).axes[0]
    assert [list(line.get_xdata()) for line in axis.lines] == [[0.7, 0.8], [0.9]]
    means = [bar.get_segments()[0][0, 0] for bar in axis.collections]
    assert means == pytest.approx([0.75, 0.9]) and texts(axis) == ["mean 0.750", "mean 0.900"]
    assert ticks(axis.get_yticklabels()) == ["b", "a"]


def test_the_confusion_matrix_has_true_classes_as_rows_with_recall_and_precision_below_columns():
    axis = plots.confusion([0, 0, 0, 0, 1], [0, 1, 1, 1, 1], ["cat", "dog"]).axes[0]
    places = {text.get_position(): text.get_text() for text in axis.texts}  # (column, row)
    assert places == {(0, 0): "1", (1, 0): "3", (0, 1): "", (1, 1): "1"}
    assert ticks(axis.get_yticklabels()) == ["cat\nrecall 25%", "dog\nrecall 100%"]
    assert ticks(axis.get_xticklabels()) == ["cat\nprecision 100%", "dog\nprecision 25%"]
    assert axis.get_title() == "accuracy 40%"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted class", "true class")
    assert axis.images[0].get_array().tolist() == [[0.25, 0.75], [0, 1]]
    assert axis.images[0].get_clim() == (0, 1)
    axis = plots.confusion([0], [0], ["cat", "dog"]).axes[0]
    assert ticks(axis.get_yticklabels())[1] == "dog\nrecall –"


def test_sixty_classes_fit_into_a_page_without_numbers():
    names = [f"class {number}" for number in range(60)]
    figure = plots.confusion([*range(60), 7, 7], [*range(60), 9, 9], names)
    assert max(figure.get_size_inches()) <= plots.WIDTH
    assert not figure.axes[0].texts and not ticks(figure.axes[0].get_yticklabels())


def test_the_boundary_shows_each_place_its_own_probability_in_the_colour_of_the_likelier_class():
    x, y = np.array([[-1, 0], [1, 9]]), np.array([0, 1])
    figure = plots.decision_boundary(lambda plane: plane[:, 0] > 0, x, y, ["no", "yes"])
    axis, bar = figure.axes
    shown = axis.collections[0].get_array().reshape(200, 200)
    assert not shown[:, 0].any() and shown[:, -1].all()
    plane = [to_hex(axis.collections[0].cmap(end)).upper() for end in (0.0, 1.0)]
    assert plane == [plots.ORANGE, plots.BLUE] == [line.get_color() for line in axis.lines]
    assert [list(line.get_ydata()) for line in axis.lines] == [[0], [9]]
    assert ticks(axis.get_legend().get_texts()) == ["no", "yes"]
    assert bar.get_ylabel() == "probability of yes"


def test_blocks_stand_in_order_with_their_shapes_groups_and_residual_connections():
    boxes = [("image", "8 x 8 x 3", "data"), ("a", "4 x 4 x 9", "frozen"), ("b", "9", "frozen")]
    axis = plots.blocks([*boxes, ("head", "2", "trained")], skips=[(0, 2)]).axes[0]
    across = {text.get_text(): text.get_position()[0] for text in axis.texts if text.get_text()}
    assert across["image"] < across["a"] == across["4 x 4 x 9"] < across["b"] < across["+"]
    assert across["+"] < across["head"] == across["2"] == across["trained"]
    assert across["frozen"] in (across["a"], across["b"]) and "data" not in across
    [skip] = axis.lines
    start, *_, end = skip.get_xdata()
    assert across["image"] < start < across["a"] and end == across["+"]
    groups = [plots.GROUPS[group] for group in ("data", "frozen", "frozen", "trained")]
    assert [to_hex(patch.get_facecolor()).upper() for patch in axis.patches] == groups


def test_the_ladder_fills_what_ran_here_and_leaves_the_recorded_hollow(solar):
    training.rung(solar, "linear head on Xception", np.repeat([1, 0, 1], [65, 100, 361]))
    training.rung(solar, "mine", np.repeat([1, 0], [165, 361]))
    axis = plots.ladder(solar).axes[0]
    names, colours = ticks(axis.get_yticklabels()), colour_names(axis.patches)
    filled = [name for name, colour in zip(names, colours, strict=True) if colour == "BLUE"]
    assert filled == ["mine", "linear head on Xception"] == [names[0], names[-1]]
    assert "most frequent class" in names and len(set(names)) == len(names)
    beside = texts(axis)
    assert beside[:2] == ["0.000", "0 of 165 broken found"]
    assert beside[-2:] == ["0.876", "100 of 165 broken found"]


def test_on_other_images_the_ladder_shows_only_what_ran_here(solar, capsys):
    solar.name = "photos"
    assert plots.ladder(solar) is None
    assert "training.rung" in capsys.readouterr().out
    training.rung(solar, "mine", np.ones(526, int))
    assert texts(plots.ladder(solar).axes[0]) == ["0.686"]
