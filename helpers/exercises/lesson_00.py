"""Answer checks of lesson 00."""

import numpy as np

from helpers.exercises import array, call, choice, number


def _slopes_by_hand(answer) -> str:
    p = np.array([0.2, 0.5, 0.3])
    slips = {
        "All three signs are turned round: the slope is p - y, not y - p.": [-0.2, -0.5, 0.7],
        "This is p itself. Take y away: 1 for the true class, 0 for the others.": p,
        "This is y, the truth. The slope is p - y.": [0, 0, 1],
        "Here the second class is the true one; it is the third. (Python counts from 0.)": p
        - [0, 1, 0],
        "Here the first class is the true one; it is the third.": p - [1, 0, 0],
        "The slopes of the wrong classes are not 0: they take probability away.": [0, 0, -0.7],
        "These are sizes without a sign. A slope below 0 says: raise this score.": [0.2, 0.5, 0.7],
        "This is the loss of each probability. Asked for is the slope for each score, p - y.": -np.log(
            p
        ),
        "This is the slope of the loss for the probability. Asked for is the slope for each score, p - y.": [
            0,
            0,
            -1 / 0.3,
        ],
        "The p given are probabilities already: no softmax here.": np.exp(p) / np.exp(p).sum()
        - [0, 0, 1],
    }
    return array(answer, p - [0, 0, 1], slips)


def _loss_at_the_start(answer) -> str:
    slips = {
        1 / 8: "This is the probability of each class. The loss is -log of it.",
        7 / 8: "This is 1 - p. The loss is -log p.",
        3: "That is the logarithm to base 2. The loss takes the natural one: np.log.",
        np.log10(8): "That is the logarithm to base 10. The loss takes the natural one: np.log.",
        -np.log(
            8
        ): "The logarithm of a number below 1 is negative; the minus in -log p turns the sign round.",
        -np.log(7 / 8): "This is -log(1 - p). The loss is -log p, with p of the true class.",
        np.log(4): "This is the start for four classes; the exercise has eight.",
        8 * np.log(8): "This adds the loss up over all classes. Only the true class counts.",
        np.log(8)
        / 8: "This divides by the number of classes. The loss of an image is -log p of its true class alone.",
        8: "That is the number of classes. The loss is -log p of the true class.",
        2.1: "Nearly, but rounded too far: give three digits.",
        2.07: "Nearly, but the last digit is cut off, not rounded.",
        0: "A loss of 0 would mean that the true class has probability 1. Scores of 0 make all classes equal.",
    }
    return number(answer, np.log(8), slips)


def _numbers_to_learn(answer) -> str:
    values = 150 * 150 * 3
    slips = {
        values * 10: "These are the weights. Each class has a bias too.",
        values * 10 + 1: "Each of the 10 classes has a bias of its own.",
        values + 1: "This is one class. There are 10, each with its own weights.",
        values: "This is the number of values in the image. Each class has a weight for each of them, and a bias.",
        150 * 150 * 10
        + 10: "This is right for grey images. A colour image has three values for each pixel.",
        150
        * 150
        * 10: "This is for grey images, without the biases. Colour has three values for each pixel.",
        values * 10 + values: "One bias for each class, not for each value of the image.",
        values * 10 + 30: "One bias for each class, not for each class and channel.",
        values + 10: "Each class has weights of its own, not only a bias of its own.",
        150 * 3 * 10 + 10: "An image has 150 x 150 pixels, not 150.",
    }
    return number(answer, values * 10 + 10, slips, tolerance=1e-9)


def _sigmoid_gradient(answer) -> str:
    rng = np.random.default_rng()
    for n_images, n_features in ((7, 4), (5, 9)):
        x, y = rng.normal(size=(n_images, n_features)), rng.integers(0, 2, n_images)
        y[:2] = 0, 1
        weights, bias = rng.normal(size=n_features), 1.5
        given = call(answer, x.copy(), y.copy(), weights.copy(), bias)
        if isinstance(given, tuple) and len(given) == 2:
            return "These are two results. Return the gradient of the weights only, not that of the bias."
        scores = x @ weights + bias
        p = 1 / (1 + np.exp(-scores))
        softmax = np.exp(scores) / np.exp(scores).sum()
        without_bias = 1 / (1 + np.exp(-x @ weights))
        right = x.T @ (p - y) / n_images
        slips = {
            "This is the sum over the images. Divide by their number for the mean.": right
            * n_images,
            "The sign is turned round: p - y, not y - p.": -right,
            "Sign turned round, and no mean: p - y, divided by the number of images.": -right
            * n_images,
            "The sigmoid is missing: p is a probability, not the score.": x.T
            @ (scores - y)
            / n_images,
            "The minus inside exp is missing: p = 1 / (1 + exp(-score)).": x.T
            @ (1 - p - y)
            / n_images,
            "This is a softmax over the images. Each image has its own sigmoid.": x.T
            @ (softmax - y)
            / n_images,
            "The bias is missing from the score.": x.T @ (without_bias - y) / n_images,
            "p (1 - p) belongs to another loss, the squared error.": x.T
            @ ((p - y) * p * (1 - p))
            / n_images,
            "Divided by the number of features. The mean is over the images: divide by len(x).": (
                x.T @ (p - y) / n_features
            ),
            "This is the slope for each score, p - y. Go on to the weights: multiply by x and take the mean.": p
            - y,
            "The mean is over the wrong axis: over the images, so that one number a feature is left.": (
                (x * (p - y)[:, None]).mean(axis=1)
            ),
            "This is one row for each image. Take the mean over the images.": x * (p - y)[:, None],
            "This is the gradient of the bias. That of the weights has one number a feature.": (
                p - y
            ).mean(),
            "These are the probabilities. The gradient of a weight is the mean of x times (p - y).": p,
            "x.T @ p leaves the truth out: p - y.": x.T @ p / n_images,
        }
        why = array(given, right, slips)
        if why:
            return why
    return ""


def _own_order(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "That holds for one order for all images, when the weights can move along. "
            "Here a weight meets another pixel in each image.",
            "c": "More variety helps only if what tells the classes apart stays. "
            "For a dense layer that is the place, and it is gone.",
        },
    )


CHECKS = {
    "00.1": _slopes_by_hand,
    "00.2": _loss_at_the_start,
    "00.3": _numbers_to_learn,
    "00.4": _sigmoid_gradient,
    "00.5": _own_order,
}
