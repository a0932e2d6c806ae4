"""Other notations of a value: "9 pm" is 21:00, "1 1/2" is 1.5, "Jan 5, 2024" is 2024-01-05."""

import functools
import re
from collections.abc import Callable

__all__ = ["rewritten"]

# What every text has that `rewritten` changes, and others may have.
_NOTATION = re.compile(
    r"[%$€£¥→⇒]|[-=]>|\d[/:]\d|0x|[a-z]2[a-z]|\d\s?[ap]m|(?:utc|gmt)\s?[+-]|minus\s|[a-z]-$"
    r"|(?:19|20)\d\d|\d(?:st|nd|rd|th)|(?-i:(?<![A-Za-z])[cdkmnpuGMT][A-Z][A-Za-z]{0,2}(?![A-Za-z]))",
    re.IGNORECASE,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_SHORT_MONTHS = {name[:3]: n for n, name in enumerate(_MONTHS, 1)} | {"sept": 9}
_MONTH_NUMBERS = {name: n for n, name in enumerate(_MONTHS, 1)} | _SHORT_MONTHS
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
_SYMBOLS = "[cdkmnpuGMT](?:A|Ah|B|Bq|C|F|Hz|J|L|N|Pa|V|VA|W|Wh|eV|iB)|pH"
_DENOMINATORS = frozenset([2, 3, 4, 5, 6, 8, 10, 12, 16, 32, 64, 100])


def rewritten(text: str) -> str:
    """Return a text with times, dates, fractions, amounts and signs in one notation each.

    Times have 24 hours, dates are year, month and day, fractions are decimal. A date such as
    01/02/2024, which may be of January or February, stays as it is. Symbols of units are in lower
    case, for "kW" is not the words "k" and "w".

    >>> rewritten("9 pm"), rewritten("Jan 5, 2024"), rewritten("1 1/2 cups"), rewritten("$10")
    ('21:00', '2024-01-05', '1.5 cups', '10 dollars')
    """
    if _NOTATION.search(text):
        for pattern, other in _rules():
            text = pattern.sub(other, text)
    return text


@functools.cache
def _rules() -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str] | str]]:
    """Return patterns, each with what replaces it; to compile them is slow."""
    month = "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True))
    month = rf"(?<![^\W\d_])({month})(?![^\W\d_])\.?"
    day, year, gap = r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?", r"((?:19|20)\d\d)(?!\d)", r"[\s,._/-]"
    rules: list[tuple[str, Callable[[re.Match[str]], str] | str]] = [
        (r"\s*(?:[-=]>|→|⇒)\s*", " to "),
        (r"(?<=[a-z]{3})2(?=[a-z]{3})", " to "),  # csv2json, but not H2O
        (rf"(?-i:(?<![^\W\d_])(?:{_SYMBOLS})(?![^\W\d_]))", lambda m: m[0].lower()),
        (r"(?<![^\W_])0x(?=[\da-f]+(?![^\W_]))", ""),
        (rf"{day}{gap}*(?:of )?{month}{gap}*{year}", lambda m: _date(m[3], m[2], m[1])),
        (rf"{month}{gap}*{day}{gap}+{year}", lambda m: _date(m[3], m[1], m[2])),
        (rf"(?<!\d)(\d\d?)([/.-])(\d\d?)\2{year}", _date_of_numbers),
        (r"(?<=\d)(?:st|nd|rd|th)(?![^\W_])", ""),
        (r"(?<![\d:])(\d\d?)(?::(\d\d))?(:\d\d)?\s?([ap])m(?![^\W_])", _time),
        (r"(?<![\d:])0(?=\d:\d\d(?!\d))", ""),
        (r"(?<![^\W_])(?:utc|gmt)\s?([+-])\s?0?(\d\d?)(?::?(\d\d))?(?!\d)", _offset),
        (r"(?<![^\W_])minus\s+(?=\.?\d)(?<!\d minus )", "-"),
        (r"(?:(?<=^[a-z])|(?<=^[a-z]{2})|(?<=\s[a-z]))-$", " minus"),  # blood group A-
        (r"(?<![\d/.])(?:(\d+)[ -])?(?<![/.])(\d\d?)/(\d{1,3})(?![\d/]|\.\d)", _fraction),
        (r"([$€£¥])\s?(\d[\d,.]*(?<=\d))", lambda m: f"{m[2]} {_CURRENCIES[m[1]]}"),
        (r"(?<=\d)\s?([$€£¥])(?!\S)", lambda m: f" {_CURRENCIES[m[1]]}"),
        (r"(?<![^\s(\[])([$€£¥])(?![^\s)\]])", lambda m: _CURRENCIES[m[1]]),  # price ($)
        (r"(?<=\d)\s?%|(?<![^\s(\[])%(?![^\s)\]])", " percent"),
    ]
    return [(re.compile(pattern, re.IGNORECASE), other) for pattern, other in rules]


def _date(year: str, month: str, day: str) -> str:
    return f"{year}-{_MONTH_NUMBERS[month.lower()]:02}-{int(day):02}"


def _date_of_numbers(found: re.Match[str]) -> str:
    """Return a date whose day is above 12, so that it is no month, with the year first."""
    first, second = int(found[1]), int(found[3])
    month, day = sorted((first, second))
    clear = 0 < month <= 12 < day <= 31 or month == day <= 12
    return f"{found[4]}-{month:02}-{day:02}" if clear else found[0]


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), found[2] or "00"
    if not 1 <= hour <= 12:
        return found[0]
    hour = hour % 12 + (12 if found[4] in "pP" else 0)
    return f"{hour}:{minute}{found[3] or ''}"


def _offset(found: re.Match[str]) -> str:
    """Return the offset of a time zone: GMT+05:30 as UTC+5:30."""
    minutes = f":{found[3]}" if found[3] and found[3] != "00" else ""
    return f"UTC{found[1]}{found[2]}{minutes}"


def _fraction(found: re.Match[str]) -> str:
    whole, over, under = int(found[1] or 0), int(found[2]), int(found[3])
    if not 0 < over < under or under not in _DENOMINATORS:
        return found[0]
    return f"{whole + over / under:.6g}"
