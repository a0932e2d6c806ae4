"""Inflection and spelling variants of English words."""

import functools
import re
from collections.abc import Iterator

from fuzzydict.resources import read_table

__all__ = ["bases", "regular_bases", "spelling_variant"]

_SUFFIXES = (
    ("ies", "y"), ("ves", "f"), ("es", ""), ("es", "e"), ("s", ""), ("ied", "y"), ("ed", ""),
    ("ed", "e"), ("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"), ("est", ""), ("est", "e"),
    ("iest", "y"), ("ier", "y"), ("ly", ""), ("ness", ""),
)  # fmt: skip
_SUFFIXES_OF = {
    end: [each for each in _SUFFIXES if each[0][-1] == end]
    for end in {suffix[-1] for suffix, _ in _SUFFIXES}
}

_VARIANTS = re.compile(
    "grey|sulph|our(?=s?$|ed|er|[iaflyh])|is(?=e|ing|ation)|ys(?=e|ing)|tre$|ogue|ence|ll|ae|oe|mme$"
)
_VARIANT_OF = {
    "grey": "gray", "sulph": "sulf", "our": "or", "is": "iz", "ys": "yz", "tre": "ter",
    "ogue": "og", "ence": "ense", "ll": "l", "ae": "e", "oe": "e", "mme": "m",
}  # fmt: skip


def bases(word: str) -> tuple[str, ...]:
    """Return the forms that ``word`` may be inflected or spelled from, the likeliest first.

    >>> bases("stopped"), bases("feet")
    (('stopp', 'stop', 'stoppe'), ('foot',))
    """
    return (*_irregular().get(word, ()), *regular_bases(word))


def regular_bases(word: str) -> Iterator[str]:
    """Yield the forms that the rules of English endings take ``word`` to."""
    for suffix, base in _SUFFIXES_OF.get(word[-1:], ()):
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= 2:
            yield stem + base
            if not base and len(stem) > 3 and stem[-1] == stem[-2]:
                yield stem[:-1]


def spelling_variant(word: str) -> str:
    """Return one spelling for the British and the American one; it need not be a word.

    Words of less than five letters have none: "four" is not "for".

    >>> spelling_variant("colour") == spelling_variant("color"), spelling_variant("modernised")
    (True, 'modernized')
    """
    if len(word) < 5 and word != "grey":
        return word
    return _VARIANTS.sub(lambda match: _VARIANT_OF[match[0]], word)


@functools.lru_cache(maxsize=1)
def _irregular() -> dict[str, tuple[str, ...]]:
    return read_table("irregular.tsv")
