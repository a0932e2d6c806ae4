"""Which words of a text are negated."""

from collections.abc import Sequence

from fuzzydict.text.tokens import is_number

__all__ = ["negated"]

_SCOPE = 3  # words after a negation that it reaches
_NEGATIONS = frozenset([
    "not", "no", "non", "never", "without", "neither", "nor", "none", "nothing", "nobody", "cannot",
    "cant", "couldnt", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont",
    "wouldnt", "shouldnt", "hasnt", "havent", "hadnt", "lack", "lacks", "lacking", "except",
    "excluding", "excludes", "excl", "minus",
])  # fmt: skip
_TRANSPOSED = frozenset(
    word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    for word in _NEGATIONS
    if len(word) > 3
    for i in range(len(word) - 1)
)  # "odnt" for "dont"
_NEGATING = _NEGATIONS | _TRANSPOSED
_ENDS_SCOPE = "but"


def negated(words: Sequence[str], other: Sequence[str] = ()) -> frozenset[str]:
    """Return the words that an odd number of negations reaches, transposed letters included.

    A negation reaches the next three words, and "free" at the end the word before it. "no" means
    "number" before "of" or a number, at the end, and where ``other``, the text that it is compared
    with, has "number".

    >>> sorted(negated(("do", "not", "send", "mail"))), negated(("not", "without", "sugar"))
    (['mail', 'send'], frozenset())
    """
    found: set[str] = set()
    for i, word in enumerate(words):
        if word == "free" and i and i + 1 == len(words):
            found ^= {words[i - 1]}
        elif word in _NEGATING and not (word == "no" and _means_number(words, i, other)):
            found ^= _reached(words[i + 1 : i + 1 + _SCOPE])
    return frozenset(found)


def _means_number(words: Sequence[str], i: int, other: Sequence[str]) -> bool:
    following = words[i + 1] if i + 1 < len(words) else "of"
    return following == "of" or is_number(following) or "number" in other or "numbers" in other


def _reached(words: Sequence[str]) -> set[str]:
    reached = set()
    for word in words:
        if word == _ENDS_SCOPE:
            break
        if word not in _NEGATING:
            reached.add(word)
    return reached
