"""The checklist on Keras models: every fault found, no right model accused, and the model stays as it was."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import special

from helpers import checklist, checklist_models, data, features, weights

SIZE, N = 71, 4
SPARSE = "sparse_categorical_crossentropy"


@pytest.fixture(scope="module")
def course():
    """Real solar cells at 71 px: four of each class and split, as images and as Xception's vectors."""
    from helpers import models
    from helpers.models import keras

    dataset = data.load("solar")
    backbone = models.backbone(SIZE)
    images, vectors = {}, {}
    for name in ("train", "validation"):
        rows = few(dataset, name)
        images[name] = data.read_images(rows["source"], SIZE), rows["label"].to_numpy()
        maps = backbone.predict(scaled(images[name][0]), verbose=0)
        vectors[name] = features.Split(maps.mean(axis=(1, 2)), images[name][1])
    return SimpleNamespace(
        keras=keras, layers=keras.layers, models=models, dataset=dataset, names=dataset.class_names,
        backbone=backbone, images=images, vectors=vectors,
    )  # fmt: skip


def few(dataset, split):
    return dataset.split(split).groupby("class_name").head(4)


# Models and data --------------------------------------------------------------------------------


def compiled(model, loss=SPARSE):
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def sequential(c, shape, *layers):
    return compiled(c.keras.Sequential([c.keras.Input(shape), *layers]))


def softmax(c):
    return c.layers.Dense(N, activation="softmax")


def head(c, units=N, activation="softmax", loss=SPARSE, **options):
    c.keras.utils.set_random_seed(0)
    last = c.layers.Dense(units, activation=activation, name="last", **options)
    return compiled(sequential(c, (2048,), last), loss)


def nested(c, scale=(127.5, -1), base=None, rows=(SIZE, SIZE, 3)):
    pixels = c.keras.Input(rows)
    entering = c.layers.Rescaling(1 / scale[0], offset=scale[1])(pixels) if scale else pixels
    maps = (base or c.backbone)(entering, training=False)
    vectors = c.layers.GlobalAveragePooling2D()(maps)
    return compiled(c.keras.Model(pixels, c.models.head(2048, N)(vectors)))


def by_hand(c, flat=False, frozen=False):
    """Xception without the course's helpers. flat : its layers stand in one list with the head's."""
    pixels = c.keras.Input((SIZE, SIZE, 3))
    entering = c.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    options = {"weights": str(weights.fetch()), "include_top": False}
    if flat:
        base = c.keras.applications.Xception(input_tensor=entering, **options)
        base.trainable, maps = not frozen, base.output
    else:
        maps = c.keras.applications.Xception(**options)(entering)
        maps.trainable = False  # on a tensor: it freezes nothing
    return compiled(c.keras.Model(pixels, softmax(c)(c.layers.GlobalAveragePooling2D()(maps))))


def opened(c, norms):
    """A backbone whose last six layers learn. norms : its BatchNormalization too."""
    base = c.models.backbone(SIZE)
    for layer in base.layers[-6:]:
        layer.trainable = norms or not isinstance(layer, c.layers.BatchNormalization)
    return base


def own_network(c, trains=True, trains_later=True):
    """A small network after one epoch; whether its first convolution trains, then and later."""
    first = c.layers.Conv2D(8, 3, activation="relu", trainable=trains)
    parts = [c.layers.Rescaling(1 / 255), first, c.layers.BatchNormalization()]
    parts += [c.layers.Conv2D(16, 3), c.layers.GlobalAveragePooling2D(), softmax(c)]
    model = sequential(c, (SIZE, SIZE, 3), *parts)
    model.fit(*c.images["train"], verbose=0)
    first.trainable = trains_later
    return model


def on_images(c, model, **changes):
    """Everything that `check` wants, right unless it is given otherwise."""
    return {"model": model, **c.images, "class_names": c.names} | changes


def on_features(c, model, **changes):
    return on_images(c, model, **c.vectors | changes)


def two_classes(c, model, **changes):
    halves = {name: changed(split, y=lambda y: y % 2) for name, split in c.vectors.items()}
    return {"model": model, **halves, "class_names": ["defective", "functional"]} | changes


def changed(split, x=np.array, y=np.array):
    return x(split[0]), y(split[1])


def scaled(pixels):
    return pixels / np.float32(127.5) - 1


def larger(pixels):
    return np.pad(pixels, ((0, 0), (0, 25), (0, 25), (0, 0)), "edge")


def one_hot(y):
    return np.eye(N)[y]


def folder(c, split, **options):
    options = {"image_size": (SIZE, SIZE), "shuffle": False, "verbose": False} | options
    return c.keras.utils.image_dataset_from_directory(getattr(c.dataset, split), **options)


def with_copies(c):
    train, validation = c.vectors.values()
    return tuple(
        np.concatenate([new, old[[3, 5]]]) for old, new in zip(train, validation, strict=True)
    )


def dataset_of(c, images):
    return data.Dataset("solar", c.dataset.folder, images, pd.DataFrame())


def predicting(c, divisor):
    """A model that gives raw scores; `predict` reads a file as the course does, but divides its pixels."""
    parts = [c.layers.Rescaling(1 / 127.5, offset=-1), c.backbone]
    parts += [c.layers.GlobalAveragePooling2D(), c.layers.Dense(N)]
    model = compiled(sequential(c, (SIZE, SIZE, 3), *parts), from_logits(c))

    def predict(path):
        pixels = data.read_image(path, SIZE).astype("float32") / divisor
        return special.softmax(model.predict(pixels[None], verbose=0)[0])

    return on_images(c, model, dataset=dataset_of(c, few(c.dataset, "validation")), predict=predict)


def from_logits(c):
    return c.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# What is right, what is wrong -------------------------------------------------------------------

RIGHT = {
    "a head with dropout": lambda c: on_features(c, compiled(c.models.head(2048, N, 128, 0.5))),
    "a head that is not compiled": lambda c: on_features(c, c.models.head(2048, N)),
    "raw scores": lambda c: on_features(c, head(c, activation=None, loss=from_logits(c))),
    "one sigmoid unit": lambda c: two_classes(c, head(c, 1, "sigmoid", "binary_crossentropy")),
    "softmax as a layer of its own": lambda c: on_features(
        c, sequential(c, (2048,), c.layers.Dense(N), c.layers.Softmax())),
    "one-hot labels": lambda c: on_features(
        c, head(c, loss="categorical_crossentropy"), train=changed(c.vectors["train"], y=one_hot)),
    "the course's classifier": lambda c: on_images(
        c, compiled(c.models.classifier(c.backbone, c.models.head(2048, N)))),
    "a nested backbone, folders": lambda c: on_images(
        c, nested(c), train=folder(c, "train", shuffle=True), validation=folder(c, "validation"), dataset=c.dataset),
    "a flat model": lambda c: on_images(c, by_hand(c, flat=True, frozen=True)),
    "scaled in the data": lambda c: on_images(
        c, nested(c, scale=None), train=changed(c.images["train"], scaled), validation=None),
    "fine-tuned, norms frozen": lambda c: on_images(c, nested(c, base=opened(c, norms=False))),
    "a network of your own": lambda c: on_images(c, own_network(c)),
    "prediction through the same function": lambda c: predicting(c, divisor=1),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm_on(name, course):
    asked = RIGHT[name](course)
    report = checklist.check(**asked)
    assert not report.problems, report
    assert "this item failed" not in repr(report)
    judged = {item.name: item.status for item in report}
    assert "predict" not in asked or judged["prediction"] == checklist.FINE


# name -> (item, parts of the message, what `check` is given)
FAULTS = {
    "another size": ("input shape", ["(71, 71, 3)", "96", "image_size"], lambda c: on_images(
        c, nested(c), train=changed(c.images["train"], larger))),
    "grey images": ("input shape", ["rgb"], lambda c: on_images(
        c, nested(c), train=changed(c.images["train"], lambda x: x[..., :1]))),
    "channels first": ("input shape", ["moveaxis"], lambda c: on_images(
        c, nested(c), train=changed(c.images["train"], lambda x: np.moveaxis(x, -1, 1)))),
    "images into a head": ("input shape", ["models.classifier"], lambda c: on_images(c, head(c))),
    "two sizes": ("input shape", ["validation", "96"], lambda c: on_images(
        c, nested(c, rows=(None, None, 3)), validation=changed(c.images["validation"], larger))),
    "not scaled": ("normalization", ["0 to 255", "block1_conv1", "Rescaling"], lambda c: on_images(
        c, nested(c, scale=None))),
    "0 to 1": ("normalization", ["0 to 1"], lambda c: on_images(c, nested(c, scale=(255, 0)))),
    "scaled twice": ("normalization", ["twice"], lambda c: on_images(
        c, nested(c), train=changed(c.images["train"], scaled), validation=None)),
    "train scaled twice, validation right": ("normalization", ["images of train", "twice"], lambda c: on_images(
        c, nested(c), train=changed(c.images["train"], scaled))),
    "validation on another scale": ("normalization", ["images of validation"], lambda c: on_images(
        c, nested(c, scale=None), train=changed(c.images["train"], scaled))),
    "trainable on a tensor": ("freezing", ["20,806,952", "tensor", "'xception'"], lambda c: on_images(c, by_hand(c))),
    "a flat model, not frozen": ("freezing", ["20,806,952", "trainable = False"], lambda c: on_images(
        c, by_hand(c, flat=True))),
    "a frozen head": ("freezing", ["last layer", "model.trainable = True"], lambda c: on_features(
        c, head(c, trainable=False))),
    "norms free in an open block": ("batch norm", ["2 of 40", "block14_sepconv2_bn"], lambda c: on_images(
        c, nested(c, base=opened(c, norms=True)))),
    "frozen after fit": ("compiled", ["224 numbers that do not train", "compile(...)"], lambda c: on_images(
        c, own_network(c, trains_later=False))),
    "unfrozen after fit": ("compiled", ["lacks 224 numbers that should train"], lambda c: on_images(
        c, own_network(c, trains=False))),
    "too many units": ("units", ["7 units for 4", "'last'"], lambda c: on_features(c, head(c, 7))),
    "labels from 1 on": ("units", ["1 to 4", "y - y.min()"], lambda c: on_features(
        c, head(c), train=changed(c.vectors["train"], y=lambda y: y + 1))),
    "softmax on one unit": ("activation", ["always 1", "sigmoid"], lambda c: two_classes(
        c, head(c, 1, loss="binary_crossentropy"))),
    "sigmoid on four units": ("activation", ["add up to 1", "softmax"], lambda c: on_features(
        c, head(c, activation="sigmoid"))),
    "softmax and from_logits": ("logits", ["raw scores", f'"{SPARSE}"'], lambda c: on_features(
        c, head(c, loss=from_logits(c)))),
    "scores without from_logits": ("logits", ["from_logits=True"], lambda c: on_features(
        c, head(c, activation=None))),
    "whole numbers, categorical loss": ("loss", ["whole numbers", f'"{SPARSE}"'], lambda c: on_features(
        c, head(c, loss="categorical_crossentropy"))),
    "binary loss on four units": ("loss", ["binary", '"categorical_crossentropy"'], lambda c: on_features(
        c, head(c, loss="binary_crossentropy"), train=changed(c.vectors["train"], y=one_hot))),
    "a class missing in validation": ("class names", ["validation.class_names lacks mono-defective", "empty folder"],
        lambda c: on_images(c, nested(c), validation=folder(c, "validation", class_names=c.names[1:]))),
    "names in another order": ("class names", ["mono-defective", "poly-functional"], lambda c: on_features(
        c, head(c), class_names=c.names[::-1], dataset=c.dataset)),
    "labels of other images": ("class names", ["of 16 labels"], lambda c: on_features(
        c, head(c), train=changed(c.vectors["train"], y=lambda y: y[::-1]),
        dataset=dataset_of(c, few(c.dataset, "train")))),
    "shuffled validation": ("validation", ["order", "shuffle=False"], lambda c: on_images(
        c, nested(c), validation=folder(c, "validation", shuffle=True))),
    "copies in arrays": ("two splits", ["2 images", "16, 17"], lambda c: on_features(
        c, head(c), validation=with_copies(c))),
    "prediction scales again": ("prediction", ["apart", "read_image"], lambda c: predicting(c, divisor=255)),
    "a first loss far off": ("first loss", ["ln 4 = 1.39"], lambda c: on_features(
        c, head(c), train=changed(c.vectors["train"], lambda x: x * 255))),
}  # fmt: skip
MENDED = {"trainable on a tensor", "a flat model, not frozen"}
MENDED |= {"norms free in an open block", "copies in arrays"}


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
        place = asked | {"keras": course.keras}
        exec(found[0].mend, place)
        compiled(asked["model"])
        again = checklist.check(**asked | {"validation": place["validation"]})
        assert item not in [problem.name for problem in again.problems]


def test_the_model_stays_as_it_was(course):
    model = nested(course, base=opened(course, norms=True))
    model.optimizer.build(model.trainable_variables)

    def state():
        variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        values = [np.array(course.keras.ops.convert_to_numpy(one)).tobytes() for one in variables]
        flags = [(one.trainable, set(vars(one))) for one in model._flatten_layers()]
        return values, flags, model.train_function, model.optimizer, model.loss, model.compiled

    before = state()
    checklist.check(**on_images(course, model))
    assert state() == before


def test_a_report_prints_its_problems_and_escapes_them_in_html():
    report = checklist.Report(
        [checklist.Item("units", checklist.WRONG, "7 < 8", "layer 'a'", "Dense(8)")]
    )
    assert repr(report).splitlines()[-1] == "1 wrong"
    assert "7 &lt; 8" in report._repr_html_() and "Dense(8)" in report._repr_html_()
    assert report._repr_html_().count("</tr>") == 1
    assert repr(checklist.Report()) == "no problems"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda c: {"model": "model"}, "Expected a Keras model, got str"),
        (lambda c: {"model": c.keras.Sequential([softmax(c)])}, "no weights yet"),
        (lambda c: {"train": c.dataset.train}, "a folder came"),
        (lambda c: {"train": (np.zeros((2, 3)), [1])}, "one length"),
    ],
    ids=["no model", "no weights", "a folder", "two lengths"],
)
def test_bad_input_gets_one_clear_line(changes, message, course):
    with pytest.raises(ValueError, match=message):
        checklist.check(**on_images(course, course.backbone) | changes(course))


def test_a_strange_model_does_not_hide_the_other_items(course, monkeypatch):
    monkeypatch.setitem(checklist.ITEMS, "units", (lambda case: 1 / 0, ()))
    report = checklist.check(**on_features(course, head(course)))
    assert "this item failed: ZeroDivisionError" in repr(report)
    assert not report.problems


MEMBERS = {"Inception": "InceptionV3", "ResNet": "ResNet50", "ResNetV2": "ResNet50V2", "VGG": "VGG16",
           "DenseNet": "DenseNet121", "EfficientNet": "EfficientNetB0",
           "EfficientNetV2": "EfficientNetV2B0"}  # fmt: skip


@pytest.mark.parametrize(("family", "scale"), checklist_models.FAMILIES.values())
def test_the_families_are_those_of_keras(family, scale, course):
    build = getattr(course.keras.applications, MEMBERS.get(family, family))
    seen = checklist_models.view(build(weights=None, include_top=False, input_shape=(96, 96, 3)))
    assert (seen.family, seen.scale) == (family, scale)
    ends = np.stack([np.full((4, 4, 3), level, "float32") for level in (0, 255)])
    values = sys.modules[build.__module__].preprocess_input(ends)
    wanted = scale or (0, 255)  # None: it scales by itself
    assert wanted == pytest.approx((values.min(), values.max()), abs=0.1)
