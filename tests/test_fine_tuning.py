"""What lesson 09 stands on: the tail shares the backbone's layers, and frozen BatchNorm stands still under fit."""

import numpy as np
import pytest

from helpers import models
from helpers.models import keras

SIZE = 71


@pytest.fixture
def parts():
    """A backbone, its block 14 as a model of its own, and maps that real weights gave."""
    backbone = models.backbone(SIZE)
    tail = keras.Model(backbone.get_layer("block14_sepconv1").input, backbone.output)
    pixels = np.random.default_rng(0).uniform(-1, 1, (16, SIZE, SIZE, 3)).astype("float32")
    maps = models.backbone(SIZE, "block13").predict(pixels, verbose=0)
    return backbone, tail, pixels, maps


def norms(tail):
    return [layer for layer in tail.layers if isinstance(layer, keras.layers.BatchNormalization)]


def statistics(tail):
    return np.concatenate([values for layer in norms(tail) for values in layer.get_weights()[2:]])


def trained(tail, maps, freeze_norms):
    """Fit tail and a new head on the maps for two steps; how far the moving statistics went."""
    for layer in tail.layers:
        layer.trainable = not (freeze_norms and isinstance(layer, keras.layers.BatchNormalization))
    inputs = keras.Input(tail.input_shape[1:])
    vector = keras.layers.GlobalAveragePooling2D()(tail(inputs, training=False))
    model = keras.Model(inputs, models.head(2048, 2)(vector))
    model.compile("adam", "sparse_categorical_crossentropy")
    before = statistics(tail)
    model.fit(maps, np.arange(16) % 2, batch_size=8, verbose=0)
    return np.abs(statistics(tail) - before).max()


def test_frozen_batchnorm_layers_stand_still_while_the_rest_learns(parts):
    _, tail, _, maps = parts
    before = tail.get_layer("block14_sepconv2").get_weights()[1]
    assert trained(tail, maps, freeze_norms=True) == 0.0
    assert np.abs(tail.get_layer("block14_sepconv2").get_weights()[1] - before).max() > 0
    assert sum(int(np.prod(weight.shape)) for weight in tail.trainable_weights) == 4_741_632


@pytest.mark.skipif(
    keras.__version__ not in ("3.13.2", "3.15.1"), reason="measured on 3.13.2 and 3.15.1 only"
)
def test_training_false_alone_does_not_hold_them_in_the_versions_that_the_lesson_names(parts):
    _, tail, _, maps = parts
    assert trained(tail, maps, freeze_norms=False) > 0


def test_what_trains_in_the_tail_trains_in_the_backbone(parts):
    backbone, tail, pixels, maps = parts
    before = backbone.predict(pixels, verbose=0)
    assert np.allclose(tail.predict(maps, verbose=0), before, atol=1e-4)
    trained(tail, maps, freeze_norms=True)
    after = backbone.predict(pixels, verbose=0)
    assert np.abs(after - before).max() > 1e-3
    assert np.allclose(tail.predict(maps, verbose=0), after, atol=1e-3)


def test_true_set_on_a_model_that_says_true_is_not_passed_on(parts):
    _, tail, _, _ = parts
    tail.trainable = True
    assert tail.trainable_weights == [], (
        "lesson 09 shows this trap; if Keras has mended it, the lesson can lose it"
    )


def test_the_tails_weights_make_a_new_backbone_the_same(parts, tmp_path):
    backbone, tail, pixels, maps = parts
    trained(tail, maps, freeze_norms=True)
    tail.save_weights(tmp_path / "block14.weights.h5")
    new = models.backbone(SIZE)
    keras.Model(new.get_layer("block14_sepconv1").input, new.output).load_weights(
        tmp_path / "block14.weights.h5"
    )
    assert np.allclose(
        new.predict(pixels, verbose=0), backbone.predict(pixels, verbose=0), atol=1e-6
    )
