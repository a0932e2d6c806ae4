"""Names as sequences of tokens, and how much of each of two names the other one covers.

A token counts by its rarity, so that the tokens that identify a name decide, rather than those that
many names share. Tokens may match by a typing error, a truncation ("Co."), or initials ("NLRB").
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from fuzzydict.text.tokens import fold

__all__ = ["TOKEN_FEATURES", "Name", "Rarity", "parse", "similarity", "token_evidence"]

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_PARENTHESES = re.compile(r"\([^)]*\)")
_LEAST_SIMILARITY = 0.7  # of two tokens; below it they are unrelated

TOKEN_FEATURES = (
    "covered_query",  # share of the rarity of the query's tokens that the key covers
    "covered_key",
    "extra_query",  # rarity of the query's tokens that the key lacks, outside parentheses
    "extra_key",
    "rarest_query",  # highest rarity among the query's tokens that the key lacks
    "rarest_key",
    "other_numbers",  # both have numbers that the other lacks
    "number_query",  # only the query has
    "number_key",
    "same_first",  # both begin with the same token
)

_INITIALS = 0.8  # similarity of an abbreviation and the words it stands for
_PARTICLES = frozenset(("of", "the", "and", "in", "for", "de", "la", "du", "et"))
_LIMIT = 40  # further tokens of a name are ignored


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


def token_evidence(query: Name, key: Name, rarity: Rarity) -> list[float]:
    """Return the `TOKEN_FEATURES` of a pair.

    >>> names = [Name(tuple(text.split()), frozenset()) for text in ("ibm corp", "ibm corporation")]
    >>> [round(value, 2) for value in token_evidence(*names, Rarity(names))[:2]]
    [0.82, 0.82]
    """
    ours, theirs = set(query.tokens[:_LIMIT]), set(key.tokens[:_LIMIT])
    one, other = sorted(ours - theirs), sorted(theirs - ours)
    alike_one, alike_other = _alike(one, other, query.tokens, key.tokens)
    covered_one, extra_one, rarest_one = _coverage(query, ours, one, alike_one, rarity)
    covered_other, extra_other, rarest_other = _coverage(key, theirs, other, alike_other, rarity)
    number_one = any(token.isdigit() for token in one)
    number_other = any(token.isdigit() for token in other)
    return [
        covered_one,
        covered_other,
        extra_one,
        extra_other,
        rarest_one,
        rarest_other,
        float(number_one and number_other),
        float(number_one and not number_other),
        float(number_other and not number_one),
        float(query.tokens[:1] == key.tokens[:1]),
    ]


def _coverage(
    name: Name, tokens: Iterable[str], rest: Sequence[str], alike: Sequence[float], rarity: Rarity
) -> tuple[float, float, float]:
    """Return the covered share of a name, the uncovered rarity, and the highest of one token."""
    total = sum(rarity(tokens))
    extra = [rare * (1 - share) for rare, share in zip(rarity(rest), alike, strict=True)]
    outside = sum(
        value for token, value in zip(rest, extra, strict=True) if token not in name.qualifiers
    )
    covered = 1 - sum(extra) / total if total else float(not rest)
    return covered, outside, max(extra, default=0.0)


def _alike(
    one: Sequence[str],
    other: Sequence[str],
    one_name: Sequence[str],
    other_name: Sequence[str],
) -> tuple[list[float], list[float]]:
    """Return for each token the similarity of the most similar token of the other side."""
    if not one or not other:
        return [0.0] * len(one), [0.0] * len(other)
    table = [[similarity(a, b) for b in other] for a in one]
    rows = [max(row) for row in table]
    columns = [max(column) for column in zip(*table, strict=True)]
    _match_initials(one, rows, other_name, other, columns)
    _match_initials(other, columns, one_name, one, rows)
    return rows, columns


def _match_initials(
    short: Sequence[str],
    short_alike: list[float],
    name: Sequence[str],
    rest: Sequence[str],
    rest_alike: list[float],
) -> None:
    """Raise the similarities of an abbreviation and of the words that it stands for."""
    if len(name) < 2:
        return
    initials = "".join([token[0] for token in name])
    strict = "".join([token[0] for token in name if token not in _PARTICLES])
    for i, token in enumerate(short):
        if 2 <= len(token) <= 6 and (token in strict or token in initials):
            short_alike[i] = max(short_alike[i], _INITIALS)
            for j, word in enumerate(rest):
                if word[0] in token:
                    rest_alike[j] = max(rest_alike[j], _INITIALS)
            return
