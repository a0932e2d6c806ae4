"""Text to words: the one place that knows how people, files and programs write the same name.

``maxConnections``, ``max_connections``, ``MAX-CONNECTIONS`` and ``Max connections`` are the same
two words.
"""

import functools
import re

from fuzzydict.text.notations import rewritten

__all__ = ["MAX_LENGTH", "compact", "fold", "is_number", "plain", "words"]

MAX_LENGTH = 1000
"""Characters of a text that are read; what comes after says nothing more about its meaning."""

_UPPER = "A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΫЀ-Я"
_LOWER = "a-zß-öø-ÿά-ώа-џ"
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=s\b|t\b|re\b|ve\b|ll\b|d\b|m\b)", re.IGNORECASE)
_WORD = re.compile(
    r"(?:(?<![^\s_])-)?"  # the sign of a number at the beginning of a text or after a space
    r"(?:(?:(?<![\d.])\d+|(?<![\w.]))\.\d+(?!\.?\d)|\d+)"  # 1.5 and .5, but not 1.2.3
    r"|[^\W\d_]+"
)
_PLUS = re.compile(r"(?<=[^\W_])\++(?!\+|[^\W\d_])")  # iPhone 14+, C++, UTC+8, but not ctrl+c
_SHARP = re.compile(r"(?<=\b[^\W\d_])#(?!\w)")  # C#, but not issue#
_INITIALS = re.compile(r"(?<!\w)((?:[^\W\d_]\.){2,})(\w*)")  # U.S., S.p.A
_BEFORE_FRACTION = re.compile("(?<=\\d)(?=[¼-¾⅐-⅞])")  # 1|½
_MARKS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)


@functools.cache
def _camel() -> re.Pattern[str]:
    """Return what separates the words of ``maxConnections``; compiling it is slow."""
    return re.compile(
        f"(?<=[{_LOWER}])(?=[{_UPPER}])"  # max|Connections
        # HTTP|Server, but not URL|s
        f"|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])(?![{_UPPER}]s(?![{_LOWER}]))"
    )


def plain(text: str) -> str:
    """Return the contents of a string as an exact ``str``, whatever a subclass overrides.

    ``TypeError`` for anything else.
    """
    if type(text) is str:
        return text
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, not {type(text).__name__}")
    return str.__str__(text)


def fold(text: str) -> str:
    """Return ``text`` as everyone would type it: no accents, no odd widths, no invisible marks.

    Case is kept, because it still separates the words of ``maxConnections``. Linear in
    ``min(len(text), MAX_LENGTH)``. Unicode compatibility forms are those of Unicode's Annex 15.

    >>> fold("Ｃａｆé\\u200b")
    'Cafe'
    """
    text = plain(text)[:MAX_LENGTH]
    if text.isascii():
        return text
    import unicodedata

    text = _INVISIBLE.sub("", text).replace("−", "-")  # the minus sign
    text = _BEFORE_FRACTION.sub(" ", text)
    text = unicodedata.normalize("NFKD", text)[: 2 * MAX_LENGTH].replace("⁄", "/")
    return unicodedata.normalize("NFC", _MARKS.sub("", text))


def words(text: str) -> tuple[str, ...]:
    """Return the words of ``text``, folded and in lower case; numbers are words of their own.

    Linear in ``min(len(text), MAX_LENGTH)``.

    A decimal number is one word, without zeros that add nothing; and so is a negative one. A plus
    sign behind a word or number is a word, too ("C++", "UTC+8"). Initials are one word ("U.S.").
    Dates, times, fractions and amounts are split as `fuzzydict.text.notations` writes them.

    >>> words("maxConnections"), words("HTTPServer_v2"), words("e-mail"), words("1.0 mg, -.50")
    (('max', 'connections'), ('http', 'server', 'v', '2'), ('e', 'mail'), ('1', 'mg', '-0.5'))
    """
    text = fold(text)
    if "." in text:
        text = _INITIALS.sub(_joined_initials, text)
    text = rewritten(text)
    if not (text.islower() or text.isupper()):
        text = _camel().sub(" ", text)
    if "'" in text or "’" in text:
        text = _APOSTROPHE.sub("", text)
    if "," in text:
        text = _THOUSANDS.sub("", text)
    if "+" in text:
        text = _PLUS.sub(lambda signs: " plus" * len(signs[0]) + "|", text)  # 5+-1: no sign of 1
    if "#" in text:
        text = _SHARP.sub(" sharp ", text)
    found = _WORD.findall(text.casefold())
    if "." in text:
        found = [_decimal(word) if "." in word else word for word in found]
    return tuple(found)


def _joined_initials(found: re.Match[str]) -> str:
    """Return "U.S." as "US"; but leave "a.b.example" as it is."""
    rest: str = found[2]
    if rest and not (len(rest) == 1 and rest.isalpha()):
        return found[0]
    return found[1].replace(".", "") + rest


def _decimal(number: str) -> str:
    """Return a decimal number as it is usually written: .5 as 0.5, 2.0 as 2, but 3.10 as it is."""
    whole, decimals = number.split(".")
    if whole in ("", "-", "0", "-0"):
        whole = whole.removesuffix("0") + "0"
        decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals.strip("0") else whole


def is_number(word: str) -> bool:
    """Return True for a word that is written in digits, but not for a phrase.

    >>> is_number("-1.5"), is_number("two"), is_number("page 2")
    (True, False, False)
    """
    return word[-1:].isdigit() and " " not in word


def compact(text_words: tuple[str, ...]) -> str:
    """Return the words written as one: ``e-mail`` and ``email`` are then the same.

    >>> compact(("top", "speed"))
    'topspeed'
    """
    return "".join(text_words)
