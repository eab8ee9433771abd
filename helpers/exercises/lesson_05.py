"""Checks of lesson 05, adding dense layers."""

from scipy.stats import binomtest

from helpers.exercises import call, choice, number


def _units_at_most(answer) -> str:
    return number(
        answer,
        9,
        {
            10: "10 units make 20,600 numbers, the direct head has 20,490. Each unit also has a weight to each class.",
            20480 / 2059: "Almost: units are whole, and one more would be too many. Round down.",
            20490 / 2059: "Units are whole, and one more would be too many. Round down.",
            20490
            / 2048: "Each inner unit also has a bias, and a weight to each of the 10 classes.",
            20490: "That is the direct head's count. How many units fit into it?",
            8: "8 fit, but one more fits as well.",
        },
        tolerance=1e-9,
    )


def _epochs_for_the_steps(answer) -> str:
    return number(
        answer,
        250,
        {
            10: "Ten epochs on 50 images are 20 steps only.",
            500: "That is the number of steps. Each epoch on 50 images makes two of them.",
            245: "The last, smaller batch of an epoch is a step too: 50 batches, not 49.",
            490: "50 images are two batches, 32 and 18, and 1,574 images are 50 batches.",
            1574 / 50 * 10: "That makes the number of images seen equal, not the number of steps.",
            320: "Two batches of 50 images are 32 and 18: count batches, not images.",
            314: "That makes the number of images seen equal, not the number of steps.",
            315: "That makes the number of images seen equal, not the number of steps.",
            25: "That is for one epoch over the 1,574 images.",
        },
        tolerance=1e-9,
    )


def _needed(n: int, alternative: str = "two-sided") -> int:
    chances = (
        (wins, binomtest(wins, n, alternative=alternative).pvalue) for wins in range(n // 2, n + 1)
    )
    return next(wins for wins, p in chances if p < 0.05)


def _wins_needed(answer) -> str:
    for n in (21, 6, 10, 40, 100):
        expected = _needed(n)
        got = call(answer, n)
        slips = {
            expected + 1: f"With n = {n}: {expected + 1} wins are enough, but so is one fewer.",
            n
            - expected: f"With n = {n}: these are the wins of the worse head. What does the better one need?",
            n // 2 + 1: f"With n = {n}: a bare majority is what a fair coin gives half the time.",
            expected - 1: f"With n = {n}: {expected - 1} wins are not enough, p is not below .05.",
        }
        if (one_sided := _needed(n, "greater")) != expected:
            slips[one_sided] = (
                f"With n = {n}: {one_sided} wins are not enough; they are with the one-sided p only."
            )
        why = number(got, expected, slips, tolerance=1e-9)
        if why:
            return why if f"n = {n}" in why else f"With n = {n}: {why}"
    return ""


def _best_against_mean(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "Ten seeds would give a still higher best run. The fault is in what is compared with what.",
            "c": "Heads of different size may be compared. That is the question of this lesson.",
            "d": "An interval is missing, but what would it belong to? Look at which two numbers are subtracted.",
        },
    )


CHECKS = {
    "05.1": _units_at_most,
    "05.2": _epochs_for_the_steps,
    "05.3": _wins_needed,
    "05.4": _best_against_mean,
}
