"""The figures of the lessons. Each function returns its figure; end the cell with plt.show().

One colour code in the whole course: kernels purple and orange, feature maps red and blue with white
for zero, the true class blue, a wrong prediction orange. `images` are a list or an array of images
(h, w, 3) or (h, w), uint8 drawn from 0 to 255 or float drawn from 0 to 1, or of paths to read.
"""

import json
import os
import textwrap
from itertools import groupby

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.font_manager import get_font_names
from matplotlib.patches import FancyBboxPatch
from sklearn.metrics import confusion_matrix

from helpers.data import RECORDED
from helpers.images import read_image

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"  # Okabe-Ito: these can
SKY, YELLOW, GREY, LIGHT = "#56B4E9", "#E69F00", "#666666", "#DDDDDD"  # be told apart by everybody
CYCLE = [BLUE, ORANGE, GREEN, PINK, SKY, YELLOW, GREY]
COLOUR_MAPS = {"image": "gray", "map": "RdBu_r", "kernel": "PuOr"}
GROUPS = {"data": "#EEEEEE", "frozen": "#CFE6F5", "trained": "#FBD9BF"}  # boxes of `blocks`
WIDTH = 9  # inches, about 850 pixels in a notebook
SMALL = 9  # points
MANY = 25  # classes, too many for numbers in a confusion matrix


# While a figure is made, a name such as "$5 or $10" is no formula, and nothing overlaps.
_drawing = plt.rc_context({"text.parse_math": False, "figure.constrained_layout.use": True})


def style() -> None:
    """Set matplotlib's defaults for a lesson: sharp figures, legible text, distinct colours."""
    fonts = ["DejaVu Sans", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", "IPAexGothic"]
    installed = get_font_names()
    settings = {
        "figure.dpi": 150,
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "font.sans-serif": [font for font in fonts if font in installed],
        "axes.titlesize": 10,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=CYCLE),
    }
    plt.rcParams.update(settings)


@_drawing
def image_grid(images, titles=(), columns: int = 4) -> plt.Figure:
    """Draw images in rows of `columns`, each with its title above it."""
    return _grid(images, titles, columns)[0].figure


@_drawing
def predictions(images, probabilities, class_names, y_true=None, n: int = 4) -> plt.Figure:
    """Draw the first n images, and below each its likeliest classes (up to five) as bars.

    probabilities : (m, classes).  y_true : (m,) int, positions in class_names, or None.
    The true class is blue; a wrong prediction has an orange bar and an orange frame.
    """
    n = min(n, len(images))
    columns = min(n, 4)
    rows = -(-n // columns)
    size, ratios = (WIDTH / 4 * columns, 4 * rows), [3, 2] * rows
    figure, axes = plt.subplots(
        2 * rows, columns, figsize=size, height_ratios=ratios, squeeze=False
    )
    for axis in axes.flat:
        _frame(axis)
    for i in range(n):
        image_axis, bar_axis = axes[2 * (i // columns) :, i % columns][:2]
        predicted = int(np.argmax(probabilities[i]))
        true, title = None, ""
        if y_true is not None:
            true = int(y_true[i])
            title = ("✓ " if predicted == true else "✗ true: ") + class_names[true]
        _show(image_axis, _read(images[i]), title, 28)
        _frame(image_axis, ORANGE if true not in (None, predicted) else None)
        _bars(bar_axis, np.asarray(probabilities[i]), class_names, true)
    return figure


def _bars(axis, probabilities, class_names, true: int | None) -> None:
    likeliest = np.argsort(-probabilities)[:5]
    colours = [BLUE if label == true else GREY for label in likeliest]
    if true not in (None, likeliest[0]):
        colours[0] = ORANGE
    axis.barh(range(len(likeliest)), probabilities[likeliest], color=colours, alpha=0.45)
    for row, label in enumerate(likeliest):
        weight = "bold" if label == true else "normal"
        text = {"va": "center", "fontsize": SMALL, "weight": weight}
        axis.text(0.02, row, _short(class_names[label], 20), **text)
        axis.text(1, row, f"{probabilities[label]:.0%}", ha="right", **text)
    axis.set(xlim=(0, 1), ylim=(len(likeliest) - 0.5, -0.5))


@_drawing
def mistakes(images, y_true, probabilities, class_names, n: int = 8) -> plt.Figure | None:
    """Draw the n wrong predictions with the highest confidence; None, after a line, without any.

    y_true : (m,) int, positions in class_names.  probabilities : (m, classes).
    """
    y_true, probabilities = np.asarray(y_true), np.asarray(probabilities)
    y_pred, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(y_pred != y_true)
    worst = wrong[np.argsort(-confidence[wrong])][:n]
    if not len(worst):
        print("No wrong prediction to show.")
        return None
    titles = []
    for i in worst:
        said = f"said {class_names[y_pred[i]]} ({confidence[i]:.0%})"
        titles.append(f"true: {class_names[y_true[i]]}\n{said}")
    return image_grid([images[i] for i in worst], titles)


@_drawing
def neighbours(queries, found, query_titles=None, titles=None, same=None) -> plt.Figure:
    """Draw one row per query: the image, then its nearest neighbours.

    queries : q images.  found : q rows of k images.  query_titles : q.  titles : (q, k).
    same : (q, k) bool: a frame is blue if the neighbour is of the query's class, else orange.
    """
    n, k = len(queries), len(found[0])
    query_titles = [""] * n if query_titles is None else query_titles
    titles = [[""] * k] * n if titles is None else titles
    images, texts = [], []
    for row in range(n):
        images += [queries[row], *found[row]]
        texts += [query_titles[row], *titles[row]]
    axes = _grid(images, texts, k + 1)
    for row, column in np.ndindex(n, k):
        if same is not None:
            colour = BLUE if same[row][column] else ORANGE
            _frame(axes[row * (k + 1) + column + 1], colour)
    return axes[0].figure


@_drawing
def numbers(array, title="", kind="image", decimals: int = 2, axis=None) -> plt.Figure:
    """Draw a small array with its values written on its pixels.

    array : (h, w), up to about 16x16.  kind : "image" (grey), "kernel" or "map" (signed, zero in
    the middle of the colours).  axis : draw into this one instead of a new figure.
    """
    array = np.asarray(array)
    if axis is None:
        cell = min(0.6, WIDTH / array.shape[1])
        size = (cell * array.shape[1] + 0.3, cell * array.shape[0] + 0.4)
        axis = plt.subplots(figsize=size)[1]
    _frame(axis)
    shown = _show(axis, array, title, 40, **_colours([array], kind))
    for (row, column), value in np.ndenumerate(np.round(array, decimals) + 0):
        dark = np.mean(shown.to_rgba(value)[:3]) < 0.5
        text = {"color": "white" if dark else "black", "fontsize": SMALL}
        axis.text(column, row, f"{value:g}".replace("-", "−"), ha="center", va="center", **text)
    return axis.figure


@_drawing
def signed_maps(arrays, titles=(), kind="map", columns: int = 4, limit=None) -> plt.Figure:
    """Draw 2-D arrays side by side on one scale with zero in the middle, and one colour bar.

    kind : "map" (red above zero, blue below) or "kernel" (purple above, orange below).
    limit : the end of the scale; None for the largest magnitude.
    """
    arrays = [np.asarray(array) for array in arrays]
    colours = _colours(arrays, kind, limit)
    axes = _grid(arrays, titles, min(columns, len(arrays)), WIDTH - 1.1, **colours)
    end, figure = colours["vmax"], axes[0].figure
    bar = figure.colorbar(axes[0].images[0], ax=figure.axes, ticks=[-end, 0, end], aspect=15)
    bar.ax.set_yticklabels([f"−{end:.3g}", "0", f"{end:.3g}"])
    return figure


def _colours(arrays, kind: str, limit: float | None = None) -> dict:
    """Colour map and its ends: symmetric about zero but for images."""
    low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
    if kind == "image":
        white = 255 if arrays[0].dtype.kind in "iu" else 1
        return {"cmap": COLOUR_MAPS[kind], "vmin": min(0, low), "vmax": max(white, high)}
    end = limit or max(-low, high) or 1
    return {"cmap": COLOUR_MAPS[kind], "vmin": -end, "vmax": end}


@_drawing
def history(histories: pd.DataFrame | dict[str, pd.DataFrame]) -> plt.Figure:
    """Draw loss and accuracy per epoch, train dashed and validation solid, a colour per history.

    histories : as `training.fit_head` returns them, one or several by name.
    """
    if isinstance(histories, pd.DataFrame):
        histories = {"": histories}
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for axis, column in zip(axes, ("loss", "accuracy"), strict=True):
        for number, (name, table) in enumerate(histories.items()):
            colour = CYCLE[number % len(CYCLE)]
            axis.plot(table[column], "--", color=colour, label=f"{name} train".strip())
            if f"val_{column}" in table:
                label = f"{name} validation".strip()
                axis.plot(table[f"val_{column}"], "-", color=colour, label=label)
        axis.set(xlabel="epoch", title=column)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_title("loss (cross-entropy)")
    axes[1].legend(frameon=False, fontsize=SMALL, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@_drawing
def curves(series: dict, xlabel: str = "epoch", ylabel: str = "", **options) -> plt.Figure:
    """Draw lines, each with its name at its right end.

    series : name -> pandas Series, drawn over its index, or (n,) array, drawn over 1..n.
    options : for matplotlib's `axis.set`, such as yscale="log" or ylim=(0, 1).
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    ends = []
    for number, line in enumerate(series.values()):
        if not isinstance(line, pd.Series):
            line = pd.Series(np.asarray(line), range(1, len(line) + 1))
        dashes = ("-", "--", ":", "-.")[number // len(CYCLE) % 4]
        axis.plot(line, dashes, color=CYCLE[number % len(CYCLE)])
        finite = line[np.isfinite(line)]
        ends.append((finite.index[-1], finite.iloc[-1]))
    if xlabel == "epoch":
        axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel=xlabel, ylabel=ylabel, **options)
    axis.autoscale_view()  # else the limits would be those of the empty axes
    heights = axis.transAxes.inverted().transform(axis.transData.transform(ends))[:, 1]
    for number, height in enumerate(_spread(np.clip(heights, 0, 1), 0.07)):
        text = {"color": CYCLE[number % len(CYCLE)], "va": "center", "fontsize": SMALL}
        axis.text(1.01, height, _short(list(series)[number], 40), transform=axis.transAxes, **text)
    return figure


def _spread(heights, gap: float) -> np.ndarray:
    """Move heights apart, in their order, until neighbours differ by `gap`; none above 1."""
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    loose = heights[order] - steps
    lifted = np.maximum.accumulate(loose)
    lowered = np.minimum.accumulate(loose[::-1])[::-1]
    placed = np.minimum((lifted + lowered) / 2 + steps, 1 - steps[::-1])
    return placed[np.argsort(order)]


@_drawing
def intervals(table: pd.DataFrame, xlabel="validation accuracy", baselines=None) -> plt.Figure:
    """Draw a dot and its 95 % interval for each row of `training.summary`'s table, first on top.

    table : columns mean, low, high; the index names the rows.
    baselines : name -> value, as `training.baselines` gives them.
    """
    ends = (table["low"].min(), table["high"].max())
    axis = _named_rows(table.index, f"{xlabel}, 95 % interval", ends, baselines)
    axis.hlines(range(len(table)), table["low"], table["high"], color=BLUE, lw=3)
    axis.plot(table["mean"], range(len(table)), "o", color=BLUE)
    return axis.figure


@_drawing
def dots(runs: pd.DataFrame, value="accuracy", by="setting", baselines=None) -> plt.Figure:
    """Draw one row per setting and one dot per run; a bar marks the mean, written at the right.

    runs : as `training.sweep` gives them, with the columns `value` and `by`.
    baselines : name -> value, as `training.baselines` gives them.
    """
    groups = runs.groupby(by, sort=False)[value]
    ends = (runs[value].min(), runs[value].max())
    axis = _named_rows(groups.groups, value, ends, baselines)
    for row, (_, values) in enumerate(groups):
        heights = row + np.linspace(-0.2, 0.2, len(values))  # equal values do not hide each other
        axis.plot(values, heights, "o", color=BLUE, alpha=0.5, markersize=5)
        axis.vlines(values.mean(), row - 0.35, row + 0.35, color=ORANGE, lw=2)
        text = {"color": ORANGE, "va": "center", "fontsize": SMALL}
        across = axis.get_yaxis_transform()
        axis.text(1.01, row, f"mean {values.mean():.3f}", transform=across, **text)
    return axis.figure


def _named_rows(names, xlabel: str, ends: tuple[float, float], baselines: dict | None):
    """Axes with a row per name, the first on top, and above them a row per baseline, a dashed line.

    A baseline far below the values, which lie between `ends`, would squeeze them: it has no line.
    """
    baselines, (low, high) = baselines or {}, ends
    near = [value for value in baselines.values() if value > low - (high - low)]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.05 * (high - low) or 0.01
    axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.4 * len(names) + 0.25 * len(baselines)))[1]
    axis.set_yticks(range(len(names)), [textwrap.fill(str(name), 40) for name in names])
    top = -0.5 - 0.6 * len(baselines)
    axis.set(xlabel=xlabel, xlim=(low - margin, high + margin), ylim=(len(names) - 0.5, top))
    axis.grid(axis="x", color=LIGHT)
    axis.set_axisbelow(True)
    for number, (name, value) in enumerate(baselines.items()):
        text, x = f"← {name} {value:.3f}", low - margin
        if value in near:
            axis.axvline(value, color=GREY, ls="--", lw=1, zorder=1)
            text, x = f"{name} {value:.3f}", value
        side, shift = ("left", 5) if x < (low + high) / 2 else ("right", -5)
        place = {"ha": side, "va": "center", "fontsize": SMALL, "color": GREY, "zorder": 2}
        place |= {"bbox": {"fc": "white", "ec": "none", "pad": 1}, "textcoords": "offset points"}
        axis.annotate(text, (x, top + 0.4 + 0.6 * number), (shift, 0), **place)
    return axis


@_drawing
def confusion(y_true, y_pred, class_names) -> plt.Figure:
    """Draw how often each true class (row) was predicted as each class (column); empty means 0.

    y_true, y_pred : (n,) int, positions in class_names. The colour is the share of the row. Recall
    stands at the right of a row, precision below a column, accuracy in the corner, all in percent.
    From 25 classes on there are no numbers; the largest confusions are listed beside the matrix.
    """
    n = len(class_names)
    counts = confusion_matrix(y_true, y_pred, labels=range(n))
    if n >= MANY:
        return _large_confusion(counts, class_names)
    cell = min(0.62, 6.5 / n)
    figure, axis = plt.subplots(figsize=(cell * n + 2.5, cell * n + 1.8))
    shares = np.full((n + 1, n + 1), np.nan)  # the last row and column stay white
    shares[:n, :n] = _shares(counts)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    text = {"ha": "center", "va": "center", "fontsize": SMALL}
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.6 else "black"
        axis.text(column, row, counts[row, column], color=colour, **text)
    for label in range(n):
        axis.text(n, label, _percent(counts[label], label), color=GREY, **text)
        axis.text(label, n, _percent(counts[:, label], label), color=GREY, **text)
    axis.text(n, n, f"{100 * np.trace(counts) / counts.sum():.0f}", weight="bold", **text)
    axis.text(n, n + 0.45, "accuracy, %", weight="bold", **text)
    axis.text(n, -0.7, "recall, %", **text)
    names = [_short(name, 24) for name in class_names]
    axis.set_xticks(range(n), names, rotation=45, ha="right")
    axis.set_yticks(range(n + 1), [*names, "precision, %"])
    axis.tick_params(length=0)
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.spines[:].set_visible(False)
    return figure


def _percent(counts, label: int) -> str:
    """The share of one class among the counts, or a dash if there are none."""
    return f"{100 * counts[label] / counts.sum():.0f}" if counts.any() else "–"


def _shares(counts) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _large_confusion(counts, class_names) -> plt.Figure:
    figure, (axis, beside) = plt.subplots(1, 2, figsize=(WIDTH, 5.2), width_ratios=[3, 2])
    axis.imshow(_shares(counts), cmap="Blues", vmin=0, vmax=1)
    axis.set(xlabel="predicted class (position)", ylabel="true class (position)")
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    lines = [f"accuracy {np.trace(counts) / counts.sum():.0%}", "", "largest confusions"]
    for place in np.argsort(-wrong, axis=None, kind="stable")[:10]:
        true, predicted = divmod(int(place), len(counts))
        if wrong[true, predicted]:
            lines.append(f"{wrong[true, predicted]} × {_short(class_names[true], 28)} ({true})")
            lines.append(f"      → {_short(class_names[predicted], 28)} ({predicted})")
    beside.text(0, 1, "\n".join(lines), va="top", fontsize=SMALL, linespacing=1.4)
    beside.set_axis_off()
    return figure


@_drawing
def decision_boundary(predict, x, y, class_names=("class 0", "class 1")) -> plt.Figure:
    """Draw the probability that `predict` gives over the plane of two features, and the points.

    predict : (n, 2) float32 -> (n,) or (n, 1) probability of class 1.
    x : (n, 2).  y : (n,) 0 or 1.  The black line is where the probability is one half.
    """
    x, y = np.asarray(x), np.asarray(y)
    margin = 0.15 * np.ptp(x, axis=0)
    sides = np.linspace(x.min(axis=0) - margin, x.max(axis=0) + margin, 200)
    across, up = np.meshgrid(sides[:, 0], sides[:, 1])
    plane = np.stack([across.ravel(), up.ravel()], axis=1).astype("float32")
    probability = np.asarray(predict(plane)).reshape(across.shape)
    colours = LinearSegmentedColormap.from_list("classes", [ORANGE, "white", BLUE])
    figure, axis = plt.subplots(figsize=(5.5, 4.2))
    shown = axis.pcolormesh(across, up, probability, cmap=colours, vmin=0, vmax=1, alpha=0.5)
    axis.contour(across, up, probability, [0.5], colors="black", linewidths=1)
    for label, (marker, colour) in enumerate([("s", ORANGE), ("o", BLUE)]):
        points = {"color": colour, "markeredgecolor": "white", "label": class_names[label]}
        axis.plot(x[y == label, 0], x[y == label, 1], marker, **points)
    axis.set(xlabel="feature 1", ylabel="feature 2")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=SMALL)
    figure.colorbar(shown, label=f"probability of {class_names[1]}", ticks=[0, 0.5, 1])
    return figure


@_drawing
def ladder(dataset) -> plt.Figure | None:
    """Draw what each model reached: validation accuracy and, for solar, the broken cells found.

    Filled: what `training.rung` wrote here for just these images. Hollow: recorded by the course,
    for the default solar cells only. Returns None, after a line, if there is neither.
    """
    rungs = _rungs(dataset)
    if rungs.empty:
        print("No model on the ladder yet: training.rung(dataset, name, predictions) adds one.")
        return None
    size, rows = (WIDTH, 1.2 + 0.42 * len(rungs)), range(len(rungs))
    figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=[3, 2], sharey=True)
    colours = np.where(rungs["here"], BLUE, "white")
    margin = 0 if rungs["here"].all() else 0.05
    left.scatter(rungs["accuracy"], rows, c=colours, edgecolors=BLUE, s=60, zorder=2)
    right.barh(rows, rungs["broken_found"], color=colours, edgecolor=BLUE, height=0.5)
    for row, rung in enumerate(rungs.itertuples()):
        found = f"{rung.broken_found:.0f} of {rung.broken:.0f}"
        if np.isnan(rung.broken_found):
            found = "not counted"
        text = {"va": "center", "fontsize": SMALL}
        left.text(rung.accuracy + margin, row, f"    {rung.accuracy:.3f}", **text)
        right.text(np.nan_to_num(rung.broken_found), row, f"  {found}", **text)
    left.set_yticks(rows, [textwrap.fill(name, 34) for name in rungs["name"]])
    left.set(xlabel="validation accuracy", ylim=(-0.6, len(rungs) - 0.4))
    left.margins(x=0.15)
    left.grid(axis="y", color=LIGHT)
    left.set_axisbelow(True)
    right.set(xlabel="broken cells found", xlim=(0, np.nanmax([1, *rungs["broken"]])))
    right.tick_params(left=False)
    right.set_visible(rungs["broken"].notna().any())
    if margin:
        left.set_title("filled: run here; hollow: recorded", loc="left", fontsize=SMALL)
        left.errorbar(rungs["accuracy"], rows, xerr=margin, fmt="none", color=LIGHT, lw=8, zorder=1)
        left.set(xlabel="validation accuracy (± 5 points)")
    return figure


def _rungs(dataset) -> pd.DataFrame:
    """The rows of the ladder, the least accurate first; what was run here replaces a record."""
    files = sorted((dataset.output_folder / "ladder").glob("*.json"))
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    rows = [row | {"here": True} for row in rows if row["dataset"] == dataset.folder.name]
    recorded = pd.read_csv(RECORDED / "ladder.csv").assign(here=False)
    truth = dataset.split("validation")["class_name"]
    default = truth.str.endswith("-defective").sum() == recorded["broken"].max()
    if dataset.name == "solar" and default:  # not split in another way
        rows += recorded.to_dict("records")
    columns = ["name", "accuracy", "broken_found", "broken", "here"]
    rungs = pd.DataFrame(rows, columns=columns).drop_duplicates("name")
    return rungs.astype({"broken_found": float, "broken": float}).sort_values("accuracy")


@_drawing
def blocks(boxes, skips=(), title: str = "") -> plt.Figure:
    """Draw a network, or a pipeline, of up to about ten boxes from left to right.

    boxes : (name, shape, group) per box: the name stands in the box, the shape of its output below.
        The group colours it: "data", "frozen", "trained", or "" for none.
    skips : (i, j) per residual connection: the output of box i is added to the output of box j.
    """
    pitch = min(WIDTH / len(boxes), 2)  # inches, the unit of the axes
    box, gap, half = 0.72 * pitch, 0.28 * pitch, 0.4
    letters, top = int(box * 72 / 5.8), 0.5 + 0.4 * bool(skips)
    figure, axis = plt.subplots(figsize=(pitch * len(boxes), 1.7 + top))
    axis.set(xlim=(0, pitch * len(boxes)), ylim=(-1.2, top), aspect="equal", title=title)
    axis.set_axis_off()
    text = {"ha": "center", "fontsize": SMALL, "linespacing": 1.1}
    for i, (name, shape, group) in enumerate(boxes):
        left = i * pitch + gap / 2
        look = {"fc": GROUPS.get(group, "white"), "ec": GREY}
        patch = FancyBboxPatch(
            (left, -half), box, 2 * half, "round,pad=0,rounding_size=0.06", **look
        )
        axis.add_patch(patch)
        axis.text(left + box / 2, 0, textwrap.fill(name, letters), va="center", **text)
        if len(shape) > letters + 3:
            shape = "\nx ".join(shape.rsplit(" x ", 1))
        axis.text(left + box / 2, -half - 0.08, shape, va="top", color=GREY, **text)
        if i < len(boxes) - 1:
            _arrow(axis, (left + box, 0), (left + pitch, 0), GREY)
    for i, j in skips:
        out, back, high = (i + 1) * pitch + 0.15 * gap, (j + 1) * pitch - 0.15 * gap, half + 0.35
        axis.plot([out, out, back], [0, high, high], color=BLUE, lw=1.5)
        _arrow(axis, (back, high), (back, 0.05), BLUE)
        plus = {"boxstyle": "circle,pad=0.1", "fc": "white", "ec": BLUE}
        axis.text(back, 0, "+", va="center", color=BLUE, bbox=plus, **text)
    for group, members in groupby(range(len(boxes)), key=lambda i: boxes[i][2]):
        if group not in ("", "data"):
            members = list(members)
            left, right = members[0] * pitch + gap / 2, (members[-1] + 1) * pitch - gap / 2
            axis.plot([left, right], [-0.9, -0.9], color=GREY, lw=1)
            axis.text((left + right) / 2, -0.95, group, va="top", **text)
    return figure


def _arrow(axis, start, end, colour: str) -> None:
    arrow = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops=arrow)


def _grid(images, titles, columns: int, width: float = WIDTH, **colours) -> list:
    """Draw images, `columns` a row, within so many inches; the axes of the images."""
    images = [_read(image) for image in images]
    rows = -(-len(images) // columns)
    tallest = max(image.shape[0] / image.shape[1] for image in images)
    height = rows * (min(tallest, 1.5) * width / columns + 0.35)
    axes = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)[1].ravel()
    for number, axis in enumerate(axes):
        _frame(axis)
        if number < len(images):
            title = titles[number] if number < len(titles) else ""
            _show(axis, images[number], title, 112 // columns, **colours)
    return list(axes[: len(images)])


def _frame(axis, colour: str | None = None) -> None:
    """Hide ticks and spines, or make the spines a thick frame of that colour."""
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(visible=colour is not None, color=colour or GREY, linewidth=3)


def _read(image) -> np.ndarray:
    return read_image(image, 150) if isinstance(image, str | os.PathLike) else np.asarray(image)


def _show(axis, image, title: str, letters: int, **options):
    """Draw an image or an array, its title wrapped after so many letters."""
    lines = [textwrap.fill(line, letters) for line in str(title).split("\n")]
    axis.set_title("\n".join(lines), fontsize=SMALL)
    white = 255 if image.dtype == np.uint8 else 1
    return axis.imshow(image, **{"cmap": "gray", "vmin": 0, "vmax": white} | options)


def _short(name, length: int) -> str:
    name = str(name)
    return name if len(name) <= length else name[: length - 1] + "…"
