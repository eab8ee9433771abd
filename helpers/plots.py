"""The figures of the lessons. Each function returns its figure; end the cell with plt.show().

One colour code in the whole course: kernels purple and orange, feature maps red and blue with white
for zero, the true class blue, a wrong prediction orange. `images` are a list or an array of images
(h, w, 3) or (h, w), integers drawn from 0 to 255 or float drawn from 0 to 1, or of paths to read.
"""

import json
import math
import os
import textwrap
import warnings
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.font_manager import findfont, get_font, get_font_names

from helpers.data import RECORDED
from helpers.images import read_image

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"  # by Okabe and Ito:
SKY, YELLOW, GREY, LIGHT = "#56B4E9", "#E69F00", "#666666", "#DDDDDD"  # safe for the colour-blind
CYCLE = [BLUE, ORANGE, GREEN, PINK, SKY, YELLOW, GREY]
COLOUR_MAPS = {"image": "gray", "map": "RdBu_r", "kernel": "PuOr"}
GROUPS = {"data": "#EEEEEE", "frozen": "#CFE6F5", "trained": "#FBD9BF"}  # boxes of `blocks`
WIDTH = 9  # inches, about 850 pixels in a notebook
BESIDE = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}  # where a legend covers no line
FONTS = [  # of Linux, Windows and macOS, for names in any script
    *("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Thai"),
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil"),
    *("Segoe UI", "Yu Gothic", "Malgun Gothic", "Microsoft YaHei", "Leelawadee UI", "Nirmala UI"),
    *("Hiragino Sans", "Apple SD Gothic Neo", "Arial Unicode MS"),
]
MANY = 25  # classes, too many for names and numbers in a confusion matrix


def style() -> None:
    """Set matplotlib's defaults for a lesson: sharp figures, legible text, distinct colours."""
    installed = get_font_names()
    settings = {
        "figure.dpi": 150,
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "font.sans-serif": [font for font in FONTS if font in installed],
        "axes.titlesize": 10,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=CYCLE),
    }
    plt.rcParams.update(settings)


def image_grid(images, titles=(), columns: int = 4) -> plt.Figure:
    """Draw images in rows of `columns`, each with its title above it."""
    return _grid(images, titles, columns)[0].figure


def predictions(images, probabilities, class_names, y_true=None, n: int = 4) -> plt.Figure:
    """Draw the first n images, up to five, and below each its likeliest classes as bars.

    probabilities : (m, classes).  y_true : (m,) int, positions in class_names, or None.
    The true class is blue; a wrong prediction has an orange bar and an orange frame.
    """
    n, probabilities = min(n, len(images)), np.asarray(probabilities)
    size = (WIDTH / 4 * min(n, 4), 4)
    figure, axes = plt.subplots(2, n, figsize=size, height_ratios=[3, 2], squeeze=False)
    for i, (image_axis, bar_axis) in enumerate(axes.T):
        likeliest = np.argsort(-probabilities[i])[:5]
        true = None if y_true is None else int(y_true[i])
        colours = [BLUE if label == true else GREY for label in likeliest]
        title = "" if true is None else f"✓ {class_names[true]}"
        wrong = true not in (None, likeliest[0])
        if wrong:
            title, colours[0] = f"✗ true: {class_names[true]}", ORANGE
        _show(image_axis, images[i], title, 28)
        _frame(image_axis, ORANGE if wrong else None)
        bar_axis.barh(range(len(likeliest)), probabilities[i, likeliest], color=colours, alpha=0.45)
        for place, label in enumerate(likeliest):
            text = f"{probabilities[i, label]:.0%} {class_names[label]}"
            bar_axis.text(0.02, place, _wrapped(text[:28], 28), va="center")
        bar_axis.set(xlim=(0, 1), ylim=(len(likeliest) - 0.5, -0.5))
        bar_axis.set_axis_off()
    return figure


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


def neighbours(queries, found, query_titles=None, titles=None, same=None) -> plt.Figure:
    """Draw one row per query: the image, then its nearest neighbours.

    queries : q images.  found : q rows of k images.  query_titles : q.  titles : (q, k).
    same : (q, k) bool: a frame is blue if the neighbour is of the query's class, else orange.
    """
    n, k = len(queries), len(found[0])
    images, texts = [], []
    for row in range(n):
        images += [queries[row], *found[row]]
        texts.append("" if query_titles is None else query_titles[row])
        texts += [""] * k if titles is None else list(titles[row])
    axes = np.reshape(_grid(images, texts, k + 1), (n, k + 1))
    if same is not None:
        for row, column in np.ndindex(n, k):
            _frame(axes[row, column + 1], BLUE if same[row][column] else ORANGE)
    return axes[0, 0].figure


def numbers(array, title="", kind="image", decimals: int = 2, axis=None) -> plt.Figure:
    """Draw a small array with its values written on its pixels.

    array : (h, w), up to about 16x16.  kind : "image" (grey), "kernel" or "map" (signed, zero in
    the middle of the colours).  axis : draw into this one instead of a new figure.
    """
    array = np.asarray(array)
    height, width = array.shape
    if axis is None:
        cell = min(0.6, WIDTH / width)  # inches
        axis = plt.subplots(figsize=(cell * width + 0.3, cell * height + 0.4))[1]
    shown = _show(axis, array, title, 40, **_colours([array], kind))
    for (row, column), value in np.ndenumerate(array):
        colour = "white" if np.mean(shown.to_rgba(value)[:3]) < 0.5 else "black"
        text = f"{round(float(value), decimals) + 0:g}".replace("-", "−")  # + 0: no minus zero
        axis.text(column, row, text, color=colour, ha="center", va="center")
    return axis.figure


def signed_maps(arrays, titles=(), kind="map", columns: int = 4, limit=None) -> plt.Figure:
    """Draw 2-D arrays side by side on one scale with zero in the middle, and one colour bar.

    kind : "map" (red above zero, blue below) or "kernel" (purple above, orange below).
    limit : the end of the scale; None for the largest magnitude.
    """
    arrays = [np.asarray(array) for array in arrays]
    colours = _colours(arrays, kind, limit)
    axes = _grid(arrays, titles, min(columns, len(arrays)), **colours)
    figure, end = axes[0].figure, colours["vmax"]
    bar = figure.colorbar(axes[0].images[0], ax=figure.axes, ticks=[-end, 0, end], aspect=15)
    bar.ax.set_yticklabels([f"−{end:.3g}", "0", f"{end:.3g}"])
    return figure


def history(histories: pd.DataFrame | dict[str, pd.DataFrame]) -> plt.Figure:
    """Draw loss and accuracy per epoch, train dashed and validation solid, a colour per history.

    histories : as `training.fit_head` returns them, one or several by name.
    """
    if isinstance(histories, pd.DataFrame):
        histories = {"": histories}
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for axis, column in zip(axes, ("loss", "accuracy"), strict=True):
        for number, (name, table) in enumerate(histories.items()):
            name, colour = _wrapped(name, 30), f"C{number}"
            axis.plot(table[column], "--", color=colour, label=f"{name} train".strip())
            if f"val_{column}" in table:
                label = f"{name} validation".strip()
                axis.plot(table[f"val_{column}"], "-", color=colour, label=label)
        axis.set(xlabel="epoch", title=column)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_title("loss (cross-entropy)")
    axes[1].legend(**BESIDE)
    return figure


def curves(series: dict, xlabel: str = "epoch", ylabel: str = "", **options) -> plt.Figure:
    """Draw lines, named at the right in the order of their ends, each in the colour of its line.

    series : name -> pandas Series, drawn over its index, or (n,) array, drawn over 1..n.
    options : for matplotlib's `axis.set`, such as yscale="log" or ylim=(0, 1).
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    ends = {}  # line -> its last value
    for number, (name, values) in enumerate(series.items()):
        if not isinstance(values, pd.Series):
            values = pd.Series(np.asarray(values), range(1, len(values) + 1))
        dashes = ("-", "--", ":", "-.")[number // 7 % 4]  # there are seven colours
        [line] = axis.plot(values, dashes, label=_wrapped(name, 40))
        ends[line] = values[np.isfinite(values)].iloc[-1]
    if xlabel == "epoch":
        axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel=xlabel, ylabel=ylabel, **options)
    axis.legend(handles=sorted(ends, key=ends.get, reverse=True), labelcolor="linecolor", **BESIDE)
    return figure


def intervals(table: pd.DataFrame, xlabel="validation accuracy", baselines=None) -> plt.Figure:
    """Draw a dot and its 95 % interval for each row of `training.summary`'s table, first on top.

    table : columns mean, low, high (NaN: no interval); the index names the rows.
    baselines : name -> value, as `training.baselines` gives them.
    """
    axis, rows = _named_rows(table.index, f"{xlabel}, 95 % interval"), range(len(table))
    axis.hlines(rows, table["low"], table["high"], color=BLUE, lw=3)
    axis.plot(table["mean"], rows, "o", color=BLUE)
    _name_baselines(axis, baselines)
    return axis.figure


def dots(runs: pd.DataFrame, value="accuracy", by="setting", baselines=None) -> plt.Figure:
    """Draw one row per setting and one dot per run; a bar marks the mean, written at the right.

    runs : as `training.sweep` gives them, with the columns `value` and `by`.
    baselines : name -> value, as `training.baselines` gives them.
    """
    names = runs[by].unique()
    axis = _named_rows(names, value)
    for row, name in enumerate(names):
        values = runs.loc[runs[by] == name, value]
        heights = row + np.linspace(-0.2, 0.2, len(values))  # equal values do not hide each other
        axis.plot(values, heights, "o", color=BLUE, alpha=0.5, markersize=5)
        axis.vlines(values.mean(), row - 0.35, row + 0.35, color=ORANGE, lw=2)
        _write_beside(axis, 1.01, row, f"mean {values.mean():.3f}", color=ORANGE)
    _name_baselines(axis, baselines)
    return axis.figure


def _named_rows(names, xlabel: str):
    """Axes with a row per name, the first on top."""
    axis = plt.subplots(figsize=(WIDTH, 1.3 + 0.4 * len(names)))[1]
    axis.set_yticks(range(len(names)), [_wrapped(name, 40) for name in names])
    axis.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
    axis.grid(axis="x", color=LIGHT)
    return axis


def _name_baselines(axis, baselines: dict | None) -> None:
    """Name each baseline above the axes; draw it, unless that would squeeze what is drawn."""
    low, high = axis.get_xlim()
    for number, (name, value) in enumerate((baselines or {}).items()):
        label = f"{_wrapped(name, 60)} {value:.3f}"
        if value < low - (high - low):
            axis.plot([], [], " ", label=f"{label} (further left)")
        else:
            axis.axvline(value, color=GREY, ls=("--", ":", "-.")[number % 3], label=label)
    if baselines:
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), labelcolor=GREY)


def confusion(y_true, y_pred, class_names) -> plt.Figure:
    """Draw how often each true class (row) was predicted as each class (column); empty means 0.

    y_true, y_pred : (n,) int, positions in class_names. The colour is the share of the row. Below
    its name a row has its recall, a column its precision ("–": there is nothing to count).
    From 25 classes on there are only colours, and the ten largest confusions are printed.
    """
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix  # half a second

    n = len(class_names)
    counts = confusion_matrix(y_true, y_pred, labels=range(n))
    n_true, n_predicted = counts.sum(axis=1), counts.sum(axis=0)
    shares = counts / np.maximum(n_true, 1)[:, np.newaxis]
    size = min(2.6 + 0.8 * n, WIDTH)  # inches
    axis = plt.subplots(figsize=(size, 0.85 * size))[1]
    matrix = ConfusionMatrixDisplay(shares)
    matrix.plot(ax=axis, cmap="Blues", colorbar=False, include_values=n < MANY)
    matrix.im_.set_clim(0, 1)
    accuracy = _percent(np.trace(counts), counts.sum())
    axis.set(xlabel="predicted class", ylabel="true class", title=f"accuracy {accuracy}")
    axis.set(xticks=[], yticks=[])
    if n < MANY:
        rows, columns = [], []
        for label, name in enumerate(class_names):
            correct, name = counts[label, label], _wrapped(name, 24)
            rows.append(f"{name}\nrecall {_percent(correct, n_true[label])}")
            columns.append(f"{name}\nprecision {_percent(correct, n_predicted[label])}")
        axis.set_xticks(range(n), columns, rotation=45, ha="right", rotation_mode="anchor")
        axis.set_yticks(range(n), rows)
        for place, count in np.ndenumerate(counts):
            matrix.text_[place].set(text=str(count or ""))
    else:
        _print_confusions(counts, class_names)
    return axis.figure


def _print_confusions(counts: np.ndarray, class_names) -> None:
    """Print the ten largest numbers beside the diagonal of a confusion matrix."""
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    for place in np.argsort(-wrong, axis=None, kind="stable")[:10]:
        true, predicted = np.unravel_index(place, counts.shape)
        if wrong[true, predicted]:
            names = f"{class_names[true]}, predicted as {class_names[predicted]}"
            print(f"{wrong[true, predicted]} of {counts[true].sum()} {names}")


def _percent(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "–"


def decision_boundary(predict, x, y, class_names=("class 0", "class 1")) -> plt.Figure:
    """Draw the probability that `predict` gives over the plane of two features, and the points.

    predict : (n, 2) float32 -> (n,) or (n, 1) probability of class 1.
    x : (n, 2).  y : (n,) 0 or 1.  The black line is where the probability is one half.
    """
    x, y, names = np.asarray(x), np.asarray(y), [_wrapped(name, 30) for name in class_names]
    margin = 0.15 * np.ptp(x, axis=0)
    sides = np.linspace(x.min(axis=0) - margin, x.max(axis=0) + margin, 200)
    across, up = np.meshgrid(sides[:, 0], sides[:, 1])
    plane = np.stack([across.ravel(), up.ravel()], axis=1).astype("float32")
    probability = np.asarray(predict(plane)).reshape(across.shape)
    colours = LinearSegmentedColormap.from_list("classes", [ORANGE, "white", BLUE])
    figure, axis = plt.subplots(figsize=(5.5, 4.2))
    shown = axis.pcolormesh(across, up, probability, cmap=colours, vmin=0, vmax=1, alpha=0.5)
    axis.contour(across, up, probability, [0.5], colors="black", linewidths=1)
    for label, marker, colour in ((0, "s", ORANGE), (1, "o", BLUE)):
        points = x[y == label].T
        axis.plot(*points, marker, color=colour, markeredgecolor="white", label=names[label])
    axis.set(xlabel="feature 1", ylabel="feature 2")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    figure.colorbar(shown, label=f"probability of {names[1]}", ticks=[0, 0.5, 1])
    return figure


def ladder(dataset) -> plt.Figure | None:
    """Draw what each model reached: validation accuracy and, for solar, the broken cells found.

    Filled: what `training.rung` wrote here for just these images. Hollow: recorded by the course,
    for the default solar cells only. Returns None, after a line, if there is neither.
    """
    rungs = _rungs(dataset)
    if rungs.empty:
        print("No model on the ladder yet: training.rung(dataset, name, predictions) adds one.")
        return None
    figure, axis = plt.subplots(figsize=(WIDTH, 1.2 + 0.42 * len(rungs)))
    names = [_wrapped(name, 34) for name in rungs["name"]]
    colours = np.where(rungs["here"], BLUE, "white")
    axis.barh(names, rungs["accuracy"], color=colours, edgecolor=BLUE, height=0.6)
    axis.set(xlabel="validation accuracy", xlim=(0, 1))
    for row, rung in enumerate(rungs.itertuples()):
        _write_beside(axis, 1.02, row, f"{rung.accuracy:.3f}")
        if rung.broken_found >= 0:  # neither None nor NaN: counted
            _write_beside(
                axis, 1.12, row, f"{rung.broken_found:.0f} of {rung.broken:.0f} broken found"
            )
    if not rungs["here"].all():
        axis.set_title("filled: run here; hollow: recorded", loc="left")
    return figure


def _rungs(dataset) -> pd.DataFrame:
    """The rows of the ladder, the least accurate first; what was run here replaces a record."""
    rungs = []
    file = dataset.output_folder / "ladder" / f"{dataset.folder.name}.json"
    if file.exists():
        for rung in json.loads(file.read_text(encoding="utf-8")).values():
            rungs.append(rung | {"here": True})
    recorded = pd.read_csv(RECORDED / "ladder.csv").assign(here=False)
    n_broken = dataset.split("validation")["class_name"].str.endswith("-defective").sum()
    if dataset.name == "solar" and n_broken == recorded["broken"].max():  # not split anew
        rungs += recorded.to_dict("records")
    columns = ["name", "accuracy", "broken_found", "broken", "here"]
    table = pd.DataFrame(rungs, columns=columns).astype({"broken_found": float, "broken": float})
    return table.drop_duplicates("name").sort_values("accuracy")


def blocks(boxes, skips=(), title: str = "") -> plt.Figure:
    """Draw a network, or a pipeline, of up to about ten boxes from left to right.

    boxes : (name, shape, group) per box: the name stands in the box, the shape of its output below.
        The group colours it: "data", "frozen", "trained", or "" for none.
    skips : (i, j) per residual connection: the output of box i is added to the output of box j.
    """
    width = min(WIDTH / len(boxes), 2)  # inches for a box and its arrow
    letters = int(10 * width)
    figure, axis = plt.subplots(figsize=(width * len(boxes), 2.2))
    axis.set(xlim=(-0.5, len(boxes) - 0.5), ylim=(-1.3, 0.9), title=_wrapped(title, 100))
    axis.set_axis_off()
    for i, (name, shape, group) in enumerate(boxes):
        colour, look = GROUPS.get(group, "white"), {"ha": "center"}
        axis.add_patch(plt.Rectangle((i - 0.36, -0.4), 0.72, 0.8, facecolor=colour, edgecolor=GREY))
        axis.text(i, 0, _wrapped(name, letters), va="center", **look)
        axis.text(i, -0.5, _wrapped(shape, letters + 4), va="top", color=GREY, **look)
        axis.text(i, -1.2, "" if group == "data" else group, **look)
        if i > 0:
            axis.annotate("", (i - 0.36, 0), (i - 0.64, 0), arrowprops={"arrowstyle": "-|>"})
    for i, j in skips:
        start, end = i + 0.5, j + 0.5  # on the arrows after the two boxes
        axis.plot([start, start, end, end], [0, 0.6, 0.6, 0.1], "v-", color=BLUE, markevery=[-1])
        axis.text(end, -0.3, "+", ha="center", weight="bold", color=BLUE)
    return figure


def _grid(images, titles, columns: int, **colours) -> list:
    """Draw images, `columns` a row; return their axes."""
    images = [_as_array(image) for image in images]
    rows = math.ceil(len(images) / columns)
    tallest = max(image.shape[0] / image.shape[1] for image in images)
    height = rows * (min(tallest, 1.5) * WIDTH / columns + 0.35)
    axes = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)[1].ravel()
    for axis in axes[len(images) :]:
        axis.set_axis_off()
    for i, image in enumerate(images):
        title = titles[i] if i < len(titles) else ""
        _show(axes[i], image, title, 112 // columns, **colours)  # 112 letters fit side by side
    return list(axes[: len(images)])


def _show(axis, image, title: str, letters: int, **colours):
    """Draw an image or an array, its title wrapped after so many letters."""
    image = _as_array(image)
    axis.set_title(_wrapped(title, letters))
    _frame(axis)
    return axis.imshow(image, **_colours([image], "image") | colours)


def _frame(axis, colour: str | None = None) -> None:
    """Hide ticks and spines, or make the spines a thick frame of that colour."""
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(visible=colour is not None, color=colour or GREY, linewidth=3)


def _as_array(image) -> np.ndarray:
    return read_image(image, 150) if isinstance(image, str | os.PathLike) else np.asarray(image)


def _colours(arrays, kind: str, limit: float | None = None) -> dict:
    """Colour map and its ends: symmetric about zero but for images."""
    low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
    if kind == "image":
        white = 255 if arrays[0].dtype.kind in "iu" else 1
        return {"cmap": COLOUR_MAPS[kind], "vmin": min(0, low), "vmax": max(white, high)}
    end = limit or max(-low, high) or 1  # 1 if all values are zero
    return {"cmap": COLOUR_MAPS[kind], "vmin": -end, "vmax": end}


def _write_beside(axis, x: float, row: float, text: str, **look) -> None:
    """Write a row's number at the right of the axes, which end at x = 1."""
    axis.text(x, row, text, va="center", transform=axis.get_yaxis_transform(), **look)


def _wrapped(text, letters: int) -> str:
    r"""Text in lines of at most so many letters; "\$", since a plain $ would begin a formula."""
    lines = [textwrap.fill(line, letters) for line in drawable(str(text)).split("\n")]
    return "\n".join(lines).replace("$", r"\$")


def drawable(text: str) -> str:
    """Text with □ for each letter that no font in use has. The first time it warns, in one line."""
    known = _letters(tuple(plt.rcParams["font.sans-serif"]))
    missing = {letter for letter in text if ord(letter) not in known and not letter.isspace()}
    if missing:
        _warn_of_letters()
    return "".join("□" if letter in missing else letter for letter in text)


@cache
def _letters(families: tuple[str, ...]) -> set[int]:
    """The code points of all letters that these fonts have, as far as they are installed."""
    fonts = [get_font(findfont(family)) for family in set(families) & set(get_font_names())]
    return set().union(*(font.get_charmap() for font in fonts))


@cache
def _warn_of_letters() -> None:
    advice = "Install one that has them, from https://fonts.google.com/noto."
    warnings.warn(f"No font here has all letters of your names: □. {advice}", stacklevel=2)
