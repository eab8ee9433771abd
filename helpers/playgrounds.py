"""Figures to play with: `filters()`, `pooling()`, `schedules()`. Where nobody can move a slider: a still figure.

The drawing functions stand alone: they take numbers, return the matplotlib figure, and need no widget. Given
a figure of their own, they only change what it shows: a new one takes several times as long.
"""

import io
import sys
from collections.abc import Mapping
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy import ndimage

PRESETS = {
    "vertical edge": [[1, 0, -1], [1, 0, -1], [1, 0, -1]],
    "horizontal edge": [[1, 1, 1], [0, 0, 0], [-1, -1, -1]],
    "Sobel, vertical": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "blur": [[0.11, 0.11, 0.11], [0.11, 0.12, 0.11], [0.11, 0.11, 0.11]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "nothing changes": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
}
OWN = "your own"
MAX_SHIFT = 8
POOLINGS = {"max": np.max, "average": np.mean}
SHAPES = ("constant", "step", "exponential", "cosine")
STEPS = 300  # of `schedules()`
BOWL, NOISE = (
    np.array([1.0, 10.0]),
    3.0,
)  # lesson 06: the bowl's two curvatures, the standard deviation of a slope
FAST = {"dpi": 80, "layout": "none"}  # constrained layout takes as long as all the rest


def filters(images: Mapping[str, np.ndarray] | None = None) -> None:
    """Choose an image and nine kernel values; see the feature map at once.

    images : name -> (height, width) grey image. Default: the cat, and a step from white to black.
    """
    images = dict(images or {"cat": _cat(), "step": np.tile(np.repeat([255.0, 0.0], 75), (150, 1))})
    first = next(iter(PRESETS))
    if not somebody_there():
        draw_filter(next(iter(images.values())), PRESETS[first])
        plt.show()
        return
    import ipywidgets as widgets

    image = widgets.Dropdown(options=list(images), description="image")
    preset = widgets.Dropdown(options=[*PRESETS, OWN], description="preset")
    narrow = widgets.Layout(width="75px")
    values = [
        widgets.FloatText(value=value, step=0.5, layout=narrow)
        for value in np.ravel(PRESETS[first])
    ]
    figure = draw_filter(images[image.value], PRESETS[first])
    shown = widgets.Image(value=as_png(figure), format="png")

    def redraw(change=None):
        kernel = np.reshape([box.value for box in values], (3, 3))
        shown.value = as_png(draw_filter(images[image.value], kernel, figure))

    def own_value(change):
        if preset.value == OWN:
            redraw()
        preset.value = OWN  # redraws if it was another

    def take_preset(change):
        for box, value in zip(values, np.ravel(PRESETS.get(preset.value, [])), strict=False):
            box.unobserve(own_value, "value")  # one redraw, not nine
            box.value = value
            box.observe(own_value, "value")
        redraw()

    for control, action in [
        (image, redraw),
        (preset, take_preset),
        *((box, own_value) for box in values),
    ]:
        control.observe(action, "value")
    rows = [widgets.HBox(values[start : start + 3]) for start in (0, 3, 6)]
    show_widget(
        widgets.VBox([widgets.HBox([widgets.VBox([image, preset]), widgets.VBox(rows)]), shown])
    )


def draw_filter(image: np.ndarray, kernel, figure=None) -> plt.Figure:
    """Draw a grey image, a 3x3 kernel with its values, and the feature map with its range.

    image : (height, width), from 0 on.
    kernel : 3x3 values; from a sum of 1 on, the map is drawn as an image, in grey.
    figure : the figure of an earlier call, to be changed.
    """
    kernel = np.asarray(kernel, float)
    feature_map = correlate(image, kernel)
    if figure is None:
        margins = {"left": 0.01, "right": 0.95, "bottom": 0.02, "top": 0.9, "wspace": 0.08}
        figure = panels(
            [["gray", "PuOr", "gray"]], (10, 3), "both", width_ratios=(3, 1.3, 3), **margins
        )
    left, middle, right, _ = figure.axes
    fill(left, image, "image, {} × {}".format(*image.shape), 0, image.max())
    largest = np.abs(kernel).max() or 1
    fill(middle, kernel, "kernel", -largest, largest)
    for text in [*middle.texts]:
        text.remove()
    for (row, column), value in np.ndenumerate(kernel):
        colour = "white" if abs(value) > 0.6 * largest else "black"
        middle.text(column + 0.5, row + 0.5, f"{value:g}", ha="center", va="center", color=colour)
    title = f"feature map, {feature_map.min():.0f} to {feature_map.max():.0f}".replace("-", "−")
    if kernel.sum() > 0.9:  # an image again, as bright or brighter
        fill(right, feature_map, title, 0, image.max(), cmap="gray")
    else:
        limit = np.percentile(np.abs(feature_map), 99.5) or np.abs(feature_map).max() or 1
        fill(right, feature_map, title, -limit, limit, cmap=plt.get_cmap("RdBu_r", 21))
    return figure


def pooling(feature_map: np.ndarray | None = None) -> None:
    """Shift a feature map, choose a window, and see how much the map and its pooled form change.

    feature_map : (height, width), values >= 0, over 16 pixels wide. Default: the cat's edges, with ReLU.
    """
    feature_map = _cat_edges() if feature_map is None else np.asarray(feature_map, float)
    start = {"shift": 1, "window": 4, "kind": "max"}
    if not somebody_there():
        draw_pooling(feature_map, **start)
        plt.show()
        return
    import ipywidgets as widgets

    controls = {
        "shift": widgets.IntSlider(start["shift"], 0, MAX_SHIFT, description="shift (px)"),
        "window": widgets.IntSlider(start["window"], 1, 8, description="window (px)"),
        "kind": widgets.Dropdown(options=list(POOLINGS), description="pooling"),
    }
    _play(controls, partial(draw_pooling, feature_map))


def draw_pooling(feature_map: np.ndarray, shift=1, window=4, kind="max", figure=None) -> plt.Figure:
    """Draw a feature map and its pooled form (top), and what a shift to the right changes in each (bottom).

    feature_map : (height, width).  shift : 0 to 8 pixels; what moves in at the left is the map's own margin.
    window : pixels of the pooling window and of its stride.  kind : "max" or "average".
    figure : the figure of an earlier call, to be changed.
    """
    if figure is None:
        margins = {
            "left": 0.01,
            "right": 0.96,
            "bottom": 0.03,
            "top": 0.95,
            "wspace": 0.05,
            "hspace": 0.16,
        }
        figure = panels([["gray", "gray"], ["RdBu_r", "RdBu_r"]], (8, 6.2), **margins)
    before, after = shifted(feature_map, 0), shifted(feature_map, shift)
    top = before.max() or 1
    small = pool(before, window, kind), pool(after, window, kind)
    names = "map", f"{kind} pooling {window} x {window}"
    for column, (name, (still, moved)) in enumerate(
        zip(names, [(before, after), small], strict=True)
    ):
        title = "{}: {} x {} values".format(name, *still.shape)
        fill(figure.axes[column], still, title, 0, top)
        title = f"changed by a shift of {shift} px: {changed(still, moved):.0%}"
        fill(figure.axes[2 + column], moved - still, title, -top, top)
    return figure


def panels(colours, size: tuple[float, float], extend: str = "neither", **grid) -> plt.Figure:
    """A figure of empty panels for `fill`; at the end of each row a scale, that of the row's last panel.

    colours : rows of colormaps, one for each panel.  size : inches.
    extend, grid : as in matplotlib's colorbar and GridSpec.
    """
    figure, axes = plt.subplots(
        *np.shape(colours), figsize=size, squeeze=False, gridspec_kw=grid, **FAST
    )
    for row, names in zip(axes, colours, strict=True):
        for axis, name in zip(row, names, strict=True):
            axis.xaxis.set_visible(False)
            axis.yaxis.set_visible(False)
            image = axis.imshow([[0]], cmap=name)
        figure.colorbar(image, ax=row, fraction=0.03, pad=0.02, format="%.0f", extend=extend)
    return figure


def fill(axis: plt.Axes, values: np.ndarray, title: str, low: float, high: float, **other) -> None:
    """Show other values in a panel, (height, width), coloured from `low` to `high`.  other : as in matplotlib."""
    image = axis.images[0]
    height, width = values.shape
    image.set(data=values, extent=(0, width, height, 0), clim=(low, high), **other)
    axis.set_title(title, y=1)  # a fixed height; otherwise matplotlib measures all labels first
    if image.colorbar:
        image.colorbar.set_ticks(sorted({low, 0, high}))


def schedules() -> None:
    """Choose shape, peak, warmup and end of a learning-rate schedule; see what it does on a bowl with noisy slopes."""
    start = {"shape": "cosine", "peak": 0.1, "warmup": 0.1, "end": 0.0}
    if not somebody_there():
        draw_schedule(**start)
        plt.show()
        return
    import ipywidgets as widgets

    _play(
        {
            "shape": widgets.Dropdown(options=SHAPES, value=start["shape"], description="shape"),
            "peak": widgets.FloatSlider(
                start["peak"], min=0.01, max=0.21, step=0.01, description="peak rate"
            ),
            "warmup": widgets.FloatSlider(
                start["warmup"], min=0, max=0.5, step=0.05, description="warmup"
            ),
            "end": widgets.FloatSlider(
                start["end"], min=0, max=0.5, step=0.01, description="end / peak"
            ),
        },
        draw_schedule,
    )


def draw_schedule(shape="cosine", peak=0.1, warmup=0.1, end=0.0, figure=None) -> plt.Figure:
    """Draw the rate of every step, and the mean loss of 200 noisy descents with it, beside a constant rate.

    See `rates` for the first four.  figure : the figure of an earlier call, to be changed.
    """
    figure = figure or _empty_curves()
    left, right = figure.axes
    chosen = [rates("constant", peak), rates(shape, peak, warmup, end)]
    losses = [descent(one) for one in chosen]
    for line, values in zip([*left.lines, *right.lines], chosen + losses, strict=True):
        line.set_ydata(values)
    left.set_ylim(0, 1.08 * peak)
    left.set_title(f"mean rate {chosen[1].mean():.3f}, last {chosen[1][-1]:.4f}", y=1)
    last = losses[1][-1]
    right.set_title(
        f"last loss {last:.2g}: {last / losses[0][-1]:.2g} times that of the constant rate", y=1
    )
    return figure


def _empty_curves() -> plt.Figure:
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), **FAST)
    figure.subplots_adjust(0.07, 0.16, 0.97, 0.9, 0.22)
    for axis, name, points in zip(
        axes, ("learning rate", "mean loss"), (STEPS, STEPS + 1), strict=True
    ):
        axis.plot(np.ones(points), "--", color="#666666", label="constant")
        axis.plot(np.ones(points), color="#0072B2", label="your schedule")
        axis.set(xlabel="step", ylabel=name, xticks=range(0, STEPS + 1, 100))
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].locator_params(axis="y", nbins=4)
    axes[1].set(
        yscale="log", ylim=(0.02, 2000)
    )  # the same for all: what grows beyond it has failed
    axes[1].yaxis.set_major_formatter("{x:g}")
    axes[1].minorticks_off()
    axes[1].legend(frameon=False, loc="lower left")
    return figure


def rates(shape: str, peak: float, warmup: float = 0.0, end: float = 0.0) -> np.ndarray:
    """The learning rate of each of 300 steps, (300,): linear warmup from 0, then the shape from peak to end * peak.

    shape : one of SHAPES; "step" has two stairs, after 1/2 and 3/4 of the steps that follow the warmup.
    warmup : share of the steps, 0 to below 1.  end : share of the peak; an exponential decay ends at 0.001 at least.
    """
    first = round(warmup * STEPS)
    done = np.arange(STEPS - first) / (STEPS - first)
    curves = {
        "constant": np.ones_like(done),
        "step": np.select([done <= 1 / 2, done <= 3 / 4], [1, max(end, 1e-3) ** 0.5], end),
        "exponential": max(end, 1e-3) ** done,
        "cosine": end + (1 - end) * (1 + np.cos(np.pi * done)) / 2,
    }
    return peak * np.concatenate([np.arange(first) / max(first, 1), curves[shape]])


def descent(rates: np.ndarray) -> np.ndarray:
    """Descend a bowl whose slopes are measured with noise; return the mean loss before each step and at the end.

    rates : (steps,).  Returns (steps + 1,), the mean over 200 runs; the noise is the same in every call.
    """
    places = [np.tile([4.0, 1.0], (200, 1))]
    noise = np.random.default_rng(0).normal(0, NOISE, (len(rates), 200, 2))
    for rate, error in zip(rates, noise, strict=True):
        places.append(places[-1] - rate * (BOWL * places[-1] + error))
    return (BOWL * np.square(places)).sum(axis=2).mean(axis=1) / 2


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """`convolution.convolve` for a grey image and a 3x3 kernel, quickly.  Returns (height - 2, width - 2), float."""
    return ndimage.correlate(image, kernel, float)[1:-1, 1:-1]


def shifted(feature_map: np.ndarray, shift: int) -> np.ndarray:
    """Move the map right by `shift` pixels, less a margin of 8 at both sides: real values move in.

    feature_map : (height, width).  Returns (height, width - 16).  Raises ValueError unless 0 <= shift <= 8.
    """
    if not 0 <= shift <= MAX_SHIFT:
        raise ValueError(f"The shift is 0 to {MAX_SHIFT} pixels, not {shift}.")
    return feature_map[:, MAX_SHIFT - shift : feature_map.shape[1] - MAX_SHIFT - shift]


def pool(feature_map: np.ndarray, window: int, kind: str = "max") -> np.ndarray:
    """Pool without overlap; rows and columns that fill no whole window are left out.

    feature_map : (height, width).  kind : "max" or "average".  Returns (height // window, width // window).
    """
    from skimage.measure import block_reduce

    high, wide = (n - n % window for n in feature_map.shape)
    return block_reduce(feature_map[:high, :wide], window, POOLINGS[kind])


def changed(still: np.ndarray, moved: np.ndarray) -> float:
    """Mean absolute change as a share of the mean absolute value; 0 for equal maps."""
    return float(np.abs(moved - still).mean() / (np.abs(still).mean() or 1))


def _cat() -> np.ndarray:
    from skimage.data import chelsea

    return chelsea().mean(axis=2)


def _cat_edges() -> np.ndarray:
    return np.maximum(correlate(_cat()[::2, ::2], np.array(PRESETS["vertical edge"])), 0)


def somebody_there() -> bool:
    """A kernel that may not ask for input (nbconvert, nbval) has nobody who could move a slider."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and (
        "google.colab" in sys.modules or getattr(kernel, "_allow_stdin", True)
    )


def _play(controls: Mapping, draw) -> None:
    """Show named controls above the figure that `draw(**values)` returns; each change is drawn on it."""
    import ipywidgets as widgets

    figure = draw(**{name: control.value for name, control in controls.items()})
    shown = widgets.Image(value=as_png(figure), format="png")

    def redraw(change):
        draw(**{name: control.value for name, control in controls.items()}, figure=figure)
        shown.value = as_png(figure)

    for control in controls.values():
        control.continuous_update = False
        control.observe(redraw, "value")
    show_widget(
        widgets.VBox(
            [widgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"}), shown]
        )
    )


def as_png(figure: plt.Figure) -> bytes:
    """The figure as PNG, packed lightly for speed. Pyplot forgets the figure, so that nothing piles up."""
    packed = io.BytesIO()
    FigureCanvasAgg(figure).print_png(packed, pil_kwargs={"compress_level": 1})
    plt.close(figure)
    return packed.getvalue()


def show_widget(widget) -> None:
    from IPython.display import display

    display(widget)
