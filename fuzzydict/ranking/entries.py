"""The keys of a dictionary and its active corrections, with everything that ranking needs."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.index.approximate import ApproximateIndex, IndexKind
from fuzzydict.model.embedders import Embedder
from fuzzydict.progress import Progress
from fuzzydict.ranking.calibration import Background, Calibration, Scale
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projected import ProjectedVectors
from fuzzydict.ranking.table import KeyTable
from fuzzydict.ranking.tables import new_table
from fuzzydict.text.spelling import DIMENSION as SPELLING_WIDTH
from fuzzydict.text.tokens import plain

if TYPE_CHECKING:
    from fuzzydict.index.quantized import QuantizedVectors

__all__ = ["Entries", "IndexSnapshot"]

T = TypeVar("T")
Floats = NDArray[np.float32]

_BATCH = 4096  # texts that are embedded at once


class IndexSnapshot(NamedTuple):
    """The entries of a ranker with their vectors, for files and for copies."""

    keys: list[str]
    corrections: list[str]  # corrected queries whose key is there
    vectors: "QuantizedVectors"  # of the keys, then of the corrected queries


class Entries:
    """Keys, and corrected queries that stand for one of them, in a table with their vectors.

    A corrected query is an alias in the table, as long as the key that the correction names is
    there.
    """

    def __init__(self, embedder: Embedder, learned: LearnedState, index: IndexKind) -> None:
        self.embedder, self.learned, self._kind = embedder, learned, index
        self._frequencies: tuple[Mapping[str, int], int] | None = None
        self._use(new_table(embedder))
        self._background = None if self.table.own else Background()

    def _use(self, table: KeyTable) -> None:
        """Start with an empty table."""
        self.table = table
        if self._frequencies is not None:
            table.set_frequencies(*self._frequencies)
        self.approximate = ApproximateIndex(table, self._kind)
        self.projected = ProjectedVectors(self.embedder, table, self.learned.projection)

    def __len__(self) -> int:
        return self.table.key_count

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.table.find(key) is not None

    def keys(self) -> list[str]:
        """Return the keys, in any order."""
        return self.table.keys()

    def add(self, keys: Sequence[str]) -> None:
        """Add keys that are not there yet. Nothing changes if the embedder fails. O(d) per key."""
        if keys:
            targets = {None, *keys}
            aliases = [
                query
                for query, key in self.learned.corrections.items()
                if key in targets and self.table.find_alias(query) is None
            ]
            self._add(keys, aliases, self._embed([*keys, *aliases]))

    def remove(self, key: str) -> None:
        """Remove a key if it is there. Its corrections are inactive until it is added again."""
        if key not in self:
            return
        self._remove_entry(self.table.find(key))
        for query, target in self.learned.corrections.items():
            if target == key:
                self._remove_entry(self.table.find_alias(query))
        if self._background is not None:
            self._background.discard(key, self.keys)

    def set_learned(self, learned: LearnedState) -> None:
        """Replace what was learned; no key is embedded again.

        O(corrections), and O(len(self) · d) for another projection. Nothing changes if the embedder
        fails.
        """
        before, active = self.learned, set(self.table.aliases())
        unchanged = before.corrections.items() & learned.corrections.items()
        stale = [query for query in active if (query, before.corrections[query]) not in unchanged]
        new = [
            query
            for query, key in learned.corrections.items()
            if (query not in active or query in stale) and (key is None or key in self)
        ]
        meanings = self._embed(new)
        self.learned = learned
        for query in stale:
            self._remove_entry(self.table.find_alias(query))
        if learned.projection is not before.projection:
            self.projected = ProjectedVectors(self.embedder, self.table, learned.projection)
        if len(self):
            self._add([], new, meanings)

    def snapshot(self, among: Collection[object] | None = None) -> IndexSnapshot:
        """Return the entries with their vectors; of the keys those ``among`` these if given."""
        from fuzzydict.index.quantized import QuantizedVectors

        keys = [key for key in self.keys() if among is None or key in among]
        corrections = self.table.aliases()
        found = [*map(self.table.find, keys), *map(self.table.find_alias, corrections)]
        numbers, scales = self.table.rows([place for place in found if place is not None])
        return IndexSnapshot(keys, corrections, QuantizedVectors(numbers, scales[:, None]))

    def restore(self, snapshot: IndexSnapshot) -> None:
        """Add the entries of a snapshot that a ranker of the same embedder made."""
        self._add(snapshot.keys, snapshot.corrections, None, snapshot.vectors)

    def set_frequencies(self, counts: Mapping[str, int], keys: int) -> None:
        """Use the document frequencies of a larger collection, of so many keys."""
        self._frequencies = counts, keys
        self.table.set_frequencies(counts, keys)

    def set_scale(self, scale: Scale | None) -> None:
        """Use this scale of the embedder's cosines, and not that of the keys."""
        self._background = None if scale is None else Background.of(scale)

    def check(self) -> None:
        """Assert that the entries agree with the keys and the corrections; for tests."""
        assert len(self.keys()) == len(set(self.keys())) == len(self)
        corrections = self.learned.corrections.items()
        expected = {query for query, key in corrections if key is None or key in self}
        if len(self):
            assert set(self.table.aliases()) == expected, (self.table.aliases(), expected)
            assert len(self.table) == len(self) + len(expected)

    def _add(
        self,
        keys: Sequence[str],
        corrections: Sequence[str],
        meanings: Floats | None,
        vectors: "QuantizedVectors | None" = None,
    ) -> None:
        """Add entries with their meanings, or with their vectors; a table embeds them itself."""
        if not self.table.own and len(self.table) == 0:
            self._use(new_table(self.embedder, _dimension(meanings, vectors)))
        end = len(keys)
        parts = (keys, slice(end), False), (corrections, slice(end, None), True)
        for texts, part, aliases in parts:
            if not texts:
                continue
            if vectors is not None:
                numbers, scales = vectors.numbers[part], vectors.scales[part, 0]
                self.table.add(texts, numbers=numbers, scales=scales, aliases=aliases)
            elif meanings is not None:
                self.table.add(texts, meanings=meanings[part], aliases=aliases)
            else:
                _in_batches(texts, functools.partial(self.table.add, aliases=aliases))
        self.projected.add()
        if self._background is not None:
            self._background.add(keys)

    def _remove_entry(self, place: int | None) -> None:
        assert place is not None
        self.table.remove_at(place)
        self.approximate.remove(place)
        self.projected.remove(place)

    def _embed(self, texts: Sequence[str]) -> Floats | None:
        """Return the vectors of many texts, or None if the table embeds them itself."""
        if self.table.own or not texts:
            return None
        return np.vstack(_in_batches(texts, self._encode))

    def encode(self, texts: Sequence[str]) -> Floats | None:
        """Return the vectors of texts, or None if the table embeds them itself."""
        if self.table.own or not texts:
            return None
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Floats:
        vectors: Floats = self.embedder.encode([plain(text) for text in texts])
        return vectors

    def cosine_scale(self, calibration: Calibration) -> tuple[float, float]:
        """Return slope and offset that map cosines of another embedder to the default model's."""
        if self._background is None:
            return 1.0, 0.0
        keys = self._background.scale(self.meanings)
        slope, offset = calibration.scale
        return slope * keys.slope, slope * keys.offset + offset

    def cosines(self, vector: Floats, keys: Sequence[str], calibration: Calibration) -> Floats:
        """Return the cosines of keys with a query: float32 [len(keys)].

        ``vector`` is that of the query in `ScoredEntries`. Those of another embedder are on the
        scale of the default model's.
        """
        if not keys:
            return np.empty(0, np.float32)
        found: Floats = matrix_product(self.meanings(keys), vector[:-SPELLING_WIDTH])
        if self.table.own:
            return found
        slope, offset = self.cosine_scale(calibration)
        scaled: Floats = np.clip(slope * found + offset, -1, 1).astype(np.float32)
        return scaled

    def meanings(self, keys: Sequence[str]) -> Floats:
        """Return the stored vectors of keys, without their spelling: float32 [n, d]."""
        return self.table.vectors(map(self.place, keys))[:, :-SPELLING_WIDTH]

    def place(self, key: str | None) -> int:
        """Return the place of a key in the table, -1 for none."""
        place = None if key is None else self.table.find(key)
        return -1 if place is None else place

    def places_of(self, keys: Collection[str]) -> list[int]:
        """Return the places of keys, and of the corrections that lead to them or to no match."""
        targets, corrections = {None, *keys}, self.learned.corrections
        aliases = [query for query in self.table.aliases() if corrections[query] in targets]
        places = [*map(self.table.find, keys), *map(self.table.find_alias, aliases)]
        return [place for place in places if place is not None]


def _in_batches(texts: Sequence[str], work: Callable[[Sequence[str]], T]) -> list[T]:
    """Return the results of the work on each batch; long work shows its progress."""
    results = []
    with Progress("keys", len(texts)) as step:
        for start in range(0, len(texts), _BATCH):
            batch = texts[start : start + _BATCH]
            results.append(work(batch))
            step(len(batch))
    return results


def _dimension(meanings: Floats | None, vectors: "QuantizedVectors | None") -> int | None:
    """Return the dimension of meanings, None if there are none."""
    if vectors is not None:
        return int(vectors.numbers.shape[1]) - SPELLING_WIDTH
    return None if meanings is None else int(meanings.shape[1])
