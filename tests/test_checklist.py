"""The checklist: every item finds its fault, no right model is accused, and the model stays as it was."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers import checklist, checklist_models, data, features

SIZE, N = 71, 4


@pytest.fixture(scope="module")
def course():
    """Real solar cells at 71 px: a few of each split, as images and as Xception's vectors, and what builds models."""
    from helpers import models
    from helpers.models import keras

    dataset = data.load("solar")
    backbone = models.backbone(SIZE)
    splits, vectors = {}, {}
    for name in ("train", "validation"):
        rows = dataset.split(name).groupby("class_name").head(8)
        splits[name] = data.read_images(rows["source"], SIZE), rows["label"].to_numpy()
        maps = backbone.predict(splits[name][0] / np.float32(127.5) - 1, verbose=0)
        vectors[name] = features.Split(maps.mean(axis=(1, 2)), splits[name][1])
    return SimpleNamespace(
        keras=keras, models=models, dataset=dataset, names=dataset.class_names, backbone=backbone, images=splits,
        vectors=vectors,
    )  # fmt: skip


def compiled(model, loss="sparse_categorical_crossentropy"):
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def head(c, units=N, activation="softmax", loss="sparse_categorical_crossentropy", **options):
    layers = c.keras.layers
    c.keras.utils.set_random_seed(0)
    last = layers.Dense(units, activation=activation, name="last", **options)
    return compiled(c.keras.Sequential([c.keras.Input((2048,)), last]), loss)


def nested(c, scale=(127.5, -1), base=None, rows=(SIZE, SIZE, 3)):
    pixels = c.keras.Input(rows)
    scaled = c.keras.layers.Rescaling(1 / scale[0], offset=scale[1])(pixels) if scale else pixels
    vectors = c.keras.layers.GlobalAveragePooling2D()((base or c.backbone)(scaled, training=False))
    return compiled(c.keras.Model(pixels, c.models.head(2048, N)(vectors)))


def flattened(c, frozen=True):
    from helpers import weights

    pixels = c.keras.Input((SIZE, SIZE, 3))
    scaled = c.keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    base = c.keras.applications.Xception(
        weights=str(weights.fetch()), include_top=False, input_tensor=scaled
    )
    base.trainable = not frozen
    vectors = c.keras.layers.GlobalAveragePooling2D()(base.output)
    return compiled(c.keras.Model(pixels, c.keras.layers.Dense(N, activation="softmax")(vectors)))


def tuned(c, norms=False, last=6):
    base = c.models.backbone(SIZE)
    for layer in base.layers[-last:]:
        layer.trainable = norms or not isinstance(layer, c.keras.layers.BatchNormalization)
    return nested(c, base=base)


def fitted(c, model, split):
    model.fit(*split, verbose=0)
    return model


def augmenting(c):
    layers = c.keras.layers
    parts = [
        layers.RandomFlip(),
        layers.Rescaling(1 / 127.5, offset=-1),
        c.backbone,
        layers.GlobalAveragePooling2D(),
    ]
    last = [layers.Dropout(0.5), layers.Dense(N, activation="softmax")]
    return compiled(c.keras.Sequential([c.keras.Input((SIZE, SIZE, 3)), *parts, *last]))


def own_network(c):
    layers = c.keras.layers
    parts = [
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(),
    ]
    parts += [
        layers.Conv2D(16, 3),
        layers.GlobalAveragePooling2D(),
        layers.Dense(N, activation="softmax"),
    ]
    return compiled(c.keras.Sequential([c.keras.Input((SIZE, SIZE, 3)), *parts]))


def own_softmax(c):
    vectors = c.keras.Input((2048,))
    return compiled(c.keras.Model(vectors, c.keras.ops.softmax(c.keras.layers.Dense(N)(vectors))))


def two(c, name="train"):
    x, y = c.vectors[name]
    return x, y % 2


def folder(c, split, **options):
    options = {
        "image_size": (SIZE, SIZE),
        "batch_size": 32,
        "verbose": False,
        "shuffle": False,
    } | options
    return c.keras.utils.image_dataset_from_directory(getattr(c.dataset, split), **options)


def from_logits(c):
    return c.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# name -> (model, train, validation, class_names, options)
RIGHT = {
    "a direct head": lambda c: (head(c), c.vectors["train"], c.vectors["validation"], c.names, {}),
    "a head with dropout": lambda c: (
        compiled(c.models.head(2048, N, 128, 0.5)), c.vectors["train"], None, c.names, {}),
    "a fitted head": lambda c: (fitted(c, head(c), c.vectors["train"]), c.vectors["train"], None, c.names, {}),
    "a head that is not compiled": lambda c: (c.models.head(2048, N), c.vectors["train"], None, None, {}),
    "raw scores": lambda c: (head(c, activation=None, loss=from_logits(c)), c.vectors["train"], None, c.names, {}),
    "one sigmoid unit": lambda c: (
        head(c, 1, "sigmoid", "binary_crossentropy"), two(c), two(c, "validation"), ["defective", "functional"], {}),
    "two softmax units": lambda c: (head(c, 2), two(c), two(c, "validation"), ["defective", "functional"], {}),
    "a head with BatchNormalization": lambda c: (
        compiled(c.keras.Sequential([c.keras.Input((2048,)), c.keras.layers.BatchNormalization(),
                                     c.keras.layers.Dense(N, activation="softmax")])),
        c.vectors["train"], None, c.names, {}),
    "the course's classifier": lambda c: (
        compiled(c.models.classifier(c.backbone, c.models.head(2048, N))), *c.images.values(), c.names, {}),
    "a nested backbone, folders": lambda c: (
        nested(c), folder(c, "train", shuffle=True, seed=0), folder(c, "validation"), c.names, {"dataset": c.dataset}),
    "a flattened backbone": lambda c: (flattened(c), *c.images.values(), c.names, {}),
    "augmentation and dropout inside": lambda c: (augmenting(c), *c.images.values(), c.names, {}),
    "scaled in the data": lambda c: (nested(c, scale=None), scaled(c, "train"), None, c.names, {}),
    "fine-tuned, norms frozen": lambda c: (tuned(c), *c.images.values(), c.names, {}),
    "wholly fine-tuned, norms frozen": lambda c: (tuned(c, last=132), *c.images.values(), c.names, {}),
    "a network of your own": lambda c: (own_network(c), *c.images.values(), c.names, {}),
    "a fitted network of your own": lambda c: (
        fitted(c, own_network(c), c.images["train"]), *c.images.values(), c.names, {}),
    "a softmax of its own": lambda c: (own_softmax(c), c.vectors["train"], None, c.names, {}),
    "one-hot labels": lambda c: (
        head(c, loss="categorical_crossentropy"), one_hot(c), None, c.names, {}),
    "MobileNetV2": lambda c: (
        nested(c, base=mobile(c), rows=(96, 96, 3)), pad(c), None, c.names, {}),
}  # fmt: skip


def mobile(c):
    base = c.keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(96, 96, 3)
    )
    base.trainable = False
    base.get_layer("bn_Conv1").moving_mean.assign_add(np.full(32, 0.1))  # as if it had been trained
    return base


def one_hot(c):
    return c.vectors["train"].x, np.eye(N)[c.vectors["train"].y]


def pad(c):
    x, y = c.images["train"]
    return np.pad(x, ((0, 0), (0, 25), (0, 25), (0, 0)), "edge"), y


@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm_on(name, course):
    if name == "MobileNetV2":  # its vectors are shorter
        c = SimpleNamespace(
            **vars(course)
            | {"models": SimpleNamespace(head=lambda n, k: course.models.head(1280, k))}
        )
    else:
        c = course
    model, train, validation, names, options = RIGHT[name](c)
    report = checklist.check(model, train, validation, names, **options)
    assert not report.problems
    assert "this item failed" not in repr(report)


def trapped(c):
    from helpers import weights

    pixels = c.keras.Input((SIZE, SIZE, 3))
    base = c.keras.applications.Xception(weights=str(weights.fetch()), include_top=False)(
        c.keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    )
    base.trainable = False
    return compiled(
        c.keras.Model(pixels, c.models.head(2048, N)(c.keras.layers.GlobalAveragePooling2D()(base)))
    )


def untrained(c):
    base = c.keras.applications.Xception(
        weights=None, include_top=False, input_shape=(SIZE, SIZE, 3)
    )
    base.trainable = False
    return nested(c, base=base)


def all_frozen(c, mended_in_part=False):
    """`trainable = False` on the whole model; opening the last layer alone does not help."""
    model = nested(c)
    model.trainable = False
    if mended_in_part:
        last = model.layers[-1]
        last = last.layers[-1] if hasattr(last, "layers") else last
        last.trainable = True
    return compiled(model)


def two_levels_deep(c):
    base = c.models.backbone(SIZE)
    for layer in base.layers[-6:]:
        layer.trainable = True
    layers = c.keras.layers
    body = c.keras.Sequential(
        [c.keras.Input((SIZE, SIZE, 3)), base, layers.GlobalAveragePooling2D()], name="body"
    )
    parts = [layers.Rescaling(1 / 127.5, offset=-1), body, layers.Dense(N, activation="softmax")]
    return compiled(c.keras.Sequential([c.keras.Input((SIZE, SIZE, 3)), *parts]))


def softmax_over_the_batch(c):
    vectors = c.keras.Input((2048,))
    return compiled(
        c.keras.Model(vectors, c.keras.layers.Softmax(axis=0)(c.keras.layers.Dense(N)(vectors)))
    )


class Named:
    """Batches that know their class names."""

    def __init__(self, class_names):
        self.class_names = class_names

    def __iter__(self):
        yield np.zeros((2, 2048), "float32"), np.zeros(2, int)


def scaled(c, split):
    x, y = c.images[split]
    return x / np.float32(127.5) - 1, y


def stale(c, before=True):
    model = fitted(c, tuned(c, last=6 if before else 1), c.images["train"])
    layers = model.get_layer("xception").layers
    if before:
        for layer in (
            layers
        ):  # Keras overhears `xception.trainable = False`: the model's own flag is False already
            layer.trainable = False
    else:
        layers[-3].trainable = True
    return model


def copied(c):
    (x, y), (xv, yv) = c.vectors["train"], c.vectors["validation"]
    return np.concatenate([xv, x[[3, 5]]]), np.concatenate([yv, y[[3, 5]]])


def shifted(c):
    x, y = c.vectors["train"]
    return x, y + 1


def blown(c):
    x, y = c.vectors["train"]
    return x * 255, y


def augmented(c):
    rotate = c.keras.layers.RandomRotation(0.2)
    return folder(c, "validation").map(lambda x, y: (rotate(x, training=True), y))


def spoilt(c):
    images = c.dataset.images.copy()
    images.loc[images["split"] == "validation", "digest"] = images["digest"].iloc[0]
    return data.Dataset(c.dataset.name, c.dataset.folder, images, pd.DataFrame())


def turned(c):
    x, y = c.vectors["train"]
    order = c.dataset.split("train").groupby("class_name").head(8).index
    table = c.dataset.images[c.dataset.images["split"] == "train"].reset_index(drop=True).loc[order]
    return (x, y[::-1]), data.Dataset("solar", c.dataset.folder, table, pd.DataFrame())


def predicting(c, model, wrong):
    def predict(path):
        x = data.read_image(path, SIZE).astype("float32")
        return model.predict((x / 255 if wrong else x)[None], verbose=0)[0]

    return predict


def whole_validation(c, model, wrong):
    rows = c.dataset.split("validation").groupby("class_name").head(8)
    part = data.Dataset("solar", c.dataset.folder, rows.assign(split="validation"), pd.DataFrame())
    return model, c.images["train"], c.images["validation"], c.names, {
        "dataset": part, "predict": predicting(c, model, wrong)}  # fmt: skip


H = "sparse_categorical_crossentropy"
# name -> (item, parts of the message, (model, train, validation, class_names, options))
FAULTS = {
    "another size": ("input shape", ["(71, 71, 3)", "96", "image_size"], lambda c: (
        nested(c), pad(c), None, c.names, {})),
    "grey images": ("input shape", ["rgb"], lambda c: (
        nested(c), (c.images["train"][0][..., :1], c.images["train"][1]), None, c.names, {})),
    "channels first": ("input shape", ["moveaxis"], lambda c: (
        nested(c), (np.moveaxis(c.images["train"][0], -1, 1), c.images["train"][1]), None, c.names, {})),
    "images into a head": ("input shape", ["models.classifier"], lambda c: (
        head(c), c.images["train"], None, c.names, {})),
    "two sizes": ("input shape", ["validation", "96"], lambda c: (
        nested(c, rows=(None, None, 3)), c.images["train"], pad(c), c.names, {})),
    "not scaled": ("normalization", ["0 to 255", "block1_conv1", "Rescaling"], lambda c: (
        nested(c, scale=None), c.images["train"], None, c.names, {})),
    "0 to 1": ("normalization", ["0 to 1"], lambda c: (nested(c, (255, 0)), c.images["train"], None, c.names, {})),
    "0 to 1 in the data": ("normalization", ["0 to 1"], lambda c: (
        nested(c, None), (c.images["train"][0] / np.float32(255), c.images["train"][1]), None, c.names, {})),
    "-0.5 to 0.5": ("normalization", ["narrow"], lambda c: (
        nested(c, (255, -0.5)), c.images["train"], None, c.names, {})),
    "scaled twice": ("normalization", ["twice"], lambda c: (nested(c), scaled(c, "train"), None, c.names, {})),
    "trainable on a tensor": ("freezing", ["20,806,952", "tensor", "'xception'"], lambda c: (
        trapped(c), c.images["train"], None, c.names, {})),
    "flattened, not frozen": ("freezing", ["20,806,952", "trainable = False"], lambda c: (
        flattened(c, False), c.images["train"], None, c.names, {})),
    "random weights": ("freezing", ["random", "imagenet"], lambda c: (
        untrained(c), c.images["train"], None, c.names, {})),
    "the whole model frozen": ("freezing", ["last layer", "model.trainable = True"], lambda c: (
        all_frozen(c), c.images["train"], None, c.names, {})),
    "the whole model frozen, one layer opened": ("freezing", ["last layer", "model.trainable = True"], lambda c: (
        all_frozen(c, mended_in_part=True), c.images["train"], None, c.names, {})),
    "norms move two levels deep": ("batch norm", ["get_layer('body').get_layer('xception').layers"], lambda c: (
        two_levels_deep(c), c.images["train"], None, c.names, {})),
    "softmax over the batch": ("activation", ["wrong axis"], lambda c: (
        softmax_over_the_batch(c), c.vectors["train"], None, c.names, {})),
    "validation on another scale": ("normalization", ["images of validation"], lambda c: (
        nested(c, scale=None), scaled(c, "train"), c.images["validation"], c.names, {})),
    "a class missing in validation": ("class names", ["validation.class_names lacks mono-defective", "empty folder"],
        lambda c: (head(c), c.vectors["train"], Named(c.names[1:]), c.names, {})),
    "a frozen head": ("freezing", ["last layer"], lambda c: (
        head(c, trainable=False), c.vectors["train"], None, c.names, {})),
    "norms free in an open block": ("batch norm", ["2 of 40", "block14_sepconv2_bn"], lambda c: (
        tuned(c, norms=True), c.images["train"], None, c.names, {})),
    "frozen after fit": ("compiled", ["do not train", "compile(...)"], lambda c: (
        stale(c), c.images["train"], None, c.names, {})),
    "unfrozen after fit": ("compiled", ["lacks", "should train"], lambda c: (
        stale(c, False), c.images["train"], None, c.names, {})),
    "too many units": ("units", ["7 units for 4", "'last'"], lambda c: (
        head(c, 7), c.vectors["train"], None, c.names, {})),
    "one unit for four classes": ("units", ["1 units for 4"], lambda c: (
        head(c, 1, "sigmoid", "binary_crossentropy"), c.vectors["train"], None, c.names, {})),
    "one unit for one-hot labels": ("units", ["1 units for 2"], lambda c: (
        head(c, 1, "sigmoid", "binary_crossentropy"), (two(c)[0], np.eye(2)[two(c)[1]]), None, c.names[:2], {})),
    "labels from 1 on": ("units", ["1 to 4", "y - y.min()"], lambda c: (head(c), shifted(c), None, c.names, {})),
    "softmax on one unit": ("activation", ["always 1", "sigmoid"], lambda c: (
        head(c, 1, loss="binary_crossentropy"), two(c), None, c.names[:2], {})),
    "sigmoid on four units": ("activation", ["add up to 1", "softmax"], lambda c: (
        head(c, activation="sigmoid"), c.vectors["train"], None, c.names, {})),
    "relu at the end": ("activation", ["relu"], lambda c: (
        head(c, activation="relu"), c.vectors["train"], None, c.names, {})),
    "softmax and from_logits": ("logits", ["raw scores", f'"{H}"'], lambda c: (
        head(c, loss=from_logits(c)), c.vectors["train"], None, c.names, {})),
    "scores without from_logits": ("logits", ["from_logits=True"], lambda c: (
        head(c, activation=None), c.vectors["train"], None, c.names, {})),
    "whole numbers, categorical loss": ("loss", ["whole numbers", f'"{H}"'], lambda c: (
        head(c, loss="categorical_crossentropy"), c.vectors["train"], None, c.names, {})),
    "binary loss on four units": ("loss", ["binary", '"categorical_crossentropy"'], lambda c: (
        head(c, loss="binary_crossentropy"), one_hot(c), None, c.names, {})),
    "names in another order": ("class names", ["mono-defective", "poly-functional"], lambda c: (
        head(c), c.vectors["train"], None, c.names[::-1], {"dataset": c.dataset})),
    "labels of other images": ("class names", ["of 32 labels"], lambda c: (
        head(c), turned(c)[0], None, c.names, {"dataset": turned(c)[1]})),
    "shuffled validation": ("validation", ["order", "shuffle=False"], lambda c: (
        nested(c), c.images["train"], folder(c, "validation", shuffle=True), c.names, {})),
    "augmented validation": ("validation", ["augmented"], lambda c: (
        nested(c), c.images["train"], augmented(c), c.names, {})),
    "names with braces": ("class names", ["'{a}'"], lambda c: (
        head(c), c.vectors["train"], Named(["{a}", "b", "c", "d"]), c.names, {})),
    "copies in arrays": ("two splits", ["2 images", "32, 33"], lambda c: (
        head(c), c.vectors["train"], copied(c), c.names, {})),
    "copies in files": ("two splits", ["526 images", "png"], lambda c: (
        nested(c), folder(c, "validation"), folder(c, "validation"), c.names, {})),
    "copies in a dataset": ("two splits", ["1 images"], lambda c: (
        head(c), c.vectors["train"], None, c.names, {"dataset": spoilt(c)})),
    "prediction scales again": ("prediction", ["apart", "read_image"], lambda c:
        whole_validation(c, nested(c), True)),
    "a first loss far off": ("first loss", ["ln 4 = 1.39"], lambda c: (head(c), blown(c), None, c.names, {})),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_found_and_explained(name, course):
    item, parts, build = FAULTS[name]
    model, train, validation, names, options = build(course)
    report = checklist.check(model, train, validation, names, **options)
    found = [problem for problem in report.problems if problem.name == item]
    assert found, report
    assert found[0].where and found[0].mend
    assert all(part in str(found[0]) for part in parts), found[0]
    assert "this item failed" not in repr(report)


def test_every_item_has_a_fault_that_it_must_find():
    assert {item for item, _, _ in FAULTS.values()} == set(checklist.ITEMS)


def test_prediction_through_the_same_function_is_fine(course):
    model, train, validation, names, options = whole_validation(course, nested(course), False)
    report = checklist.check(model, train, validation, names, **options)
    assert {item.name: item.status for item in report}["prediction"] == checklist.FINE


MENDED = ["trainable on a tensor", "flattened, not frozen", "norms free in an open block"]
MENDED += ["norms move two levels deep", "copies in arrays"]


@pytest.mark.parametrize("name", MENDED)
def test_the_line_that_mends_mends(name, course):
    item, _, build = FAULTS[name]
    model, train, validation, names, _ = build(course)
    place = {"model": model, "keras": course.keras, "train": train, "validation": validation}
    exec(checklist.check(model, train, validation, names).problems[0].mend, place)
    compiled(model)
    validation = tuple(place["validation"]) if place["validation"] is not None else None
    assert item not in [
        problem.name for problem in checklist.check(model, train, validation, names).problems
    ]


def test_the_model_stays_as_it_was(course):
    model = fitted(course, tuned(course, norms=True), course.images["train"])
    state = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [np.array(course.keras.ops.convert_to_numpy(one)) for one in state]
    layers = model._flatten_layers()
    flags = [(layer.trainable, set(vars(layer))) for layer in layers]
    functions = model.train_function, model.optimizer, model.loss, model.compiled
    checklist.check(model, course.images["train"], course.images["validation"], course.names)
    assert all(
        np.array_equal(old, course.keras.ops.convert_to_numpy(new))
        for old, new in zip(before, state, strict=True)
    )
    assert flags == [(layer.trainable, set(vars(layer))) for layer in layers]
    assert functions == (model.train_function, model.optimizer, model.loss, model.compiled)


def test_a_report_prints_its_problems_and_escapes_them_in_html():
    report = checklist.Report(
        [checklist.Item("units", checklist.WRONG, "7 < 8", "layer 'a'", "Dense(8)")]
    )
    assert repr(report).splitlines()[-1] == "1 wrong"
    assert "7 &lt; 8" in report._repr_html_() and "Dense(8)" in report._repr_html_()
    assert report._repr_html_().count("</tr>") == 1
    assert repr(checklist.Report()) == "no problems"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: checklist.check("model", c.vectors["train"]), "Expected a Keras model, got str"),
        (
            lambda c: checklist.check(
                c.keras.Sequential([c.keras.layers.Dense(2)]), c.vectors["train"]
            ),
            "no weights yet",
        ),
        (lambda c: checklist.check(c.backbone, c.dataset.train), "a folder came"),
        (lambda c: checklist.check(c.backbone, (np.zeros((2, 3)), [1])), "one length"),
        (lambda c: checklist.check(c.backbone, 3), "got int"),
        (lambda c: checklist.check(c.backbone, iter([])), "again and again"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message, course):
    with pytest.raises(ValueError, match=message):
        call(course)


def test_a_strange_model_does_not_hide_the_other_items(course, monkeypatch):
    monkeypatch.setitem(checklist.ITEMS, "units", (lambda case: 1 / 0, ()))
    report = checklist.check(head(course), course.vectors["train"], None, course.names)
    assert "this item failed: ZeroDivisionError" in repr(report)
    assert not report.problems


@pytest.mark.parametrize("kernels", checklist_models.FAMILIES)
def test_the_families_are_those_of_keras(kernels, course):
    name, scale = checklist_models.FAMILIES[kernels]
    members = {"Inception": "InceptionV3", "ResNet": "ResNet50", "ResNetV2": "ResNet50V2", "VGG": "VGG16",
               "DenseNet": "DenseNet121", "EfficientNet": "EfficientNetB0", "EfficientNetV2":
               "EfficientNetV2B0"}  # fmt: skip
    member = members.get(name, name)
    applications = course.keras.applications
    model = getattr(applications, member)(weights=None, include_top=False, input_shape=(96, 96, 3))
    seen = checklist_models.view(model)
    assert (seen.family, seen.scale) == (name, scale)
    module = {"Xception": "xception", "InceptionV3": "inception_v3", "MobileNet": "mobilenet", "VGG16": "vgg16",
              "MobileNetV2": "mobilenet_v2", "ResNet50V2": "resnet_v2", "ResNet50": "resnet", "DenseNet121": "densenet",
              "EfficientNetB0": "efficientnet", "EfficientNetV2B0": "efficientnet_v2"}[member]  # fmt: skip
    ends = np.stack([np.zeros((4, 4, 3), "float32"), np.full((4, 4, 3), 255, "float32")])
    values = getattr(applications, module).preprocess_input(ends)
    assert (scale or (0, 255)) == pytest.approx(
        (values.min(), values.max()), abs=0.1
    )  # None: it scales by itself
