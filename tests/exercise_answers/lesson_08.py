"""Wrong answers to lesson 08, each with a part of the message meant for it."""

import numpy as np


def in_place(images, rng):
    chosen = rng.random(len(images)) < 0.5
    images[chosen] = images[chosen][:, :, ::-1].copy()
    return images


def along(axis):
    def mirror_some(images, rng):
        result, chosen = images.copy(), rng.random(len(images)) < 0.5
        result[chosen] = np.flip(images, axis)[chosen]
        return result

    return mirror_some


def rarely(images, rng):
    result, chosen = images.copy(), rng.random(len(images)) < 0.03
    chosen[:2] = True, False
    result[chosen] = images[chosen][:, :, ::-1]
    return result


def own_dice(images, rng):
    return along(2)(images, np.random.default_rng())


def same_dice(images, rng):
    return along(2)(images, np.random.default_rng(7))


def noise(images, rng):
    return rng.integers(0, 255, images.shape, dtype="uint8")


WRONG = [
    ("08.1", None, "not answered"),
    ("08.1", 0, "dropped unit"),
    ("08.1", 3.0, "comes in"),
    ("08.1", 2.4, "divide by it"),
    ("08.1", 15, "1 - rate"),
    ("08.1", 3.6, "quarter more"),
    ("08.1", 0.6, "multiplied by the rate"),
    ("08.1", 3.7, "not it"),
    ("08.2", None, "not answered"),
    ("08.2", 0, "not it"),
    ("08.2", 1.8, "same amount"),
    ("08.2", 1.0, "L2 in Adam"),
    ("08.2", 0.7354, "weight decay is missing"),
    ("08.2", 1.9998, "one step"),
    ("08.2", 0.9048, "factor"),
    ("08.2", "1,810", "expected a number"),
    ("08.3", None, "not answered"),
    ("08.3", lambda images, rng: None, "returns nothing"),
    ("08.3", lambda images, rng: np.zeros_like(images), "neither"),
    ("08.3", noise, "neither"),
    ("08.3", lambda images, rng: images[:, :, ::-1], "all images are mirrored"),
    ("08.3", lambda images, rng: images.copy(), "as they were"),
    ("08.3", along(1), "upside down"),
    ("08.3", along(3), "colours"),
    ("08.3", along(0), "order of the images"),
    ("08.3", in_place, "changed the array"),
    ("08.3", rarely, "about 32"),
    ("08.3", own_dice, "the same rng"),
    ("08.3", same_dice, "another rng"),
    ("08.3", lambda images, rng: along(2)(images, rng) / 255, "float64"),
    ("08.3", lambda images, rng: along(2)(images, rng)[0], "shape"),
    ("08.3", lambda images: images, "TypeError"),
    ("08.3", np.zeros(3), "expected a function"),
    ("08.4", None, "not answered"),
    ("08.4", 0, "not it"),
    ("08.4", 0.35, "twice"),
    ("08.4", 0.698, "none does"),
    ("08.4", 0.05, "one remedy"),
    ("08.4", 30.17, "percent"),
    ("08.4", 0.00714, "Bonferroni"),
    ("08.5", None, "not answered"),
    ("08.5", "a", "same digit"),
    ("08.5", "c", "ink"),
    ("08.5", "d", "larger"),
    ("08.5", 2, "expected one of the letters"),
]
