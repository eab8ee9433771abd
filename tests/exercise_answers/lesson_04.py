"""Wrong answers to lesson 04, each with a part of the message meant for it."""

import numpy as np

from helpers.models import keras


def built(freeze="backbone", scale=(1 / 127.5, -1), pool=True, activation="softmax", hidden=0):
    """A `build` with one thing wrong."""

    def build(backbone, n_classes):
        images = keras.Input(backbone.input_shape[1:])
        x = keras.layers.Rescaling(*scale)(images)
        maps = backbone(x, training=False)
        if freeze == "output":
            maps.trainable = False
        x = (keras.layers.GlobalAveragePooling2D() if pool else keras.layers.Flatten())(maps)
        if hidden:
            x = keras.layers.Dense(hidden, activation="relu")(x)
        model = keras.Model(images, keras.layers.Dense(n_classes, activation=activation)(x))
        if freeze == "backbone":
            backbone.trainable = False
        elif freeze == "all":
            model.trainable = False
        return model

    return build


def without_backbone(backbone, n_classes):
    backbone.trainable = False
    layers = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(n_classes, "softmax")]
    return keras.Sequential([keras.Input(backbone.input_shape[1:]), *layers])


def of_another_size(backbone, n_classes):
    backbone.trainable = False
    images = keras.Input((150, 150, 3))
    return keras.Model(images, backbone(images))


def vote(similarity, labels, k):
    nearest = np.argsort(-similarity, axis=1)[:, :k]
    return np.array([np.bincount(row).argmax() for row in labels[nearest]])


def in_place(similarity, labels, k):
    similarity *= -1
    return vote(-similarity, labels, k)


WRONG = [
    ("04.1", None, "not answered"),
    ("04.1", lambda backbone, n_classes: None, "returns nothing"),
    ("04.1", lambda backbone, n_classes: backbone.output, "keras.Model"),
    ("04.1", without_backbone, "not inside"),
    ("04.1", of_another_size, "backbone.input_shape"),
    ("04.1", lambda backbone, n_classes: backbone, "(None, 5)"),
    ("04.1", built(freeze="output"), "still trains"),
    ("04.1", built(freeze="nothing"), "still trains"),
    ("04.1", built(freeze="all"), "nothing trains"),
    ("04.1", built(hidden=4), "One Dense layer"),
    ("04.1", built(pool=False), "averaged maps"),
    ("04.1", built(activation=None), "add up to 1"),
    ("04.1", built(scale=(1, 0)), "0 to 255"),
    ("04.1", built(scale=(1 / 255, 0)), "0 to 1"),
    ("04.1", built(scale=(1 / 127.5, 0)), "0 to 2"),
    ("04.1", built(scale=(1 / 127.5**2, -1 / 127.5 - 1)), "twice"),
    ("04.2", None, "not answered"),
    ("04.2", "abcd", "Ann"),
    ("04.2", "cbad", "Ben"),
    ("04.2", "cdba", "Cem"),
    ("04.2", "cda", "four letters"),
    ("04.2", 4, "as text"),
    ("04.3", None, "not answered"),
    ("04.3", (0.94, 0.75, 0.6), "swapped"),
    ("04.3", (94, 60, 75), "percent"),
    ("04.3", (0.96, 0.6, 0.75), "false alarms"),
    ("04.3", (0.9, 0.6, 0.75), "always functional"),
    ("04.3", (0.94, 0.6), "shape"),
    ("04.4", None, "not answered"),
    ("04.4", lambda similarity, labels, k: None, "returns nothing"),
    ("04.4", lambda similarity, labels, k: vote(-similarity, labels, k), "other way"),
    ("04.4", lambda similarity, labels, k: vote(similarity, labels, 1), "k is not used"),
    ("04.4", lambda similarity, labels, k: np.argmax(similarity, axis=1), "positions"),
    ("04.4", in_place, "changed the similarities"),
    ("04.5", None, "not answered"),
    ("04.5", "a", "broken cells found"),
    ("04.5", "c", "chance"),
    ("04.5", "d", "other way"),
    ("04.5", 2, "letters"),
]
