"""The final checklist: `check(model, train, validation, ...)` looks for the faults that raise no error.

Each item is a function that looks at one `Case` (the model with its data). It ends in one of three ways: it returns
what is fine, raises `Wrong` (what, where, and the line that mends it), or raises `Skip` (why it could not look).
A check never changes the model, and looks at a few pictures only. What an item asks of a model stands in `_Keras`; a
class with the same methods lets the same items judge the models of another framework.
"""

import hashlib
import html
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

ROWS = 32  # pictures that the items look at
FINE, WRONG, SKIPPED = "fine", "WRONG", "not checked"

# Families of keras.applications by the kernels of their first convolutions (height x width x in x out, b: with bias):
# the name, and what the darkest and the brightest value must become. None: the network scales by itself.
TF, CAFFE, TORCH = (-1.0, 1.0), (-123.7, 151.1), (-2.12, 2.64)
FAMILIES = {
    "3x3x3x32 3x3x32x64 3x3x64x1 3x3x128x1": ("Xception", TF),
    "3x3x3x32 3x3x32x32 3x3x32x64 1x1x64x80": ("Inception", TF),
    "3x3x3x32 3x3x32x1 1x1x32x64 3x3x64x1": ("MobileNet", TF),
    "3x3x3x32 3x3x32x1 1x1x32x16": ("MobileNetV2", TF),
    "7x7x3x64b 1x1x64x64 3x3x64x64": ("ResNetV2", TF),
    "7x7x3x64b 1x1x64x64b 3x3x64x64b": ("ResNet", CAFFE),
    "3x3x3x64b 3x3x64x64b 3x3x64x128b 3x3x128x128b 3x3x128x256b": ("VGG", CAFFE),
    "7x7x3x64 1x1x64x128 3x3x128x32": ("DenseNet", TORCH),
    "3x3x3x32 3x3x32x1 1x1x32x8b": ("EfficientNet", None),
    "3x3x3x32 3x3x32x16 3x3x16x64": ("EfficientNetV2", None),
}


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


def check(model, train, validation=None, class_names=None, *, dataset=None, predict: Callable | None = None) -> Report:
    """Examine a model with its data; the model stays as it was. Takes a few seconds.

    model : a built Keras model, compiled or not: for raw pictures (backbone nested or not), or a head for features.
    train, validation : batches (`image_dataset_from_directory`), or (x, y) with arrays, such as `features.Split`.
    class_names : the names that you will print, in your order.
    dataset : what `data.load` returned.  predict : your function that takes a picture's path and returns its
        probabilities, (classes,).
    Returns a `Report`; `.problems` holds what is wrong. Raises ValueError for a model or data that it cannot take.
    """
    case = Case(_view(model), _given("train", train), _given("validation", validation), class_names, dataset, predict)
    report = Report()
    for name, judge in ITEMS.items():
        try:
            item = Item(name, FINE, judge(case))
        except Wrong as wrong:
            item = Item(name, WRONG, *wrong.args)
        except Skip as reason:
            item = Item(name, SKIPPED, str(reason))
        except Exception as error:  # a strange model must not hide the other items
            item = Item(name, SKIPPED, f"this item failed: {type(error).__name__}: {str(error)[:80]}")
        report.append(item)
    return report


# What the items look at ---------------------------------------------------------------------------------------


@dataclass
class Case:
    """A model's view and its data; what several items need is computed once."""

    model: "_Keras"
    train: object
    validation: object
    names: list[str] | None
    dataset: object
    predict: Callable | None

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        return _rows(self.train)

    @cached_property
    def outputs(self) -> np.ndarray:
        """The model's answers to `rows`. Other items wait until the pictures fit."""
        if not _fits(self.rows[0].shape[1:], self.model.input_shape):
            raise Skip("mend the input shape first")
        return self.model.outputs(self.rows[0])

    @property
    def pictures(self) -> np.ndarray:
        if not self.model.convolutions:
            raise Skip("the model starts from features: no picture passes through it")
        if not _fits(self.rows[0].shape[1:], self.model.input_shape):
            raise Skip("mend the input shape first")
        return self.rows[0]

    @cached_property
    def classes(self) -> int:
        for names in (self.names, getattr(self.train, "class_names", None), getattr(self.dataset, "class_names", None)):
            if names is not None:
                return len(names)
        raise Skip("give class_names")

    @property
    def units(self) -> int:
        if self.outputs.ndim != 2:
            raise Skip("mend the units first")
        return self.outputs.shape[1]

    @property
    def loss(self) -> tuple[str, bool]:
        if self.model.loss is None:
            raise Skip("the model is not compiled")
        return self.model.loss


def _given(name: str, split):
    """A split as it came, or as a pair of arrays; anything else is refused in one line."""
    if isinstance(split, str | Path):
        how = "keras.utils.image_dataset_from_directory(folder, image_size=...)"
        raise ValueError(f"{name}: a folder came. Read it first: {how}.")
    if isinstance(split, tuple | list):
        if len(split) != 2 or len(split[0]) != len(split[1]) or not len(split[0]):
            raise ValueError(f"{name}: expected (x, y) of one length, not empty.")
        return split[0], np.asarray(split[1])
    if split is not None and (not hasattr(split, "__iter__") or hasattr(split, "__next__")):
        kind = type(split).__name__
        raise ValueError(f"{name}: expected (x, y), or batches that can be read again and again, got {kind}.")
    return split


def _batches(split, rows: int):
    """Batches (x, y) of arrays until there are `rows` rows."""
    seen = 0
    for batch in split:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise Skip("the batches hold no labels")
        yield np.asarray(batch[0]), np.asarray(batch[1])
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


def _fits(shape: tuple, expected: tuple) -> bool:
    return len(shape) == len(expected) and all(e in (None, s) for s, e in zip(shape, expected, strict=True))


# The model, as the items see it ---------------------------------------------------------------------------------

LOSSES = {  # what they are called here -> Keras' name
    "sparse": "sparse_categorical_crossentropy",
    "categorical": "categorical_crossentropy",
    "binary": "binary_crossentropy",
}


def _view(model) -> "_Keras":
    """The model behind the attributes and methods that the items use. Another framework gets its own class here."""
    from helpers.models import keras

    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a Keras model, got {type(model).__name__}.")
    if not model.built or not getattr(model, "outputs", None):
        raise ValueError("The model has no weights yet, or no input layer. Begin it with keras.Input(shape).")
    return _Keras(model, keras)


def _leaves(layer):
    """All layers, in order, without the models that hold them."""
    inner = getattr(layer, "layers", None) or getattr(layer, "_layers", [])
    if not inner:
        yield layer
    for one in inner:
        yield from _leaves(one)


def _numbers(weights) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


class _Keras:
    """Facts of a Keras model, and forward passes that leave it as it is."""

    def __init__(self, model, keras):
        self._model, self._keras, layers = model, keras, keras.layers
        leaves = list(_leaves(model))
        kinds = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
        self._convolutions = [layer for layer in leaves if isinstance(layer, kinds)]
        norms = [layer for layer in leaves if isinstance(layer, layers.BatchNormalization)]
        self._norms = [norm for norm in norms if getattr(norm.input_spec, "ndim", 4) == 4]  # of maps
        self.name, self.input_shape = model.name, tuple(model.input_shape[1:])
        self.convolutions = [layer.name for layer in self._convolutions]
        holders = [one for one in model.layers if hasattr(one, "layers") and {*_leaves(one)} & {*self._convolutions}]
        self.backbone = max(holders, key=lambda one: one.count_params(), default=model).name
        self.backbone_line = f"model.get_layer({self.backbone!r})" if holders else "backbone"
        self._last = model
        while getattr(self._last, "layers", None):  # the head may be a model of its own
            self._last = self._last.outputs[0]._keras_history.operation
        weighted = [layer for layer in leaves if layer.weights]
        self.head = weighted[-1].name
        self.head_trains = bool(weighted[-1].trainable_weights)

    # what stands in it

    @property
    def family(self) -> tuple[str, tuple[float, float] | None]:
        """(name, scale) from FAMILIES, ("", None) for any other network."""
        shapes = ["x".join(map(str, one.weights[0].shape)) + "b" * one.use_bias for one in self._convolutions[:6]]
        start = " ".join(shapes)
        return next((found for key, found in FAMILIES.items() if start.startswith(key)), ("", None))

    @property
    def trainable_numbers(self) -> int:
        return _numbers(self._model.trainable_weights)

    @property
    def backbone_numbers(self) -> tuple[int, int]:
        """(numbers that train, all numbers) of convolutions and BatchNormalization."""
        layers = [*self._convolutions, *self._norms]
        mine = {id(weight) for layer in layers for weight in layer.weights}
        training = [weight for weight in self._model.trainable_weights if id(weight) in mine]
        return _numbers(training), _numbers(weight for layer in layers for weight in layer.weights)

    @property
    def all_trains(self) -> bool:
        """Nothing in the backbone is frozen."""
        return all(layer.trainable_weights for layer in [*self._convolutions, *self._norms])

    @property
    def trainable_set_on_tensors(self) -> list[str]:
        """Layers whose output tensor carries `trainable = False`, which freezes nothing."""
        nodes = [(one.name, node) for one in getattr(self._model, "operations", []) for node in one._inbound_nodes]
        return [name for name, node in nodes for one in node.output_tensors if getattr(one, "trainable", None) is False]

    @property
    def free_batch_norms(self) -> tuple[int, int]:
        """(BatchNormalization layers that are not frozen, all of them)."""
        return sum(norm.trainable for norm in self._norms), len(self._norms)

    @property
    def activation(self) -> str:
        name = type(self._last).__name__.lower()  # a layer or an operation of its own: Softmax, Sigmoid
        function = getattr(self._last, "activation", None)
        return name if name in ("softmax", "sigmoid") else getattr(function, "__name__", "linear")

    # how it is compiled

    @property
    def loss(self) -> tuple[str, bool] | None:
        """(kind, from_logits): a key of LOSSES, or the name of another loss. None if the model is not compiled."""
        if not self._model.compiled or self._model.loss is None:
            return None
        loss = self._model.loss
        options = loss.get_config() if hasattr(loss, "get_config") else getattr(loss, "keywords", {})
        kind = next((kind for kind, name in LOSSES.items() if name == self.loss_name), self.loss_name)
        return kind, bool(options.get("from_logits", False))

    @property
    def loss_name(self) -> str:
        loss = self._keras.losses.get(self._model.loss)
        loss = getattr(loss, "fn", getattr(loss, "func", loss))  # of a Loss object; of functools.partial
        return getattr(loss, "__name__", type(loss).__name__)

    @property
    def steps(self) -> int:
        return int(self._model.optimizer.iterations)

    @property
    def changed_since_fit(self) -> tuple[int, int]:
        """Numbers (unfrozen, frozen) since the optimizer was built: `fit` keeps to what it found then."""
        optimizer = getattr(self._model.optimizer, "inner_optimizer", self._model.optimizer)
        if not optimizer.built:
            return 0, 0
        then = {id(weight): weight for weight in optimizer._trainable_variables}
        now = {id(weight): weight for weight in self._model.trainable_variables}
        return tuple(_numbers(a[key] for key in a.keys() - b.keys()) for a, b in ((now, then), (then, now)))

    # what it does

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self._keras.ops.convert_to_numpy(self._model(x, training=False)), "float32")

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        if self.activation != "linear":
            return outputs
        ops = self._keras.ops
        return ops.convert_to_numpy(ops.sigmoid(outputs) if outputs.shape[1] == 1 else ops.softmax(outputs))

    def loss_value(self, y: np.ndarray, outputs: np.ndarray) -> float:
        y = y.reshape(-1, 1).astype("float32") if outputs.shape[1] == 1 else y
        return float(np.mean(self._keras.losses.get(self._model.loss)(y, outputs)))

    def entering(self, x: np.ndarray) -> np.ndarray:
        """What reaches the convolution that is called first; the pass ends there."""
        seen = []

        def stop(values, *_, **__):
            seen.append(self._keras.ops.convert_to_numpy(values))
            raise InterruptedError

        try:
            for layer in self._convolutions:
                layer.call = stop
            self._model(x, training=False)
        except Exception:
            if not seen:
                raise
        finally:
            for layer in self._convolutions:
                del layer.call
        return seen[0]

    def moving_batch_norms(self, x: np.ndarray) -> list[str]:
        """Layers of the backbone whose running statistics a training pass would change. Tried without keeping it."""
        before = self._model.non_trainable_variables
        _, after = self._model.stateless_call(self._model.trainable_variables, before, x, training=True)
        to_array = self._keras.ops.convert_to_numpy
        moved = {id(a) for a, b in zip(before, after, strict=True) if np.any(to_array(a) != to_array(b))}
        fresh = [norm for norm in self._norms if not np.any(to_array(norm.moving_mean))]  # never trained: may move
        return [norm.name for norm in self._norms if norm not in fresh and id(norm.moving_mean) in moved]


# What goes in -------------------------------------------------------------------------------------------------


def _input_shape(case: Case) -> str:
    expected, got = case.model.input_shape, case.rows[0].shape[1:]
    where, wanted = f"the input of {case.model.name!r}", str(expected).replace("None", "any")
    if not _fits(got, expected):
        mend = f"image_size={expected[:2]} where the pictures are read"
        if len(expected) == 1 and len(got) == 3:
            mend = "check(models.classifier(backbone, head), train, ...): a head alone takes features, not pictures"
        elif len(expected) == 1:
            mend = f"models.head(n_features={got[-1]}, ...): as many as the features have"
        elif len(got) == 1:
            mend = "check the head alone, or give pictures: this model begins with pictures"
        elif len(got) == 2 or got[-1] == 1 != expected[-1]:
            mend = 'color_mode="rgb" where the pictures are read (grey arrays: np.repeat(x[..., None], 3, axis=-1))'
        elif got[0] == expected[-1]:
            mend = "x = np.moveaxis(x, 1, -1): Keras wants the channels last"
        raise Wrong(f"the model takes {wanted}, train gives {got}", where, mend)
    if case.validation is not None:
        other = _rows(case.validation, 1)[0].shape[1:]
        if other != got:
            raise Wrong(f"train gives {got}, validation {other}", "validation", "the same image_size=... for both")
    return f"{got}, as the model takes it"


def _normalization(case: Case) -> str:
    family, scale = case.model.family
    x = case.pictures
    if scale is None:
        raise Skip(f"the checklist does not know which scale this network wants ({family or 'none of its families'})")
    values = case.model.entering(x)
    if x.min() >= 0 and 2 < x.max() <= 255:  # raw: black and white say more than what these pictures happen to hold
        values = case.model.entering(np.stack([np.zeros_like(x[0]), np.full_like(x[0], 255)]))
    low, high = float(values.min()), float(values.max())
    guess = _scale_problem(low, high, scale, raw=x.max() > 2)
    if guess:
        layer = "keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)"
        layer = layer if scale == TF else "keras.applications.<its module>.preprocess_input(pixels)"
        raise Wrong(
            f"{low:.4g} to {high:.4g} reaches the network, {family} wants {scale[0]:g} to {scale[1]:g}: {guess}",
            f"before the convolution {case.model.convolutions[0]!r}",
            f"{layer} on raw pictures, once, as a layer of the model, and no other scaling",
        )
    return f"{low:.4g} to {high:.4g} reaches the network, as {family} was trained"


def _scale_problem(low: float, high: float, scale: tuple[float, float], raw: bool) -> str:
    """What the range of the values tells, or "". raw : low and high are what 0 and 255 became."""
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
    if raw and (low > scale[0] + slack or high < scale[1] - slack):
        return "too narrow"
    return "too narrow" if abs(low + 0.5) < 1e-3 and abs(high - 0.5) < 1e-3 else ""


# What trains --------------------------------------------------------------------------------------------------


def _freezing(case: Case) -> str:
    model = case.model
    training, total = model.backbone_numbers
    if model.loss and not model.head_trains:
        mend = f"{model.head}.trainable = True, then model.compile(...) again"
        raise Wrong("the last layer does not train", f"layer {model.head!r}", mend)
    if not model.convolutions:
        return f"the model starts from features; its {model.trainable_numbers:,} numbers train"
    pretrained = model.family[0]
    traps = model.trainable_set_on_tensors
    if model.all_trains and (traps or pretrained):
        trap = f"; `trainable` was set on the output of {traps[0]!r}, a tensor, which freezes nothing" if traps else ""
        raise Wrong(
            f"{training:,} of the backbone's {total:,} numbers train{trap}",
            f"backbone {model.backbone!r}, from its first convolution {model.convolutions[0]!r} on",
            f"for layer in {model.backbone_line}.layers: layer.trainable = False  # then model.compile(...) again",
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
            f"fit() would change the running statistics of {len(moved)} of {total} layers, training=False or not",
            f"{moved[0]!r} to {moved[-1]!r}" if len(moved) > 1 else repr(moved[0]),
            f"for layer in {model.backbone_line}.layers: layer.trainable = layer.trainable and not "
            "isinstance(layer, keras.layers.BatchNormalization)  # then model.compile(...) again",
        )
    return f"{total} layers in the backbone, none of them moves"


def _compiled(case: Case) -> str:
    case.loss  # noqa: B018  (skips a model that is not compiled)
    late, gone = case.model.changed_since_fit
    if late or gone:
        what = [f"{late:,} numbers were unfrozen" if late else "", f"{gone:,} were frozen" if gone else ""]
        raise Wrong(
            f"{' and '.join(filter(None, what))} after the last compile(): fit() goes on as before",
            f"model {case.model.name!r}",
            "model.compile(...) again, with a new optimizer, after the last change of `trainable`",
        )
    return "what is trainable now is what compile() and fit() know of"


# What comes out -----------------------------------------------------------------------------------------------


def _units(case: Case) -> str:
    where, n = f"layer {case.model.head!r}", case.classes
    if case.outputs.ndim != 2:
        mend = "keras.layers.GlobalAveragePooling2D()(feature_map) before the last Dense"
        raise Wrong(f"an answer has the shape {case.outputs.shape[1:]}, not one row of numbers", where, mend)
    if case.units != n and not (case.units == 1 and n == 2):
        last = f'Dense({n}, activation="softmax")'
        raise Wrong(f"{case.units} units for {n} classes", where, last)
    y = case.train[1] if isinstance(case.train, tuple) else case.rows[1]
    labels = _labels(y)
    low, high = (labels.min(), labels.max()) if labels is not None else (0, y.shape[-1] - 1)
    if low < 0 or high >= n or not np.all(low == np.floor(low)):
        mend = "y = y - y.min(), if the first class has the number " + f"{low:g}" if low > 0 else "labels from 0 on"
        raise Wrong(f"labels go from {low:g} to {high:g}, {n} classes have 0 to {n - 1}", "the labels of train", mend)
    return f"{case.units} for {n} classes"


def _activation(case: Case) -> str:
    units, activation, where = case.units, case.model.activation, f"layer {case.model.head!r}"
    if units == 1 and activation == "softmax":
        raise Wrong("softmax over a single unit is always 1", where, 'Dense(1, activation="sigmoid")')
    if units > 1 and activation == "sigmoid":
        found = f"sigmoid on {units} units: the probabilities of one picture do not add up to 1"
        raise Wrong(found, where, f'Dense({units}, activation="softmax")')
    adds_up = case.outputs.min() >= 0 and np.allclose(case.outputs.sum(axis=1), 1, atol=1e-3)
    if activation not in ("softmax", "sigmoid", "linear") and not adds_up:
        right = "sigmoid" if units == 1 else "softmax"
        raise Wrong(f"{activation} gives no probabilities", where, f'Dense({units}, activation="{right}")')
    return f"{activation} on {units} unit{'s'[: units > 1]}" + (" (raw scores)" if activation == "linear" else "")


def _logits(case: Case) -> str:
    kind, from_logits = case.loss
    activation = case.model.activation
    if kind not in LOSSES:
        raise Skip(f"a loss that the checklist does not know: {kind}")
    loss, where = LOSSES[kind], f"layer {case.model.head!r} and compile(loss=...)"
    if from_logits and activation in ("softmax", "sigmoid"):
        found = f"{activation} gives probabilities, from_logits=True wants raw scores"
        raise Wrong(found, where, f'compile(loss="{loss}")')
    if not from_logits and activation == "linear":
        name = "".join(part.capitalize() for part in loss.split("_"))
        mend = f"compile(loss=keras.losses.{name}(from_logits=True))"
        raise Wrong("raw scores come out, but the loss takes them for probabilities", where, mend)
    return "raw scores and from_logits=True" if from_logits else "probabilities and no from_logits"


def _loss(case: Case) -> str:
    kind, _ = case.loss
    labels = _labels(case.rows[1])
    right = "binary" if case.units == 1 else "sparse" if labels is not None else "categorical"
    if kind not in LOSSES:
        raise Skip(f"a loss that the checklist does not know: {kind}")
    what = "whole numbers" if labels is not None else f"vectors of {case.rows[1].shape[-1]} (one-hot)"
    if kind != right or (right == "binary" and labels is None):
        mend = f'compile(loss="{LOSSES[right]}")' if labels is not None or right != "binary" else 'label_mode="binary"'
        found = f"{case.model.loss_name} does not go with {case.units} units and labels that are {what}"
        raise Wrong(found, "compile(loss=...)", mend)
    return f"{case.model.loss_name}, labels are {what}"


def _class_names(case: Case) -> str:
    lists = {
        "class_names": case.names,
        "train.class_names": getattr(case.train, "class_names", None),
        "validation.class_names": getattr(case.validation, "class_names", None),
        "dataset.class_names": getattr(case.dataset, "class_names", None),
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
            raise Wrong(found, name, f"class_names = {first}  (sorted, as Keras numbers the folders)")
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
    shuffled = "image_dataset_from_directory(..., shuffle=False)"
    first, second = (_passes(case.validation) for _ in range(2))
    if first == second:
        return f"two passes over {len(first)} pictures are equal"
    if {key for key, _ in first} & {key for key, _ in second}:
        found = "each pass comes in another order: labels of one pass do not match the predictions of another"
        raise Wrong(found, "validation", shuffled)
    found = "the same pictures differ from pass to pass: they are augmented"
    raise Wrong(found, "validation", "train = train.map(augment): only train, never validation; or shuffle=False")


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
    paths = getattr(split, "file_paths", None)
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
        raise Wrong(found, "predict", "read and scale through the same function: data.read_picture(path, size)")
    return f"{len(paths)} pictures get the same probabilities, to {gap:.0e}"


def _pictures_with_paths(case: Case, count: int = 4) -> tuple[np.ndarray, list[str]]:
    """Validation pictures as the model gets them, and their files."""
    if case.validation is None:
        raise Skip("no validation was given")
    x, y = _rows(case.validation)
    paths = getattr(case.validation, "file_paths", None)
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
    "compiled": _compiled,
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
