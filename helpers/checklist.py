"""The final checklist: `check(model, train, validation, ...)` looks for the faults that raise no error.

Each item is a function that looks at one `Case`, the model with its data. It ends in one of three ways: it returns
what is fine, raises `Wrong` (what, where, and the line that mends it), or raises `Skip` (why it could not look).
A check never changes the model, and looks at a few images only. `checklist_models` has what an item asks of a model,
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

from helpers.checklist_models import LOGS, PROBABILITIES, RAW, TF, View, adds_up, numbers, view

ROWS = 32  # images that the items look at
FINE, WRONG, SKIPPED = "fine", "WRONG", "not checked"
COLOURS = {FINE: "#009E73", WRONG: "#D55E00", SKIPPED: "#666666"}


@dataclass(frozen=True)
class Item:
    """One line of a report. status : "fine", "WRONG" or "not checked".  where, mend : only of what is wrong."""

    name: str
    status: str
    found: str
    where: str = ""
    mend: str = ""

    def __str__(self) -> str:
        more = [
            f"{label:>36}{text}"
            for label, text in (("where: ", self.where), ("mend: ", self.mend))
            if text
        ]
        return "\n".join([f"{self.status:<12} {self.name:<15} {self.found}", *more])


class Report(list):
    """A list of `Item`s that prints as a table."""

    @property
    def problems(self) -> "Report":
        """The items that are wrong."""
        return Report(item for item in self if item.status == WRONG)

    def __repr__(self) -> str:
        counts = {status.lower(): sum(item.status == status for item in self) for status in COLOURS}
        total = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return "\n".join([*map(str, self), total or "no problems"])

    def _repr_html_(self) -> str:
        rows = ""
        for item in self:
            found = html.escape(item.found)
            found += f"<br>where: {html.escape(item.where)}" if item.where else ""
            found += f"<br>mend: <code>{html.escape(item.mend)}</code>" if item.mend else ""
            cells = f"<b style='color:{COLOURS[item.status]}'>{item.status}</b>", item.name, found
            cells = [f"<td style='text-align:left;vertical-align:top'>{one}</td>" for one in cells]
            rows += f"<tr>{''.join(cells)}</tr>"
        return f"<table>{rows}</table>"


class Wrong(Exception):
    """Ends an item: what is wrong, where, and what mends it: a key of the view's `lines`, or the text itself."""

    def __init__(self, found: str, where: str, mend: str, **values):
        self.found, self.where, self.mend, self.values = found, where, mend, values


class Skip(Exception):
    """Ends an item that cannot be judged: Skip(reason)."""


def need(condition, reason: str) -> None:
    """End an item with `Skip` unless the condition holds."""
    if not condition:
        raise Skip(reason)


def check(
    model, train, validation=None, class_names=None, *, dataset=None, predict: Callable | None = None, loss=None,
    optimizer=None,
) -> Report:  # fmt: skip
    """Examine a model with its data; the model stays as it was. Takes a few seconds.

    model : a built Keras model, compiled or not, or a PyTorch model: for raw images, or a head for features.
        A PyTorch model is judged as its `train()` and `eval()` leave it, whatever its mode is now.
    train, validation : batches (`image_dataset_from_directory`, `DataLoader`), or (x, y) with arrays, such as
        `features.Split`.
    class_names : the names that you will print, in your order.
    dataset : what `data.load` returned.  predict : your function that takes an image's path and returns its
        probabilities, (classes,).
    loss, optimizer : of a PyTorch model, which does not know them: `nn.CrossEntropyLoss()`, `torch.optim.Adam(...)`.
    Returns a `Report`; `.problems` holds what is wrong. Raises ValueError for a model or data that it cannot take.
    """
    seen, train = view(model, loss, optimizer), Given("train", train)
    validation = None if validation is None else Given("validation", validation)
    case = Case(seen, train, validation, class_names, dataset, predict)
    with seen.undisturbed():
        return Report(_judged(seen.items.get(name, name), *ITEMS[name], case) for name in ITEMS)


def _judged(name: str, judge: Callable, needs: tuple[str, ...], case: "Case") -> Item:
    try:
        for there, why in map(NEEDS.get, needs):
            need(there(case), why.format(case=case))
        return Item(name, FINE, judge(case))
    except Wrong as wrong:
        return Item(name, WRONG, wrong.found, wrong.where, case.line(wrong.mend, **wrong.values))
    except Skip as reason:
        return Item(name, SKIPPED, str(reason))
    except Exception as error:  # a strange model must not hide the other items
        return Item(name, SKIPPED, f"this item failed: {type(error).__name__}: {str(error)[:80]}")


# What the items look at ---------------------------------------------------------------------------------------


class Given:
    """Train or validation as given: arrays, or batches and what is known of the files beneath them."""

    def __init__(self, name: str, given):
        self.name, self.given, self.arrays = name, given, None
        if isinstance(given, str | Path):
            how = "keras.utils.image_dataset_from_directory(folder, image_size=...), or ImageFolder and DataLoader"
            raise ValueError(f"{name}: a folder came. Read it first: {how}.")
        if isinstance(given, tuple | list):
            if len(given) != 2 or len(given[0]) != len(given[1]) or not len(given[0]):
                raise ValueError(f"{name}: expected (x, y) of one length, not empty.")
            self.arrays = (
                _array(given[0]) if hasattr(given[0], "detach") else given[0],
                _array(given[1]),
            )
        elif not hasattr(given, "__iter__") or hasattr(given, "__next__"):
            kind = type(given).__name__
            raise ValueError(
                f"{name}: expected (x, y), or batches that can be read again and again, got {kind}."
            )
        self.folder, chosen = getattr(given, "dataset", given), None  # beneath a DataLoader
        if hasattr(self.folder, "indices"):  # a Subset
            self.folder, chosen = self.folder.dataset, self.folder.indices
        self.class_names = getattr(given, "class_names", None) or getattr(
            self.folder, "classes", None
        )
        paths = getattr(given, "file_paths", None) or [
            path for path, _ in getattr(self.folder, "samples", [])
        ]
        self.paths = (
            paths if chosen is None or not paths else [paths[row] for row in chosen]
        )  # as far as known

    def _batches(self, count: int):
        """Batches (x, y) until there are `count` rows."""
        for batch in self.given:
            need(isinstance(batch, tuple | list) and len(batch) > 1, "the batches hold no labels")
            yield _array(batch[0]), _array(batch[1])
            count -= len(batch[1])
            if count <= 0:
                return

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """The first rows of batches; rows spread over the whole of arrays, which often lie in the classes' order."""
        if self.arrays:
            x, y = (part[_spread(len(self.arrays[1]), ROWS)] for part in self.arrays)
        else:
            x, y = (
                np.concatenate(parts)[:ROWS] for parts in zip(*self._batches(ROWS), strict=True)
            )
        return x.astype("float32"), y

    @cached_property
    def passes(self) -> list[list[str]]:
        """The images of two passes, by their content."""
        return [[_key(x) for xs, _ in self._batches(512) for x in xs] for _ in range(2)]

    def keys(self) -> dict[str, object]:
        """The content of every image -> its row or file; empty if the images would have to be read for it."""
        if self.arrays:
            return {_key(x): row for row, x in enumerate(self.arrays[0])}
        return {_key(Path(path).read_bytes()): Path(path).name for path in self.paths}

    def labels_unlike(self, dataset) -> int | None:
        """How many labels of arrays are not those of `dataset`, row by row; None if they cannot be compared."""
        expected = dataset.split(self.name)["label"].to_numpy() if dataset and self.arrays else []
        if not self.arrays or len(expected) != len(self.arrays[1]):
            return None
        y = self.arrays[1]
        return int(((y.argmax(axis=1) if _one_hot(y) else y.reshape(-1)) != expected).sum())

    def files(self, dataset) -> tuple[np.ndarray, list[str]]:
        """Images as the model gets them, and the file of each."""
        if self.labels_unlike(dataset) == 0:
            return self.arrays[0], list(dataset.split(self.name)["source"])
        need(
            self.paths,
            "the images' files are not known: give batches from a folder, or arrays as in dataset=",
        )
        need(self.passes[0] == self.passes[1], "mend the order of validation first")
        return self.rows[0], self.paths

    def ends(self) -> np.ndarray | None:
        """A black and a white image as they enter the model: they tell more than what the images happen to hold.

        Of raw images, or made by the transform of an ImageFolder; None where neither is known.
        """
        x = self.rows[0]
        if transform := getattr(self.folder, "transform", None):
            images = [Image.new("RGB", x.shape[:1:-1], (level,) * 3) for level in (0, 255)]
            ends, again = (
                np.stack([_array(transform(one)) for one in images]).astype("float32")
                for _ in range(2)
            )
            return ends if np.array_equal(ends, again) else None
        if x.min() < 0 or x.max() > 255:
            return None
        return np.stack([np.zeros_like(x[0]), np.full_like(x[0], 255 if x.max() > 2 else 1)])


def _array(x) -> np.ndarray:
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)


def _spread(length: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, length - 1, count).astype(int))


def _key(content: np.ndarray | bytes) -> str:
    return hashlib.sha256(
        content if isinstance(content, bytes) else np.ascontiguousarray(content)
    ).hexdigest()


def _one_hot(y: np.ndarray) -> bool:
    return y.ndim == 2 and y.shape[1] > 1


@dataclass
class Case:
    """A model and its data; what several items need is computed once."""

    model: View
    train: Given
    validation: Given | None
    class_names: list[str] | None
    dataset: object
    predict: Callable | None

    @cached_property
    def misfit(self) -> Wrong | None:
        """What is wrong with the shapes; the passes of other items wait until it is mended."""
        model, got = self.model, self.train.rows[0].shape[1:]
        refusal = model.refusal(self.train.rows[0])
        if refusal is not None:
            where = f"the input of {model.name!r}" + (f" ({refusal})" if refusal else "")
            found = f"the model takes {model.input_shape}, train gives {got}".replace("None", "any")
            mend = _shape_mend(model.input_shape, got, model.channel_axis)
            return Wrong(found, where, mend, expected=model.input_shape[:2], got=got[-1])
        other = got if self.validation is None else self.validation.rows[0].shape[1:]
        if other != got:
            return Wrong(
                f"train gives {got}, validation {other}", "validation", "read both at the same size"
            )
        return None

    @cached_property
    def outputs(self) -> np.ndarray:
        """The model's answers to the rows of train, (images, units)."""
        outputs = self.model.outputs(self.train.rows[0])
        need(
            outputs.ndim == 2,
            f"an answer has the shape {outputs.shape[1:]}: pool the maps before the last layer",
        )
        return outputs

    @property
    def classes(self) -> int:
        return len(
            self.class_names or self.train.class_names or getattr(self.dataset, "class_names", ())
        )

    def line(self, key: str, **values) -> str:
        """A line in the words of the model's framework."""
        return self.model.lines[key].format(**values) if key in self.model.lines else key


def _shape_mend(expected: tuple, got: tuple, axis: int) -> str:
    if len(expected) == 1:
        return "features" if len(got) == 3 else "width"
    if len(got) == 1:
        return "check the head alone, or give images: this model begins with images"
    if len(got) == 2 or (1 in (got[0], got[-1]) and expected[axis] != 1):
        return "grey"
    return "channels" if got[-1 - axis] == expected[axis] != got[axis] else "size"


# What goes in -------------------------------------------------------------------------------------------------


def _input_shape(case: Case) -> str:
    if case.misfit:
        raise case.misfit
    return f"{case.train.rows[0].shape[1:]}, as the model takes it"


def _normalization(case: Case) -> str:
    family, scale = case.model.family, case.model.scale
    need(
        scale,
        f"the checklist does not know which scale this network wants ({family or 'none of its families'})",
    )
    for split in filter(None, (case.validation, case.train)):
        ends = split.ends()
        values = case.model.entering(split.rows[0] if ends is None else ends)
        low, high = float(values.min()), float(values.max())
        found = f"{low:.4g} to {high:.4g} reaches the network"
        if problem := _scale_problem(low, high, scale, known=ends is not None):
            where = f"before the convolution {case.model.convolutions[0].name!r}, images of {split.name}"
            found += f", {family} wants {scale[0]:g} to {scale[1]:g}: {problem}"
            raise Wrong(
                found,
                where,
                case.line("scale" if scale == TF else "other scale") + ", and no other scaling",
            )
    return f"{found}, as {family} was trained"


def _scale_problem(low: float, high: float, scale: tuple[float, float], known: bool) -> str:
    """What the range of the values tells, or "". known : low and high are what black and white became."""
    wanted = scale[1] - scale[0]
    slack = 0.02 * wanted
    if low > -slack and abs(high - 255) < 60:
        return "not scaled"
    if low < scale[0] - slack or high > scale[1] + slack:
        return "too wide"
    if high - low < 0.06 * wanted:
        return "squeezed, as if scaled twice" if scale == TF and low < -0.9 else "squeezed"
    if known and (low > scale[0] + slack or high < scale[1] - slack):
        return "0 to 1" if low > -0.02 and high <= 1.02 else "too narrow"
    return ""


# What trains --------------------------------------------------------------------------------------------------


def _freezing(case: Case) -> str:
    model, trainable = case.model, numbers(case.model.trainable)
    if model.loss_name and not model.head.training:
        raise Wrong(
            "the last layer does not train",
            f"layer {model.head.name!r}",
            "open",
            head=model.head.name,
        )
    if not model.convolutions:
        return f"the model starts from features; its {trainable:,} numbers train"
    if model.family and model.untrained and not model.training:
        found = f"{model.family} is frozen and has never been trained: its numbers are random"
        raise Wrong(found, f"backbone {model.backbone!r}", "pretrained")
    found = f"{model.training:,} of the backbone's {model.total:,} numbers train"
    if model.all_trains:
        tensors = model.set_on_tensors
        need(tensors or model.family, f"no pretrained network that the checklist knows; {found}")
        if tensors:
            found += f"; `trainable` was set on the output of {tensors[0]!r}, a tensor, which freezes nothing"
        where = f"backbone {model.backbone!r}, from its first convolution {model.convolutions[0].name!r} on"
        raise Wrong(found, where, "freeze", backbone=model.backbone_line)
    return f"{found}, {trainable - model.training:,} others"


def _batch_norm(case: Case) -> str:
    model, total = case.model, len(case.model.norms)
    if any(norm.free for norm in model.norms):
        why = (
            "mend freezing first"
            if model.family
            else "a network of your own: its statistics have to move"
        )
        need(not model.all_trains, why)
        if moved := model.moving_norms(case.train.rows[0][:4]):
            found = (
                f"training would change the running statistics of {len(moved)} of {total} layers"
            )
            where = " to ".join(map(repr, dict.fromkeys([moved[0], moved[-1]])))
            raise Wrong(found, where, "norms", backbone=model.backbone_line)
    return f"{total} layers in the backbone, none of them moves"


def _optimizer(case: Case) -> str:
    lacks, idle = case.model.optimizer_gap()
    found = [f"lacks {lacks:,} numbers that should train"] if lacks else []
    found += [f"holds {idle:,} numbers that do not train in this model"] if idle else []
    if found:
        raise Wrong(
            "the optimizer " + " and ".join(found), f"model {case.model.name!r}", "optimizer"
        )
    return case.line("optimizer fine")


# What comes out -----------------------------------------------------------------------------------------------


def _units(case: Case) -> str:
    n, units, y = case.classes, case.outputs.shape[1], (case.train.arrays or case.train.rows)[1]
    low, high = (0, y.shape[1] - 1) if _one_hot(y) else (y.min(), y.max())
    if low < 0 or high >= n:
        mend = (
            f"y = y - y.min(), if the first class has the number {low:g}"
            if low > 0
            else "labels from 0 on"
        )
        raise Wrong(
            f"labels go from {low:g} to {high:g}, {n} classes have 0 to {n - 1}",
            "the labels of train",
            mend,
        )
    if units != n and not (units == 1 and n == 2 and not _one_hot(y)):
        raise Wrong(
            f"{units} units for {n} classes", f"layer {case.model.head.name!r}", "units", n=n
        )
    return f"{units} for {n} classes"


GIVES = {"softmax": PROBABILITIES, "sigmoid": PROBABILITIES, "linear": RAW, "log_softmax": LOGS}


def _activation(case: Case) -> str:
    outputs, activation, found = case.outputs, case.model.activation, ""
    units = outputs.shape[1]
    need(activation != "unknown", "the checklist does not know the last step of this model")
    if units == 1 and activation == "softmax":
        found = "softmax over a single unit is always 1"
    elif units > 1 and activation == "sigmoid":
        found = f"sigmoid on {units} units: the probabilities of one image do not add up to 1"
    elif activation not in ("linear", "sigmoid", "log_softmax") and not adds_up(outputs):
        found = f"{activation}: what comes out for one image does not add up to 1 (a softmax: over the wrong axis)"
    if found:
        right, kind = ("sigmoid", "binary") if units == 1 else ("softmax", "sparse")
        values = {"n": units, "activation": right, "loss": case.model.losses[kind]}
        raise Wrong(found, f"layer {case.model.head.name!r}", "activation", **values)
    return f"{activation} on {units} unit{'s'[: units > 1]}" + (
        " (raw scores)" if activation == "linear" else ""
    )


def _logits(case: Case) -> str:
    probable, model = adds_up(case.outputs), case.model  # this order: the pass tells the activation
    gives = GIVES.get(model.activation, PROBABILITIES if probable else "")
    need(gives, "mend the activation first")
    if gives in model.wants:
        return f"{gives} and {model.asker}"
    where = f"layer {model.head.name!r} and {case.line('loss where')}"
    if gives == RAW:
        loss = model.losses[model.kinds[0]]
        found = f"raw scores come out, but the loss takes them for {model.wants[0]}"
        raise Wrong(found, where, "gave scores", loss=loss, camel=loss.title().replace("_", ""))
    found = f"{model.activation} gives {gives}, {model.asker} wants {model.wants[0]}"
    raise Wrong(
        found, where, "gave probabilities", loss=model.loss_name, activation=model.activation
    )


def _loss(case: Case) -> str:
    units, y = case.outputs.shape[1], case.train.rows[1]
    what = f"vectors of {y.shape[1]} (one-hot)" if _one_hot(y) else "whole numbers"
    right = "categorical" if _one_hot(y) else "binary" if units == 1 else "sparse"
    if right not in case.model.kinds:
        found = f"{case.model.loss_name} does not go with {units} units and labels that are {what}"
        raise Wrong(found, case.line("loss where"), "loss", loss=case.model.losses[right])
    return f"{case.model.loss_name}, labels are {what}"


def _class_names(case: Case) -> str:
    holders = {
        "dataset.": case.dataset,
        "validation.": case.validation,
        "train.": case.train,
        "": case,
    }
    lists = {
        f"{name}class_names": getattr(holder, "class_names", None)
        for name, holder in holders.items()
    }
    lists = {where: list(names) for where, names in lists.items() if names is not None}
    need(
        len(lists) > 1 or case.dataset,
        "nothing to compare: give class_names, and batches from a folder or dataset=",
    )
    (first, names), *others = lists.items()
    for where, other in others:
        if other != names:
            pairs = itertools.zip_longest(map(repr, names), map(repr, other), fillvalue="nothing")
            label, (one, another) = next(pair for pair in enumerate(pairs) if len({*pair[1]}) > 1)
            found = f"label {label} is {one} in {first}, {another} in {where}"
            if {*names} < {*other} or {*other} < {*names}:
                short, lacks = (
                    first if len(names) < len(other) else where,
                    ", ".join(sorted({*names} ^ {*other})),
                )
                mend = (
                    "an empty folder of that name beside the others (ImageFolder: allow_empty=True)"
                )
                raise Wrong(f"{found}: {short} lacks {lacks}", short, mend)
            raise Wrong(
                found,
                where,
                f"class_names = {first}  (sorted, as Keras and ImageFolder number the folders)",
            )
    for split in filter(None, (case.train, case.validation)):
        if differing := split.labels_unlike(case.dataset):
            found = f"{differing:,} of {len(split.arrays[1]):,} labels are not those of the images"
            raise Wrong(
                found,
                f"the labels of {split.name}",
                f'y = dataset.split("{split.name}")["label"].to_numpy()',
            )
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


# How it is judged ---------------------------------------------------------------------------------------------


def _order(case: Case) -> str:
    if case.validation.arrays:
        return "arrays: the same in every pass"
    first, second = case.validation.passes
    if first == second:
        return f"two passes over {len(first)} images are equal"
    places = {key: place for place, key in enumerate(second)}
    if any(places.get(key, place) != place for place, key in enumerate(first)):
        found = "each pass comes in another order: labels of one pass do not match the predictions of another"
        raise Wrong(found, "validation", "order")
    raise Wrong(
        "the same images differ from pass to pass: they are augmented", "validation", "augmented"
    )


def _splits(case: Case) -> str:
    known, keys = case.train.keys(), case.validation.keys() if case.validation else {}
    both = [place for key, place in keys.items() if key in known]
    if case.dataset:
        splits = case.dataset.images.groupby("digest")["split"].nunique()
        both = both or list(splits[splits > 1].index)
    else:
        need(
            known and keys,
            "the files are not known (no validation, or batches after map()): give dataset=",
        )
    if not both:
        return "no image stands in two splits"
    mend = (
        "data.load(the folder with all images): it splits by content and keeps one of exact copies"
    )
    if case.validation and case.validation.arrays:
        mend = "known = {x.tobytes() for x in train[0]}; keep = [x.tobytes() not in known for x in validation[0]]; "
        mend += "validation = [part[keep] for part in validation]"
    where = f"validation, {str(both[:3])[1:-1]}" + ", ..." * (len(both) > 3)
    raise Wrong(f"{len(both):,} images stand in two splits", where, mend)


def _prediction(case: Case) -> str:
    x, paths = case.validation.files(case.dataset)
    places = _spread(len(x), 4)
    expected = case.model.probabilities(case.model.outputs(x[places].astype("float32")))
    told = np.stack([np.ravel(np.asarray(case.predict(paths[place]), float)) for place in places])
    shapes = (
        f"predict must return {expected.shape[1]} probabilities an image, it gave {told.shape[1]}"
    )
    need(told.shape == expected.shape, shapes)
    gap = float(np.abs(told - expected).max())
    if gap > 0.01:
        found = f"the same {len(places)} images get other probabilities, up to {gap:.2f} apart"
        mend = "read and scale an image with the very function that made the images of validation"
        raise Wrong(found, "predict", f"{mend} (in this course: data.read_image(path, size))")
    return f"{len(places)} images get the same probabilities, to {gap:.0e}"


def _start(case: Case) -> str:
    outputs, chance = case.outputs, float(np.log(case.classes))
    try:
        loss = case.model.loss_value(case.train.rows[1], outputs)
    except Exception:  # frameworks raise anything when labels, units and loss do not fit
        raise Skip("mend the items above first: this loss cannot be computed") from None
    found = f"it starts at {loss:.3g}; guessing costs ln {case.classes} = {chance:.3g}"
    if not loss <= 2 * chance + 0.5:
        mend = "mend the items above first; if all are fine: smaller inputs to the last layer (pool, scale)"
        raise Wrong(found, "the first loss", mend)
    return found


NEEDS = {  # what an item needs: whether it is there, and what is said if not
    "fit": (lambda case: not case.misfit, "mend the input shape first"),
    "images": (
        lambda case: case.model.convolutions,
        "the model starts from features: no image passes through it",
    ),
    "optimizer": (
        lambda case: case.model.held is not None,
        "no optimizer: compile() in Keras, optimizer=... for PyTorch",
    ),
    "loss": (
        lambda case: case.model.loss_name,
        "no loss: compile() in Keras, loss=... for PyTorch",
    ),
    "known loss": (
        lambda case: case.model.kinds,
        "a loss that the checklist does not know: {case.model.loss_name}",
    ),
    "untrained": (
        lambda case: not case.model.steps,
        "the model has already trained {case.model.steps:,} steps",
    ),
    "classes": (lambda case: case.classes, "give class_names"),
    "validation": (lambda case: case.validation, "no validation was given"),
    "predict": (lambda case: case.predict, "no predict function was given"),
}

ITEMS = {  # in this order: the function, and what it needs
    "input shape": (_input_shape, ()),
    "normalization": (_normalization, ("images", "fit")),
    "freezing": (_freezing, ()),
    "batch norm": (_batch_norm, ("images", "fit")),
    "compiled": (_optimizer, ("optimizer",)),
    "units": (_units, ("fit", "classes")),
    "activation": (_activation, ("fit",)),
    "logits": (_logits, ("fit", "loss", "known loss")),
    "loss": (_loss, ("fit", "loss", "known loss")),
    "class names": (_class_names, ()),
    "validation": (_order, ("validation",)),
    "two splits": (_splits, ()),
    "prediction": (_prediction, ("predict", "validation", "fit")),
    "first loss": (_start, ("fit", "loss", "untrained", "classes")),
}
