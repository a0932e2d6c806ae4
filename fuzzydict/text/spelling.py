"""How words are written: vectors of character n-grams, and similarities of two spellings."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.text.tokens import plain

__all__ = ["DIMENSION", "encode", "projection", "ratios", "similarities", "similarities_of_pairs"]

Floats = NDArray[np.float32]

DIMENSION = 64
_BUCKETS = 1024
_CHUNK = 512


def encode(texts: Sequence[str]) -> Floats:
    """Return the spelling vectors of texts: float32 [len(texts), 64], of unit length or zero.

    A text is the set of its characters, of its pairs of characters, next to each other and one
    apart, and of its triples, hashed and projected at random (Weinberger et al., 2009; Charikar,
    2002). Two texts that share most of them have a dot product near one. Linear in the characters.

    >>> one, same, other = encode(["receive", "recieve", "table"])
    >>> bool(one @ same > 0.5 > one @ other)
    True
    """
    texts = list(map(plain, texts))
    result = np.zeros((len(texts), DIMENSION), np.float32)
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        sums = matrix_product(_bags(chunk), projection().astype(np.float32))
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))[:, None]
        result[start : start + _CHUNK] = sums / np.maximum(lengths, 1e-9)
    return result


# "\2" begins every text and "\3" ends it, so that first and last letters count.
_FIRST, _LAST = "\2", "\3"
_STEPS = ((), (1,), (2,), (1, 2))  # from a character to those that are hashed with it


def _bags(texts: Sequence[str]) -> Floats:
    """Return which buckets the characters of each text fall into: [len(texts), 1024]."""
    joined = "".join(f"{_FIRST}{text}{_LAST}" for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter((len(text) + 2 for text in texts), np.intp, len(texts))
    owners = np.repeat(np.arange(len(texts)), lengths)
    bags = np.zeros((len(texts), _BUCKETS), np.float32)
    for salt, steps in enumerate(_STEPS):
        size = len(codes) - max(steps, default=0)
        hashes = codes[:size] + np.uint32(salt << 24)
        for step in steps:
            hashes = hashes * np.uint32(69069) + codes[step : size + step]
        inside = owners[:size] == owners[len(codes) - size :] if steps else codes > ord(_LAST)
        buckets = (hashes[inside] * np.uint32(2654435761)) >> np.uint32(22)
        bags[owners[:size][inside], buckets] = 1
    return bags


@functools.lru_cache(maxsize=1)
def projection() -> NDArray[np.int8]:
    """Return the random projection of n-grams, 1 and -1, the same on every machine: [1024, 64]."""
    import hashlib

    digest = hashlib.shake_128(b"fuzzydict").digest(_BUCKETS * DIMENSION // 8)
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).reshape(_BUCKETS, DIMENSION)
    return 2 * bits.astype(np.int8) - 1


def similarities(query: str, keys: Sequence[str]) -> Floats:
    """Return three similarities of a query and keys, 0 to 1: float32 [3, len(keys)].

    The longest common subsequence (as ``difflib`` and RapidFuzz's ``ratio``), the edits with
    transpositions (Damerau, 1964; restricted), and Jaro and Winkler's (1990), which looks at
    beginnings. They are RapidFuzz's.
    """
    return similarities_of_pairs([plain(query)] * len(keys), list(map(plain, keys)))


def similarities_of_pairs(queries: Sequence[str], keys: Sequence[str]) -> Floats:
    """Return the `similarities` of each query and the key in its place: float32 [3, n]."""
    from rapidfuzz.process import cpdist

    return np.stack(
        [cpdist(queries, keys, scorer=scorer, dtype=np.float32) for scorer in _scorers()]
    )


@functools.lru_cache(maxsize=1)
def _scorers() -> tuple[Callable[..., float], ...]:
    from rapidfuzz.distance import OSA, Indel, JaroWinkler

    return tuple(each.normalized_similarity for each in (Indel, OSA, JaroWinkler))


def ratios(query: str, keys: Sequence[str]) -> Floats:
    """Return the first of the `similarities` alone: float32 [len(keys)]."""
    from rapidfuzz.process import cdist

    texts = list(map(plain, keys))
    found: Floats = cdist([plain(query)], texts, scorer=_scorers()[0], dtype=np.float32)[0]
    return found
