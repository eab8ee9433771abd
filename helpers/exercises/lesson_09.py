"""Checks of lesson 09, fine-tuning."""

import numpy as np

from helpers.exercises import call, choice, number


def _tail_parameters(answer) -> str:
    return number(
        answer,
        4_741_632,
        {
            4_748_800: "The BatchNorm layers are frozen: their scales and shifts do not train.",
            4_755_968: "The BatchNorm layers are frozen: their numbers do not count.",
            4_718_592: "Those are the 1 x 1 convolutions. The 3 x 3 kernels are missing, one for each input channel.",
            23_040: "Those are the 3 x 3 kernels. The 1 x 1 convolutions that mix the channels are missing.",
            42_467_328: "That is for ordinary convolutions. A separable one mixes channels with 1 x 1 kernels only.",
            4_745_216: "There is no bias here.",
            1_582_080: "That is the first of the two.",
            3_159_552: "That is the second of the two.",
            4_750_848: "The 3 x 3 kernels belong to the channels that come in, not to those that go out.",
        },
        tolerance=1e-9,
    )


def _megabytes(answer) -> str:
    return number(
        answer,
        409.6,
        {
            819.2: "That is for 32-bit floats. Sixteen bits are two bytes.",
            204.8: "A 16-bit float takes two bytes, not one.",
            409_600_000: "In millions of bytes, please.",
            0.4096: "That is in gigabytes. In megabytes, please.",
            0.2048: "That is for one image.",
            102.4: "That is for the 5 x 5 maps of 150 px.",
            390.625: "A megabyte is a million bytes here, not 1,024 x 1,024.",
            3276.8: "Sixteen bits are two bytes: divide by 8.",
        },
        tolerance=1e-4,
    )


def _moving_mean(answer) -> str:
    rng = np.random.default_rng()
    for steps in (1, 2, 250, 0):
        start, batch = (
            float(rng.uniform(1, 2)),
            float(rng.uniform(6, 9)),
        )  # far apart: the slips differ
        kept = 0.99**steps
        slips = {
            0.01**steps * start
            + (1 - 0.01**steps) * batch: "99 % of the old mean is kept, not 1 %.",
            start
            + steps
            * 0.01
            * (batch - start): "Each step starts from the mean after the step before.",
            0.99 * start + 0.01 * batch: f"That is after one step; {steps} were asked for.",
            start: f"Your mean does not move in {steps} steps.",
            0.99 ** (steps + 1) * start
            + (1 - 0.99 ** (steps + 1)) * batch: "That is one step too many.",
            batch: "That is the batch's mean: the moving mean gets there only slowly.",
        }
        if why := number(
            call(answer, start, batch, steps),
            kept * start + (1 - kept) * batch,
            slips,
            tolerance=1e-6,
        ):
            return why
    return ""


def _prepare(answer) -> str:
    from helpers.models import keras

    for frozen in (True, False):
        model = _small_model(keras)
        for layer in model.layers:
            layer.trainable = not frozen
        count = call(answer, model)
        norms = [
            layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
        ]
        others = [layer for layer in model.layers if layer.weights and layer not in norms]
        if any(layer.trainable for layer in norms):
            return "A BatchNormalization layer may still train. Set its `trainable` to False."
        if not all(layer.trainable for layer in others):
            return "Some other layers are still frozen. Set each layer's `trainable`, one by one."
        if not model.trainable_weights:
            return "The layers are right, but the model as a whole is frozen: set model.trainable to True first."
        if why := number(
            count, len(norms), {len(others): "Return how many BatchNormalization layers there are."}
        ):
            return why
    return ""


def _small_model(keras):
    layers = [keras.Input((8, 8, 3))]
    for _ in range(3):
        layers += [
            keras.layers.Conv2D(4, 1),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])


def _unchanged(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "A small rate makes small changes, not none at all.",
            "c": "Frozen BatchNorm layers leave the convolutions free to change.",
            "d": "Even near the best weights a step changes the last digits.",
        },
    )


CHECKS = {
    "09.1": _tail_parameters,
    "09.2": _megabytes,
    "09.3": _moving_mean,
    "09.4": _prepare,
    "09.5": _unchanged,
}
