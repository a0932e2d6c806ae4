"""The operations of a `Ranker` for the keys of a server."""

from collections.abc import Callable, Collection, Iterator, Sequence

from fuzzydict.model.embedders import Embedder
from fuzzydict.postgres.frequencies import WordCounts
from fuzzydict.postgres.rankers import TemporaryRankers
from fuzzydict.ranking.candidates import Candidates
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.ranker import CANDIDATES, Ranker

__all__ = ["ServerRanker"]


class ServerRanker:
    """Ranks the keys of a server; each operation uses temporary rankers of its candidates."""

    def __init__(
        self,
        embedder: Embedder,
        learned: LearnedState,
        rankers: TemporaryRankers,
        word_counts: WordCounts,
        prior: float | None = None,
    ) -> None:
        self.embedder, self.learned, self.prior = embedder, learned, prior
        self._rankers, self._word_counts = rankers, word_counts

    def __len__(self) -> int:
        return self._word_counts.key_count()

    def __contains__(self, key: object) -> bool:
        """Can it be a key? The mapping reads the server."""
        return isinstance(key, str)

    def with_prior(self, prior: float | None) -> "ServerRanker":
        """Return a ranker of the same keys with another prior."""
        return ServerRanker(self.embedder, self.learned, self._rankers, self._word_counts, prior)

    def rank(self, query: str, n: int) -> list[tuple[str, float]]:
        """Return what `Ranker.rank` does for all keys of the server.

        That looks at wider and wider blocks of candidates, until it has ``n`` keys that no guard
        vetoes, or a block adds none.
        """
        width, before = CANDIDATES, -1
        while True:
            ((_, ranker),) = self._each([query], width)
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
        *,
        cosines: bool = False,
    ) -> list[Candidates]:
        """Return for each query the ``n`` nearest keys, of those ``among`` if given, scored."""
        return [
            ranker.candidates([query], n, cosines=cosines)[0]
            for query, ranker in self._each(queries, n or CANDIDATES, among)
        ]

    def _each(
        self,
        queries: Sequence[str],
        n: int = CANDIDATES,
        among: Collection[str] | None = None,
    ) -> Iterator[tuple[str, Ranker]]:
        for query, ranker in zip(
            queries, self._rankers.rankers_for(queries, n, among), strict=True
        ):
            yield query, ranker.with_prior(self.prior)
