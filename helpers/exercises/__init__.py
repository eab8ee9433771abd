"""Answer checks of the exercises: `check("01.2", answer)` says right, not yet and why, or not answered.

Each lesson's checks stand in a module of their own (`lesson_01`: `CHECKS = {"01.1": function, ...}`). Such a function
takes the answer and returns "" if it is right, else what is not yet right, in a sentence for the learner.
"""

import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple

import numpy as np

RETURN = "Put your code in place of the three dots, and end it with return, not print."
RIGHT, NOT_YET, NOT_ANSWERED, RAISED = (
    "right",
    "not yet",
    "not answered",
    "your code raised an error",
)


class Result(NamedTuple):
    """What `check` returns; a notebook shows its message."""

    status: str
    message: str

    def __repr__(self) -> str:
        return f"{self.status.capitalize()}. {self.message}".strip()


class NotYet(Exception):
    """Raised inside a check to end it with a message."""


class LearnerError(Exception):
    """The learner's own function raised."""


def check(number: str, answer) -> Result:
    """Check an answer.

    number : "lesson.exercise", such as "01.2".  answer : a value or a function, as the exercise asks.
    Returns a Result whose status is "right", "not yet", "not answered" or "your code raised an error".
    Raises ValueError if there is no such exercise.
    """
    lesson = number.partition(".")[0]
    try:
        checks = import_module(f"helpers.exercises.lesson_{lesson}").CHECKS
        judge = checks[number]
    except (ModuleNotFoundError, KeyError):
        raise ValueError(f"There is no exercise {number!r}.") from None
    if answer is None or answer is ...:
        return Result(
            NOT_ANSWERED, "Put your answer in place of the three dots and run the cell again."
        )
    try:
        why = judge(answer)
    except NotYet as error:
        why = str(error)
    except Unanswered as error:
        return Result(NOT_ANSWERED, f"Your function returns nothing yet{error}. {RETURN}")
    except LearnerError as error:
        return Result(RAISED, str(error))
    return Result(NOT_YET, why) if why else Result(RIGHT, "")


class Unanswered(Exception):
    """The learner's function returned None; the text says for which arguments, if they are short."""


def call(function: Callable, *arguments, **named):
    """Call the learner's function; an error inside it is reported as the learner's, with the line. None: unanswered."""
    if not callable(function):
        raise NotYet(
            f"Expected a function, got {_what(function)}. Pass its name without parentheses."
        )
    try:
        value = function(*arguments, **named)
    except Exception as error:
        path = function.__code__.co_filename if hasattr(function, "__code__") else None
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path
        ]
        where = (
            f" in line {frames[-1].lineno} of your code ({frames[-1].line})"
            if frames
            else " when it was called"
        )
        raise LearnerError(f"{type(error).__name__}{where}: {error}") from None
    if value is None:
        plain = all(isinstance(one, int | float | str) for one in arguments)
        raise Unanswered(f" for {arguments}" if plain and arguments else "")
    return value


def number(
    answer,
    expected: float,
    slips: Mapping[float, str] | None = None,
    tolerance: float | None = None,
) -> str:
    """Judge a number: its type, its value, and the usual slips by name ({wrong value: what went wrong}).

    tolerance : relative; None: 1e-6 where a whole number is expected, else 1e-3. An array or a list of one number
        counts as that number.
    """
    if isinstance(answer, tuple) and len(answer) > 1:
        return f"Expected one number, got {len(answer)}: {answer}. Write 12345, not 12,345, and 0.5, not 0,5."
    while isinstance(answer, list | tuple) and len(answer) == 1:
        answer = answer[0]
    if hasattr(answer, "__array__") and np.size(answer) == 1:
        answer = np.asarray(answer).item()
    if isinstance(answer, bool | list | tuple) or hasattr(answer, "__array__"):
        return f"Expected one number, got {_what(answer)}."
    try:
        value = float(answer)
    except (TypeError, ValueError):
        return f"Expected a number, got {_what(answer)}."
    near = _tolerance(expected) if tolerance is None else tolerance
    if np.isclose(value, expected, rtol=near, atol=near * min(1.0, abs(expected) or 1.0)):
        return ""
    for wrong, message in (slips or {}).items():
        if np.isclose(value, wrong, rtol=max(tolerance or 0, _tolerance(wrong)), atol=1e-9):
            return message
    return f"{answer} is not it."


def _tolerance(value: float) -> float:
    return 1e-6 if float(value).is_integer() else 1e-3


def array(
    answer, expected, slips: Mapping[str, np.ndarray] | None = None, tolerance: float = 1e-4
) -> str:
    """Judge an array in order: type, shape, values; `slips` are wrong arrays by what went wrong: {message: array}."""
    if not isinstance(answer, np.ndarray | list | tuple) and not hasattr(answer, "__array__"):
        return f"Expected an array or a list of numbers, got {_what(answer)}."
    try:
        answer, expected = np.asarray(answer, float), np.asarray(expected, float)
    except (TypeError, ValueError):
        return "Expected an array of numbers; some entries are not numbers, or the rows differ in length."
    if answer.shape == expected.shape and np.allclose(
        answer, expected, rtol=tolerance, atol=tolerance
    ):
        return ""
    for message, wrong in (slips or {}).items():
        wrong = np.asarray(wrong, float)
        if answer.shape == wrong.shape and np.allclose(
            answer, wrong, rtol=tolerance, atol=tolerance
        ):
            return message
    flat = expected.ndim == 1 and answer.size == expected.size
    if (
        answer.shape != expected.shape
        and flat
        and np.allclose(answer.ravel(), expected, rtol=tolerance, atol=tolerance)
    ):
        return f"The numbers are right, the shape {answer.shape} is not: give a flat list of {expected.size} numbers."
    if answer.shape != expected.shape:
        return f"Expected the shape {expected.shape}, got {answer.shape}."
    if not answer.any() and expected.any():
        return "All values are zero."
    wrong = ~np.isclose(answer, expected, rtol=tolerance, atol=tolerance)
    place = tuple(int(index) for index in np.argwhere(wrong)[0])
    where = (
        f"At {place}" if len(place) > 1 else f"As value number {place[0] + 1}" if place else "Here"
    )
    return (
        f"The shape is right; {wrong.sum()} of {wrong.size} values are not. "
        f"{where} you have {answer[place]:.4g}, expected {expected[place]:.4g}."
    )


def choice(answer, expected: str, why_not: Mapping[str, str]) -> str:
    """Judge a choice among letters: expected "b", why_not {"a": "reason", ...}."""
    answer = answer[0] if isinstance(answer, list | tuple) and len(answer) == 1 else answer
    letter = answer.strip().lower().strip("().") if isinstance(answer, str) else ""
    if letter == expected:
        return ""
    options = ", ".join(sorted([expected, *why_not]))
    return why_not.get(
        letter, f"Expected one of the letters {options}, as text, got {_what(answer)}."
    )


def _what(value) -> str:
    return (
        f"{type(value).__name__} {str(value)[:40]!r}"
        if not callable(value)
        else f"the function {getattr(value, '__name__', '')!r}"
    )
