"""Checks of options: each function returns its value, or raises one line that says what it may be.

``TypeError`` for a value of the wrong type, ``ValueError`` for one out of range.
"""

import operator
from collections.abc import Iterable
from numbers import Real
from typing import Any

from fuzzydict.ranking.guards import Guard

__all__ = [
    "check_count",
    "check_cutoff",
    "check_flag",
    "check_guards",
    "check_positive",
    "check_prior",
    "check_probability",
]


def check_probability(value: Any, name: str) -> float:
    """Return a probability, 0 to 1.

    >>> check_probability(1, "cutoff")
    1.0
    >>> check_probability("high", "cutoff")
    Traceback (most recent call last):
        ...
    TypeError: cutoff must be a number from 0 to 1, got 'high'
    """
    number = _number(value, f"{name} must be a number from 0 to 1")
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}")
    return number


def check_cutoff(value: Any, strict: bool) -> float | None:
    """Return a cutoff, 0 to 1 or None; that of a strict dictionary is 1.

    >>> check_cutoff(0.7, strict=True)
    Traceback (most recent call last):
        ...
    ValueError: a strict dictionary reads exactly: pass no cutoff, or not strict=True
    """
    if value is not None and strict:
        raise ValueError("a strict dictionary reads exactly: pass no cutoff, or not strict=True")
    if strict:
        return 1.0
    return None if value is None else check_probability(value, "cutoff")


def check_flag(value: Any, name: str) -> bool:
    """Return True or False.

    >>> check_flag("yes", "strict")
    Traceback (most recent call last):
        ...
    TypeError: strict must be True or False, got 'yes'
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def check_prior(value: Any) -> float | None:
    """Return a prior, a number between 0 and 1, or None.

    >>> check_prior(1)
    Traceback (most recent call last):
        ...
    ValueError: prior must be a number between 0 and 1, got 1
    """
    if value is None:
        return None
    number = _number(value, "prior must be a number between 0 and 1")
    if not 0 < number < 1:
        raise ValueError(f"prior must be a number between 0 and 1, got {value!r}")
    return number


def check_positive(value: Any, name: str) -> float:
    """Return a finite number above 0."""
    number = _number(value, f"{name} must be a positive finite number")
    if not 0 < number < float("inf"):
        raise ValueError(f"{name} must be a positive finite number, got {value!r}")
    return number


def check_count(value: Any, name: str) -> int:
    """Return a whole number of at least 1.

    >>> check_count(0, "n")
    Traceback (most recent call last):
        ...
    ValueError: n must be at least 1, got 0
    """
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer of at least 1, got {value!r}") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
    return count


def check_guards(guards: Any) -> tuple[Guard, ...]:
    """Return guards as a tuple.

    >>> check_guards(None)
    Traceback (most recent call last):
        ...
    TypeError: guards must be a list or tuple of functions ([] for no guards), got None
    """
    expected = "guards must be a list or tuple of functions ([] for no guards)"
    if callable(guards):
        raise TypeError(f"{expected}, got a single function: pass it in a list")
    if not isinstance(guards, Iterable):
        raise TypeError(f"{expected}, got {guards!r}")
    result = tuple(guards)
    for guard in result:
        if not callable(guard):
            raise TypeError(f"{expected}, got {guard!r} among them")
    return result


def _number(value: Any, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{expected}, got {value!r}")
    return float(value)
