"""Split texts into words, whichever naming style people, files and programs use.

``maxConnections``, ``max_connections``, ``MAX-CONNECTIONS`` and ``Max connections`` are the same
two words.
"""

import re
import unicodedata

# Until other packages import these from where they are.
from fuzzydict.text.inflection import bases, regular_bases
from fuzzydict.text.inflection import spelling_variant as variant

__all__ = [
    "MAX_LENGTH",
    "bases",
    "compact",
    "fold",
    "plain",
    "regular_bases",
    "variant",
    "words",
]

MAX_LENGTH = 1000
"""Characters of a text that are read; the rest is ignored."""

_UPPER = "A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΫЀ-Я"
_LOWER = "a-zß-öø-ÿά-ώа-џ"
_CAMEL = re.compile(
    f"(?<=[{_LOWER}])(?=[{_UPPER}])"  # max|Connections
    f"|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])(?![{_UPPER}]s(?![{_LOWER}]))"  # HTTP|Server, URLs
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=s\b|t\b|re\b|ve\b|ll\b|d\b|m\b)", re.IGNORECASE)
_WORD = re.compile(r"\d+|[^\W\d_]+")
_MARKS = re.compile("[\u0300-\u036f]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)


def plain(text: str) -> str:
    """Return the contents of a string as an exact ``str``, whatever a subclass overrides.

    Raises:
        TypeError: ``text`` is not a ``str``.
    """
    if type(text) is str:
        return text
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, not {type(text).__name__}")
    return str.__str__(text)


def fold(text: str) -> str:
    """Return ``text`` without accents, compatibility forms (Unicode Annex 15) and invisible marks.

    Case stays, because it separates the words of ``maxConnections``. Linear in
    ``min(len(text), MAX_LENGTH)``.

    >>> fold("Ｃａｆé\\u200b")
    'Cafe'
    """
    text = plain(text)[:MAX_LENGTH]
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text))[: 2 * MAX_LENGTH]
    return unicodedata.normalize("NFC", _MARKS.sub("", text))


def words(text: str) -> tuple[str, ...]:
    """Return the words of ``text``, folded and in lower case; a number is a word of its own.

    Linear in ``min(len(text), MAX_LENGTH)``.

    >>> words("maxConnections"), words("HTTPServer_v2"), words("e-mail")
    (('max', 'connections'), ('http', 'server', 'v', '2'), ('e', 'mail'))
    """
    text = fold(text)
    if not (text.islower() or text.isupper()):
        text = _CAMEL.sub(" ", text)
    if "'" in text or "’" in text:
        text = _APOSTROPHE.sub("", text)
    if "," in text:
        text = _THOUSANDS.sub("", text)
    return tuple(_WORD.findall(text.casefold()))


def compact(text_words: tuple[str, ...]) -> str:
    """Join the words without spaces, so that ``e-mail`` and ``email`` are equal.

    >>> compact(("top", "speed"))
    'topspeed'
    """
    return "".join(text_words)
