"""Checks of lesson 04, Xception transfer learning."""

import numpy as np

from helpers.exercises import LearnerError, NotYet, array, call, choice


def _build(answer) -> str:
    from helpers.models import keras  # loads TensorFlow

    backbone = keras.Sequential(
        [keras.Input((12, 10, 3)), keras.layers.Conv2D(6, 3, activation="relu")]
    )
    try:
        model = call(answer, backbone, 5)
    except LearnerError as error:
        if "shape" not in str(error):
            raise
        raise LearnerError(
            f"Does your input have the shape backbone.input_shape[1:]? {error}"
        ) from None
    if not isinstance(model, keras.Model):
        return f"Return a keras.Model; yours returned {type(model).__name__}."
    if not _contains(model, backbone):
        return "The backbone that was handed in is not inside your model."
    if model.input_shape != (None, 12, 10, 3):
        return f"The input should be {backbone.input_shape}, as the backbone's; yours is {model.input_shape}."
    if model.output_shape != (None, 5):
        return f"The output should be (None, 5), got {model.output_shape}. Average each map first?"
    _check_trainable(backbone, model)
    images = np.random.default_rng(0).integers(0, 256, (8, 12, 10, 3)).astype("float32")
    kernel, bias = model.trainable_weights
    kernel.assign(np.random.default_rng(1).normal(size=kernel.shape))
    got = np.asarray(model(images))
    if not np.allclose(got.sum(axis=1), 1, atol=1e-4):
        return "The probabilities of an image do not add up to 1: end with softmax."
    return _scale_of(got, images, backbone, np.asarray(kernel), np.asarray(bias))


def _contains(model, backbone) -> bool:
    return any(layer is backbone for layer in model._flatten_layers())


def _check_trainable(backbone, model) -> None:
    """Raise NotYet unless just one Dense layer on the averaged maps trains: 6 x 5 + 5 parameters."""
    if backbone.trainable_weights:
        raise NotYet("The backbone still trains. Set trainable = False on it, not on its output.")
    shapes = [tuple(weight.shape) for weight in model.trainable_weights]
    if not shapes:
        raise NotYet("Nothing trains. Freeze the backbone, not the whole model.")
    if shapes != [(6, 5), (5,)]:
        raise NotYet(
            f"One Dense layer on the averaged maps should train; your trainable weights have the shapes {shapes}."
        )


def _scale_of(got, images, backbone, kernel, bias) -> str:
    """Compare the model's probabilities with those that follow from each scale."""
    scales = {
        "": images / 127.5 - 1,
        "The backbone gets 0 to 255. It expects -1 to 1: add a Rescaling layer.": images,
        "The backbone gets 0 to 1. It expects -1 to 1.": images / 255,
        "The images are scaled twice.": (images / 127.5 - 1) / 127.5 - 1,
        "The backbone gets 0 to 2. The offset of -1 is missing.": images / 127.5,
    }
    for why, scaled in scales.items():
        logits = np.asarray(backbone(scaled)).mean(axis=(1, 2)) @ kernel + bias
        expected = np.exp(logits - logits.max(axis=1, keepdims=True))
        if np.allclose(got, expected / expected.sum(axis=1, keepdims=True), atol=1e-3):
            return why
    return "The parts are there, but the output is not softmax of Dense of the mean of each map."


BUGS = {"Ann": "c", "Ben": "d", "Cem": "a", "Dea": "b"}
WHY = {
    "Ann": "All 21 million parameters train, although somebody set trainable: on what?",
    "Ben": "All predictions equal and unsure: which line of the scale experiment looked like that?",
    "Cem": "All predictions equal and very sure: which line of the scale experiment looked like that?",
    "Dea": "Its label is one integer, its output four probabilities. Which loss wants them alike?",
}


def _bugs(answer) -> str:
    letters = "".join(answer) if isinstance(answer, list | tuple) else answer
    if not isinstance(letters, str):
        return f'Expected four letters as text, such as "abcd", got {type(answer).__name__}.'
    letters = [letter for letter in letters.lower() if letter.isalpha()]
    if len(letters) != 4 or set(letters) - set("abcd"):
        return f'Expected four letters from a to d, such as "abcd", got {answer!r}.'
    for letter, (name, bug) in zip(letters, BUGS.items(), strict=True):
        if letter != bug:
            return f"{name}: {WHY[name]}"
    return ""


def _three_numbers(answer) -> str:
    slips = {
        "Recall and precision are swapped: recall counts among the broken, precision among the called.": (
            0.94,
            0.75,
            0.6,
        ),
        "As shares, please, not in percent.": (94, 60, 75),
        "The 40 it missed are mistakes, but so are the 20 false alarms.": (0.96, 0.6, 0.75),
        "The 20 false alarms are mistakes, but so are the 40 it missed.": (0.98, 0.6, 0.75),
        "0.9 is what 'always functional' scores. The inspector does a little better.": (
            0.9,
            0.6,
            0.75,
        ),
        "Precision: 60 of the 80 it called broken.": (0.94, 0.6, 0.6),
    }
    return array(answer, (0.94, 0.6, 0.75), slips)


def _vote(answer) -> str:
    rng = np.random.default_rng(3)
    similarity, labels = rng.random((40, 60)), rng.integers(0, 4, 60)
    kept = similarity.copy()
    for k in (1, 7):
        got = np.asarray(call(answer, similarity, labels, k))
        if not np.array_equal(similarity, kept):
            return "Your function changed the similarities that were handed in. Work on a copy."
        near = np.argsort(-similarity, axis=1)[:, :k]
        far = np.argsort(similarity, axis=1)[:, :k]
        slips = {
            "Those are votes of the least similar images: sort the other way round.": far,
            "You leave out the most similar image: positions start at 0.": np.argsort(
                -similarity, axis=1
            )[:, 1 : k + 1],
        }
        slips = {why: _most_frequent(labels[rows]) for why, rows in slips.items()}
        slips["Those are positions of training images: look up their labels."] = near[:, 0]
        slips["k is not used: that is always the single nearest one."] = labels[
            np.argmax(similarity, axis=1)
        ]
        why = array(got, _most_frequent(labels[near]), slips)
        if why:
            return f"For k = {k}: {why}"
    return ""


def _most_frequent(rows) -> np.ndarray:
    return np.array([np.bincount(row).argmax() for row in rows])


def _more_neighbours(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "Look at the second number of each rung: broken cells found.",
            "c": "Compare k = 1 with k = 45: would chance do that to 165 broken cells?",
            "d": "Other way round: how many broken cells did 45 neighbours find?",
        },
    )


CHECKS = {
    "04.1": _build,
    "04.2": _bugs,
    "04.3": _three_numbers,
    "04.4": _vote,
    "04.5": _more_neighbours,
}
