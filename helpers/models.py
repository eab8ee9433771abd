"""Keras models: the frozen Xception backbone, heads on its features, and both together for raw pictures."""

import contextlib
import os
import sys
import warnings

from helpers import weights


@contextlib.contextmanager
def _quiet():
    """Send file descriptor 2 to nowhere: TensorFlow's C++ start-up lines heed no setting."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _quiet():
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # says its lines now, not in a lesson
tf.get_logger().setLevel("ERROR")  # a model predicts once here and there: warnings of retracing only confuse

# Keras says this of every fit() on a tf.data.Dataset, whatever was passed
warnings.filterwarnings("ignore", message="`shuffle=True` was passed")

MIN_SIZE = 71


def backbone(size: int = 150, layer: str | None = None) -> keras.Model:
    """Build Xception without its top, with the ImageNet weights, frozen.

    size : pixels of the square input, 71 or more.
    layer : where to stop: a layer by its name, or a whole block, "block1" to "block13"; None for the last layer.
    Input (batch, size, size, 3), float32, scaled to -1..1; output (batch, h, w, channels), float32: at 150 px
    5x5x2048, after block13 5x5x1024. Raises ValueError for a size or layer that Xception does not have.
    Source: Chollet 2017, arXiv:1610.02357.
    """
    if size < MIN_SIZE:
        raise ValueError(f"Xception needs pictures of at least {MIN_SIZE} px, not {size}.")
    path = str(weights.fetch())
    model = keras.applications.Xception(weights=path, include_top=False, input_shape=(size, size, 3), name="xception")
    if layer is not None:
        model = keras.Model(model.input, _output_of(model, layer), name="xception")
    model.trainable = False
    return model


def _output_of(model: keras.Model, layer: str):
    """The output of a layer or of a whole block. Most blocks end in an "add_3", a name that changes from run to run."""
    layers = {one.name: one for one in model.layers if one.name.startswith("block")}
    if layer in layers:
        return layers[layer].output
    for number in range(1, 14):
        if layer == f"block{number}":  # what a block gives is what the next block's first layer takes
            return next(one for name, one in layers.items() if name.startswith(f"block{number + 1}_")).input
    raise ValueError(
        f"Xception has no layer {layer!r} to stop at. It has: {', '.join(layers)}; and whole blocks: block1 to block13."
    )


def head(n_features: int, n_classes: int, units: int = 0, dropout: float = 0.0, seed: int = 0) -> keras.Model:
    """Build a head: features -> [Dense(units, relu)] -> [Dropout] -> Dense(n_classes, softmax).

    Input (batch, n_features), output (batch, n_classes) probabilities, float32. `units` 0 means a direct head.
    The same seed gives the same initial weights and the same dropout: it sets the state of all of Keras' random
    numbers, NumPy's and Python's too.
    """
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((n_features,), name="features")]
    if units:
        layers.append(keras.layers.Dense(units, activation="relu", name="inner"))
    if dropout:
        layers.append(keras.layers.Dropout(dropout, seed=seed))
    layers.append(keras.layers.Dense(n_classes, activation="softmax", name="output"))
    return keras.Sequential(layers, name="head")


def classifier(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Join backbone and head into one model for raw pictures.

    Input (batch, size, size, 3), values 0..255 as `data.read_picture` gives them; output the head's probabilities.
    Scaling to -1..1 is a layer of the model, so nobody can forget it.
    """
    vectors = extractor(backbone)
    return keras.Model(vectors.input, head(vectors.output), name="classifier")


def extractor(backbone: keras.Model, pooled: bool = True) -> keras.Model:
    """What `classifier` does before its head: raw pictures -> maps or, pooled, vectors."""
    pictures = keras.Input(backbone.input_shape[1:], name="pictures")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pictures)
    feature_map = backbone(scaled, training=False)
    return keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(feature_map) if pooled else feature_map)
