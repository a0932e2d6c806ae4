"""The operations of a `Ranker` for the keys of a server."""

from collections.abc import Callable, Collection, Iterator, Sequence

from fuzzydict.learning.projection import Lookups
from fuzzydict.model.embedders import Embedder
from fuzzydict.postgres.frequencies import WordCounts
from fuzzydict.postgres.rankers import TemporaryRankers
from fuzzydict.ranking.calibration import Calibration
from fuzzydict.ranking.ranker import CANDIDATES, Candidates, LearnedState, Ranker, ScoreBreakdown

__all__ = ["ServerRanker"]

Pairs = Sequence[tuple[str, str | None]]

_ALL = 256  # keys up to which all of them are candidates of each labelled pair


class ServerRanker:
    """Ranks the keys of a server; each operation uses temporary rankers of its candidates."""

    def __init__(
        self,
        embedder: Embedder,
        learned: LearnedState,
        rankers: TemporaryRankers,
        word_counts: WordCounts,
    ) -> None:
        self.embedder, self.learned = embedder, learned
        self._rankers, self._word_counts = rankers, word_counts
        self._override: LearnedState | None = None

    def __len__(self) -> int:
        return self._word_counts.key_count()

    def __contains__(self, key: object) -> bool:
        """Can it be a key? The mapping reads the server."""
        return isinstance(key, str)

    def set_learned(self, learned: LearnedState) -> None:
        """Rank by another learned state than that of the server."""
        self.learned = self._override = learned

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return what `Ranker.rank` does for all keys of the server.

        That looks at wider and wider blocks of candidates, until it has ``n`` keys that no guard
        vetoes, or a block adds none.
        """
        width, before = CANDIDATES, -1
        while True:
            (ranker,) = self._rankers.rankers_for([query], width)
            allowed = len(ranker.candidates([query], width)[0].best(width))
            if allowed >= n or allowed == before or len(ranker) < width:
                return ranker.rank(query, n)
            width, before = 2 * width, allowed

    def rank_many(
        self, queries: Sequence[str], n: int, step: Callable[[int], object] = lambda steps: None
    ) -> list[list[tuple[str, float]]]:
        """Return the ``n`` best keys of each query's shortlist."""
        result = []
        for query, ranker in self._each(queries):
            result += ranker.rank_many([query], n, step)
        return result

    def candidates(
        self,
        queries: Sequence[str],
        n: int | None = None,
        among: Collection[str] | None = None,
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored."""
        return [
            ranker.candidates([query], n)[0]
            for query, ranker in self._each(queries, n or CANDIDATES, among)
        ]

    def _each(
        self,
        queries: Sequence[str],
        n: int = CANDIDATES,
        among: Collection[str] | None = None,
    ) -> Iterator[tuple[str, Ranker]]:
        return zip(queries, self._rankers.rankers_for(queries, n, among), strict=True)

    def evidence(self, query: str) -> tuple[list[ScoreBreakdown], str | None]:
        """Return what the scores of the candidates are made of; see `Ranker.evidence`."""
        return self._rankers.ranker_for([query]).evidence(query)

    def calibrate(self, pairs: Pairs) -> Calibration:
        """Return the calibration that makes labelled pairs most probable."""
        return self._ranker_of_pairs(pairs, CANDIDATES).calibrate(pairs)

    def lookups(self, pairs: Pairs, step: Callable[[int], object] = lambda steps: None) -> Lookups:
        """Return labelled pairs with the zero-shot scores of their candidates."""
        n = _ALL if len(self) <= _ALL else CANDIDATES
        return self._ranker_of_pairs(pairs, n).lookups(pairs, step)

    def find_guard_exemptions(self, pairs: Pairs) -> dict[str, frozenset[str]]:
        """Return for each key the words of queries that mean it although a guard vetoes it."""
        return self._rankers.ranker_for([]).find_guard_exemptions(pairs)

    def _ranker_of_pairs(self, pairs: Pairs, n: int) -> Ranker:
        keys = {key for _, key in pairs if key is not None}
        queries = [query for query, _ in pairs]
        return self._rankers.ranker_for(queries, n, required=keys, learned=self._override)
