"""Checks of lesson 07, checkpointing."""

import os
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np

from helpers.exercises import NotYet, array, call, choice, number


def _patience(answer) -> str:
    return array(
        answer,
        (7, 4),
        {
            "An equal value is no improvement: epoch 5 does not beat epoch 4.": (7, 5),
            "An equal value is no improvement, so epoch 5 counts as one of the three.": (8, 5),
            "One too many: epochs 5, 6 and 7 are three without progress.": (8, 4),
            "One too few: patience 3 waits for three epochs without progress.": (6, 4),
            "It never sees that epoch. Count three epochs without progress.": (10, 10),
            "The training ended before epoch 8, so its .80 was never seen.": (7, 8),
            "The first epoch is 1, not 0.": (6, 3),
            "The other way round: first the last epoch, then the best.": (4, 7),
        },
    )


def _state_size(answer) -> str:
    weights = (2048 * 128 + 128) + (128 * 4 + 4)
    return number(
        answer,
        3 * weights,
        {
            weights: "Those are the weights. Adam keeps two numbers more for each of them.",
            2
            * weights: "Two of the three: the weights, a mean of the gradient, a mean of its square.",
            3
            * (
                2048 * 128 + 128 * 4
            ): "The biases are missing: they are trained, and Adam keeps their means too.",
            3 * (2048 * 128 + 128): "That is the inner layer. The output layer comes on top of it.",
            3 * (2048 * 4 + 4): "That is a direct head. This one has an inner layer.",
            12 * weights: "Those are bytes. The question is for numbers.",
        },
        tolerance=1e-9,
    )


def _epoch_order(answer) -> str:
    first = _one_order(answer, 1, 2, 50)
    np.random.random(7)  # the answer must not depend on the global generator
    if not np.array_equal(first, _one_order(answer, 1, 2, 50)):
        return "Two calls with the same seed and epoch give different orders: it depends on what was drawn before."
    if np.array_equal(first, _one_order(answer, 1, 3, 50)):
        return "Epochs 2 and 3 have the same order. It must depend on the epoch."
    if np.array_equal(first, _one_order(answer, 5, 2, 50)):
        return "Seeds 1 and 5 have the same order. It must depend on the seed."
    if np.array_equal(first, _one_order(answer, 2, 1, 50)):
        return "Seed 1 in epoch 2 and seed 2 in epoch 1 have the same order. Do not add or multiply the two."
    return ""


def _one_order(answer, seed: int, epoch: int, n: int) -> np.ndarray:
    order = np.asarray(call(answer, seed, epoch, n))
    if order.shape != (n,):
        raise NotYet(f"Expected {n} positions, the shape ({n},), got {order.shape}.")
    if order.dtype.kind not in "iu":
        raise NotYet(f"Positions are whole numbers; yours are {order.dtype}.")
    if not np.array_equal(np.sort(order), np.arange(n)):
        raise NotYet(
            f"Each position from 0 to {n - 1} must come exactly once. Shuffle, do not draw with repeats."
        )
    if np.array_equal(order, np.arange(n)):
        raise NotYet("That is the order in which the images lie. Shuffle them.")
    return order


def _write_whole(answer) -> str:
    moves, real = [], {name: getattr(os, name) for name in ("replace", "rename")}
    with tempfile.TemporaryDirectory() as folder:
        path, old, new = Path(folder, "state.bin"), b"old" * 1000, b"new" * 2000
        path.write_bytes(old)

        def watched(kind):
            def move(source, target, **options):
                moves.append((kind, Path(source), Path(source).read_bytes(), path.read_bytes()))
                return real[kind](source, target, **options)

            return move

        with (
            mock.patch("os.replace", watched("replace")),
            mock.patch("os.rename", watched("rename")),
        ):
            call(answer, path, new)
        if not path.exists() or path.read_bytes() != new:
            return "After the call the file does not hold the new content."
        why = _judge_moves(moves, folder, old, new)
        left = sorted(other.name for other in Path(folder).iterdir() if other != path)
        return why or (
            f"The content is right, but this file is left over: {', '.join(left)}." if left else ""
        )


def _judge_moves(moves: list, folder: str, old: bytes, new: bytes) -> str:
    if not moves:
        return "You wrote into the file itself. A kill in the middle of that leaves half a file. Write beside it first."
    kind, source, content, before = moves[-1]
    if before != old:
        return "The old file was already changed or gone before the new one took its place."
    if content != new:
        return (
            "The file that you moved into place did not hold the whole content yet. Close it first."
        )
    if kind == "rename":
        return "os.rename fails on Windows where the target exists. os.replace works everywhere."
    if source.resolve().parent != Path(folder).resolve():
        return "Write the temporary file into the same folder: between two drives a move is a copy."
    return ""


def _lost(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "The first validation accuracy is the old one, so the weights came back.",
            "c": "Other batches change the numbers a little. They do not make the loss jump far up.",
            "d": "That one decides what is saved. It does not touch the training loss.",
        },
    )


CHECKS = {
    "07.1": _patience,
    "07.2": _state_size,
    "07.3": _epoch_order,
    "07.4": _write_whole,
    "07.5": _lost,
}
