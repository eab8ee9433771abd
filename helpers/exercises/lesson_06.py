"""Checks of lesson 06, learning-rate schedules."""

import numpy as np

from helpers.exercises import array, call, number
from helpers.intervals import mean_interval

WITH, WITHOUT = (
    np.array([0.825, 0.815, 0.831, 0.820, 0.818]),
    np.array([0.811, 0.819, 0.812, 0.814, 0.820]),
)


def _two_steps(answer) -> str:
    return number(
        answer,
        0.32,
        {
            0.8: "That is after one step. Compute the slope at the new place and step once more.",
            0.128: "That is after three steps.",
            -0.4: "The slope changes: at the second step compute it at the new place, 0.8.",
            5.12: "You went uphill. Subtract rate times slope.",
            0.98: "The slope of 3 * w**2 is 6 * w, not 3 * w.",
            -50: "Multiply the slope by the rate before you subtract it.",
        },
    )


def _largest_rate(answer) -> str:
    return number(
        answer,
        0.05,
        {
            0.025: "At that rate the steepest axis arrives in one step. It diverges only where the factor is below -1.",
            4.0: "That is the limit along the gentlest axis. The steepest one diverges long before.",
            0.25: "That is the limit along the second axis. There is a steeper one.",
            2 / 48.5: "The axes do not add up. Each one alone must not diverge.",
            2 / (48.5 / 3): "Not the mean: the steepest axis decides.",
            20.0: "Two divided by the curvature, not the other way round.",
        },
    )


def _warmup_cosine(answer) -> str:
    steps, warmup, peak = 90, 20, 0.03
    at = np.array([0, 1, 7, 19, 20, 21, 40, 55, 89, 90])
    got = np.array([_one(call(answer, int(step), steps, warmup, peak)) for step in at])
    rising = at < warmup
    done = (at - warmup) / (steps - warmup)
    falling = peak * (1 + np.cos(np.pi * done)) / 2
    right = np.where(rising, peak * at / warmup, falling)
    slips = {
        "The decay must begin at the end of the warmup: count its steps from there.": np.where(
            rising, peak * at / warmup, peak * (1 + np.cos(np.pi * at / steps)) / 2
        ),
        "After the warmup only steps - warmup steps are left, so yours does not reach 0 at the end.": np.where(
            rising, peak * at / warmup, peak * (1 + np.cos(np.pi * (at - warmup) / steps)) / 2
        ),
        "The warmup is right; after it the rate must fall.": np.where(
            rising, peak * at / warmup, peak
        ),
        "The decay is right; the first steps must rise from 0.": np.where(rising, peak, falling),
        "That has no warmup: it falls from the first step on.": peak
        * (1 + np.cos(np.pi * at / steps))
        / 2,
        "That is a quarter of a wave. Half a wave is cos(pi * done), moved and halved to run from 1 to 0.": np.where(
            rising, peak * at / warmup, peak * np.cos(np.pi / 2 * done)
        ),
        "Your rate becomes negative. Add 1 to the cosine and halve it.": np.where(
            rising, peak * at / warmup, peak * np.cos(np.pi * done)
        ),
        "The peak is doubled: halve 1 + cos.": np.where(rising, peak * at / warmup, 2 * falling),
        "Step 0 has the rate 0, step `warmup` the peak: you are one step ahead.": np.where(
            rising, peak * (at + 1) / warmup, falling
        ),
        "Rises and falls by the right shape, but the peak is missing: multiply by it.": right
        / peak,
        "That decay is a straight line. It should be half a cosine wave.": np.where(
            rising, peak * at / warmup, peak * (1 - done)
        ),
    }
    return array(
        got / peak, right / peak, {message: wrong / peak for message, wrong in slips.items()}
    )


def _one(value) -> float:
    """One number out of what the learner's function returned; nan where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _decay_steps(answer) -> str:
    return number(
        answer,
        48 * 25,
        {
            1199: "Each epoch ends with a smaller batch. Round up in every epoch, not once at the end.",
            3068
            * 25
            / 64: "Each epoch ends with a smaller batch, which is a step too. Round up, then multiply.",
            1198: "Each epoch ends with a smaller batch, which is a step too. Round up, then multiply.",
            47 * 25: "The smaller batch at the end of an epoch is a step too: round up.",
            25: "Those are epochs. The rate would be zero after 25 batches.",
            48: "That is one epoch.",
            3068 * 25: "Those are images. A step takes 64 of them.",
            96 * 25: "That is for batches of 32.",
        },
    )


def _lower_end(answer) -> str:
    gain = WITH - WITHOUT
    mean, low, high = np.round(mean_interval(gain), 3)  # as it is asked for
    unpaired = round(mean_interval(WITH)[1] - mean_interval(WITHOUT)[1], 3)
    return number(
        answer,
        low,
        {
            mean: "That is the mean gain. How sure is it?",
            high: "That is the upper end.",
            gain.min(): "That is the smallest of the five gains. The interval is that of their mean.",
            mean_interval(WITH)[1]: "That is the schedule alone. Subtract seed by seed first.",
            unpaired: "Subtract seed by seed first, then take the interval of the five differences.",
            -low: "Mind the sign: the schedule minus the constant rate.",
            mean
            - 1.96
            * gain.std(ddof=1)
            / 5**0.5: "That takes 1.96. With five values the t distribution gives 2.78.",
            mean
            - 2.776
            * gain.std(ddof=1): "That is the spread of single runs. Divide by the root of 5.",
        },
        tolerance=0.06,
    )


CHECKS = {
    "06.1": _two_steps,
    "06.2": _largest_rate,
    "06.3": _warmup_cosine,
    "06.4": _decay_steps,
    "06.5": _lower_end,
}
