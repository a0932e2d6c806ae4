"""The interface between the dictionary and everything whose speed matters: a table of entries.

A `KeyTable` holds entries (keys, and aliases that stand for a key) with all that ranking needs to
know about them. It finds the candidates of a query and scores them. There are two implementations:
`fuzzydict._native` in C++, for batches and without the interpreter's lock, and
`fuzzydict.ranking.reference`, which is written for reading and used where nothing is compiled.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALIAS",
    "ALL_GUARDS",
    "EXACT_LOGIT",
    "GUARD_FLAGS",
    "LETTERS",
    "NAMES",
    "NEGATIONS",
    "NUMBERS",
    "OPPOSITES",
    "ORDER",
    "SAME_WORDS",
    "UNITS",
    "KeyTable",
    "Ranking",
]

Floats = NDArray[np.float32]
Words = tuple[str, ...]

NUMBERS, OPPOSITES, NEGATIONS, ORDER, UNITS, LETTERS, NAMES = GUARD_FLAGS = (
    1, 2, 16, 32, 64, 128, 256,
)  # fmt: skip
SAME_WORDS, ALIAS = 4, 8
"""Flags of a ranked entry: the built-in guards that veto it; another key with the same words is
preferred; it is an alias."""

ALL_GUARDS = sum(GUARD_FLAGS)

EXACT_LOGIT = 8.0  # the lowest logit of an exact key


class Ranking(NamedTuple):
    """The scored entries of Q queries, at most K each, in the first ``counts`` columns of a row."""

    counts: NDArray[np.int32]  # (Q,)
    places: NDArray[np.int32]  # (Q, K) of the entries in the table
    logits: Floats  # (Q, K) -inf where a built-in guard vetoes the entry
    plain: Floats  # (Q, K) before guards and preferences
    flags: NDArray[np.uint16]  # (Q, K)
    rows: Floats | None  # (Q, width) vectors of the queries, meaning and spelling, if wanted


class KeyTable(Protocol):
    """Entries at places from 0 on; the last one takes the place of one that is removed.

    A thread that changes a table must be alone with it.
    """

    own: bool  # does the table embed texts itself?

    @property
    def key_count(self) -> int:
        """The number of keys, without aliases."""
        ...

    def __len__(self) -> int:
        """Return the number of entries."""
        ...

    def keys(self) -> list[str]:
        """Return the keys, in any order."""
        ...

    def aliases(self) -> list[str]:
        """Return the aliases, in any order."""
        ...

    def find(self, key: str, /) -> int | None:
        """Return the place of a key, or None."""
        ...

    def find_alias(self, text: str, /) -> int | None:
        """Return the place of an alias, or None."""
        ...

    def text(self, place: int, /) -> str:
        """Return the key or alias at a place."""
        ...

    def add(
        self,
        keys: Iterable[str],
        *,
        meanings: Floats | None = None,
        numbers: NDArray[np.int8] | None = None,
        scales: Floats | None = None,
        aliases: bool = False,
    ) -> None:
        """Add entries at the next places, with the meanings of another embedder, [n, d], or with
        the quantised vectors that `rows` returned."""
        ...

    def remove_at(self, place: int, /) -> None:
        """Remove an entry; the last one takes its place."""
        ...

    def rows(self, places: Iterable[int] | None = None) -> tuple[NDArray[np.int8], Floats]:
        """Return quantised vectors, int8 [n, width], and their scales, [n]."""
        ...

    def vectors(self, places: Iterable[int] | None = None) -> Floats:
        """Return vectors: float32 [n, width]."""
        ...

    def query_vectors(self, queries: Sequence[str], meanings: Floats | None = None, /) -> Floats:
        """Return the vectors of queries, [Q, width], whose dot products choose candidates."""
        ...

    def set_frequencies(self, counts: Mapping[str, int], keys: int) -> None:
        """Use the document frequencies of a larger collection of so many keys."""
        ...

    def rank(
        self,
        queries: Sequence[str],
        settings: Any = ...,
        *,
        threads: int = 1,
        meanings: Floats | None = None,
        exact: Sequence[int] | None = None,
        among: Iterable[int] | None = None,
        bonus: Floats | None = None,
        rows: bool = False,
    ) -> Ranking:
        """Find and score the candidates of each query.

        Args:
            settings: A `Settings` of the implementation: how many candidates, guards, calibration.
            threads: Threads that share the queries.
            meanings: Vectors of the queries if the embedder is another one, [Q, d].
            exact: For each query the place of an entry that is scored in any case, or -1.
            among: Places of the only entries that may be candidates.
            bonus: Added to the dot products that choose candidates, [Q, entries].
            rows: Return the vectors of the queries.
        """
        ...

    def words(self, place: int, /) -> Words:
        """Return the words of the key or alias at a place."""
        ...

    def settings(self, **options: Any) -> Any:
        """Return settings for `rank`: ``n_candidates``, ``n_scored`` (0 for all), ``guards``
        (flags), ``vectors`` and ``cosines`` (False: the spelling alone counts), ``calibration``
        (slope and shift of logits) and ``scale`` (the same for cosines of another embedder)."""
        ...

    def best(
        self,
        queries: Sequence[str],
        n: int = 1,
        settings: Any = ...,
        *,
        threads: int = 1,
        meanings: Floats | None = None,
    ) -> list[list[tuple[str, float]]]:
        """Return for each query the ``n`` best keys with their probabilities, best first."""
        ...
