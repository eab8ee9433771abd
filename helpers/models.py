"""Keras models: the frozen Xception backbone, heads on its features, both together for images."""

import contextlib
import os
import random
import warnings

import numpy as np

from helpers import weights

MIN_SIZE = 71


@contextlib.contextmanager
def _quiet():
    """Drop TensorFlow's start-up lines: its C++ writes to file descriptor 2 whatever is set."""
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


with _quiet():
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # says its lines now, not in a lesson


def backbone(size: int = 150, layer: str | None = None) -> keras.Model:
    """Build Xception without its top, with the ImageNet weights, frozen.

    size : pixels of the square input, 71 or more.
    layer : where to stop: a layer of a block by its name, or a whole block, "block1" to "block13";
        None for the last layer.
    Input (batch, size, size, 3), float32, scaled to -1..1; output (batch, h, w, channels), float32:
    at 150 px 5x5x2048, after block13 5x5x1024. Raises ValueError for a size or layer that Xception
    does not have, and OSError if the weights cannot be had.
    Source: Chollet 2017, arXiv:1610.02357.
    """
    if size < MIN_SIZE:
        raise ValueError(f"Xception needs images of at least {MIN_SIZE} px, not {size}.")
    _silence_false_alarms()
    path = weights.fetch()
    try:
        model = keras.applications.Xception(
            weights=path, include_top=False, input_shape=(size, size, 3), name="xception"
        )
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        advice = "Delete it (or name another in COURSE_WEIGHTS) and run this again."
        raise OSError(f"{path} is damaged or not Xception's: {reason} {advice}") from None
    if layer is not None:
        model = keras.Model(model.input, _output_of(model, layer), name="xception")
    model.trainable = False
    return model


def _output_of(model: keras.Model, layer: str):
    """The output of a layer, or of a whole block: what the first layer of the next block takes."""
    layers = {one.name: one for one in model.layers if one.name.startswith("block")}
    for number in range(1, 14):
        if layer == f"block{number}":
            first = next(name for name in layers if name.startswith(f"block{number + 1}_"))
            return layers[first].input
    if layer not in layers:
        others = ", ".join(layers)
        raise ValueError(f"Xception has no layer {layer!r}, but block1 to block13, and {others}.")
    return layers[layer].output


def head(
    n_features: int, n_classes: int, units: int = 0, dropout: float = 0.0, seed: int = 0
) -> keras.Model:
    """Build a head: features -> [Dense(units, relu)] -> [Dropout] -> Dense(n_classes, softmax).

    Input (batch, n_features), output (batch, n_classes) probabilities, float32. `units` 0 means no
    hidden layer. The same seed gives the same initial weights and the same dropout. It seeds
    TensorFlow and Keras; Python's and NumPy's random numbers go on as if nothing had happened.
    """
    _silence_false_alarms()
    python, numpy = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)  # seeds these two as well, so they are put back below
    layers = [keras.Input((n_features,), name="features")]
    if units:
        layers.append(keras.layers.Dense(units, activation="relu", name="inner"))
    if dropout:
        layers.append(keras.layers.Dropout(dropout, seed=seed))
    layers.append(keras.layers.Dense(n_classes, activation="softmax", name="output"))
    model = keras.Sequential(layers, name="head")
    random.setstate(python)
    np.random.set_state(numpy)
    return model


def _silence_false_alarms() -> None:
    """Warnings that say nothing in this course, where many small models predict once each."""
    tf.get_logger().setLevel("ERROR")  # else it warns of retracing
    # Keras says this of every fit() on a tf.data.Dataset, whatever was passed
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed")


def extractor(backbone: keras.Model, pooled: bool = True) -> keras.Model:
    """Join scaling and backbone: images, 0..255 -> maps or, pooled, the mean of each channel.

    Input (batch, size, size, 3); output (batch, h, w, channels) or (batch, channels), float32.
    """
    images = keras.Input(backbone.input_shape[1:], name="images")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    output = backbone(scaled, training=False)
    if pooled:
        output = keras.layers.GlobalAveragePooling2D()(output)
    return keras.Model(images, output)


def classifier(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Join backbone and head into one model for images.

    Input (batch, size, size, 3), values 0..255 as `data.read_image` gives them; output the head's
    probabilities. Scaling to -1..1 is a layer of the model, so nobody can forget it.
    """
    vectors = extractor(backbone)
    return keras.Model(vectors.input, head(vectors.output), name="classifier")
