"""Names as sequences of tokens, with the inverse document frequencies of both tables."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from fuzzydict.text.tokens import fold

__all__ = ["Name", "Rarity", "parse", "similarity"]

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_PARENTHESES = re.compile(r"\([^)]*\)")
_LEAST_SIMILARITY = 0.7  # of two tokens; below it they are unrelated


class Name(NamedTuple):
    """A text as tokens: runs of letters, without case and accents, or of digits."""

    tokens: tuple[str, ...]
    qualifiers: frozenset[str]  # tokens that occur in parentheses alone: "Lido (Paris)"


def parse(text: str) -> Name:
    """Return the tokens of a text.

    >>> parse("Le Lido (Paris, 1946)").tokens
    ('le', 'lido', 'paris', '1946')
    """
    folded = fold(text).lower().replace("'s ", "s ")
    tokens = tuple(_TOKEN.findall(folded))
    qualifiers: frozenset[str] = frozenset()
    if "(" in folded and (plain := set(_TOKEN.findall(_PARENTHESES.sub(" ", folded)))):
        qualifiers = frozenset(tokens) - plain
    return Name(tokens, qualifiers)


class Rarity:
    """How rare each token is among names: its inverse document frequency, ln((N + 1) / n)."""

    def __init__(self, names: Sequence[Name]) -> None:
        counts = Counter(token for name in names for token in set(name.tokens))
        total = np.log(len(names) + 1.0)
        values: NDArray[np.float64] = total - np.log(np.fromiter(counts.values(), float))
        self._of = dict(zip(counts, values.tolist(), strict=True))
        self._unseen = float(total)

    def __call__(self, tokens: Iterable[str]) -> list[float]:
        """Return the rarity of each token, at least 0."""
        return [self._of.get(token, self._unseen) for token in tokens]


@lru_cache(maxsize=1 << 17)
def similarity(one: str, other: str) -> float:
    """Return how likely two tokens are the same word, 0 to 1: by typing error or truncation.

    >>> similarity("company", "comp"), similarity("1998", "1989")
    (0.75, 0.0)
    """
    if one.isdigit() or other.isdigit():
        return 0.0
    short, long = sorted((one, other), key=len)
    found = float(OSA.normalized_similarity(one, other, score_cutoff=_LEAST_SIMILARITY))
    if long.startswith(short):
        found = max(found, 0.6 if len(short) < 3 else 0.75)
    return found
