"""Wrong answers to lesson 06, each with a part of the message meant for it."""

import math


def wave(done):
    return (1 + math.cos(math.pi * done)) / 2


def schedule(rise, fall):
    """A wrong schedule out of a rise and a fall: functions of (step, steps, warmup, peak)."""
    return lambda step, steps, warmup, peak: (rise if step < warmup else fall)(
        step, steps, warmup, peak
    )


def rise(step, steps, warmup, peak):
    return peak * step / warmup


def fall(step, steps, warmup, peak):
    return peak * wave((step - warmup) / (steps - warmup))


def misspelt(step, steps, warmup, peak):
    return peek * step / warmup  # noqa: F821


def done(step, steps, warmup):
    return (step - warmup) / (steps - warmup)


WRONG = [
    ("06.1", None, "not answered"),
    ("06.1", 0, "not it"),
    ("06.1", 0.8, "one step"),
    ("06.1", -0.4, "slope changes"),
    ("06.1", 5.12, "uphill"),
    ("06.1", 0.98, "6 * w"),
    ("06.1", "0,32", "expected a number"),
    ("06.2", None, "not answered"),
    ("06.2", 0, "not it"),
    ("06.2", 0.025, "one step"),
    ("06.2", 4, "gentlest"),
    ("06.2", 0.25, "steeper"),
    ("06.2", (0, 5), "one number"),
    ("06.3", None, "not answered"),
    ("06.3", lambda step, steps, warmup, peak: None, "returns nothing"),
    ("06.3", lambda step, steps, warmup, peak: 0.0, "zero"),
    ("06.3", lambda step, steps, warmup, peak: "0.1", "are not"),
    ("06.3", schedule(rise, lambda s, n, w, p: p * wave(s / n)), "begin at the end of the warmup"),
    ("06.3", schedule(rise, lambda s, n, w, p: p * wave((s - w) / n)), "steps - warmup"),
    ("06.3", schedule(rise, lambda s, n, w, p: p), "must fall"),
    ("06.3", schedule(lambda s, n, w, p: p, fall), "rise from 0"),
    ("06.3", lambda s, n, w, p: p * wave(s / n), "no warmup"),
    (
        "06.3",
        schedule(rise, lambda s, n, w, p: p * math.cos(math.pi / 2 * done(s, n, w))),
        "quarter",
    ),
    ("06.3", schedule(rise, lambda s, n, w, p: p * math.cos(math.pi * done(s, n, w))), "negative"),
    ("06.3", schedule(lambda s, n, w, p: p * (s + 1) / w, fall), "one step ahead"),
    (
        "06.3",
        schedule(lambda s, n, w, p: s / w, lambda s, n, w, p: wave(done(s, n, w))),
        "peak is missing",
    ),
    ("06.3", schedule(rise, lambda s, n, w, p: p * (1 - done(s, n, w))), "straight line"),
    ("06.3", misspelt, "peek"),
    ("06.3", 0.01, "expected a function"),
    ("06.4", None, "not answered"),
    ("06.4", 0, "not it"),
    ("06.4", 1199, "round up in every epoch"),
    ("06.4", 1175, "round up"),
    ("06.4", 25, "epochs"),
    ("06.4", 48, "one epoch"),
    ("06.4", 76_700, "images"),
    ("06.4", "1200 steps", "expected a number"),
    ("06.5", None, "not answered"),
    ("06.5", 0, "not it"),
    ("06.5", 0.007, "mean gain"),
    ("06.5", -0.004, "smallest"),
    ("06.5", 0.006, "sign"),
    ("06.5", 0.019, "upper end"),
    ("06.5", -0.0018, "1.96"),
    ("06.5", (-0.006, 0.019), "one number"),
]
