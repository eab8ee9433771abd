"""What lesson 09 stands on: the tail shares the backbone's layers, and frozen BatchNorm stands still under fit."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers import models
from helpers.models import keras

SIZE = 71
PIXELS = np.random.default_rng(0).uniform(-1, 1, (16, SIZE, SIZE, 3)).astype("float32")


@pytest.fixture(scope="module")
def maps():
    """What real weights make of the pixels, up to block 13."""
    return models.backbone(SIZE, "block13").predict(PIXELS, verbose=0)


def tail_of(backbone):
    """Block 14 as a model of its own."""
    return keras.Model(backbone.get_layer("block14_sepconv1").input, backbone.output)


def trained(tail, maps, freeze_norms):
    """Fit tail and a new head on the maps for two steps; how far the moving statistics went."""
    norms = [one for one in tail.layers if isinstance(one, keras.layers.BatchNormalization)]
    for layer in tail.layers:
        layer.trainable = not (freeze_norms and layer in norms)
    inputs = keras.Input(tail.input_shape[1:])
    vector = keras.layers.GlobalAveragePooling2D()(tail(inputs, training=False))
    model = keras.Model(inputs, models.head(2048, 2)(vector))
    model.compile("adam", "sparse_categorical_crossentropy")
    before = [values for layer in norms for values in layer.get_weights()[2:]]
    model.fit(maps, np.arange(16) % 2, batch_size=8, verbose=0)
    after = [values for layer in norms for values in layer.get_weights()[2:]]
    return max(np.abs(new - old).max() for old, new in zip(before, after, strict=True))


@pytest.fixture(scope="module")
def tuned(maps):
    """A backbone whose tail was trained with frozen norms, and what was so before."""
    backbone = models.backbone(SIZE)
    tail = tail_of(backbone)
    kernel = tail.get_layer("block14_sepconv2").get_weights()[1]
    before = backbone.predict(PIXELS, verbose=0)
    assert np.allclose(tail.predict(maps, verbose=0), before, atol=1e-4)
    moved = trained(tail, maps, freeze_norms=True)
    return SimpleNamespace(backbone=backbone, tail=tail, kernel=kernel, before=before, moved=moved)


def test_frozen_batchnorm_layers_stand_still_while_the_rest_learns(tuned):
    assert tuned.moved == 0.0
    kernel = tuned.tail.get_layer("block14_sepconv2").get_weights()[1]
    assert np.abs(kernel - tuned.kernel).max() > 0
    assert sum(int(np.prod(one.shape)) for one in tuned.tail.trainable_weights) == 4_741_632


def test_what_trains_in_the_tail_trains_in_the_backbone(tuned, maps):
    after = tuned.backbone.predict(PIXELS, verbose=0)
    assert np.abs(after - tuned.before).max() > 1e-3
    assert np.allclose(tuned.tail.predict(maps, verbose=0), after, atol=1e-3)


def test_true_set_on_a_model_that_says_true_is_not_passed_on():
    tail = tail_of(models.backbone(SIZE))
    tail.trainable = True
    assert tail.trainable_weights == [], "lesson 09 shows this trap: has Keras mended it?"


@pytest.mark.skipif(
    keras.__version__ not in ("3.13.2", "3.15.1"), reason="measured on 3.13.2 and 3.15.1 only"
)
def test_training_false_alone_does_not_hold_them_in_the_versions_that_the_lesson_names(maps):
    assert trained(tail_of(models.backbone(SIZE)), maps, freeze_norms=False) > 0
