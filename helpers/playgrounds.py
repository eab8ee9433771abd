"""Figures to play with: `filters()`, `pooling()`, `schedules()`. Where nobody can move a slider: a still figure.

The drawing functions stand alone: they take numbers, return the matplotlib figure, and need no widget.
"""

import io
import sys
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np

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
SHAPES = ("constant", "step", "exponential", "cosine")
STEPS = 300  # of `schedules()`
BOWL, NOISE = np.array([1.0, 10.0]), 3.0  # lesson 06: the bowl's two curvatures, the standard deviation of a slope
FAST = {"dpi": 80, "layout": "none"}  # constrained layout alone would take half the time of a redraw


def filters(pictures: Mapping[str, np.ndarray] | None = None) -> None:
    """Choose a picture and nine kernel values; see the feature map at once.

    pictures : name -> (height, width) grey picture. Default: the cat, and a step from white to black.
    """
    pictures = dict(pictures or {"cat": _cat(), "step": np.tile(np.repeat([255.0, 0.0], 75), (150, 1))})
    first = next(iter(PRESETS))
    if not somebody_there():
        draw_filter(next(iter(pictures.values())), PRESETS[first])
        plt.show()
        return
    import ipywidgets as widgets

    picture = widgets.Dropdown(options=list(pictures), description="picture")
    preset = widgets.Dropdown(options=[*PRESETS, OWN], description="preset")
    narrow = widgets.Layout(width="75px")
    values = [widgets.FloatText(value=value, step=0.5, layout=narrow) for value in np.ravel(PRESETS[first])]
    shown = widgets.Image(format="png")

    def redraw(change=None):
        kernel = np.reshape([box.value for box in values], (3, 3))
        shown.value = as_png(draw_filter(pictures[picture.value], kernel))

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

    for control, action in [(picture, redraw), (preset, take_preset), *((box, own_value) for box in values)]:
        control.observe(action, "value")
    rows = [widgets.HBox(values[start : start + 3]) for start in (0, 3, 6)]
    redraw()
    show_widget(widgets.VBox([widgets.HBox([widgets.VBox([picture, preset]), widgets.VBox(rows)]), shown]))


def draw_filter(picture: np.ndarray, kernel) -> plt.Figure:
    """Draw a grey picture, a 3x3 kernel with its values, and the feature map with its range.

    picture : (height, width), from 0 on.
    kernel : 3x3 values; from a sum of 1 on, the map is drawn as a picture, in grey.
    """
    kernel = np.asarray(kernel, float)
    feature_map = correlate(picture, kernel)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3), width_ratios=(3, 1.3, 3.4), **FAST)
    figure.subplots_adjust(0.01, 0.02, 0.95, 0.9, 0.08)
    axes[0].imshow(picture, cmap="gray", vmin=0, vmax=picture.max())
    axes[0].set_title(f"picture, {picture.shape[0]} x {picture.shape[1]}")
    largest = np.abs(kernel).max() or 1
    axes[1].imshow(kernel, cmap="PuOr", vmin=-largest, vmax=largest)
    for (row, column), value in np.ndenumerate(kernel):
        colour = "white" if abs(value) > 0.6 * largest else "black"
        axes[1].text(column, row, f"{value:g}", ha="center", va="center", color=colour)
    axes[1].set_title("kernel")
    if kernel.sum() > 0.9:  # a picture again, as bright or brighter
        colours, ticks = "gray", [0, picture.max()]
    else:
        limit = np.percentile(np.abs(feature_map), 99.5) or np.abs(feature_map).max() or 1
        colours, ticks = plt.get_cmap("RdBu_r", 21), [-limit, 0, limit]
    shown = axes[2].imshow(feature_map, cmap=colours, vmin=ticks[0], vmax=ticks[-1])
    axes[2].set_title(f"feature map, {feature_map.min():.0f} to {feature_map.max():.0f}")
    figure.colorbar(shown, ax=axes[2], fraction=0.03, pad=0.03, ticks=ticks, format="%.0f", extend="both")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
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
        "kind": widgets.Dropdown(options=["max", "average"], description="pooling"),
    }
    _play(controls, lambda **chosen: draw_pooling(feature_map, **chosen))


def draw_pooling(feature_map: np.ndarray, shift: int = 1, window: int = 4, kind: str = "max") -> plt.Figure:
    """Draw a feature map and its pooled form (top), and what a shift to the right changes in each (bottom).

    feature_map : (height, width).  shift : 0 to 8 pixels; what moves in at the left is the map's own margin.
    window : pixels of the pooling window and of its stride.  kind : "max" or "average".
    """
    before, after = shifted(feature_map, 0), shifted(feature_map, shift)
    pairs = [(before, after), (pool(before, window, kind), pool(after, window, kind))]
    top = before.max() or 1
    figure, axes = plt.subplots(2, 2, figsize=(8, 6.2), **FAST)
    figure.subplots_adjust(0.01, 0.01, 0.96, 0.94, 0.05, 0.16)
    names = ("map", f"{kind} pooling {window} x {window}")
    for column, (name, (still, moved)) in enumerate(zip(names, pairs, strict=True)):
        values = axes[0, column].imshow(still, cmap="gray", vmin=0, vmax=top)
        axes[0, column].set_title(f"{name}: {still.shape[0]} x {still.shape[1]} values")
        change = axes[1, column].imshow(moved - still, cmap="RdBu_r", vmin=-top, vmax=top)
        axes[1, column].set_title(f"changed by a shift of {shift} px: {changed(still, moved):.0%}")
    figure.colorbar(values, ax=axes[0], ticks=[0, top], format="%.0f", fraction=0.03, pad=0.02)
    figure.colorbar(change, ax=axes[1], ticks=[-top, 0, top], format="%.0f", fraction=0.03, pad=0.02)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure


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
            "peak": widgets.FloatSlider(start["peak"], min=0.01, max=0.21, step=0.01, description="peak rate"),
            "warmup": widgets.FloatSlider(start["warmup"], min=0, max=0.5, step=0.05, description="warmup"),
            "end": widgets.FloatSlider(start["end"], min=0, max=0.5, step=0.01, description="end / peak"),
        },
        draw_schedule,
    )


def draw_schedule(shape: str = "cosine", peak: float = 0.1, warmup: float = 0.1, end: float = 0.0) -> plt.Figure:
    """Draw the rate of every step, and the mean loss of 200 noisy descents with it, beside a constant rate.

    See `rates` for the arguments.
    """
    chosen, constant = rates(shape, peak, warmup, end), rates("constant", peak)
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), **FAST)
    figure.subplots_adjust(0.07, 0.16, 0.99, 0.9, 0.22)
    losses = [descent(constant), descent(chosen)]
    for values, loss, style, name in zip(
        (constant, chosen), losses, ("--", "-"), ("constant", "your schedule"), strict=True
    ):
        colour = "#666666" if name == "constant" else "#0072B2"
        axes[0].plot(values, style, color=colour, label=name)
        axes[1].semilogy(loss, style, color=colour, label=name)
    axes[0].set(xlabel="step", ylabel="learning rate", ylim=(0, 1.08 * peak))
    axes[0].set_title(f"mean rate {chosen.mean():.3f}, last {chosen[-1]:.4f}")
    axes[1].set(xlabel="step", ylabel="mean loss")
    ratio = losses[1][-1] / losses[0][-1]
    axes[1].set_title(f"last loss {losses[1][-1]:.2g}: {ratio:.2g} times that of the constant rate")
    axes[1].legend(frameon=False)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def rates(shape: str, peak: float, warmup: float = 0.0, end: float = 0.0) -> np.ndarray:
    """The learning rate of each of 300 steps, (300,): linear warmup from 0, then the shape from peak to end * peak.

    shape : one of SHAPES; "step" has two stairs, after 1/2 and 3/4 of the steps that follow the warmup.
    warmup : share of the steps, 0 to below 1.  end : share of the peak; an exponential decay ends at 0.001 at least.
    Raises ValueError for another shape.
    """
    first = round(warmup * STEPS)
    done = np.arange(STEPS - first) / (STEPS - first)
    curves = {
        "constant": lambda: np.ones_like(done),
        "step": lambda: np.select([done <= 1 / 2, done <= 3 / 4], [1, max(end, 1e-3) ** 0.5], end),
        "exponential": lambda: max(end, 1e-3) ** done,
        "cosine": lambda: end + (1 - end) * (1 + np.cos(np.pi * done)) / 2,
    }
    if shape not in curves:
        raise ValueError(f"shape is one of {', '.join(SHAPES)}, not {shape!r}.")
    return peak * np.concatenate([np.arange(first) / max(first, 1), curves[shape]()])


def descent(rates: np.ndarray) -> np.ndarray:
    """Descend a bowl whose slopes are measured with noise; return the mean loss before each step and at the end.

    rates : (steps,).  Returns (steps + 1,), the mean over 200 runs; the noise is the same in every call.
    """
    rng = np.random.default_rng(0)
    place, losses = np.tile([4.0, 1.0], (200, 1)), []
    for rate in [*rates, 0.0]:
        losses.append((BOWL * place**2).sum(axis=1).mean() / 2)
        place = place - rate * (BOWL * place + rng.normal(0, NOISE, place.shape))
    return np.array(losses)


def correlate(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Compute `convolution.convolve(picture, kernel)` for a grey picture without a loop over the pixels.

    picture : (height, width).  kernel : (k, k).  Returns (height - k + 1, width - k + 1), float.
    """
    high, wide = (n - k + 1 for n, k in zip(picture.shape, kernel.shape, strict=True))
    output = np.zeros((high, wide))
    for (row, column), value in np.ndenumerate(kernel):
        output += value * picture[row : row + high, column : column + wide]
    return output


def shifted(feature_map: np.ndarray, shift: int) -> np.ndarray:
    """Move the map right by `shift` pixels, less a margin of 8 at both sides: real values move in.

    feature_map : (height, width).  Returns (height, width - 16).  Raises ValueError unless 0 <= shift <= 8.
    """
    if not 0 <= shift <= MAX_SHIFT:
        raise ValueError(f"The shift is 0 to {MAX_SHIFT} pixels, not {shift}.")
    return feature_map[:, MAX_SHIFT - shift : feature_map.shape[1] - MAX_SHIFT - shift]


def pool(feature_map: np.ndarray, window: int, kind: str = "max") -> np.ndarray:
    """Pool without overlap; rows and columns that fill no whole window are left out.

    feature_map : (height, width).  Returns (height // window, width // window).
    Raises ValueError if kind is neither "max" nor "average".
    """
    if kind not in ("max", "average"):
        raise ValueError(f"kind is 'max' or 'average', not {kind!r}.")
    high, wide = (n // window for n in feature_map.shape)
    blocks = feature_map[: high * window, : wide * window].reshape(high, window, wide, window)
    return blocks.max(axis=(1, 3)) if kind == "max" else blocks.mean(axis=(1, 3))


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
    return kernel is not None and ("google.colab" in sys.modules or getattr(kernel, "_allow_stdin", True))


def _play(controls: Mapping, draw) -> None:
    """Show named controls above the figure that `draw(**values)` returns; each change draws anew."""
    import ipywidgets as widgets

    shown = widgets.Image(format="png")

    def redraw(change=None):
        shown.value = as_png(draw(**{name: control.value for name, control in controls.items()}))

    for control in controls.values():
        control.continuous_update = False
        control.observe(redraw, "value")
    redraw()
    show_widget(widgets.VBox([widgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"}), shown]))


def as_png(figure: plt.Figure) -> bytes:
    """The figure as PNG, packed lightly for speed. The figure is closed, so that nothing piles up."""
    packed = io.BytesIO()
    figure.canvas.print_png(packed, pil_kwargs={"compress_level": 1})
    plt.close(figure)
    return packed.getvalue()


def show_widget(widget) -> None:
    from IPython.display import display

    display(widget)
