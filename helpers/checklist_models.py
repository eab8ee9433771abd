"""What the checklist asks of a model: the same attributes and methods for Keras and for PyTorch.

`view(model)` picks the class. Each one has `lines`: what a learner writes in that framework to mend a fault.
"""

import contextlib
import copy
import sys

import numpy as np

# Families of pretrained networks by the kernels of their first convolutions (height x width x in x out, b: with bias):
# the name, and what the darkest and the brightest value must become. None: the network scales by itself.
TF, CAFFE, IMAGENET = (-1.0, 1.0), (-123.7, 151.1), (-2.12, 2.64)
FAMILIES = {  # keras.applications
    "3x3x3x32 3x3x32x64 3x3x64x1 3x3x128x1": ("Xception", TF),
    "3x3x3x32 3x3x32x32 3x3x32x64 1x1x64x80": ("Inception", TF),
    "3x3x3x32 3x3x32x1 1x1x32x64 3x3x64x1": ("MobileNet", TF),
    "3x3x3x32 3x3x32x1 1x1x32x16": ("MobileNetV2", TF),
    "7x7x3x64b 1x1x64x64 3x3x64x64": ("ResNetV2", TF),
    "7x7x3x64b 1x1x64x64b 3x3x64x64b": ("ResNet", CAFFE),
    "3x3x3x64b 3x3x64x64b 3x3x64x128b 3x3x128x128b 3x3x128x256b": ("VGG", CAFFE),
    "7x7x3x64 1x1x64x128 3x3x128x32": ("DenseNet", IMAGENET),
    "3x3x3x32 3x3x32x1 1x1x32x8b": ("EfficientNet", None),
    "3x3x3x32 3x3x32x16 3x3x16x64": ("EfficientNetV2", None),
}
TORCH_FAMILIES = {  # helpers.torch_models, and torchvision
    "3x3x3x32 3x3x32x64 3x3x64x1 1x1x64x128": ("Xception", TF),
    "7x7x3x64 3x3x64x64 3x3x64x64": ("ResNet18", IMAGENET),
    "7x7x3x64 1x1x64x64 3x3x64x64": ("ResNet50", IMAGENET),
    "7x7x3x64 1x1x64x128 3x3x128x32": ("DenseNet", IMAGENET),
    "3x3x3x64b 3x3x64x64b 3x3x64x128b": ("VGG", IMAGENET),
    "3x3x3x32 3x3x32x1 1x1x32x16": ("MobileNetV2", IMAGENET),
    "3x3x3x16 3x3x16x1 1x1x16x16": ("MobileNetV3", IMAGENET),
    "3x3x3x32 3x3x32x1 1x1x32x8b": ("EfficientNet", IMAGENET),
    "4x4x3x96b 7x7x96x1b": ("ConvNeXt", IMAGENET),
}


def view(model, loss=None, optimizer=None) -> "Keras | Torch":
    """The model behind the attributes and methods that the items use. ValueError if it cannot be looked at."""
    torch = sys.modules.get("torch")  # never imported here: who has a PyTorch model has imported it
    if torch is not None and isinstance(model, torch.nn.Module):
        return Torch(model, torch, loss, optimizer)
    from helpers.models import keras

    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a Keras model, got {type(model).__name__}. (Or a PyTorch model: an nn.Module.)")
    if not model.built or not getattr(model, "outputs", None):
        raise ValueError("The model has no weights yet, or no input layer. Begin it with keras.Input(shape).")
    if loss is not None or optimizer is not None:
        raise ValueError("loss= and optimizer= are for PyTorch models: a Keras model has its own from compile().")
    return Keras(model, keras)


def _family(kernels: list[str], families: dict) -> tuple[str, tuple[float, float] | None]:
    start = " ".join(kernels)
    return next((found for key, found in families.items() if start.startswith(key)), ("", None))


def _fits(shape: tuple, expected: tuple) -> bool:
    return len(shape) == len(expected) and all(e in (None, s) for s, e in zip(shape, expected, strict=True))


def _leaves(layer):
    """All layers, in order, without the models that hold them."""
    inner = getattr(layer, "layers", None) or getattr(layer, "_layers", [])
    if not inner:
        yield layer
    for one in inner:
        yield from _leaves(one)


def _numbers(weights) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


KERAS_LABELS = {
    "sparse": "sparse_categorical_crossentropy",
    "categorical": "categorical_crossentropy",
    "binary": "binary_crossentropy",
}

KERAS_LINES = {
    "size": "image_size={expected} where the pictures are read",
    "features": "check(models.classifier(backbone, head), train, ...): a head alone takes features, not pictures",
    "width": "models.head(n_features={got}, ...): as many as the features have",
    "grey": 'color_mode="rgb" where the pictures are read (grey arrays: np.repeat(x[..., None], 3, axis=-1))',
    "channels": "x = np.moveaxis(x, 1, -1): Keras wants the channels last",
    "same size": "the same image_size=... for both",
    "scale": "keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)",
    "other scale": "keras.applications.<its module>.preprocess_input(pixels)",
    "scale once": "{layer} on raw pictures, once, as a layer of the model, and no other scaling",
    "open": "model.trainable = False; model.trainable = True  # opens all: freeze the backbone, then compile() again",
    "freeze": "for layer in {backbone}: layer.trainable = False  # then model.compile(...) again",
    "pretrained": 'weights="imagenet" where the backbone is built (in this course: models.backbone(size))',
    "missing class": "an empty folder {missing} beside the others: the numbers of the labels then agree",
    "norms found": "fit() would change the running statistics of {moved} of {total} layers, training=False or not",
    "norms": "for layer in {backbone}: layer.trainable = layer.trainable and not "
    "isinstance(layer, keras.layers.BatchNormalization)  # then model.compile(...) again",
    "compiled": "model.compile(...) again, with a new optimizer, after the last change of `trainable`",
    "compiled fine": "what is trainable now is what compile() and fit() know of",
    "pool": "keras.layers.GlobalAveragePooling2D()(feature_map) before the last Dense",
    "units": 'Dense({n}, activation="softmax")',
    "sigmoid": 'Dense(1, activation="sigmoid")',
    "softmax": 'Dense({n}, activation="softmax")',
    "gave probabilities": 'compile(loss="{loss}")',
    "gave scores": "compile(loss=keras.losses.{camel}(from_logits=True))",
    "loss where": "compile(loss=...)",
    "loss": 'compile(loss="{loss}")',
    "binary labels": 'label_mode="binary"',
    "names": "class_names = {first}  (sorted, as Keras numbers the folders)",
    "order": "image_dataset_from_directory(..., shuffle=False)",
    "augmented": "train = train.map(augment): only train, never validation; or shuffle=False",
}


class Keras:
    """Facts of a Keras model, and forward passes that leave it as it is."""

    optimizer_item = "compiled"
    losses = KERAS_LABELS
    no_loss = no_optimizer = "the model is not compiled"
    channel_axis, refusal = -1, ""
    lines = KERAS_LINES

    def __init__(self, model, keras):
        self._model, self._keras, layers = model, keras, keras.layers
        leaves = list(_leaves(model))
        kinds = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D)
        self._convolutions = [layer for layer in leaves if isinstance(layer, kinds)]
        norms = [layer for layer in leaves if isinstance(layer, layers.BatchNormalization)]
        self._norms = [norm for norm in norms if getattr(norm.input_spec, "ndim", 4) == 4]  # of maps
        self.name, self.input_shape = model.name, tuple(model.input_shape[1:])
        self.convolutions = [layer.name for layer in self._convolutions]
        self.backbone, self.backbone_line = self._where()
        self._last = model
        while getattr(self._last, "layers", None):  # the head may be a model of its own
            self._last = self._last.outputs[0]._keras_history.operation
        weighted = [layer for layer in leaves if layer.weights]
        self.head = weighted[-1].name
        training = {id(weight) for weight in model.trainable_weights}  # the model's own flag counts too
        self.head_trains = any(id(weight) in training for weight in weighted[-1].weights)

    def _where(self) -> tuple[str, str]:
        """(name of the innermost model that holds the backbone, the expression of its layers)."""
        holder, line, mine = self._model, "model", {*self._convolutions, *self._norms}
        while inner := [one for one in holder.layers if hasattr(one, "layers") and {*_leaves(one)} & mine]:
            holder = max(inner, key=lambda one: one.count_params())
            line += f".get_layer({holder.name!r})"
        ends = [place for place, layer in enumerate(holder.layers) if layer in mine]
        flat = holder is self._model and ends  # its layers lie in the model itself
        return holder.name, f"{line}.layers" + (f"[: {ends[-1] + 1}]" if flat else "")

    # what stands in it

    @property
    def family(self) -> tuple[str, tuple[float, float] | None]:
        """(name, scale) from FAMILIES, ("", None) for any other network."""
        shapes = ["x".join(map(str, one.weights[0].shape)) + "b" * one.use_bias for one in self._convolutions[:6]]
        return _family(shapes, FAMILIES)

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
    def untrained(self) -> bool:
        """No running mean has ever moved from 0: random numbers."""
        return bool(self._norms) and not any(self._keras.ops.any(norm.moving_mean) for norm in self._norms)

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
    def loss(self) -> tuple[tuple, tuple] | None:
        """(kinds of labels, what it may be given), both empty for a loss not in `losses`. None if not compiled."""
        if not self._model.compiled or self._model.loss is None:
            return None
        loss = self._model.loss
        options = loss.get_config() if hasattr(loss, "get_config") else getattr(loss, "keywords", {})
        kinds = tuple(kind for kind, name in self.losses.items() if name == self.loss_name)
        return kinds, ("raw scores" if options.get("from_logits", False) else "probabilities",) if kinds else ()

    @property
    def asker(self) -> str:
        return "from_logits=True" if "raw scores" in self.loss[1] else "no from_logits"

    @property
    def loss_name(self) -> str:
        loss = self._keras.losses.get(self._model.loss)
        loss = getattr(loss, "fn", getattr(loss, "func", loss))  # of a Loss object; of functools.partial
        return getattr(loss, "__name__", type(loss).__name__)

    @property
    def steps(self) -> int:
        return int(self._model.optimizer.iterations)

    def optimizer_problem(self) -> str | None:
        """What changed since the optimizer was built, or "": `fit` keeps to what it found then. None: not compiled."""
        if self.loss is None:
            return None
        optimizer = getattr(self._model.optimizer, "inner_optimizer", self._model.optimizer)
        if not optimizer.built:
            return ""
        then = {id(weight): weight for weight in optimizer._trainable_variables}
        now = {id(weight): weight for weight in self._model.trainable_variables}
        late, gone = (_numbers(a[key] for key in a.keys() - b.keys()) for a, b in ((now, then), (then, now)))
        what = [f"{late:,} numbers were unfrozen" if late else "", f"{gone:,} were frozen" if gone else ""]
        said = " and ".join(filter(None, what))
        return f"{said} after the last compile(): fit() goes on as before" if said else ""

    # what it does

    def undisturbed(self):
        return contextlib.nullcontext()

    def takes(self, x: np.ndarray) -> bool:
        return _fits(x.shape[1:], self.input_shape)

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


# PyTorch --------------------------------------------------------------------------------------------------------

RAW, LOGS, PROBABILITIES = "raw scores", "log probabilities", "probabilities"
TORCH_LOSSES = {  # class or function -> (the kinds of labels that it serves, what it may be given)
    ("CrossEntropyLoss", "cross_entropy"): (("sparse", "categorical"), (RAW, LOGS)),
    ("NLLLoss", "nll_loss"): (("sparse",), (LOGS,)),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"): (("binary",), (RAW,)),
    ("BCELoss", "binary_cross_entropy"): (("binary",), (PROBABILITIES,)),
}


TORCH_LABELS = {"sparse": "CrossEntropyLoss", "categorical": "CrossEntropyLoss", "binary": "BCEWithLogitsLoss"}

TORCH_LINES = {
    "size": "v2.Resize((size, size)) in the transform, with the size that the model was built for",
    "features": "check the whole model, backbone and head: a head alone takes features, not pictures",
    "width": "nn.Linear({got}, ...): as many as the features have",
    "grey": "v2.RGB() in the transform (grey tensors: x.expand(-1, 3, -1, -1))",
    "channels": "x = x.permute(0, 3, 1, 2): PyTorch wants the channels first",
    "same size": "the same v2.Resize(...) for both",
    "scale": "v2.Normalize(mean=[0.5] * 3, std=[0.5] * 3) on pictures scaled to 0..1",
    "other scale": "v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]) on pictures scaled to 0..1",
    "scale once": "{layer}, once, in the model or in the transform, and no other scaling",
    "open": "for p in model.get_submodule({head!r}).parameters(): p.requires_grad = True  # then a new optimizer",
    "missing class": "an empty folder {missing} beside the others, and ImageFolder(..., allow_empty=True)",
    "freeze": "{backbone}  # then a new optimizer",
    "norms found": "model.train() lets the next batch change the running statistics of {moved} of {total} layers",
    "norms": "in the model's class: def train(self, mode=True): super().train(mode); "
    "[m.eval() for m in self.modules() if isinstance(m, nn.BatchNorm2d)]; return self",
    "compiled": "optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)",
    "compiled fine": "the optimizer holds what trains, and nothing else",
    "pool": "nn.AdaptiveAvgPool2d(1), nn.Flatten() before the last nn.Linear",
    "units": "nn.Linear(n_features, {n}) as the last layer",
    "sigmoid": "return the nn.Linear's raw scores, with nn.BCEWithLogitsLoss()",
    "softmax": "return the nn.Linear's raw scores, with nn.CrossEntropyLoss()",
    "gave probabilities": "no {activation} in the model: return the raw scores",
    "gave scores": "loss = nn.{loss}()",
    "loss where": "loss=...",
    "loss": "loss = nn.{loss}()",
    "binary labels": "labels of 0 and 1, one number for each picture",
    "names": "class_names = {first}  (sorted, as ImageFolder numbers the folders)",
    "order": "DataLoader(..., shuffle=False)",
    "augmented": "ImageFolder(validation_folder, transform) with no random step: random ones are for train only",
}


class Torch:
    """Facts of a PyTorch model. All passes run through a copy in eval mode, so the model stays as it is."""

    optimizer_item = "optimizer"
    losses = TORCH_LABELS
    no_loss, no_optimizer = "give loss=...", "give optimizer=..."
    channel_axis, refusal = 0, ""
    lines = TORCH_LINES

    def __init__(self, model, torch, loss, optimizer):
        if any(isinstance(one, torch.nn.parameter.UninitializedParameter) for one in model.parameters()):
            raise ValueError("The model has no weights yet. Send one batch through it first.")
        if loss is not None and (isinstance(loss, type) or not callable(loss)):
            raise ValueError("loss: give a loss that can be called, such as nn.CrossEntropyLoss(), with its brackets.")
        if optimizer is not None and not hasattr(optimizer, "param_groups"):
            raise ValueError("optimizer: give the optimizer itself, such as torch.optim.Adam(...).")
        self._model, self._torch, self._loss, self._optimizer = model, torch, loss, optimizer
        self._copy, self._training = copy.deepcopy(model).eval(), copy.deepcopy(model).train()
        self._convolutions = {n: one for n, one in self._copy.named_modules() if isinstance(one, torch.nn.Conv2d)}
        self._norms = {n: one for n, one in model.named_modules() if isinstance(one, torch.nn.BatchNorm2d)}
        self._weighted = {n: one for n, one in self._copy.named_modules() if [*one.parameters(recurse=False)]}
        self._last = next(reversed(self._weighted), ""), None, None  # until a pass tells: name, its scores, outputs
        self.name, self.convolutions = type(model).__name__, list(self._convolutions)
        tops = list(dict.fromkeys(name.split(".")[0] for name in self.convolutions))
        self.backbone = tops[0] if len(tops) == 1 else self.name  # torchvision's layers lie in the model itself
        freeze = f"for p in model.get_submodule({tops[0]!r}).parameters(): p.requires_grad = False" if tops else ""
        last = self._last[0].split(".")[0]
        every = f"for name, p in model.named_parameters(): p.requires_grad = name.startswith({last!r})"
        self.backbone_line = freeze if len(tops) == 1 else every

    # what stands in it

    @property
    def head(self) -> str:
        return self._last[0] or self.name

    @property
    def head_trains(self) -> bool:
        return any(one.requires_grad for one in self._model.get_submodule(self._last[0]).parameters())

    @property
    def input_shape(self) -> tuple:
        """(channels, None, None) or (features,): what the first layer tells; whether x fits, only a pass tells."""
        first = next(iter(self._convolutions.values()), None) or next(iter(self._weighted.values()))
        width = getattr(first, "in_channels", getattr(first, "in_features", None))
        return (width, None, None) if self._convolutions else (width,)

    def takes(self, x: np.ndarray) -> bool:
        try:
            self.outputs(x[:2])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            self.refusal = f"PyTorch: {str(error).splitlines()[0][:100]}"
            return False
        return True

    @property
    def family(self) -> tuple[str, tuple[float, float] | None]:
        """(name, scale) from TORCH_FAMILIES, ("", None) for any other network."""
        kernels = []
        for one in list(self._convolutions.values())[:6]:
            filters, channels, height, width = one.weight.shape
            depthwise = one.groups == filters > 1
            sizes = (height, width, filters, 1) if depthwise else (height, width, channels, filters)
            kernels.append("x".join(map(str, sizes)) + "b" * (one.bias is not None))
        return _family(kernels, TORCH_FAMILIES)

    @property
    def trainable_numbers(self) -> int:
        return _numbers(one for one in self._model.parameters() if one.requires_grad)

    @property
    def backbone_numbers(self) -> tuple[int, int]:
        """(numbers that train, all numbers) of convolutions and BatchNorm2d."""
        parts = [self._model.get_submodule(name) for name in [*self.convolutions, *self._norms]]
        mine = [one for part in parts for one in part.parameters(recurse=False)]
        return _numbers(one for one in mine if one.requires_grad), _numbers(mine)

    @property
    def all_trains(self) -> bool:
        """Nothing in the backbone is frozen, neither parameters nor statistics."""
        training, total = self.backbone_numbers
        return training == total and self.free_batch_norms[0] == len(self._norms)

    trainable_set_on_tensors = ()
    untrained = False  # not judged

    @property
    def free_batch_norms(self) -> tuple[int, int]:
        """(BatchNorm2d layers that training mode reaches, all of them)."""
        return sum(self._training.get_submodule(name).training for name in self._norms), len(self._norms)

    @property
    def activation(self) -> str:
        """What lies between the scores of the last layer and the outputs, by its values; "unknown" if nothing fits."""
        _, scores, outputs = self._last
        if scores.numel() == outputs.numel():
            scores = scores.reshape(len(outputs), -1)
            for name in ("linear", "softmax", "log_softmax", "sigmoid", "relu", "tanh"):
                values = scores if name == "linear" else getattr(scores, name)(*[1] * name.endswith("softmax"))
                if self._torch.allclose(values, outputs.reshape(scores.shape), atol=1e-6):
                    return name
        return "softmax" if adds_up(outputs.numpy()) else "unknown"

    # how it is trained

    @property
    def loss(self) -> tuple[tuple, tuple] | None:
        """(kinds of labels, what it may be given), both empty for a loss of your own. None if none was given."""
        if self._loss is None:
            return None
        return next((found for names, found in TORCH_LOSSES.items() if self.loss_name in names), ((), ()))

    @property
    def asker(self) -> str:
        return self.loss_name

    @property
    def loss_name(self) -> str:
        loss = getattr(self._loss, "func", self._loss)  # of functools.partial
        return getattr(loss, "__name__", type(loss).__name__)

    @property
    def steps(self) -> int:
        states = self._optimizer.state.values() if self._optimizer else []
        return max((int(state.get("step", 0)) for state in states), default=0)

    def optimizer_problem(self) -> str | None:
        """What the optimizer holds and should not, or lacks; "" if it holds just what trains. None: none was given."""
        if self._optimizer is None:
            return None
        held = {id(one): one for group in self._optimizer.param_groups for one in group["params"]}
        lacks = _numbers(one for one in self._model.parameters() if one.requires_grad and id(one) not in held)
        frozen = _numbers(one for one in held.values() if not one.requires_grad)
        what = [f"lacks {lacks:,} numbers that should train" if lacks else ""]
        what += [f"holds {frozen:,} frozen numbers" if frozen else ""]
        return "the optimizer " + " and ".join(filter(None, what)) if lacks or frozen else ""

    # what it does

    def undisturbed(self):
        """Dropout and loaders draw random numbers: afterwards the learner's draws go on as if nothing had been."""
        return self._torch.random.fork_rng()

    def _tensor(self, x: np.ndarray):
        device = next((one.device for one in self._model.parameters()), "cpu")
        return self._torch.from_numpy(np.ascontiguousarray(x)).to(device)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """(pictures, units). Remembers which layer with weights was called last, and its scores."""
        last = []

        def note(name):
            def keep(_, __, out):  # a copy: an in-place ReLU may follow
                last[:] = name, out.clone()

            return keep

        hooks = [module.register_forward_hook(note(name)) for name, module in self._weighted.items()]
        try:
            with self._torch.inference_mode():
                out = self._copy(self._tensor(x)).float().cpu()
        finally:
            for hook in hooks:
                hook.remove()
        self._last = last[0], last[1].float().cpu(), out
        return (out[:, None] if out.ndim == 1 else out).numpy()

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        if self.activation != "linear":
            return np.exp(outputs) if self.activation == "log_softmax" else outputs
        scores = self._torch.from_numpy(outputs)
        return (scores.sigmoid() if outputs.shape[1] == 1 else scores.softmax(1)).numpy()

    def loss_value(self, y: np.ndarray, outputs: np.ndarray) -> float:
        labels, outputs = self._tensor(y), self._tensor(outputs)
        if outputs.shape[1] == 1:
            labels, outputs = labels.flatten().float(), outputs.flatten()
        labels = labels.float() if labels.ndim == 2 else labels
        return float(self._loss(outputs, labels if labels.is_floating_point() else labels.long()).mean())

    def entering(self, x: np.ndarray) -> np.ndarray:
        """What reaches the convolution that is called first; the pass ends there."""
        seen = []

        def stop(_, values):
            seen.append(values[0].float().cpu().numpy())
            raise InterruptedError

        hooks = [one.register_forward_pre_hook(stop) for one in self._convolutions.values()]
        try:
            with self._torch.inference_mode():
                self._copy(self._tensor(x))
        except InterruptedError:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        return seen[0]

    def moving_batch_norms(self, x: np.ndarray) -> list[str]:
        """Layers of the backbone whose running statistics a training pass would change. Tried on a copy."""
        with self._torch.no_grad():
            self._training(self._tensor(x))
        old = {name: one.running_mean for name, one in self._norms.items() if one.running_mean is not None}
        fresh = [name for name, mean in old.items() if not mean.any()]  # never trained: may move
        return [n for n in old if n not in fresh and not old[n].equal(self._training.get_submodule(n).running_mean)]


def adds_up(outputs: np.ndarray) -> bool:
    """Each row is made of probabilities."""
    return bool(outputs.ndim == 2 and outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))
