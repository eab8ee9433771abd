"""What the checklist asks of a model: one view of it, which Keras and PyTorch fill in each in its way."""

import contextlib
import copy
import math
import sys
from dataclasses import dataclass

import numpy as np
from scipy import special

RAW, LOGS, PROBABILITIES = (
    "raw scores",
    "log probabilities",
    "probabilities",
)  # what a model gives, a loss wants

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


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer with weights. part : the framework's own layer."""

    part: object
    name: str
    training: int  # numbers that train
    total: int  # all its numbers
    kind: str = "other"  # or "convolution", or "norm": BatchNormalization of maps
    kernel: str = ""  # of a convolution: as in FAMILIES
    free: bool = True  # False for a norm that training mode does not reach
    fresh: bool = False  # True for a norm that was never trained: its running mean is still 0


class View:
    """A model in the words of no framework. `Keras` and `Torch` set what stands here and add the passes.

    name, input_shape (without the images' axis; None: any length), backbone (its name), head (the last layer),
    activation; trainable : weights that train; held : weights that the optimizer holds, None without an optimizer;
    loss_name : "" without a loss; kinds : of labels that this loss serves; wants : what it may be given; asker : what
    says so; steps : trained so far; lines : how to mend a fault; losses : the right one for each kind of labels.
    The passes leave the model as it is. refusal(x) : None if x fits, or why not ("": the shapes tell); outputs(x) :
    float32; loss_value(y, outputs) : the mean loss; entering(x) : what reaches the convolution that is called first;
    moving_norms(x) : names of the norms, once trained, whose running statistics a training pass would change.
    """

    backbone_line = ""  # the expression of the backbone's layers
    set_on_tensors = ()  # layers whose output, a tensor, carries `trainable = False`, which freezes nothing
    held, loss_name, kinds, steps = None, "", (), 0
    undisturbed = contextlib.nullcontext

    def __init__(self, layers: list[Layer], families: dict):
        self.layers, self.head, self.items = (
            layers,
            layers[-1],
            {},
        )  # items: those with a name of their own
        self.convolutions = [one for one in layers if one.kind == "convolution"]
        self.norms = [one for one in layers if one.kind == "norm"]
        body = [*self.convolutions, *self.norms]
        self.training, self.total = (
            sum(one.training for one in body),
            sum(one.total for one in body),
        )
        self.all_trains = all(one.training and one.free for one in body)
        self.untrained = bool(self.norms) and all(one.fresh for one in self.norms)
        start = " ".join(one.kernel for one in self.convolutions[:6])
        self.family, self.scale = next(
            (families[key] for key in families if start.startswith(key)), ("", None)
        )

    def optimizer_gap(self) -> tuple[int, int]:
        """(numbers that train and the optimizer lacks, numbers that do not train and that it moves all the same)."""
        train, held = ({id(one): one for one in weights} for weights in (self.trainable, self.held))
        return numbers(train[key] for key in train.keys() - held), numbers(
            held[key] for key in held.keys() - train
        )

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """What the outputs mean, (images, units)."""
        if self.activation == "linear":
            return (
                special.expit(outputs)
                if outputs.shape[1] == 1
                else special.softmax(outputs, axis=1)
            )
        return np.exp(outputs) if self.activation == "log_softmax" else outputs


def view(model, loss=None, optimizer=None) -> View:
    """Look at a model. Raises ValueError if that cannot be done."""
    torch = sys.modules.get("torch")  # never imported here: who has a PyTorch model has imported it
    if torch is not None and isinstance(model, torch.nn.Module):
        return Torch(model, torch, loss, optimizer)
    from helpers.models import keras

    if not isinstance(model, keras.Model):
        raise ValueError(
            f"Expected a Keras model, got {type(model).__name__}. (Or a PyTorch model: an nn.Module.)"
        )
    if not model.built or not getattr(model, "outputs", None):
        raise ValueError(
            "The model has no weights yet, or no input layer. Begin it with keras.Input(shape)."
        )
    if loss is not None or optimizer is not None:
        raise ValueError(
            "loss= and optimizer= are for PyTorch models: a Keras model has its own from compile()."
        )
    return Keras(model, keras)


def numbers(weights) -> int:
    """How many numbers stand in these weights."""
    return sum(math.prod(weight.shape) for weight in weights)


def adds_up(outputs: np.ndarray) -> bool:
    """Each row is made of probabilities."""
    return bool(outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))


KERAS_LOSSES = {
    "sparse": "sparse_categorical_crossentropy",
    "categorical": "categorical_crossentropy",
    "binary": "binary_crossentropy",
}
KERAS_LINES = {
    "size": "image_size={expected} where the images are read",
    "features": "check(models.classifier(backbone, head), train, ...): a head alone takes features, not images",
    "width": "models.head(n_features={got}, ...): as many as the features have",
    "grey": 'color_mode="rgb" where the images are read (grey arrays: np.repeat(x[..., None], 3, axis=-1))',
    "channels": "x = np.moveaxis(x, 1, -1): Keras wants the channels last",
    "scale": "keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels) on raw images, once, as a layer of the model",
    "other scale": "keras.applications.<its module>.preprocess_input(pixels) on raw images, once, in the model",
    "open": "model.trainable = False; model.trainable = True  # opens all: freeze the backbone, then compile() again",
    "freeze": "for layer in {backbone}: layer.trainable = False  # then model.compile(...) again",
    "pretrained": 'weights="imagenet" where the backbone is built (in this course: models.backbone(size))',
    "norms": "for layer in {backbone}: layer.trainable = layer.trainable and not "
    "isinstance(layer, keras.layers.BatchNormalization)  # then model.compile(...) again",
    "optimizer": "model.compile(...) again, with a new optimizer, after the last change of `trainable`",
    "optimizer fine": "what is trainable now is what compile() and fit() know of",
    "units": 'Dense({n}, activation="softmax")',
    "activation": 'Dense({n}, activation="{activation}")',
    "loss where": "compile(loss=...)",
    "loss": 'compile(loss="{loss}")',
    "gave probabilities": 'compile(loss="{loss}")',
    "gave scores": "compile(loss=keras.losses.{camel}(from_logits=True))",
    "order": "image_dataset_from_directory(..., shuffle=False)",
    "augmented": "train = train.map(augment): only train, never validation; or shuffle=False",
}


class Keras(View):
    """A Keras model, and passes that leave it as it is."""

    lines, losses, channel_axis = KERAS_LINES, KERAS_LOSSES, -1

    def __init__(self, model, keras):
        self._model, self._keras, self._numpy = model, keras, keras.ops.convert_to_numpy
        self.name, self.input_shape, self.trainable = (
            model.name,
            tuple(model.input_shape[1:]),
            model.trainable_weights,
        )
        leaves = list(_leaves(model))
        super().__init__([self._layer(one) for one, _, _ in leaves if one.weights], FAMILIES)
        body = [
            leaf
            for leaf in leaves
            if leaf[0] in {layer.part for layer in [*self.convolutions, *self.norms]}
        ]
        _, holder, line = (body or leaves)[0]
        self.backbone, self.backbone_line = holder.name, f"{line}.layers"
        if holder is model and body:  # a flat model: the head follows in the same list
            self.backbone_line += f"[: {model.layers.index(body[-1][0]) + 1}]"
        nodes = [
            (one.name, node)
            for one in getattr(model, "operations", [])
            for node in one._inbound_nodes
        ]
        outputs = [(name, one) for name, node in nodes for one in node.output_tensors]
        self.set_on_tensors = [
            name for name, one in outputs if getattr(one, "trainable", None) is False
        ]
        self.activation = self._activation()
        if model.compiled and model.loss is not None:
            self._read_compiled()

    def _layer(self, layer) -> Layer:
        layers, more = self._keras.layers, {}
        if isinstance(layer, layers.Conv2D | layers.SeparableConv2D | layers.DepthwiseConv2D):
            kernel = "x".join(map(str, layer.weights[0].shape)) + "b" * layer.use_bias
            more = {"kind": "convolution", "kernel": kernel}
        elif isinstance(layer, layers.BatchNormalization) and layer.input_spec.ndim == 4:
            more = {
                "kind": "norm",
                "free": layer.trainable,
                "fresh": not self._keras.ops.any(layer.moving_mean),
            }
        trainable = {id(one) for one in self.trainable}  # the model's own flag counts too
        training = numbers(one for one in layer.weights if id(one) in trainable)
        return Layer(layer, layer.name, training, numbers(layer.weights), **more)

    def _activation(self) -> str:
        last = self._model
        while getattr(last, "layers", None):  # the head may be a model of its own
            last = last.outputs[0]._keras_history.operation
        name = type(last).__name__.lower()  # a layer or an operation of its own: Softmax, Sigmoid
        function = getattr(last, "activation", None)
        return name if name in ("softmax", "sigmoid") else getattr(function, "__name__", "linear")

    def _read_compiled(self) -> None:
        loss = self._keras.losses.get(self._model.loss)
        function = getattr(loss, "fn", loss)
        self.loss_name = getattr(function, "__name__", type(function).__name__)
        self.kinds = [kind for kind, name in self.losses.items() if name == self.loss_name]
        scores = isinstance(loss, self._keras.losses.Loss) and loss.get_config().get("from_logits")
        self.wants, self.asker = (
            ([RAW], "from_logits=True") if scores else ([PROBABILITIES], "no from_logits")
        )
        optimizer = getattr(self._model.optimizer, "inner_optimizer", self._model.optimizer)
        self.held = (
            optimizer._trainable_variables if optimizer.built else self.trainable
        )  # `fit` keeps to the former
        self.steps = int(self._model.optimizer.iterations)

    def refusal(self, x: np.ndarray) -> str | None:
        got, wanted = x.shape[1:], self.input_shape
        fits = len(got) == len(wanted) and all(
            w in (None, g) for w, g in zip(wanted, got, strict=True)
        )
        return None if fits else ""

    def outputs(self, x: np.ndarray) -> np.ndarray:
        few = [
            x[start : start + 4] for start in range(0, len(x), 4)
        ]  # an eager pass of Keras holds all its maps
        return np.concatenate(
            [self._numpy(self._model(part, training=False)) for part in few]
        ).astype("float32")

    def loss_value(self, y: np.ndarray, outputs: np.ndarray) -> float:
        y = y.reshape(-1, 1).astype("float32") if outputs.shape[1] == 1 else y
        return float(np.mean(self._keras.losses.get(self._model.loss)(y, outputs)))

    def entering(self, x: np.ndarray) -> np.ndarray:
        seen = []

        def stop(values, *_, **__):
            seen.append(self._numpy(values))
            raise InterruptedError

        try:
            for one in self.convolutions:
                one.part.call = stop
            with contextlib.suppress(Exception):  # Keras may raise another one instead
                self._model(x, training=False)
        finally:
            for one in self.convolutions:
                del one.part.call
        return seen[0]

    def moving_norms(self, x: np.ndarray) -> list[str]:
        before = self._model.non_trainable_variables
        _, after = self._model.stateless_call(
            self._model.trainable_variables, before, x, training=True
        )
        pairs = zip(before, after, strict=True)
        moved = {id(old) for old, new in pairs if (self._numpy(old) != self._numpy(new)).any()}
        return [
            one.name for one in self.norms if not one.fresh and id(one.part.moving_mean) in moved
        ]


def _leaves(holder, line: str = "model"):
    """(layer, the model that holds it, how to write that model) of all layers, in order."""
    for one in getattr(holder, "layers", None) or holder._layers:
        if getattr(one, "layers", None) or one._layers:
            yield from _leaves(one, f"{line}.get_layer({one.name!r})")
        else:
            yield one, holder, line


# PyTorch --------------------------------------------------------------------------------------------------------

TORCH_SERVES = {  # a loss, as class or as function -> (the kinds of labels that it serves, what it may be given)
    ("CrossEntropyLoss", "cross_entropy"): (("sparse", "categorical"), (RAW, LOGS)),
    ("NLLLoss", "nll_loss"): (("sparse",), (LOGS,)),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"): (("binary",), (RAW,)),
    ("BCELoss", "binary_cross_entropy"): (("binary",), (PROBABILITIES,)),
}
TORCH_LOSSES = {
    "sparse": "CrossEntropyLoss",
    "categorical": "CrossEntropyLoss",
    "binary": "BCEWithLogitsLoss",
}
TORCH_LINES = {
    "size": "v2.Resize((size, size)) in the transform, with the size that the model was built for",
    "features": "check the whole model, backbone and head: a head alone takes features, not images",
    "width": "nn.Linear({got}, ...): as many as the features have",
    "grey": "v2.RGB() in the transform (grey tensors: x.expand(-1, 3, -1, -1))",
    "channels": "x = x.permute(0, 3, 1, 2): PyTorch wants the channels first",
    "scale": "v2.Normalize(mean=[0.5] * 3, std=[0.5] * 3) on images scaled to 0..1, once",
    "other scale": "v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]) on images of 0..1, once",
    "open": "for p in model.get_submodule({head!r}).parameters(): p.requires_grad = True  # then a new optimizer",
    "freeze": "[m.requires_grad_(False) for m in model.modules() "
    "if isinstance(m, (torch.nn.Conv2d, torch.nn.BatchNorm2d))]",
    "pretrained": 'weights="DEFAULT" where the backbone is built (in this course: torch_models.xception())',
    "norms": "in the model's class: def train(self, mode=True): super().train(mode); "
    "[m.eval() for m in self.modules() if isinstance(m, nn.BatchNorm2d)]; return self",
    "optimizer": "optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)",
    "optimizer fine": "the optimizer holds all that trains",
    "units": "nn.Linear(n_features, {n}) as the last layer",
    "activation": "return the nn.Linear's raw scores, with nn.{loss}()",
    "loss where": "loss=...",
    "loss": "loss = nn.{loss}()",
    "gave probabilities": "no {activation} in the model: return the raw scores",
    "gave scores": "loss = nn.{loss}()",
    "order": "DataLoader(..., shuffle=False)",
    "augmented": "ImageFolder(validation_folder, transform) with no random step: random ones are for train only",
}


class Torch(View):
    """A PyTorch model. All passes run through copies, so the model stays as it is."""

    lines, losses, channel_axis = TORCH_LINES, TORCH_LOSSES, 0

    def __init__(self, model, torch, loss, optimizer):
        if any(
            isinstance(one, torch.nn.parameter.UninitializedParameter) for one in model.parameters()
        ):
            raise ValueError("The model has no weights yet. Send one batch through it first.")
        if loss is not None and (isinstance(loss, type) or not callable(loss)):
            raise ValueError(
                "loss: give a loss that can be called, such as nn.CrossEntropyLoss(), with its brackets."
            )
        if optimizer is not None and not hasattr(optimizer, "param_groups"):
            raise ValueError("optimizer: give the optimizer itself, such as torch.optim.Adam(...).")
        self._torch, self._loss, self._copy = torch, loss, copy.deepcopy(model).train()
        self.undisturbed = (
            torch.random.fork_rng
        )  # dropout and loaders draw: the learner's numbers go on as before
        parts = [
            (name, one)
            for name, one in self._copy.named_modules()
            if [*one.parameters(recurse=False)]
        ]
        super().__init__([self._layer(name, one) for name, one in parts], TORCH_FAMILIES)
        self._copy.eval()
        self.items = {"compiled": "optimizer"}
        first = (self.convolutions or self.layers)[0].part
        width = getattr(first, "in_channels", getattr(first, "in_features", None))
        self.input_shape = (
            (width, None, None) if self.convolutions else (width,)
        )  # whether x fits, a pass tells
        self.name = self.backbone = type(model).__name__
        self.activation = "unknown"  # until a pass tells
        self.loss_name = self.asker = (
            "" if loss is None else getattr(loss, "__name__", type(loss).__name__)
        )
        served = [TORCH_SERVES[names] for names in TORCH_SERVES if self.loss_name in names]
        self.kinds, self.wants = served[0] if served else ((), ())
        self.trainable = [one for one in model.parameters() if one.requires_grad]
        self.held = optimizer and [
            one for group in optimizer.param_groups for one in group["params"]
        ]
        states = optimizer.state.values() if optimizer else []
        self.steps = max((int(state.get("step", 0)) for state in states), default=0)

    def _layer(self, name: str, module) -> Layer:
        mine, more = [*module.parameters(recurse=False)], {}
        if isinstance(module, self._torch.nn.Conv2d):
            shape = module.weight.permute(
                (2, 3, 0, 1) if module.groups > 1 else (2, 3, 1, 0)
            ).shape  # as Keras has it
            more = {
                "kind": "convolution",
                "kernel": "x".join(map(str, shape)) + "b" * (module.bias is not None),
            }
        elif isinstance(module, self._torch.nn.BatchNorm2d):
            mean = module.running_mean
            more = {
                "kind": "norm",
                "free": module.training,
                "fresh": mean is None or not mean.any(),
            }
        training = numbers(one for one in mine if one.requires_grad)
        return Layer(module, name or type(module).__name__, training, numbers(mine), **more)

    def _tensor(self, x: np.ndarray):
        return self._torch.from_numpy(np.ascontiguousarray(x)).to(
            next(self._copy.parameters()).device
        )

    def optimizer_gap(self) -> tuple[int, int]:
        return super().optimizer_gap()[
            0
        ], 0  # it skips what has no gradient, such as frozen parameters

    def refusal(self, x: np.ndarray) -> str | None:
        try:
            self.outputs(x[:2])
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            return f"PyTorch: {str(error).splitlines()[0][:100]}"

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Notes the layer that is called last, and what lies behind it."""
        layers, called = {one.part: one for one in self.layers}, []

        def keep(module, _, out):
            if module in layers:
                called[:] = layers[module], out.clone()  # a copy: an in-place ReLU may follow

        with (
            self._torch.nn.modules.module.register_module_forward_hook(keep),
            self._torch.inference_mode(),
        ):
            out = self._copy(self._tensor(x)).float().cpu()
        self.head, scores = called
        self.activation = self._between(scores.float().cpu(), out)
        return (out[:, None] if out.ndim == 1 else out).numpy()

    def _between(self, scores, out) -> str:
        """The function that makes `out` of `scores`, by their values."""
        if scores.numel() == out.numel():
            scores = scores.reshape(len(out), -1)
            for name in ("linear", "softmax", "log_softmax", "sigmoid", "relu", "tanh"):
                values = (
                    scores
                    if name == "linear"
                    else getattr(scores, name)(*[1] * name.endswith("softmax"))
                )
                if self._torch.allclose(values, out.reshape(scores.shape), atol=1e-6):
                    return name
        return "softmax" if out.ndim == 2 and adds_up(out.numpy()) else "unknown"

    def loss_value(self, y: np.ndarray, outputs: np.ndarray) -> float:
        labels, outputs = self._tensor(y), self._tensor(outputs)
        if outputs.shape[1] == 1:
            labels, outputs = labels.flatten().float(), outputs.flatten()
        else:
            labels = labels.float() if labels.ndim == 2 else labels.long()
        return float(self._loss(outputs, labels).mean())

    def entering(self, x: np.ndarray) -> np.ndarray:
        seen = []

        def stop(module, values):
            if isinstance(module, self._torch.nn.Conv2d):
                seen.append(values[0].float().cpu().numpy())
                raise InterruptedError

        hook = self._torch.nn.modules.module.register_module_forward_pre_hook(stop)
        with hook, self._torch.inference_mode(), contextlib.suppress(InterruptedError):
            self._copy(self._tensor(x))
        return seen[0]

    def moving_norms(self, x: np.ndarray) -> list[str]:
        moving = copy.deepcopy(self._copy).train()
        with self._torch.no_grad():
            moving(self._tensor(x))
        old = [one for one in self.norms if not one.fresh]
        return [
            one.name
            for one in old
            if not moving.get_submodule(one.name).running_mean.equal(one.part.running_mean)
        ]
