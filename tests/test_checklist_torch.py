"""The checklist on PyTorch models: every fault found, no right model accused, and the model stays as it was."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install -r requirements-torch.txt"
)
pytest.importorskip(
    "torchvision", reason="torchvision is not installed: pip install -r requirements-torch.txt"
)

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Subset, TensorDataset  # noqa: E402
from torchvision import models as networks  # noqa: E402
from torchvision.datasets import ImageFolder  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from helpers import checklist, checklist_models, data, torch_models  # noqa: E402

SIZE, N = 71, 4
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HALF = [0.5] * 3, [0.5] * 3


class Transfer(nn.Module):
    """As in lesson 10."""

    def __init__(self, backbone, mean_std=HALF, units=N, last=None, n_features=2048):
        super().__init__()
        self.normalize = v2.Normalize(*mean_std) if mean_std else nn.Identity()
        self.backbone = backbone
        for parameter in self.backbone.parameters():
            parameter.requires_grad = False
        self.head = nn.Linear(n_features, units)
        self.last = last or nn.Identity()

    def forward(self, images):
        return self.last(self.head(self.backbone(self.normalize(images))))


class Safe(Transfer):
    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self


@pytest.fixture(scope="module")
def course():
    """Real solar cells: folders with torchvision's loaders, and as features of the real Xception at 71 px."""
    dataset = data.load("solar")
    xception = nn.Sequential(torch_models.xception(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    vectors = {}
    for split in ("train", "validation"):
        rows = dataset.split(split).groupby("class_name").head(8)
        images = (
            np.stack([data.read_image(path, SIZE) for path in rows["source"]]).astype("float32")
            / 127.5
            - 1
        )
        with torch.inference_mode():
            features = xception(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
        vectors[split] = features, rows["label"].to_numpy()
    return SimpleNamespace(
        dataset=dataset, names=dataset.class_names, xception=xception, vectors=vectors
    )


def folder(c, split, *steps, size=SIZE):
    to_float = v2.ToDtype(torch.float32, scale=True)
    transform = v2.Compose([v2.ToImage(), v2.Resize((size, size)), *steps, to_float])
    return ImageFolder(getattr(c.dataset, split), transform)


def few(c, split, *steps, shuffle=False, step=16, **options):
    whole = folder(c, split, *steps, **options)
    return DataLoader(Subset(whole, range(0, len(whole), step)), batch_size=16, shuffle=shuffle)


def normalized(c, split, mean, std):
    whole = folder(c, split)
    whole.transform = v2.Compose([whole.transform, v2.Normalize(mean, std)])
    return DataLoader(Subset(whole, range(0, len(whole), 16)), batch_size=16)


def loaders(c):
    return {"train": few(c, "train", shuffle=True), "validation": few(c, "validation")}


def adam(model):
    return torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=1e-3)


def given(c, model, loss=None, optimizer=None, **changes):
    """Everything that `check` wants, right unless it is given otherwise."""
    loss, optimizer = loss or nn.CrossEntropyLoss(), optimizer or adam(model)
    return {
        "model": model,
        **loaders(c),
        "class_names": c.names,
        "loss": loss,
        "optimizer": optimizer,
    } | changes


def safe(c, *options, **more):
    torch.manual_seed(0)
    return Safe(copy.deepcopy(c.xception), *options, **more)


def head(c, units=N, *last, **changes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2048, units), *last)
    return given(
        c, model, **dict(zip(("train", "validation"), c.vectors.values(), strict=True)) | changes
    )


def changed(c, x=np.array, y=np.array):
    return x(c.vectors["train"][0]), y(c.vectors["train"][1])


def two(c):
    return {split: (x, y % 2) for split, (x, y) in c.vectors.items()} | {
        "class_names": ["defective", "functional"]
    }


def resnet(mean_std=IMAGENET, network=networks.resnet50, trained=False):
    """torchvision's own, random weights; `fc` replaced. trained : its statistics have moved, as pretrained ones."""
    torch.manual_seed(0)
    model = network(
        weights=None, zero_init_residual=True
    )  # or random maps grow from block to block
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.fc = nn.Linear(model.fc.in_features, N)
    for norm in (
        [one for one in model.modules() if isinstance(one, nn.BatchNorm2d)] if trained else []
    ):
        norm.running_mean += 0.1
    return nn.Sequential(v2.Normalize(*mean_std), model) if mean_std else model


def own_network():
    parts = [
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3),
        nn.AdaptiveAvgPool2d(1),
    ]
    return nn.Sequential(*parts, nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, N))


def trained(c):
    made = head(c)
    x, y = map(torch.from_numpy, c.vectors["train"])
    for _ in range(3):
        made["optimizer"].zero_grad()
        made["loss"](made["model"](x), y).backward()
        made["optimizer"].step()
    return made


def tensors(c):
    made = {
        name: DataLoader(TensorDataset(*map(torch.from_numpy, c.vectors[name])), 8)
        for name in c.vectors
    }
    return head(c, **made)


def one_unit(c, last=(), **changes):
    return head(c, 1, *last, **{"loss": nn.BCEWithLogitsLoss()} | two(c) | changes)


def tuned(c):
    model = safe(c)
    for parameter in model.backbone[0][-1].parameters():
        parameter.requires_grad = True
    return model


def all_held(c):
    model = safe(c)
    return given(c, model, optimizer=torch.optim.Adam(model.parameters()))


def frozen_later(c):
    made = head(c, 64, nn.ReLU(), nn.Linear(64, N))
    x, y = map(torch.from_numpy, c.vectors["train"])
    made["loss"](made["model"](x), y).backward()
    made["optimizer"].step()
    made["model"][0].requires_grad_(False)
    return made


RIGHT = {
    "lesson 10's model": lambda c: given(c, safe(c)),
    "lesson 10's model in training mode": lambda c: given(c, safe(c).train()),
    "lesson 10's model, a dataset given": lambda c: given(c, safe(c), dataset=c.dataset),
    "neither loss nor optimizer": lambda c: given(c, safe(c)) | {"loss": None, "optimizer": None},
    "fine-tuned, norms in eval": lambda c: given(c, tuned(c)),
    "frozen parameters in the optimizer": all_held,
    "frozen after training, the same optimizer": frozen_later,
    "unfrozen, the optimizer had all from the start": lambda c: opened_later(c, everything=True),
    "normalized in the transform": lambda c: given(
        c, safe(c, None), train=normalized(c, "train", *HALF), validation=normalized(c, "validation", *HALF)),
    "a head on features": head,
    "a head with dropout": lambda c: head(c, 64, nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, N)),
    "a bare Linear": lambda c: given(
        c, nn.Linear(2048, N), train=c.vectors["train"], validation=c.vectors["validation"]),
    "a head on a TensorDataset": tensors,
    "a trained head": trained,
    "one unit": one_unit,
    "one unit, squeezed": lambda c: one_unit(c, [nn.Flatten(0)]),
    "one sigmoid unit": lambda c: one_unit(c, [nn.Sigmoid()], loss=nn.BCELoss()),
    "log_softmax and NLLLoss": lambda c: head(c, N, nn.LogSoftmax(1), loss=nn.NLLLoss()),
    "a loss function": lambda c: head(c, loss=nn.functional.cross_entropy),
    "a loss of your own": lambda c: head(c, loss=lambda scores, y: nn.functional.cross_entropy(scores, y)),
    "label smoothing, one-hot": lambda c: head(
        c, loss=nn.CrossEntropyLoss(label_smoothing=0.1), train=changed(c, y=lambda y: np.eye(N)[y])),
    "ResNet50 in eval, as pretrained": lambda c: given(c, Safe(backbone(True), IMAGENET)),
    "ResNet50, normalized in the transform": lambda c: given(
        c, Safe(backbone(True), None), train=normalized(c, "train", *IMAGENET),
        validation=normalized(c, "validation", *IMAGENET)),
    "augmented train": lambda c: given(c, safe(c), train=few(c, "train", v2.RandomHorizontalFlip())),
    "a network of your own": lambda c: given(c, own_network()),
}  # fmt: skip


def backbone(trained=False):
    network = resnet(None, trained=trained)
    network.fc = nn.Identity()
    return network


@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm_on(name, course):
    report = checklist.check(**RIGHT[name](course))
    assert not report.problems, report
    assert "this item failed" not in repr(report)


def all_free(c):
    model = Transfer(copy.deepcopy(c.xception))
    model.requires_grad_(True)
    return model


def head_frozen(c):
    model = safe(c)
    model.head.requires_grad_(False)
    return given(c, model, optimizer=torch.optim.Adam(model.parameters()))


def other_optimizer(c):
    model = safe(c)
    return given(c, model, optimizer=adam(safe(c)))


def opened_later(c, everything=False):
    """The last block is unfrozen after the optimizer was made. everything : the optimizer was given all parameters."""
    model = safe(c)
    optimizer = torch.optim.Adam(model.parameters()) if everything else adam(model)
    model.backbone[0][-1].requires_grad_(True)
    return given(c, model, optimizer=optimizer)


def copies(c):
    (x, y), (xv, yv) = c.vectors.values()
    return {"validation": (np.concatenate([xv, x[:2]]), np.concatenate([yv, y[:2]]))}


def predicting(model, scale):
    def predict(path):
        x = torch.from_numpy(data.read_image(path, SIZE).astype("float32") / scale).permute(2, 0, 1)
        with torch.inference_mode():
            return model.eval()(x[None]).softmax(1)[0].numpy()

    return predict


def as_read(c, split):
    """Loader that reads as `data.read_image` does."""
    transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    whole = ImageFolder(
        getattr(c.dataset, split), transform, loader=lambda path: data.read_image(path, SIZE).copy()
    )
    return DataLoader(Subset(whole, range(0, len(whole), 16)), batch_size=16)


def prediction(c, scale):
    model = safe(c)
    return given(c, model, validation=as_read(c, "validation"), predict=predicting(model, scale))


def raw_tensors(c, permute=True):
    rows = c.dataset.split("train").groupby("class_name").head(4)
    x = np.stack([data.read_image(path, SIZE) for path in rows["source"]])
    return (np.moveaxis(x, -1, 1) if permute else x), rows["label"].to_numpy()


# name -> (item, parts of the message, what `check` is given)
FAULTS = {
    "channels last": ("input shape", ["(71, 71, 3)", "permute"], lambda c: given(
        c, safe(c), train=raw_tensors(c, False), validation=None)),
    "grey images": ("input shape", ["v2.RGB"], lambda c: given(
        c, safe(c, None), train=few(c, "train", v2.Grayscale()), validation=None)),
    "images into a head": ("input shape", ["whole model"], lambda c: given(c, nn.Linear(2048, N))),
    "other features": ("input shape", ["1024", "2048"], lambda c: head(
        c, train=changed(c, x=lambda x: x[:, :1024]), validation=None)),
    "a size that does not fit": ("input shape", ["Resize", "mat1"], lambda c: given(c, nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 9 * 9, N)))),
    "two sizes": ("input shape", ["validation", "96"], lambda c: given(
        c, safe(c), validation=few(c, "validation", size=96))),
    "0 to 1 into Xception": ("normalization", ["0 to 1", "Normalize"], lambda c: given(c, safe(c, None))),
    "0 to 1 into ResNet50": ("normalization", ["0 to 1", "0.485"], lambda c: given(c, resnet(None))),
    "0 to 255": ("normalization", ["not scaled"], lambda c: given(
        c, safe(c, None), train=raw_tensors(c), validation=None)),
    "scaled twice": ("normalization", ["Xception"], lambda c: given(
        c, safe(c), train=normalized(c, "train", *HALF), validation=normalized(c, "validation", *HALF))),
    "Xception's scale into ResNet50": ("normalization", ["narrow"], lambda c: given(c, resnet(HALF))),
    "Xception's scale in the transform": ("normalization", ["narrow"], lambda c: given(
        c, resnet(None), train=normalized(c, "train", *HALF), validation=normalized(c, "validation", *HALF))),
    "random weights": ("freezing", ["random", "DEFAULT"], lambda c: given(c, resnet())),
    "not frozen": ("freezing", ["20,806,952", "requires_grad"], lambda c: given(c, all_free(c))),
    "a frozen head": ("freezing", ["last layer", "'head'"], head_frozen),
    "norms move": ("batch norm", ["40 of 40", "eval()"], lambda c: given(c, Transfer(copy.deepcopy(c.xception)))),
    "norms of ResNet50 move": ("batch norm", ["53 of 53"], lambda c: given(c, resnet(trained=True))),
    "unfrozen after the optimizer was made": ("optimizer", ["lacks 4,748,800", "p.requires_grad"], opened_later),
    "an optimizer of another model": ("optimizer", ["lacks 8,196"], other_optimizer),
    "too many units": ("units", ["7 units for 4", "Linear"], lambda c: head(c, 7)),
    "labels from 1 on": ("units", ["1 to 4"], lambda c: head(c, train=changed(c, y=lambda y: y + 1))),
    "sigmoid on four units": ("activation", ["add up to 1"], lambda c: head(c, N, nn.Sigmoid())),
    "softmax on one unit": ("activation", ["always 1", "BCEWithLogitsLoss"], lambda c: one_unit(
        c, [nn.Softmax(1)], loss=nn.BCELoss())),
    "relu at the end": ("activation", ["relu"], lambda c: head(c, N, nn.ReLU(inplace=True))),
    "softmax before CrossEntropyLoss": ("logits", ["softmax", "CrossEntropyLoss wants raw scores"], lambda c: given(
        c, safe(c, last=nn.Softmax(1)))),
    "sigmoid before BCEWithLogitsLoss": ("logits", ["sigmoid", "BCEWithLogitsLoss"], lambda c: one_unit(
        c, [nn.Sigmoid()])),
    "scores into BCELoss": ("logits", ["raw scores", "BCEWithLogitsLoss"], lambda c: one_unit(c, loss=nn.BCELoss())),
    "scores into NLLLoss": ("logits", ["log probabilities", "CrossEntropyLoss"], lambda c: head(c, loss=nn.NLLLoss())),
    "binary loss on four units": ("loss", ["binary", "CrossEntropyLoss"], lambda c: head(
        c, loss=nn.functional.binary_cross_entropy_with_logits)),
    "cross-entropy on one unit": ("loss", ["BCEWithLogitsLoss"], lambda c: one_unit(c, loss=nn.CrossEntropyLoss())),
    "names in another order": ("class names", ["mono-defective", "ImageFolder"], lambda c: given(
        c, safe(c), class_names=c.names[::-1])),
    "shuffled validation": ("validation", ["order", "shuffle=False"], lambda c: given(
        c, safe(c), validation=few(c, "validation", shuffle=True))),
    "augmented validation": ("validation", ["augmented"], lambda c: given(
        c, safe(c), validation=few(c, "validation", v2.RandomHorizontalFlip()))),
    "copies in files": ("two splits", ["99 images", "png"], lambda c: given(
        c, safe(c), validation=few(c, "train"))),
    "copies in features": ("two splits", ["2 images"], lambda c: head(c, **copies(c))),
    "prediction without scaling": ("prediction", ["apart"], lambda c: prediction(c, 1)),
    "a first loss far off": ("first loss", ["ln 4 = 1.39"], lambda c: head(
        c, train=changed(c, x=lambda x: x * 255))),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found_and_explained(name, course):
    item, parts, build = FAULTS[name]
    report = checklist.check(**build(course))
    found = [problem for problem in report.problems if problem.name == item]
    assert found, report
    assert found[0].where and found[0].mend
    assert all(part in str(found[0]) for part in parts), found[0]
    assert "this item failed" not in repr(report)


def test_every_item_has_a_fault_that_it_must_find():
    assert {item for item, _, _ in FAULTS.values()} == {*checklist.ITEMS} - {"compiled"} | {
        "optimizer"
    }


def test_prediction_through_the_same_scaling_is_fine(course):
    report = checklist.check(**prediction(course, 255))
    assert {item.name: item.status for item in report}["prediction"] == checklist.FINE, report


@pytest.mark.parametrize(
    "name", ["not frozen", "a frozen head", "unfrozen after the optimizer was made"]
)
def test_the_line_that_mends_mends(name, course):
    item, _, build = FAULTS[name]
    made = build(course)
    place = {"torch": torch, "model": made["model"], "optimizer": made["optimizer"]}
    exec(next(one.mend for one in checklist.check(**made).problems if one.name == item), place)
    left = checklist.check(**made | {"optimizer": place["optimizer"]}).problems
    assert item not in [problem.name for problem in left], left


@pytest.mark.parametrize("mode", [True, False])
def test_the_model_stays_as_it_was(mode, course):
    made = given(course, Transfer(copy.deepcopy(course.xception), last=nn.Dropout(0.5)).train(mode))
    model, optimizer, random = (
        made["model"],
        copy.deepcopy(made["optimizer"].state_dict()),
        torch.get_rng_state(),
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    flags = [
        (one.training, len(one._forward_hooks), len(one._forward_pre_hooks))
        for one in model.modules()
    ]
    grads = [(one.requires_grad, one.grad) for one in model.parameters()]
    report = checklist.check(**made, dataset=course.dataset)
    assert [item.name for item in report.problems] == ["batch norm"]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert flags == [
        (one.training, len(one._forward_hooks), len(one._forward_pre_hooks))
        for one in model.modules()
    ]
    assert grads == [(one.requires_grad, one.grad) for one in model.parameters()]
    assert optimizer == made["optimizer"].state_dict()
    assert torch.equal(random, torch.get_rng_state())


def test_pytorch_does_not_move_frozen_parameters_that_an_optimizer_holds(course):
    made = frozen_later(course)  # Adam remembers a step of the frozen layer
    model, optimizer, (x, y) = (
        made["model"],
        made["optimizer"],
        map(torch.from_numpy, course.vectors["train"]),
    )
    frozen, head = model[0].weight.clone(), model[2].weight.clone()
    for _ in range(2):
        optimizer.zero_grad()
        made["loss"](model(x), y).backward()
        optimizer.step()
    assert torch.equal(model[0].weight, frozen) and not torch.equal(model[2].weight, head)


def test_without_loss_and_optimizer_the_report_says_what_to_give(course):
    report = repr(checklist.check(nn.Linear(2048, N), course.vectors["train"]))
    assert "loss=... for PyTorch" in report and "optimizer=... for PyTorch" in report


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": nn.CrossEntropyLoss}, "brackets"),
        ({"loss": "cross_entropy"}, "can be called"),
        ({"optimizer": "adam"}, "optimizer itself"),
        ({"model": nn.LazyLinear(4)}, "no weights yet"),
        ({"train": ImageFolder}, "expected"),
    ],
)
def test_bad_input_gets_one_clear_line(options, message, course):
    with pytest.raises(ValueError, match=message):
        checklist.check(**{"model": nn.Linear(2048, N), "train": course.vectors["train"]} | options)


MEMBERS = {"Xception": None, "ResNet18": "resnet34", "ResNet50": "resnet101", "DenseNet": "densenet121", "VGG": "vgg16",
           "MobileNetV2": "mobilenet_v2", "MobileNetV3": "mobilenet_v3_large", "EfficientNet": "efficientnet_b0",
           "ConvNeXt": "convnext_tiny"}  # fmt: skip


@pytest.mark.parametrize("kernels", checklist_models.TORCH_FAMILIES)
def test_the_families_are_those_of_torchvision(kernels, course):
    name, scale = checklist_models.TORCH_FAMILIES[kernels]
    model = networks.get_model(MEMBERS[name], weights=None) if MEMBERS[name] else course.xception
    seen = checklist_models.view(model)
    assert (seen.family, seen.scale) == (name, scale)
    if MEMBERS[name]:
        transform = networks.get_model_weights(MEMBERS[name]).DEFAULT.transforms()
        ends = torch.cat(
            [transform(torch.full((3, 300, 300), level, dtype=torch.uint8)) for level in (0, 255)]
        )
        assert scale == pytest.approx((float(ends.min()), float(ends.max())), abs=0.01)
