"""Figures that more than one lesson draws. Each returns the matplotlib figure; end the cell with plt.show()."""

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers.pictures import read_picture

BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"  # Okabe-Ito: colour-blind safe
plt.rcParams.update(
    {
        "figure.dpi": 90,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PINK, GREY]),
    }
)


def history(histories: pd.DataFrame | dict[str, pd.DataFrame]) -> plt.Figure:
    """Draw loss and accuracy per epoch, train dashed and validation solid, one colour for each named history."""
    if isinstance(histories, pd.DataFrame):
        histories = {"": histories}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, column, title in zip(axes, ("loss", "accuracy"), ("Loss (cross-entropy)", "Accuracy"), strict=True):
        for number, (name, table) in enumerate(histories.items()):
            colour = f"C{number}"
            axis.plot(table.index, table[column], "--", color=colour, label=f"{name} train".strip())
            axis.plot(table.index, table[f"val_{column}"], "-", color=colour, label=f"{name} validation".strip())
        axis.set(xlabel="epoch", title=title)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[1].legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))  # over no line
    return figure


def intervals(table: pd.DataFrame, xlabel: str = "validation accuracy", baselines: dict | None = None) -> plt.Figure:
    """Draw a dot and its 95 % interval for each row of `training.summary`'s table, the first row on top.

    table : columns mean, low, high; the index names the rows.
    baselines : name -> value, as `training.baselines` gives them; each a line, dashed or dotted.
    """
    figure, axis = plt.subplots(figsize=(8, 0.9 + 0.38 * len(table)))
    rows = range(len(table))
    axis.hlines(rows, table["low"], table["high"], color=BLUE, lw=3)
    axis.plot(table["mean"], rows, "o", color=BLUE)
    for (name, value), style in zip((baselines or {}).items(), ("--", ":", "-."), strict=False):
        axis.axvline(value, color=GREY, ls=style, label=f"{name}: {value:.3f}")
    if baselines:
        axis.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1))  # over no bar
    axis.set_yticks(rows, table.index)
    axis.set(xlabel=f"{xlabel}, 95 % interval", ylim=(len(table) - 0.5, -0.5))
    axis.grid(axis="x", color="#DDDDDD")
    axis.set_axisbelow(True)
    return figure


def confusion(y_true, y_pred, class_names: list[str]) -> plt.Figure:
    """Draw how often each true class (row) was called each class (column): counts, shaded by the share of the row.

    y_true, y_pred : (pictures,) int, positions in class_names.
    """
    counts = np.zeros((len(class_names), len(class_names)), int)
    np.add.at(counts, (np.asarray(y_true), np.asarray(y_pred)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.6 * len(class_names)
    figure, axis = plt.subplots(figsize=(side + 0.8, side))
    shown = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axis.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    ticks = range(len(class_names))
    axis.set_xticks(ticks, class_names, rotation=45, ha="right")
    axis.set_yticks(ticks, class_names)
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.spines[:].set_visible(False)
    figure.colorbar(shown, label="share of the true class", shrink=0.8)
    return figure


def picture_grid(pictures, titles=(), columns: int = 4) -> plt.Figure:
    """Draw pictures in rows of `columns`, each with its title above it.

    pictures : (n, h, w, 3) or (n, h, w) uint8, or a list of such pictures; grey ones are drawn grey, 0..255.
    """
    rows = -(-len(pictures) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 9 / columns * rows + 0.2 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
        if number < len(titles):
            axis.set_title(titles[number], fontsize="small")
    return figure


def mistakes(pictures, y_true, probabilities, class_names: list[str], n: int = 8) -> plt.Figure | None:
    """Draw the n wrong predictions that the model was most sure of; None (and a line) if there is none.

    pictures : (m, h, w, 3) uint8 or a list, or paths to read.  y_true : (m,) int.  probabilities : (m, classes).
    """
    y_true, probabilities = np.asarray(y_true), np.asarray(probabilities)
    y_pred = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(y_pred != y_true)
    worst = wrong[np.argsort(-probabilities[wrong, y_pred[wrong]])][:n]
    if not len(worst):
        print("No wrong prediction to show.")
        return None
    titles = [
        f"is {class_names[y_true[i]]}\nsaid {class_names[y_pred[i]]} ({probabilities[i, y_pred[i]]:.0%})" for i in worst
    ]
    shown = [
        read_picture(pictures[i], 150) if isinstance(pictures[i], str | os.PathLike) else pictures[i] for i in worst
    ]
    return picture_grid(shown, titles)
