"""What a fuzzy mapping provides, wherever its items are: exact reads, a ranker, learned state.

The lookups and the teaching that all mappings share (`fuzzydict.base`) are built on these methods.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeGuard, TypeVar

from fuzzydict.model.embedders import Embedder, networks_for
from fuzzydict.options import check_cutoff, check_flag
from fuzzydict.ranking.guards import Guard
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.ranker import Ranker

__all__ = ["MISSING", "Primitives"]

K = TypeVar("K")
V = TypeVar("V")

MISSING: Any = object()  # the value of a key that does not exist


class Primitives(Generic[K, V]):
    """The methods that a fuzzy mapping defines, and its cutoff."""

    __slots__ = ()
    _cutoff: float | None  # 1.0 if the mapping is strict
    _strict: bool
    _guards: tuple[Guard, ...]
    _learned: LearnedState
    _lock: AbstractContextManager[Any]  # protects the ranker

    def _exact_value(self, key: object, default: Any = MISSING) -> Any:
        """Return the value of exactly this key."""
        raise NotImplementedError

    def _values(self, keys: Collection[Any]) -> list[Any]:
        """Return the values of exactly these keys, MISSING where a key does not exist."""
        raise NotImplementedError

    def _is_key(self, key: object, /) -> bool:
        """Return True if exactly this key exists."""
        raise NotImplementedError

    def _among(self, keys: Iterable[Any]) -> Collection[Any]:
        """Return those of the keys that exist."""
        return {key for key in keys if self._is_key(key)}

    def _keys(self) -> Iterable[Any]:
        """Return all keys."""
        raise NotImplementedError

    def _synced_ranker(self) -> Ranker:
        """Return a ranker that has every insertion and removal. Use it while holding the lock."""
        raise NotImplementedError

    def _ranker_for(self, queries: Sequence[str], required: Collection[str] = ()) -> Ranker:
        """Return a ranker with at least the candidates of these queries and the required keys."""
        return self._synced_ranker()

    def _set_learned(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        """Replace the learned state by what ``change`` returns for it; return False for None.

        The state is not changed in between, so ``change`` gets the newest one.
        """
        raise NotImplementedError

    def _changes(self) -> AbstractContextManager[Any]:
        """Mark the ranker as being changed, for a process that is forked meanwhile."""
        raise NotImplementedError

    @property
    def embedder(self) -> Embedder:
        """The embedder, which turns texts into vectors. A named model is loaded on first use."""
        raise NotImplementedError

    @property
    def cutoff(self) -> float:
        """The lowest score of a match, 0 to 1. Set it to None for the embedder's default.

        That of a strict mapping is 1 and cannot be set, ``ValueError`` otherwise.
        """
        cutoff = self._cutoff
        return networks_for(self.embedder).cutoff if cutoff is None else cutoff

    @cutoff.setter
    def cutoff(self, cutoff: float | None) -> None:
        with self._lock:
            self._cutoff = check_cutoff(cutoff, self._strict)  # type: ignore[misc]

    @property
    def strict(self) -> bool:
        """Whether lookups are exact and their errors suggest keys. False sets the default cutoff.

        ``TypeError`` for anything but True and False.
        """
        return self._strict

    @strict.setter
    def strict(self, strict: bool) -> None:
        strict = check_flag(strict, "strict")
        with self._lock:
            if strict != self._strict:
                self._strict, self._cutoff = strict, check_cutoff(None, strict)  # type: ignore[misc]

    def _is_text(self, query: object) -> TypeGuard[str]:
        """Return True if the query could match a key other than itself."""
        return isinstance(query, str)

    def _is_fuzzy(self, query: object) -> TypeGuard[str]:
        """Return True if a lookup may find a key other than the query."""
        return self._is_text(query) and self._cutoff != 1.0
