"""Spelling: vectors of character n-grams, and similarities of two texts."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

# Until other packages import these from where they are.
from fuzzydict.text.abbreviation import abbreviation
from fuzzydict.text.abbreviation import contraction as contracted
from fuzzydict.text.tokens import plain

__all__ = [
    "DIMENSION",
    "abbreviation",
    "contracted",
    "encode",
    "projection",
    "ratios",
    "similarities",
    "similarities_of_pairs",
]

Floats = NDArray[np.float32]

DIMENSION = 64
_BUCKETS = 1024

# Every text starts with "\2" and ends with "\3", so that its first and last letters count.
_FIRST, _LAST = "\2", "\3"
_OFFSETS = ((), (1,), (2,), (1, 2))  # the characters that are hashed together with each one


def encode(texts: Sequence[str]) -> Floats:
    """Return the spelling vectors of texts: float32 [len(texts), 64], of unit length or zero.

    A text is the set of its characters, of its pairs of characters (adjacent and one apart) and of
    its triples, hashed (Weinberger et al., 2009) and projected at random (Charikar, 2002). Two
    texts that share most of them have a dot product near one. Linear in the characters.

    >>> one, same, other = encode(["receive", "recieve", "table"])
    >>> bool(one @ same > 0.5 > one @ other)
    True
    """
    result = np.zeros((len(texts), DIMENSION), np.float32)
    for vector, text in zip(result, texts, strict=True):
        vector[:] = projection()[_buckets(plain(text))].sum(axis=0, dtype=np.float32)
        vector /= max(float(np.sqrt(vector @ vector)), 1e-9)
    return result


def _buckets(text: str) -> list[int]:
    """Return the hash buckets of the n-grams of a text, each once."""
    encoded = f"{_FIRST}{text}{_LAST}".encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(encoded, np.uint32)
    buckets: set[int] = set()
    for salt, offsets in enumerate(_OFFSETS):
        size = len(codes) - max(offsets, default=0)
        hashes = codes[:size] + np.uint32(salt << 24)
        for offset in offsets:
            hashes = hashes * np.uint32(69069) + codes[offset : offset + size]
        if not offsets:
            hashes = hashes[codes > ord(_LAST)]
        buckets.update(((hashes * np.uint32(2654435761)) >> np.uint32(22)).tolist())
    return list(buckets)


@functools.lru_cache(maxsize=1)
def projection() -> NDArray[np.int8]:
    """Return random signs, 1 and -1, the same on every machine: int8 [1024, 64]."""
    import hashlib

    digest = hashlib.shake_128(b"fuzzydict").digest(_BUCKETS * DIMENSION // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).reshape(_BUCKETS, DIMENSION)
    return 2 * bits.astype(np.int8) - 1


def similarities(query: str, keys: Sequence[str]) -> Floats:
    """Return three similarities of a query and each key, 0 to 1: float32 [3, len(keys)].

    The LCS similarity (longest common subsequence, RapidFuzz's ``ratio``), the edit similarity with
    transpositions (Damerau, 1964; optimal string alignment), and Jaro-Winkler (1990), which prefers
    common prefixes.

    >>> similarities("recieve", ["receive"]).round(2).tolist()
    [[0.8600000143051147], [0.8600000143051147], [0.9700000286102295]]
    """
    return similarities_of_pairs([plain(query)] * len(keys), list(map(plain, keys)))


def similarities_of_pairs(queries: Sequence[str], keys: Sequence[str]) -> Floats:
    """Return the `similarities` of each query and the key at the same place: float32 [3, n]."""
    from rapidfuzz.process import cpdist

    return np.stack(
        [cpdist(queries, keys, scorer=scorer, dtype=np.float32) for scorer in _scorers()]
    )


@functools.lru_cache(maxsize=1)
def _scorers() -> tuple[Callable[..., float], ...]:
    from rapidfuzz.distance import OSA, Indel, JaroWinkler

    return tuple(each.normalized_similarity for each in (Indel, OSA, JaroWinkler))


def ratios(query: str, keys: Sequence[str]) -> Floats:
    """Return the first of the `similarities`: float32 [len(keys)]."""
    found: Floats = similarities(query, keys)[0]
    return found


_projection = projection  # until other packages use the public name
