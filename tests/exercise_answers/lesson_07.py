"""Wrong answers to lesson 07, each with a part of the message meant for it."""

import os
import tempfile
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(0)


def in_place(path, content):
    path.write_bytes(content)
    return path


def removed_first(path, content):
    partial = path.with_name("partial")
    partial.write_bytes(content)
    path.unlink()
    path.write_bytes(b"")
    os.replace(partial, path)
    return path


def renamed(path, content):
    partial = path.with_name("partial")
    partial.write_bytes(content)
    os.rename(partial, path)
    return path


def elsewhere(path, content):
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    os.replace(file.name, path)
    return path


def leaves_a_copy(path, content):
    path.with_name("copy").write_bytes(path.read_bytes())
    partial = path.with_name("partial")
    partial.write_bytes(content)
    os.replace(partial, path)
    return path


def moved_too_early(path, content):
    partial = path.with_name("partial")
    file = open(partial, "wb")  # noqa: SIM115
    file.write(content[:10])
    file.flush()
    os.replace(partial, path)
    file.write(content[10:])
    file.close()
    return path


def misspelt(path, content):
    Path(path).write_byte(content)


WRONG = [
    ("07.1", None, "not answered"),
    ("07.1", (0, 0), "zero"),
    ("07.1", (8, 4), "one too many"),
    ("07.1", (7, 5), "equal value"),
    ("07.1", (6, 3), "not 0"),
    ("07.1", (10, 10), "never sees"),
    ("07.1", 7, "expected an array"),
    ("07.2", None, "not answered"),
    ("07.2", 0, "not it"),
    ("07.2", 262_788, "two numbers more"),
    ("07.2", 525_576, "two of the three"),
    ("07.2", 787_968, "biases"),
    ("07.2", "a lot", "expected a number"),
    ("07.3", None, "not answered"),
    ("07.3", lambda seed, epoch, n: None, "returns nothing"),
    ("07.3", lambda seed, epoch, n: np.zeros(n, int), "exactly once"),
    ("07.3", lambda seed, epoch, n: np.arange(n), "shuffle them"),
    ("07.3", lambda seed, epoch, n: RNG.permutation(n), "drawn before"),
    ("07.3", lambda seed, epoch, n: np.random.permutation(n), "drawn before"),
    (
        "07.3",
        lambda seed, epoch, n: np.random.default_rng(seed).permutation(n),
        "depend on the epoch",
    ),
    (
        "07.3",
        lambda seed, epoch, n: np.random.default_rng(epoch).permutation(n),
        "depend on the seed",
    ),
    (
        "07.3",
        lambda seed, epoch, n: np.random.default_rng(seed + epoch).permutation(n),
        "do not add",
    ),
    (
        "07.3",
        lambda seed, epoch, n: np.random.default_rng([seed, epoch]).permutation(n - 1),
        "shape",
    ),
    (
        "07.3",
        lambda seed, epoch, n: np.random.default_rng([seed, epoch]).permutation(n) + 1,
        "exactly once",
    ),
    (
        "07.3",
        lambda seed, epoch, n: np.random.default_rng([seed, epoch]).permutation(n) / 1,
        "whole numbers",
    ),
    ("07.4", None, "not answered"),
    ("07.4", lambda path, content: None, "returns nothing"),
    ("07.4", lambda path, content: path, "does not hold"),
    ("07.4", in_place, "half a file"),
    ("07.4", removed_first, "already changed"),
    ("07.4", renamed, "windows"),
    ("07.4", elsewhere, "same folder"),
    ("07.4", leaves_a_copy, "left over: copy"),
    ("07.4", moved_too_early, "whole content yet"),
    ("07.4", misspelt, "write_byte"),
    ("07.5", None, "not answered"),
    ("07.5", "a", "weights came back"),
    ("07.5", "c", "other batches"),
    ("07.5", "d", "what is saved"),
    ("07.5", "e", "one of the letters"),
    ("07.5", 2, "one of the letters"),
]
