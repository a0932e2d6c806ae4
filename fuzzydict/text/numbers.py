"""Numbers in texts: their values, units and ways of writing."""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from fuzzydict.resources import read_table
from fuzzydict.text.tokens import is_number

__all__ = ["Number", "Unit", "named_numbers", "numbers", "same_number", "unit"]

_ROMAN = re.compile(r"(?:x{0,3}|(?=...)(?!liv$)(?:xl|lx{0,3}))(?:ix|iv|v?i{0,3})")
_ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50}
_COUNTED = frozenset([
    "act", "article", "book", "category", "chapter", "class", "division", "episode", "factor",
    "grade", "group", "level", "part", "phase", "schedule", "season", "section", "stage", "tier",
    "title", "type", "vol", "volume", "war",
])  # fmt: skip
_CARDINALS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth",
)  # fmt: skip
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NAMES = {name: n for names in (_CARDINALS, _ORDINALS) for n, name in enumerate(names, 1)}
_NAMES |= {name: n for n, name in zip(range(30, 100, 10), _TENS, strict=True)}


class Unit(NamedTuple):
    """A unit: what it measures, and how many of the dimension's base unit it is.

    A dimension of two words, such as "money eur", is that of the first word, but its amounts
    cannot be converted.
    """

    dimension: str
    factor: float

    @property
    def quantity(self) -> str:
        """What the unit measures, whether it can be converted or not."""
        return self.dimension.split(" ")[0]


class Number(NamedTuple):
    """A number as it is written, without leading zeros, and its unit if one follows."""

    text: str
    unit: Unit | None = None
    place: int = 0  # of its word

    @property
    def places(self) -> range:
        """The places of the number and its unit among the words."""
        return range(self.place, self.place + (1 if self.unit is None else 2))


def numbers(words: Sequence[str]) -> list[Number]:
    """Return the numbers that are written in digits or in Roman numerals.

    >>> [number.text for number in numbers(("part", "ii", "room", "007"))]
    ['2', '7']
    """
    found = []
    for i, word in enumerate(words):
        if is_number(word):
            following = words[i + 1] if i + 1 < len(words) and word.isascii() else ""
            found.append(Number(_without_zeros(word), unit(following), i))
        elif value := _roman(words, i):
            found.append(Number(str(value), None, i))
    return found


def named_numbers(words: Sequence[str]) -> list[Number]:
    """Return the numbers that are written as words, such as "two", "second" or "thirty"."""
    return [Number(str(_NAMES[word]), None, i) for i, word in enumerate(words) if word in _NAMES]


def same_number(one: Number, other: Number) -> bool:
    """Return True for the same number, or for the same amount in other units.

    Two digits stand for a year as well: ``'24`` is 2024.

    >>> kilogram, gram = unit("kg"), unit("g")
    >>> same_number(Number("1", kilogram), Number("1000", gram))
    True
    """
    if one.unit and other.unit:
        if one.unit.dimension != other.unit.dimension:
            return False
        first, second = (float(n.text) * n.unit.factor for n in (one, other) if n.unit)
        return abs(first - second) <= 1e-9 * max(abs(first), abs(second))
    return one.text == other.text or _same_year(one.text, other.text)


def unit(word: str) -> Unit | None:
    """Return the unit that a word names by its symbol or its name.

    >>> unit("milligrams") == unit("mg") != unit("mcg")
    True
    """
    found = _units().get(word)
    if found is None and len(word) > 3 and word.endswith("s"):
        found = _units().get(word[:-1])
    return found


@functools.lru_cache(maxsize=1)
def _units() -> dict[str, Unit]:
    rows = read_table("units.tsv")
    return {name: Unit(dimension, float(factor)) for name, (dimension, factor) in rows.items()}


def _without_zeros(number: str) -> str:
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, dot, decimals = digits.partition(".")
    return sign + (whole.lstrip("0") or "0") + dot + decimals


def _same_year(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) == 2 and len(long) == 4 and long in ("19" + short, "20" + short)


def _roman(words: Sequence[str], i: int) -> int:
    """Return the value of a Roman numeral from 1 to 89 that numbers something, or else 0.

    A single letter does so at the end ("Elizabeth I") or after a word such as "type". Above 39 it
    has three letters or more, for "XL" is a size, and is not "Liv".
    """
    word = words[i]
    if not word or not _ROMAN.fullmatch(word):
        return 0
    if len(word) == 1 and not (i and (i + 1 == len(words) or words[i - 1] in _COUNTED)):
        return 0
    digits = [_ROMAN_DIGITS[letter] for letter in word]
    return sum(
        -digit if digit < following else digit
        for digit, following in zip(digits, [*digits[1:], 0], strict=True)
    )
