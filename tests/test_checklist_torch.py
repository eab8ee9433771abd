"""The checklist on PyTorch models: what differs from Keras. The items themselves are tried in test_checklist.py."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

NEEDED = "PyTorch is not installed: pip install -r requirements-torch.txt"
torch = pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("torchvision", reason=NEEDED)

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Subset  # noqa: E402
from torchvision import models as networks  # noqa: E402
from torchvision.datasets import ImageFolder  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

from helpers import checklist, data, torch_models  # noqa: E402

SIZE, N = 71, 4
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HALF = [0.5] * 3, [0.5] * 3


@pytest.fixture(scope="module")
def course():
    """Real solar cells at 71 px, a few of each split: as loaders, and as Xception's vectors."""
    dataset = data.load("solar")
    xception = nn.Sequential(torch_models.xception(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    vectors = {}
    for split in ("train", "validation"):
        pixels, labels = raw(dataset, split)
        with torch.inference_mode():
            vectors[split] = xception(torch.from_numpy(pixels / 127.5 - 1)).numpy(), labels
    names = dataset.class_names
    return SimpleNamespace(dataset=dataset, names=names, xception=xception, vectors=vectors)


def raw(dataset, split):
    """Four images of each class, 0..255, channels first."""
    rows = dataset.split(split).groupby("class_name").head(4)
    pixels = data.read_images(rows["source"], SIZE).astype("float32")
    return np.moveaxis(pixels, -1, 1), rows["label"].to_numpy()


# Models and data --------------------------------------------------------------------------------


class Transfer(nn.Module):
    """As in lesson 10, before it learns of running statistics."""

    def __init__(self, backbone, mean_std=HALF, last=None):
        super().__init__()
        self.normalize = v2.Normalize(*mean_std) if mean_std else nn.Identity()
        self.backbone = backbone.requires_grad_(False)
        self.head = nn.Linear(2048, N)
        self.last = last or nn.Identity()

    def forward(self, images):
        return self.last(self.head(self.backbone(self.normalize(images))))


class Safe(Transfer):
    """As in lesson 10."""

    def train(self, mode=True):
        super().train(mode)
        self.backbone.eval()
        return self


def moving(c):
    return Transfer(copy.deepcopy(c.xception))


def safe(c, *options, **more):
    torch.manual_seed(0)
    return Safe(copy.deepcopy(c.xception), *options, **more)


def part_learns(c, part, learns):
    model = safe(c)
    model.get_submodule(part).requires_grad_(learns)
    return model


def resnet(trained=False):
    """torchvision's own with random numbers. trained : its statistics have moved."""
    torch.manual_seed(0)
    model = networks.resnet50(weights=None, zero_init_residual=True)  # else random maps grow
    model.fc = nn.Identity()
    for norm in [one for one in model.modules() if isinstance(one, nn.BatchNorm2d) and trained]:
        norm.running_mean += 0.1
    return model


def own_network():
    parts = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, N))


def given(c, model, **changes):
    """Everything that `check` wants, right unless it is given otherwise."""
    loaders = {"train": few(c, "train", shuffle=True), "validation": few(c, "validation")}
    asked = {"model": model, **loaders, "class_names": c.names, "loss": nn.CrossEntropyLoss()}
    learns = [one for one in model.parameters() if one.requires_grad]
    return asked | {"optimizer": torch.optim.Adam(learns) if learns else None} | changes


def head(c, *last, units=N, **changes):
    torch.manual_seed(0)
    return given(c, nn.Sequential(nn.Linear(2048, units), *last), **c.vectors | changes)


def one_unit(c, *last, loss, **changes):
    halves = {split: (x, y % 2) for split, (x, y) in c.vectors.items()}
    names = ["defective", "functional"]
    return head(c, *last, units=1, loss=loss, class_names=names, **halves | changes)


def few(c, split, *steps, shuffle=False, normalize=None):
    """Every sixteenth image of a split's folder, as torchvision reads it."""
    steps = [v2.ToImage(), v2.Resize((SIZE, SIZE)), *steps, v2.ToDtype(torch.float32, scale=True)]
    steps += [v2.Normalize(*normalize)] if normalize else []
    whole = ImageFolder(getattr(c.dataset, split), v2.Compose(steps))
    return DataLoader(Subset(whole, range(0, len(whole), 16)), batch_size=16, shuffle=shuffle)


def normalized(c, model, mean_std):
    """The transforms normalize, in place of the model."""
    splits = {split: few(c, split, normalize=mean_std) for split in ("train", "validation")}
    return given(c, model, **splits)


def opened_later(c, held):
    """The last block is unfrozen after the optimizer was made. held : it held all parameters."""
    model = safe(c)
    made = given(c, model, **{"optimizer": torch.optim.Adam(model.parameters())} if held else {})
    model.backbone[0][-1].requires_grad_(True)
    return made


# What is right, what is wrong -------------------------------------------------------------------

RIGHT = {
    "lesson 10's model": lambda c: given(c, safe(c), dataset=c.dataset),
    "lesson 10's model in training mode": lambda c: given(c, safe(c).train()),
    "fine-tuned, norms in eval": lambda c: given(c, part_learns(c, "backbone.0.13", True)),
    "unfrozen, the optimizer had all from the start": lambda c: opened_later(c, held=True),
    "normalized in the transform": lambda c: normalized(c, safe(c, None), HALF),
    "ResNet50 in eval, as pretrained": lambda c: given(c, Safe(resnet(trained=True), IMAGENET)),
    "augmented train": lambda c: given(c, safe(c), train=few(c, "train", v2.RandomHorizontalFlip())),
    "a network of your own": lambda c: given(c, own_network()),
    "a head with dropout": lambda c: head(c, nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, N), units=64),
    "one unit": lambda c: one_unit(c, nn.Flatten(0), loss=nn.BCEWithLogitsLoss()),
    "log_softmax and NLLLoss": lambda c: head(c, nn.LogSoftmax(1), loss=nn.NLLLoss()),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm_on(name, course):
    report = checklist.check(**RIGHT[name](course))
    assert not report.problems, report
    assert "this item failed" not in repr(report)


# name -> (item, parts of the message, what `check` is given)
FAULTS = {
    "channels last": ("input shape", ["(71, 71, 3)", "permute"], lambda c: given(
        c, safe(c), train=(np.moveaxis(raw(c.dataset, "train")[0], 1, -1), raw(c.dataset, "train")[1]))),
    "a size that does not fit": ("input shape", ["Resize", "mat1"], lambda c: given(c, nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 9 * 9, N)))),
    "0 to 255": ("normalization", ["not scaled"], lambda c: given(
        c, safe(c, None), train=raw(c.dataset, "train"), validation=None)),
    "0 to 1": ("normalization", ["0 to 1", "Normalize"], lambda c: given(c, safe(c, None))),
    "scaled twice": ("normalization", ["Xception"], lambda c: normalized(c, safe(c), HALF)),
    "Xception's scale into ResNet50": ("normalization", ["narrow", "0.485"], lambda c: normalized(
        c, Safe(resnet(), None), HALF)),
    "random weights": ("freezing", ["random", "DEFAULT"], lambda c: given(c, Safe(resnet(), IMAGENET))),
    "not frozen": ("freezing", ["20,806,952", "requires_grad"], lambda c: given(c, moving(c).requires_grad_(True))),
    "a frozen head": ("freezing", ["last layer", "'head'"], lambda c: given(
        c, model := part_learns(c, "head", False), optimizer=torch.optim.Adam(model.parameters()))),
    "norms move": ("batch norm", ["40 of 40", "eval()"], lambda c: given(c, moving(c))),
    "unfrozen after the optimizer was made": ("optimizer", ["lacks 4,748,800", "p.requires_grad"], lambda c: opened_later(
        c, held=False)),
    "relu at the end": ("activation", ["relu"], lambda c: head(c, nn.ReLU(inplace=True))),
    "softmax before CrossEntropyLoss": ("logits", ["softmax", "CrossEntropyLoss wants raw scores"], lambda c: given(
        c, safe(c, last=nn.Softmax(1)))),
    "sigmoid before BCEWithLogitsLoss": ("logits", ["sigmoid", "BCEWithLogitsLoss"], lambda c: one_unit(
        c, nn.Sigmoid(), loss=nn.BCEWithLogitsLoss())),
    "scores into BCELoss": ("logits", ["raw scores", "BCEWithLogitsLoss"], lambda c: one_unit(c, loss=nn.BCELoss())),
    "scores into NLLLoss": ("logits", ["log probabilities", "CrossEntropyLoss"], lambda c: head(c, loss=nn.NLLLoss())),
    "cross-entropy on one unit": ("loss", ["BCEWithLogitsLoss"], lambda c: one_unit(c, loss=nn.CrossEntropyLoss())),
    "names in another order": ("class names", ["mono-defective", "ImageFolder"], lambda c: given(
        c, safe(c), class_names=c.names[::-1])),
    "shuffled validation": ("validation", ["order", "shuffle=False"], lambda c: given(
        c, safe(c), validation=few(c, "validation", shuffle=True))),
    "augmented validation": ("validation", ["augmented", "ImageFolder"], lambda c: given(
        c, safe(c), validation=few(c, "validation", v2.RandomHorizontalFlip()))),
    "copies in files": ("two splits", ["99 images", "png"], lambda c: given(
        c, safe(c), validation=few(c, "train"))),
}  # fmt: skip
MENDED = {"not frozen", "a frozen head", "unfrozen after the optimizer was made"}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found_and_explained_and_its_mend_mends(name, course):
    item, parts, build = FAULTS[name]
    asked = build(course)
    report = checklist.check(**asked)
    found = [problem for problem in report.problems if problem.name == item]
    assert found, report
    assert found[0].where and found[0].mend
    assert all(part in str(found[0]) for part in parts), found[0]
    assert "this item failed" not in repr(report)
    if name in MENDED:
        place = asked | {"torch": torch}
        exec(found[0].mend, place)
        again = checklist.check(**asked | {"optimizer": place["optimizer"]})
        assert item not in [problem.name for problem in again.problems], again


@pytest.mark.parametrize("mode", [True, False], ids=["training", "eval"])
def test_the_model_stays_as_it_was_in(mode, course):
    model = Transfer(copy.deepcopy(course.xception), last=nn.Dropout(0.5)).train(mode)
    made = given(course, model, dataset=course.dataset)

    def state():
        modules = [(m.training, len(m._forward_hooks)) for m in model.modules()]
        grads = [(one.requires_grad, one.grad) for one in model.parameters()]
        values = [value.numpy().tobytes() for value in model.state_dict().values()]
        random = torch.get_rng_state().numpy().tobytes()
        return modules, grads, values, random, repr(made["optimizer"].state_dict())

    before = state()
    report = checklist.check(**made)
    assert [item.name for item in report.problems] == ["batch norm"]
    assert state() == before


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
    ],
    ids=["a loss's class", "a loss's name", "an optimizer's name", "no weights"],
)
def test_bad_input_gets_one_clear_line(options, message, course):
    with pytest.raises(ValueError, match=message):
        checklist.check(**{"model": nn.Linear(2048, N), "train": course.vectors["train"]} | options)
