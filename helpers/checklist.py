"""The final checklist: `check(model, train, validation, ...)` looks for the faults that raise no error.

Each item is a function that looks at one `Case` (the model with its data). It ends in one of three ways: it returns
what is fine, raises `Wrong` (what, where, and the line that mends it), or raises `Skip` (why it could not look).
A check never changes the model, and looks at a few pictures only. `checklist_models` has what an item asks of a model,
once for Keras and once for PyTorch, so that the same items judge both.
"""

import hashlib
import html
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.checklist_models import TF, adds_up, view

ROWS = 32  # pictures that the items look at
FINE, WRONG, SKIPPED = "fine", "WRONG", "not checked"


@dataclass(frozen=True)
class Item:
    """One line of a report. status : "fine", "WRONG" or "not checked".  where, mend : only of what is wrong."""

    name: str
    status: str
    found: str
    where: str = ""
    mend: str = ""

    def __str__(self) -> str:
        lines = [f"{self.status:<12} {self.name:<15} {self.found}"]
        lines += [f"{'where: ':>36}{self.where}"] if self.where else []
        return "\n".join(lines + ([f"{'mend: ':>36}{self.mend}"] if self.mend else []))


class Report(list):
    """A list of `Item`s that prints as a table."""

    @property
    def problems(self) -> "Report":
        """The items that are wrong."""
        return Report(item for item in self if item.status == WRONG)

    def __repr__(self) -> str:
        counts = {status.lower(): sum(item.status == status for item in self) for status in (FINE, WRONG, SKIPPED)}
        total = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return "\n".join([*map(str, self), total or "no problems"])

    def _repr_html_(self) -> str:
        colours = {FINE: "#009E73", WRONG: "#D55E00", SKIPPED: "#666666"}
        rows = []
        for item in self:
            cells = [f"<b style='color:{colours[item.status]}'>{item.status}</b>", item.name, html.escape(item.found)]
            if item.where:
                cells[2] += f"<br>where: {html.escape(item.where)}"
            if item.mend:
                cells[2] += f"<br>mend: <code>{html.escape(item.mend)}</code>"
            rows.append("".join(f"<td style='text-align:left;vertical-align:top'>{cell}</td>" for cell in cells))
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


class Wrong(Exception):
    """Ends an item: Wrong(what is wrong, where, the line that mends it)."""


class Skip(Exception):
    """Ends an item that cannot be judged: Skip(reason)."""


def check(
    model, train, validation=None, class_names=None, *, dataset=None, predict: Callable | None = None, loss=None,
    optimizer=None,
) -> Report:  # fmt: skip
    """Examine a model with its data; the model stays as it was. Takes a few seconds.

    model : a built Keras model, compiled or not, or a PyTorch model: for raw pictures, or a head for features.
        A PyTorch model is judged as its `train()` and `eval()` leave it, whatever its mode is now.
    train, validation : batches (`image_dataset_from_directory`, `DataLoader`), or (x, y) with arrays, such as
        `features.Split`.
    class_names : the names that you will print, in your order.
    dataset : what `data.load` returned.  predict : your function that takes a picture's path and returns its
        probabilities, (classes,).
    loss, optimizer : of a PyTorch model, which does not know them: `nn.CrossEntropyLoss()`, `torch.optim.Adam(...)`.
    Returns a `Report`; `.problems` holds what is wrong. Raises ValueError for a model or data that it cannot take.
    """
    seen, splits = view(model, loss, optimizer), (_given("train", train), _given("validation", validation))
    case = Case(seen, *splits, class_names, dataset, predict)
    report = Report()
    with seen.undisturbed():
        for name, judge in ITEMS.items():
            report.append(_judged(seen.optimizer_item if judge is _optimizer else name, judge, case))
    return report


def _judged(name: str, judge: Callable, case: "Case") -> Item:
    try:
        return Item(name, FINE, judge(case))
    except Wrong as wrong:
        return Item(name, WRONG, *wrong.args)
    except Skip as reason:
        return Item(name, SKIPPED, str(reason))
    except Exception as error:  # a strange model must not hide the other items
        return Item(name, SKIPPED, f"this item failed: {type(error).__name__}: {str(error)[:80]}")


# What the items look at ---------------------------------------------------------------------------------------


@dataclass
class Case:
    """A model's view and its data; what several items need is computed once."""

    model: object  # a view of checklist_models
    train: object
    validation: object
    names: list[str] | None
    dataset: object
    predict: Callable | None

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        return _rows(self.train)

    @cached_property
    def fits(self) -> bool:
        return self.model.takes(self.rows[0])

    @cached_property
    def outputs(self) -> np.ndarray:
        """The model's answers to `rows`. Other items wait until the pictures fit."""
        if not self.fits:
            raise Skip("mend the input shape first")
        return self.model.outputs(self.rows[0])

    @property
    def pictures(self) -> np.ndarray:
        if not self.model.convolutions:
            raise Skip("the model starts from features: no picture passes through it")
        if not self.fits:
            raise Skip("mend the input shape first")
        return self.rows[0]

    @cached_property
    def classes(self) -> int:
        for names in (self.names, _names(self.train), _names(self.dataset)):
            if names is not None:
                return len(names)
        raise Skip("give class_names")

    @property
    def units(self) -> int:
        if self.outputs.ndim != 2:
            raise Skip("mend the units first")
        return self.outputs.shape[1]

    @property
    def loss(self) -> tuple[tuple, tuple]:
        if self.model.loss is None:
            raise Skip(self.model.no_loss)
        return self.model.loss

    @property
    def known_loss(self) -> tuple[tuple, tuple]:
        if not self.loss[0]:
            raise Skip(f"a loss that the checklist does not know: {self.model.loss_name}")
        return self.loss

    def line(self, key: str, **values) -> str:
        """What mends a fault, in the words of the model's framework."""
        return self.model.lines[key].format(**values)


def _given(name: str, split):
    """A split as it came, or as a pair of arrays; anything else is refused in one line."""
    if isinstance(split, str | Path):
        how = "keras.utils.image_dataset_from_directory(folder, image_size=...), or ImageFolder and DataLoader"
        raise ValueError(f"{name}: a folder came. Read it first: {how}.")
    if isinstance(split, tuple | list):
        if len(split) != 2 or len(split[0]) != len(split[1]) or not len(split[0]):
            raise ValueError(f"{name}: expected (x, y) of one length, not empty.")
        return (_array(split[0]) if hasattr(split[0], "detach") else split[0]), _array(split[1])
    if split is not None and (not hasattr(split, "__iter__") or hasattr(split, "__next__")):
        kind = type(split).__name__
        raise ValueError(f"{name}: expected (x, y), or batches that can be read again and again, got {kind}.")
    return split


def _array(x) -> np.ndarray:
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)


def _folder(split) -> tuple[object, object]:
    """(what lies beneath a DataLoader, the rows of it that a Subset chose; None: all of them)."""
    under, rows = getattr(split, "dataset", split), None
    while hasattr(under, "indices") and hasattr(under, "dataset"):
        rows = under.indices if rows is None else [under.indices[row] for row in rows]
        under = under.dataset
    return under, rows


def _names(split) -> list[str] | None:
    names = getattr(split, "class_names", None) or getattr(_folder(split)[0], "classes", None)
    return None if names is None else list(names)


def _paths(split) -> list[str] | None:
    """The files of batches, in order, as far as they are known."""
    under, rows = _folder(split)
    paths = getattr(split, "file_paths", None) or [path for path, _ in getattr(under, "samples", [])]
    return (paths if rows is None else [paths[row] for row in rows]) if paths else None


def _batches(split, rows: int):
    """Batches (x, y) of arrays until there are `rows` rows."""
    seen = 0
    for batch in split:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise Skip("the batches hold no labels")
        yield _array(batch[0]), _array(batch[1])
        seen += len(batch[1])
        if seen >= rows:
            return


def _rows(split, count: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """The first rows of batches; rows spread over the whole of arrays, which often lie in the order of the classes."""
    if isinstance(split, tuple):
        spread = np.unique(np.linspace(0, len(split[1]) - 1, count).astype(int))
        x, y = np.asarray(split[0][spread]), split[1][spread]
    else:
        x, y = (np.concatenate(parts)[:count] for parts in zip(*_batches(split, count), strict=True))
    return x.astype("float32"), y


def _labels(y: np.ndarray) -> np.ndarray | None:
    """Whole numbers, or None if each label is a vector (one-hot)."""
    return y.reshape(-1) if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1) else None


# What goes in -------------------------------------------------------------------------------------------------


def _input_shape(case: Case) -> str:
    expected, got = case.model.input_shape, case.rows[0].shape[1:]
    where, wanted = f"the input of {case.model.name!r}", str(expected).replace("None", "any")
    if not case.fits:
        axis = case.model.channel_axis
        channels = expected[axis]
        mend = case.line("size", expected=expected[:2])
        if len(expected) == 1 and len(got) == 3:
            mend = case.line("features")
        elif len(expected) == 1:
            mend = case.line("width", got=got[-1])
        elif len(got) == 1:
            mend = "check the head alone, or give pictures: this model begins with pictures"
        elif len(got) == 2 or (1 in (got[0], got[-1]) and channels != 1):
            mend = case.line("grey")
        elif got[-1 - axis] == channels != got[axis]:
            mend = case.line("channels")
        where += f" ({case.model.refusal})" if case.model.refusal else ""
        raise Wrong(f"the model takes {wanted}, train gives {got}", where, mend)
    if case.validation is not None:
        other = _rows(case.validation, 1)[0].shape[1:]
        if other != got:
            raise Wrong(f"train gives {got}, validation {other}", "validation", case.line("same size"))
    return f"{got}, as the model takes it"


def _normalization(case: Case) -> str:
    family, scale = case.model.family
    splits = {"train": (case.train, case.pictures)}
    if scale is None:
        raise Skip(f"the checklist does not know which scale this network wants ({family or 'none of its families'})")
    if case.validation is not None and (x := _rows(case.validation)[0]).shape[1:] == case.pictures.shape[1:]:
        splits["validation"] = case.validation, x
    for name, (split, x) in reversed(splits.items()):
        ends = _ends(split, x)
        values = case.model.entering(x if ends is None else ends)
        low, high = float(values.min()), float(values.max())
        guess = _scale_problem(low, high, scale, known=ends is not None)
        if guess:
            layer = case.line("scale" if scale == TF else "other scale")
            raise Wrong(
                f"{low:.4g} to {high:.4g} reaches the network, {family} wants {scale[0]:g} to {scale[1]:g}: {guess}",
                f"before the convolution {case.model.convolutions[0]!r}, pictures of {name}",
                case.line("scale once", layer=layer),
            )
    return f"{low:.4g} to {high:.4g} reaches the network, as {family} was trained"


def _ends(split, x: np.ndarray) -> np.ndarray | None:
    """A black and a white picture as they enter the model: they tell more than what these pictures happen to hold.

    Of raw pictures, or made by the transform of an ImageFolder. None where neither is known.
    """
    if transform := getattr(_folder(split)[0], "transform", None):
        pictures = [Image.new("RGB", x.shape[:1:-1], (level,) * 3) for level in (0, 255)]
        ends, again = (np.stack([_array(transform(one)) for one in pictures]).astype("float32") for _ in range(2))
        return ends if np.array_equal(ends, again) else None
    if x.min() >= 0 and x.max() <= 255:
        return np.stack([np.zeros_like(x[0]), np.full_like(x[0], 255 if x.max() > 2 else 1)])
    return None


def _scale_problem(low: float, high: float, scale: tuple[float, float], known: bool) -> str:
    """What the range of the values tells, or "". known : low and high are what black and white became."""
    width, wanted = high - low, scale[1] - scale[0]
    slack = 0.02 * wanted
    if width < 0.06 * wanted and max(abs(low), abs(high)) <= 1.5 * max(map(abs, scale)):
        return "squeezed, as if scaled twice" if scale == TF and low < -0.9 else "squeezed"
    if low > -slack and abs(high - 255) < 60:
        return "not scaled"
    if low > -0.02 and high <= 1.02 and scale != (0, 1):
        return "0 to 1"
    if low < scale[0] - slack or high > scale[1] + slack:
        return "too wide"
    if known and (low > scale[0] + slack or high < scale[1] - slack):
        return "too narrow"
    return "too narrow" if abs(low + 0.5) < 1e-3 and abs(high - 0.5) < 1e-3 else ""


# What trains --------------------------------------------------------------------------------------------------


def _freezing(case: Case) -> str:
    model = case.model
    training, total = model.backbone_numbers
    if model.loss and not model.head_trains:
        raise Wrong("the last layer does not train", f"layer {model.head!r}", case.line("open", head=model.head))
    if not model.convolutions:
        return f"the model starts from features; its {model.trainable_numbers:,} numbers train"
    pretrained = model.family[0]
    if pretrained and model.untrained and not training:
        found = f"{pretrained} is frozen and has never been trained: its numbers are random"
        raise Wrong(found, f"backbone {model.backbone!r}", case.line("pretrained"))
    traps = model.trainable_set_on_tensors
    if model.all_trains and (traps or pretrained):
        trap = f"; `trainable` was set on the output of {traps[0]!r}, a tensor, which freezes nothing" if traps else ""
        raise Wrong(
            f"{training:,} of the backbone's {total:,} numbers train{trap}",
            f"backbone {model.backbone!r}, from its first convolution {model.convolutions[0]!r} on",
            case.line("freeze", backbone=model.backbone_line),
        )
    if model.all_trains:
        raise Skip(f"no pretrained network that the checklist knows; all its {training:,} numbers train")
    return f"{training:,} of the backbone's {total:,} numbers train, {model.trainable_numbers - training:,} others"


def _batch_norm(case: Case) -> str:
    model, x = case.model, case.pictures
    free, total = model.free_batch_norms
    if not free:
        return f"{total} layers in the backbone, none of them moves"
    if model.all_trains:
        raise Skip("mend freezing first" if model.family[0] else "a network of your own: its statistics have to move")
    moved = model.moving_batch_norms(x[:4])
    if moved:
        raise Wrong(
            case.line("norms found", moved=len(moved), total=total),
            f"{moved[0]!r} to {moved[-1]!r}" if len(moved) > 1 else repr(moved[0]),
            case.line("norms", backbone=model.backbone_line),
        )
    return f"{total} layers in the backbone, none of them moves"


def _optimizer(case: Case) -> str:
    problem = case.model.optimizer_problem()
    if problem is None:
        raise Skip(case.model.no_optimizer)
    if problem:
        raise Wrong(problem, f"model {case.model.name!r}", case.line("compiled"))
    return case.line("compiled fine")


# What comes out -----------------------------------------------------------------------------------------------


def _units(case: Case) -> str:
    where, n = f"layer {case.model.head!r}", case.classes
    if case.outputs.ndim != 2:
        raise Wrong(
            f"an answer has the shape {case.outputs.shape[1:]}, not one row of numbers", where, case.line("pool")
        )
    y = case.train[1] if isinstance(case.train, tuple) else case.rows[1]
    labels = _labels(y)
    low, high = (labels.min(), labels.max()) if labels is not None else (0, y.shape[-1] - 1)
    if low < 0 or high >= n or not np.all(low == np.floor(low)):
        mend = "y = y - y.min(), if the first class has the number " + f"{low:g}" if low > 0 else "labels from 0 on"
        raise Wrong(f"labels go from {low:g} to {high:g}, {n} classes have 0 to {n - 1}", "the labels of train", mend)
    if case.units != n and not (case.units == 1 and n == 2):
        raise Wrong(f"{case.units} units for {n} classes", where, case.line("units", n=n))
    return f"{case.units} for {n} classes"


def _activation(case: Case) -> str:
    units, where = case.units, f"layer {case.model.head!r}"
    activation, mend = case.model.activation, case.line("sigmoid" if units == 1 else "softmax", n=units)
    if units == 1 and activation == "softmax":
        raise Wrong("softmax over a single unit is always 1", where, mend)
    if units > 1 and activation == "sigmoid":
        found = f"sigmoid on {units} units: the probabilities of one picture do not add up to 1"
        raise Wrong(found, where, mend)
    if activation == "unknown":
        raise Skip("the checklist does not know the last step of this model")
    if activation == "softmax" and not adds_up(case.outputs):
        raise Wrong("the softmax runs over the wrong axis: a picture's probabilities do not add up to 1", where, mend)
    if activation not in GIVES and not adds_up(case.outputs):
        raise Wrong(f"{activation} gives no probabilities", where, mend)
    return f"{activation} on {units} unit{'s'[: units > 1]}" + (" (raw scores)" if activation == "linear" else "")


GIVES = {"softmax": "probabilities", "sigmoid": "probabilities", "linear": "raw scores"}
GIVES["log_softmax"] = "log probabilities"


def _logits(case: Case) -> str:
    kinds, wants = case.known_loss
    model, where = case.model, f"layer {case.model.head!r} and {case.line('loss where')}"
    case.outputs  # noqa: B018  (a pass tells what the model gives)
    gives = GIVES.get(model.activation, "probabilities" if adds_up(case.outputs) else "")
    if not gives:
        raise Skip("mend the activation first")
    if gives not in wants and gives != "raw scores":
        found = f"{model.activation} gives {gives}, {model.asker} wants {wants[0]}"
        raise Wrong(found, where, case.line("gave probabilities", loss=model.loss_name, activation=model.activation))
    if gives not in wants:
        loss = model.losses[kinds[0]]
        mend = case.line("gave scores", loss=loss, camel=loss.title().replace("_", ""))
        raise Wrong(f"raw scores come out, but the loss takes them for {wants[0]}", where, mend)
    return f"{gives} and {model.asker}"


def _loss(case: Case) -> str:
    kinds, _ = case.known_loss
    labels = _labels(case.rows[1])
    right = "binary" if case.units == 1 else "sparse" if labels is not None else "categorical"
    what = "whole numbers" if labels is not None else f"vectors of {case.rows[1].shape[-1]} (one-hot)"
    if right not in kinds or (right == "binary" and labels is None):
        mend = case.line(
            "loss" if labels is not None or right != "binary" else "binary labels", loss=case.model.losses[right]
        )
        found = f"{case.model.loss_name} does not go with {case.units} units and labels that are {what}"
        raise Wrong(found, case.line("loss where"), mend)
    return f"{case.model.loss_name}, labels are {what}"


def _class_names(case: Case) -> str:
    lists = {
        "class_names": case.names,
        "train.class_names": _names(case.train),
        "validation.class_names": _names(case.validation),
        "dataset.class_names": _names(case.dataset),
    }
    lists = {name: list(one) for name, one in lists.items() if one is not None}
    if not lists or (len(lists) < 2 and case.dataset is None):
        raise Skip("nothing to compare: give class_names, and batches from a folder or dataset=")
    (first, names), *others = reversed(lists.items())
    for name, other in others:
        if other != names:
            at = next((i for i, pair in enumerate(zip(names, other, strict=False)) if pair[0] != pair[1]), len(names))
            shown = [repr(one[at]) if at < len(one) else "nothing" for one in (names, other)]
            found = f"label {at} is {shown[0]} in {first}, {shown[1]} in {name}"
            lacks = sorted({*names} - {*other}) or sorted({*other} - {*names})
            if lacks and (set(names) < set(other) or set(other) < set(names)):
                place = first if set(names) < set(other) else name
                raise Wrong(
                    f"{found}: {place} lacks {', '.join(lacks)}", place, case.line("missing class", missing=lacks[0])
                )
            raise Wrong(found, name, case.line("names", first=first))
    _labels_of_dataset(case)
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _labels_of_dataset(case: Case) -> None:
    """Arrays beside a `dataset` must carry its labels row by row."""
    for name in ("train", "validation") if case.dataset is not None else ():
        split = getattr(case, name)
        if isinstance(split, tuple) and (labels := _labels(split[1])) is not None:
            expected = case.dataset.split(name)["label"].to_numpy()
            if len(expected) == len(labels) and (expected != labels).any():
                found = f"{(expected != labels).sum():,} of {len(labels):,} labels are not those of the pictures"
                raise Wrong(found, f"the labels of {name}", f'y = dataset.split("{name}")["label"].to_numpy()')


# How it is judged ---------------------------------------------------------------------------------------------


def _order(case: Case) -> str:
    if case.validation is None:
        raise Skip("no validation was given")
    if isinstance(case.validation, tuple):
        return "arrays: the same in every pass"
    first, second = (_passes(case.validation) for _ in range(2))
    if first == second:
        return f"two passes over {len(first)} pictures are equal"
    (keys, labels), (other_keys, other_labels) = (zip(*one, strict=True) for one in (first, second))
    if {*keys} == {*other_keys} or ({*keys} & {*other_keys} and labels != other_labels):
        found = "each pass comes in another order: labels of one pass do not match the predictions of another"
        raise Wrong(found, "validation", case.line("order"))
    found = "the same pictures differ from pass to pass: they are augmented"
    raise Wrong(found, "validation", case.line("augmented"))


def _passes(split, count: int = 512) -> list[tuple[str, str]]:
    """(digest of the picture, label) of the first pictures of one pass."""
    return [(_key(x), str(y)) for xs, ys in _batches(split, count) for x, y in zip(xs, ys, strict=True)]


def _key(x: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(x)).hexdigest()


def _splits(case: Case) -> str:
    train, validation = _keys(case.train), _keys(case.validation)
    both = [place for key, place in (validation or {}).items() if key in (train or {})]
    if case.dataset is not None:
        splits = case.dataset.pictures.groupby("digest")["split"].nunique()
        both = both or list(splits[splits > 1].index)
    elif train is None or validation is None:
        raise Skip("the pictures' files are not known (no validation, or batches after map()): give dataset=")
    if both:
        mend = "data.load(the folder with all pictures): it splits by content, copies land in one split"
        if isinstance(case.validation, tuple):
            mend = "known = {x.tobytes() for x in train[0]}; keep = [x.tobytes() not in known for x in validation[0]]; "
            mend += "validation = [part[keep] for part in validation]"
        where = f"validation, {str(both[:3])[1:-1]}" + ", ..." * (len(both) > 3)
        raise Wrong(f"{len(both):,} pictures stand in two splits", where, mend)
    return "no picture stands in two splits"


def _keys(split) -> dict[str, object] | None:
    """The content of every picture -> its row or file; None if the pictures cannot be told without reading them."""
    if isinstance(split, tuple):
        chunks = (np.asarray(split[0][start : start + 256]) for start in range(0, len(split[1]), 256))
        return {_key(row): number for number, row in enumerate(itertools.chain.from_iterable(chunks))}
    tensors = getattr(_folder(split)[0], "tensors", None)  # a TensorDataset
    if tensors is not None:
        rows = _folder(split)[1]
        return _keys((_array(tensors[0] if rows is None else tensors[0][rows]), tensors[1] if rows is None else rows))
    paths = _paths(split)
    return {hashlib.sha256(Path(path).read_bytes()).hexdigest(): Path(path).name for path in paths} if paths else None


def _prediction(case: Case) -> str:
    if case.predict is None:
        raise Skip("no predict function was given")
    x, paths = _pictures_with_paths(case)
    expected = case.model.probabilities(case.model.outputs(x))
    try:
        told = np.stack([np.ravel(np.asarray(case.predict(path), float)) for path in paths])
    except Exception as error:
        found = f"your function raised {type(error).__name__}: {str(error)[:80]}"
        raise Wrong(found, "predict", "a function that takes a path and returns the probabilities") from None
    expected = np.hstack([1 - expected, expected]) if expected.shape[1] == 1 and told.shape[1] == 2 else expected
    if told.shape != expected.shape:
        raise Skip(f"predict must return {expected.shape[1]} probabilities a picture, it gave {told.shape[1]}")
    gap = float(np.abs(told - expected).max())
    if gap > 0.01:
        found = f"the same {len(paths)} pictures get other probabilities, up to {gap:.2f} apart"
        mend = "read and scale a picture with the very function that made the pictures of validation"
        raise Wrong(found, "predict", f"{mend} (in this course: data.read_picture(path, size))")
    return f"{len(paths)} pictures get the same probabilities, to {gap:.0e}"


def _pictures_with_paths(case: Case, count: int = 4) -> tuple[np.ndarray, list[str]]:
    """Validation pictures as the model gets them, and their files."""
    if case.validation is None:
        raise Skip("no validation was given")
    x, y = _rows(case.validation)
    paths = _paths(case.validation)
    if paths and _passes(case.validation, 1) != _passes(case.validation, 1):
        raise Skip("mend the order of validation first")
    if not paths:
        if case.dataset is None:
            raise Skip("the pictures' files are not known: give dataset=")
        table = case.dataset.split("validation")
        if isinstance(case.validation, tuple) and len(table) == len(case.validation[1]):
            table = table.iloc[np.unique(np.linspace(0, len(table) - 1, ROWS).astype(int))]
        labels = y.argmax(axis=1) if _labels(y) is None else _labels(y)
        if len(table) < len(y) or (table["label"].to_numpy()[: len(y)] != labels).any():
            raise Skip("validation is not in the order of dataset: the files are not known")
        paths = list(table["source"])
    places = np.unique(np.linspace(0, min(len(x), len(paths)) - 1, count).astype(int))
    return x[places], [paths[place] for place in places]


def _start(case: Case) -> str:
    case.loss  # noqa: B018
    if case.model.steps:
        raise Skip(f"the model has already trained {case.model.steps:,} steps")
    outputs, chance = case.outputs, float(np.log(case.classes))
    try:
        loss = case.model.loss_value(case.rows[1], outputs)
    except Exception:  # frameworks raise anything when labels, units and loss do not fit
        raise Skip("mend the items above first: this loss cannot be computed") from None
    if not loss <= 2 * chance + 0.5:
        found = f"it starts at {loss:.3g}; guessing costs ln {case.classes} = {chance:.3g}"
        mend = "mend the items above first; if all are fine: smaller inputs to the last layer (pool, scale)"
        raise Wrong(found, "the first loss", mend)
    return f"it starts at {loss:.3g}; guessing costs ln {case.classes} = {chance:.3g}"


ITEMS = {
    "input shape": _input_shape,
    "normalization": _normalization,
    "freezing": _freezing,
    "batch norm": _batch_norm,
    "compiled": _optimizer,
    "units": _units,
    "activation": _activation,
    "logits": _logits,
    "loss": _loss,
    "class names": _class_names,
    "validation": _order,
    "two splits": _splits,
    "prediction": _prediction,
    "first loss": _start,
}
