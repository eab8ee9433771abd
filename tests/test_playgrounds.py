"""helpers.playgrounds: the drawings as plain functions, the sliders that call them, and the still figure."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import convolution, playgrounds

rng = np.random.default_rng(0)
IMAGE = rng.uniform(0, 255, (20, 31))
MAP = rng.uniform(0, 9, (24, 40))


@pytest.fixture(autouse=True)
def without_a_screen(monkeypatch):
    plt.switch_backend("agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """Somebody sits in front of the notebook; returns what a playground displays."""
    widgets = []
    monkeypatch.setattr(playgrounds, "somebody_there", lambda: True)
    monkeypatch.setattr(playgrounds, "show_widget", widgets.append)
    return widgets


@pytest.fixture
def drawn(monkeypatch):
    """Each picture that a playground has drawn."""
    pictures, as_png = [], playgrounds.as_png

    def record(figure):
        pictures.append(as_png(figure))
        return pictures[-1]

    monkeypatch.setattr(playgrounds, "as_png", record)
    return pictures


def below(widget, kind):
    """All widgets of one kind inside another, in reading order."""
    found = [widget] if type(widget).__name__ == kind else []
    return found + [one for child in getattr(widget, "children", ()) for one in below(child, kind)]


def image_of(axis):
    return np.asarray(axis.images[0].get_array())


KEEP = ("blur", "sharpen", "nothing changes")  # presets that make an image of an image
KERNELS = {name: (kernel, name in KEEP) for name, kernel in playgrounds.PRESETS.items()}
KERNELS["zeros"] = np.zeros((3, 3)), False


@pytest.mark.parametrize(("kernel", "keeps"), KERNELS.values(), ids=KERNELS.keys())
def test_the_filter_figure_shows_image_kernel_and_convolution_with_their_numbers(kernel, keeps):
    left, middle, right, _ = playgrounds.draw_filter(IMAGE, kernel).axes
    expected = convolution.convolve(IMAGE, np.asarray(kernel))
    assert np.allclose(image_of(left), IMAGE) and np.allclose(image_of(right), expected)
    found = f"feature map, {expected.min():.0f} to {expected.max():.0f}".replace("-", "−")
    assert right.get_title() == found
    places = {text.get_position(): text.get_text() for text in middle.texts}  # (column, row)
    assert places == {(c + 0.5, r + 0.5): f"{value:g}" for (r, c), value in np.ndenumerate(kernel)}
    low, high = right.images[0].get_clim()
    if keeps:  # an image again, in grey
        assert (low, high, right.images[0].cmap.name) == (0, IMAGE.max(), "gray")
    else:  # zero in the middle of the colours
        assert low == -high < 0 and right.images[0].cmap.name == "RdBu_r"


def test_the_presets_do_what_their_names_say():
    even, left_dark = np.full((5, 5), 7.0), np.tile([0.0, 0, 9, 9], (4, 1))
    for name, kernel in playgrounds.PRESETS.items():
        keeps = name in KEEP
        assert np.allclose(playgrounds.correlate(even, np.array(kernel)), 7 if keeps else 0), name
        for image, direction in ((left_dark, "vertical"), (left_dark.T, "horizontal")):
            seen = np.abs(playgrounds.correlate(image, np.array(kernel))).max() > 0
            assert keeps or name == "outline" or seen == (direction in name), (name, direction)


@pytest.mark.parametrize("window", [4, 5])
@pytest.mark.parametrize("kind", ["max", "average"])
def test_the_pooling_figure_shows_both_maps_and_both_changes(kind, window):
    axes = playgrounds.draw_pooling(MAP, shift=2, window=window, kind=kind).axes[:4]
    maps = [MAP[:, 8:-8], MAP[:, 6:-10]]
    pool = {"max": convolution.max_pool, "average": convolution.average_pool}[kind]
    pooled = [pool(one[..., None], window)[..., 0] for one in maps]
    expected = [maps[0], pooled[0], maps[1] - maps[0], pooled[1] - pooled[0]]
    assert all(np.allclose(image_of(axis), one) for axis, one in zip(axes, expected, strict=True))
    for axis, (still, moved) in zip(axes[2:], (maps, pooled), strict=True):
        share = np.abs(moved - still).mean() / np.abs(still).mean()
        assert axis.get_title() == f"changed by a shift of 2 px: {share:.0%}"


def test_the_rates_are_those_of_the_schedules_in_keras():
    from helpers.models import keras

    kinds, steps, warmup = keras.optimizers.schedules, playgrounds.STEPS, playgrounds.STEPS // 10
    theirs = {
        ("cosine", 0.1, 0.0, 0.0): kinds.CosineDecay(0.1, steps),
        ("cosine", 0.2, 0.1, 0.3): kinds.CosineDecay(
            0.0, steps - warmup, 0.3, warmup_target=0.2, warmup_steps=warmup
        ),
        ("constant", 0.2, 0.1, 0.0): kinds.PolynomialDecay(0.0, warmup, 0.2),
        ("exponential", 0.1, 0.0, 0.04): kinds.ExponentialDecay(0.1, steps, 0.04),
        ("step", 0.1, 0.0, 0.01): kinds.PiecewiseConstantDecay(
            [steps // 2, steps * 3 // 4], [0.1, 0.01, 0.001]
        ),
    }
    for arguments, schedule in theirs.items():
        expected = [float(schedule(step)) for step in range(steps)]
        assert playgrounds.rates(*arguments) == pytest.approx(expected, abs=1e-6), arguments


def test_the_schedule_figure_shows_the_rates_and_both_losses():
    figure = playgrounds.draw_schedule("cosine", 0.1, 0.2, 0.0)
    constant, chosen = playgrounds.rates("constant", 0.1), playgrounds.rates("cosine", 0.1, 0.2)
    drawn = [line.get_ydata() for axis in figure.axes for line in axis.lines]
    losses = playgrounds.descent(constant), playgrounds.descent(chosen)
    expected = [constant, chosen, *losses]
    assert all(np.allclose(one, other) for one, other in zip(drawn, expected, strict=True))
    names = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert names == ["constant", "your schedule"]
    assert f": {losses[1][-1] / losses[0][-1]:.2g} times" in figure.axes[1].get_title()


def test_filters_draws_once_at_the_start_and_once_for_each_change(shown, drawn):
    playgrounds.filters({"a": IMAGE, "b": IMAGE.T})
    image, preset = below(shown[0], "Dropdown")
    boxes, figure = below(shown[0], "FloatText"), below(shown[0], "Image")[0]
    preset.value = "sharpen"
    assert [box.value for box in boxes] == list(np.ravel(playgrounds.PRESETS["sharpen"]))
    boxes[5].value = 3
    assert preset.value == playgrounds.OWN
    image.value = "b"
    with_own_value = figure.value
    preset.value = "vertical edge"  # sets all nine again
    assert len(drawn) == 5 and plt.get_fignums() == []
    for picture, kernel in (
        (with_own_value, [[0, -1, 0], [-1, 5, 3], [0, -1, 0]]),
        (figure.value, playgrounds.PRESETS["vertical edge"]),
    ):
        assert picture == playgrounds.as_png(playgrounds.draw_filter(IMAGE.T, kernel))


@pytest.mark.parametrize(
    ("playground", "draw", "given", "values"),
    [
        (playgrounds.pooling, playgrounds.draw_pooling, (MAP,), (5, 2, "average")),
        (playgrounds.schedules, playgrounds.draw_schedule, (), ("step", 0.2, 0.5, 0.3)),
    ],
    ids=["pooling", "schedules"],
)
def test_each_control_redraws_once_and_can_be_drawn_at_its_ends(
    playground, draw, given, values, shown, drawn
):
    playground(*given)
    controls, [image] = shown[0].children[0].children, below(shown[0], "Image")
    for control, value in zip(controls, values, strict=True):
        control.value = value
    assert len(drawn) == 1 + len(values) and plt.get_fignums() == []
    assert image.value == playgrounds.as_png(draw(*given, *values))
    for slider in below(shown[0], "IntSlider") + below(shown[0], "FloatSlider"):
        slider.value = slider.min
        slider.value = slider.max


@pytest.mark.parametrize(
    "playground", [playgrounds.filters, playgrounds.pooling, playgrounds.schedules]
)
def test_where_no_widget_can_run_a_still_figure_is_drawn(playground):
    playground()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("there", [False, True], ids=["nbconvert or nbval", "a person"])
def test_somebody_is_there_if_the_kernel_may_ask_for_input(there, monkeypatch):
    shell = SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=there))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert playgrounds.somebody_there() is there
