"""helpers.playgrounds: the drawings as plain functions, the sliders that call them, and the still figure."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import convolution, playgrounds

rng = np.random.default_rng(0)
IMAGE = rng.uniform(0, 255, (20, 31))
MAP = rng.uniform(0, 9, (24, 40))
ASYMMETRIC = np.arange(9.0).reshape(3, 3) - 2


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
    """Records the numbers of every redraw."""
    calls = []

    def spy(name):
        draw = getattr(playgrounds, name)

        def record(*arguments, **named):
            calls.append(
                tuple(
                    one for one in (*arguments, *named.values()) if not isinstance(one, plt.Figure)
                )
            )
            return draw(*arguments, **named)

        monkeypatch.setattr(playgrounds, name, record)

    spy("draw_filter")
    spy("draw_pooling")
    spy("draw_schedule")
    return calls


def below(widget, kind):
    """All widgets of one kind inside another, in reading order."""
    found = [widget] if type(widget).__name__ == kind else []
    return found + [one for child in getattr(widget, "children", ()) for one in below(child, kind)]


def image_of(axis):
    return np.asarray(axis.images[0].get_array())


# The drawings


@pytest.mark.parametrize("kernel", [ASYMMETRIC, np.zeros((3, 3)), *playgrounds.PRESETS.values()])
def test_the_feature_map_that_is_drawn_is_the_convolution(kernel):
    figure = playgrounds.draw_filter(IMAGE, kernel)
    assert np.allclose(image_of(figure.axes[0]), IMAGE)
    assert np.allclose(image_of(figure.axes[2]), convolution.convolve(IMAGE, np.asarray(kernel)))


def test_the_kernel_is_drawn_with_its_nine_numbers_and_zero_in_the_middle_of_the_colours():
    kernel = ASYMMETRIC - ASYMMETRIC.mean()  # a sum of 0
    figure = playgrounds.draw_filter(IMAGE, kernel)
    assert [text.get_text() for text in figure.axes[1].texts] == [
        f"{value:g}" for value in kernel.ravel()
    ]
    for axis in figure.axes[1:3]:
        low, high = axis.images[0].get_clim()
        assert low == -high < 0


@pytest.mark.parametrize("preset", ["blur", "sharpen", "nothing changes"])
def test_a_map_that_is_an_image_again_is_drawn_in_grey(preset):
    shown = playgrounds.draw_filter(IMAGE, playgrounds.PRESETS[preset]).axes[2].images[0]
    assert shown.get_clim() == (0, IMAGE.max()) and shown.cmap.name == "gray"


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("window", [1, 2, 3, 8])
def test_what_is_pooled_equals_the_pooling_of_the_lesson(kind, window):
    theirs = {"max": convolution.max_pool, "average": convolution.average_pool}[kind]
    assert np.allclose(playgrounds.pool(MAP, window, kind), theirs(MAP[..., None], window)[..., 0])


def test_a_shift_moves_the_map_right_and_lets_its_own_values_in():
    still, moved = playgrounds.shifted(MAP, 0), playgrounds.shifted(MAP, 3)
    assert still.shape == moved.shape == (24, 40 - 2 * playgrounds.MAX_SHIFT)
    assert np.array_equal(moved[:, 3:], still[:, :-3])
    assert moved.min() > 0


def test_the_pooling_figure_shows_both_maps_and_both_changes():
    figure = playgrounds.draw_pooling(MAP, shift=2, window=4, kind="max")
    still, moved = playgrounds.shifted(MAP, 0), playgrounds.shifted(MAP, 2)
    pooled = [playgrounds.pool(one, 4) for one in (still, moved)]
    expected = [still, pooled[0], moved - still, pooled[1] - pooled[0]]
    assert all(
        np.allclose(image_of(axis), one) for axis, one in zip(figure.axes, expected, strict=False)
    )
    assert f"{playgrounds.changed(still, moved):.0%}" in figure.axes[2].get_title()
    assert f"{playgrounds.changed(*pooled):.0%}" in figure.axes[3].get_title()


def test_without_a_shift_nothing_changes():
    assert playgrounds.changed(MAP, playgrounds.shifted(np.pad(MAP, ((0, 0), (8, 8))), 0)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: playgrounds.shifted(MAP, 9), "0 to 8 pixels, not 9"),
        (lambda: playgrounds.shifted(MAP, -1), "0 to 8 pixels, not -1"),
    ],
    ids=["a shift too large", "a shift to the left"],
)
def test_a_wrong_value_is_told_what_is_wrong_with_it(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_presets_do_what_their_names_say():
    even = np.full((5, 5), 7.0)
    results = {
        name: playgrounds.correlate(even, np.array(kernel))
        for name, kernel in playgrounds.PRESETS.items()
    }
    keeps = {"blur", "sharpen", "nothing changes"}
    assert all(np.allclose(result, 7 if name in keeps else 0) for name, result in results.items())


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


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.15])
def test_a_constant_rate_settles_at_the_loss_that_theory_gives(rate):
    # each step: variance -> (1 - rate * curvature)**2 * variance + (rate * noise)**2, at rest
    loss = playgrounds.descent(playgrounds.rates("constant", rate))[200:].mean()
    expected = (rate * playgrounds.NOISE**2 / (2 - rate * playgrounds.BOWL)).sum() / 2
    assert loss == pytest.approx(expected, rel=0.1)


def test_the_schedule_figure_shows_the_rates_and_both_losses():
    figure = playgrounds.draw_schedule("cosine", 0.1, 0.2, 0.0)
    constant, chosen = playgrounds.rates("constant", 0.1), playgrounds.rates("cosine", 0.1, 0.2)
    drawn = [line.get_ydata() for axis in figure.axes for line in axis.lines]
    expected = [constant, chosen, playgrounds.descent(constant), playgrounds.descent(chosen)]
    assert all(np.allclose(one, other) for one, other in zip(drawn, expected, strict=True))


# The sliders


def test_filters_draws_once_at_the_start_and_once_for_each_change(shown, drawn):
    playgrounds.filters({"a": IMAGE, "b": IMAGE.T})
    image, preset = below(shown[0], "Dropdown")
    boxes, figure = below(shown[0], "FloatText"), below(shown[0], "Image")[0]
    assert len(drawn) == 1 and bytes(figure.value).startswith(b"\x89PNG")

    preset.value = "sharpen"
    assert len(drawn) == 2 and np.array_equal(drawn[-1][1], playgrounds.PRESETS["sharpen"])
    assert [box.value for box in boxes] == list(np.ravel(playgrounds.PRESETS["sharpen"]))

    boxes[5].value = 3
    assert len(drawn) == 3 and drawn[-1][1][1, 2] == 3
    assert preset.value == playgrounds.OWN

    before = figure.value
    image.value = "b"
    assert len(drawn) == 4 and np.array_equal(drawn[-1][0], IMAGE.T)
    assert figure.value != before


def test_a_preset_after_own_values_sets_all_nine_again(shown, drawn):
    playgrounds.filters({"a": IMAGE})
    preset, boxes = below(shown[0], "Dropdown")[1], below(shown[0], "FloatText")
    boxes[0].value = 9
    preset.value = "vertical edge"
    assert np.array_equal(drawn[-1][1], playgrounds.PRESETS["vertical edge"])
    boxes[8].value = 4
    assert drawn[-1][1][2, 2] == 4


def test_each_control_of_pooling_redraws_once(shown, drawn):
    playgrounds.pooling(MAP)
    shift, window = below(shown[0], "IntSlider")
    kind = below(shown[0], "Dropdown")[0]
    assert [arguments[1:] for arguments in drawn] == [(1, 4, "max")]
    shift.value, window.value, kind.value = 5, 2, "average"
    assert [arguments[1:] for arguments in drawn[1:]] == [
        (5, 4, "max"),
        (5, 2, "max"),
        (5, 2, "average"),
    ]


def test_each_control_of_schedules_redraws_once(shown, drawn):
    playgrounds.schedules()
    shape, (peak, warmup, end) = below(shown[0], "Dropdown")[0], below(shown[0], "FloatSlider")
    assert drawn == [("cosine", 0.1, 0.1, 0.0)]
    before = below(shown[0], "Image")[0].value
    shape.value, peak.value, warmup.value, end.value = "step", 0.2, 0.5, 0.3
    assert drawn[1:] == [
        ("step", 0.1, 0.1, 0.0), ("step", 0.2, 0.1, 0.0), ("step", 0.2, 0.5, 0.0), ("step", 0.2, 0.5, 0.3)
    ]  # fmt: skip
    assert below(shown[0], "Image")[0].value != before


@pytest.mark.parametrize("shape", playgrounds.SHAPES)
def test_the_sliders_of_schedules_stay_within_what_can_be_drawn(shape, shown):
    playgrounds.schedules()
    below(shown[0], "Dropdown")[0].value = shape
    for slider in below(shown[0], "FloatSlider"):
        for end in (slider.min, slider.max):
            slider.value = end
            values = [one.value for one in below(shown[0], "FloatSlider")]
            rates = playgrounds.rates(shape, *values)
            assert (
                len(rates) == playgrounds.STEPS
                and rates.max() <= values[0] + 1e-12
                and np.isfinite(rates).all()
            )


def test_the_sliders_stay_within_what_can_be_drawn(shown, drawn):
    playgrounds.pooling(MAP)
    sliders = below(shown[0], "IntSlider")
    for slider, end in [(slider, end) for slider in sliders for end in ("min", "max")]:
        slider.value = getattr(slider, end)
    assert [arguments[1:3] for arguments in drawn] == [(1, 4), (0, 4), (8, 4), (8, 1), (8, 8)]


def test_redrawing_leaves_no_open_figure(shown):
    playgrounds.filters({"a": IMAGE})
    playgrounds.pooling(MAP)
    playgrounds.schedules()
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "playground", [playgrounds.filters, playgrounds.pooling, playgrounds.schedules]
)
def test_a_redraw_makes_no_new_figure(playground, shown, monkeypatch):
    playground()
    monkeypatch.setattr(plt, "subplots", None)
    before = below(shown[0], "Image")[0].value
    choice = below(shown[0], "Dropdown")[-1]
    choice.value = choice.options[1]
    assert below(shown[0], "Image")[0].value != before


@pytest.mark.parametrize(
    ("draw", "first", "second"),
    [
        (playgrounds.draw_filter, (IMAGE, playgrounds.PRESETS["blur"]), (IMAGE.T, ASYMMETRIC)),
        (playgrounds.draw_filter, (IMAGE.T, ASYMMETRIC), (IMAGE, playgrounds.PRESETS["blur"])),
        (playgrounds.draw_pooling, (MAP, 1, 4, "max"), (MAP, 8, 5, "average")),
        (playgrounds.draw_schedule, ("cosine", 0.1, 0.1, 0.0), ("step", 0.2, 0.5, 0.3)),
    ],
    ids=["filter", "filter, back", "pooling", "schedule"],
)
def test_a_figure_that_is_drawn_on_looks_like_a_new_one(draw, first, second):
    assert playgrounds.as_png(draw(*second, figure=draw(*first))) == playgrounds.as_png(
        draw(*second)
    )


# Where nobody can move a slider


@pytest.mark.parametrize(
    "playground", [playgrounds.filters, playgrounds.pooling, playgrounds.schedules]
)
def test_where_no_widget_can_run_a_still_figure_is_drawn(playground, drawn):
    playground()
    assert len(plt.get_fignums()) == 1
    assert len(drawn) == 1


@pytest.mark.parametrize(
    ("kernel", "there"),
    [(None, False), ({"_allow_stdin": False}, False), ({"_allow_stdin": True}, True), ({}, True)],
    ids=["no notebook", "nbconvert or nbval", "a person", "a kernel that does not say"],
)
def test_somebody_is_there_if_the_kernel_may_ask_for_input(kernel, there, monkeypatch):
    shell = type("Shell", (), {} if kernel is None else {"kernel": type("Kernel", (), kernel)()})()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert playgrounds.somebody_there() is there
