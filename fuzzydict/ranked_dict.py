"""`RankedDict`: a dict with exact writes and a ranker of its keys.

Reading order: options and state, the ranker, what the lookups use, writes.
"""

import itertools
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from fuzzydict import forking, sharing
from fuzzydict.base import CLOSEST, FuzzyMapping
from fuzzydict.equal_values import all_equal, probable
from fuzzydict.index.approximate import IndexKind
from fuzzydict.key_sync import CACHE_SIZE, KeySync
from fuzzydict.matches import Ranking
from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import Embedder, as_embedder
from fuzzydict.primitives import MISSING
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.ranker import SHORTLIST, Ranker
from fuzzydict.text.tokens import MAX_LENGTH, plain

if TYPE_CHECKING:
    from typing_extensions import Self

    from fuzzydict.counting import Stats
    from fuzzydict.storage.archive import Archive

__all__ = ["RankedDict"]

K = TypeVar("K")
V = TypeVar("V")

_DEFAULT_OPTIONS = {
    "cutoff": None,
    "guards": DEFAULT,
    "index": "auto",
    "prior": None,
    "strict": False,
}
_SAMPLE = 64  # values that are compared to tell whether all are equal


class RankedDict(FuzzyMapping[K, V], dict[K, V]):
    """The part of `fuzzydict.FuzzyDict` that keeps a ranker in step with the keys of the dict.

    The ranker is created by the first inexact lookup, and updated by the first one after a write.
    A lock protects it; exact lookups and cached ones do not take the lock.
    """

    __slots__ = (
        "__weakref__",
        "_archive",
        "_cutoff",
        "_embedder",
        "_embedder_source",
        "_guards",
        "_index_kind",
        "_is_changing",
        "_learned",
        "_lock",
        "_pickle_id",
        "_prior",
        "_saved_as",
        "_stats",
        "_strict",
        "_sync",
    )
    _embedder_source: str | Embedder  # a model's name or an embedder
    _embedder: Embedder | None  # made from it on first use
    _cutoff: float | None
    _guards: tuple[Guard, ...]
    _index_kind: IndexKind
    _prior: float | None
    _strict: bool
    _learned: LearnedState
    _sync: KeySync | None  # made by the first inexact lookup
    _archive: "Archive | None"  # of a file, with which the ranker starts
    _saved_as: tuple[str, str] | None  # the path of the file with the keys' vectors, its checksum
    _pickle_id: str | None  # shared by copies by pickle until one of them learns more
    _lock: threading.RLock
    _is_changing: bool  # whether the ranker is being changed, under the lock
    _stats: "Stats | None"

    def __new__(cls, /, *args: Any, **kwargs: Any) -> "Self":
        self = super().__new__(cls)
        self._stats, self._lock, self._is_changing = None, threading.RLock(), False
        self._sync = None
        self._configure({**_DEFAULT_OPTIONS, "embedder": program_model()}, LearnedState())
        forking.register(self)
        return self

    def _options(self) -> dict[str, Any]:
        return {
            "embedder": self._embedder_source,
            "cutoff": self._cutoff,
            "guards": self._guards,
            "index": self._index_kind,
            "prior": self._prior,
            "strict": self._strict,
        }

    def _configure(
        self,
        options: dict[str, Any],
        learned: LearnedState,
        saved_as: tuple[str, str] | None = None,
        pickle_id: str | None = None,
    ) -> None:
        """Set the options and what was learned."""
        self._reset()
        source, self._embedder = options["embedder"], None
        self._embedder_source = source if isinstance(source, str) else as_embedder(source)
        self._cutoff, self._guards = options["cutoff"], options["guards"]
        self._index_kind, self._prior = options["index"], options["prior"]
        self._strict = options["strict"]
        self._learned, self._saved_as, self._pickle_id = learned, saved_as, pickle_id

    def _reset(self) -> None:
        """Drop everything derived from the keys; the next inexact lookup computes it again."""
        if self._sync is not None:
            self._sync.compare_all()  # another thread may be about to read its cache
        self._sync = self._archive = None

    @contextmanager
    def _changes(self) -> Iterator[None]:
        before, self._is_changing = self._is_changing, True
        try:
            yield
        finally:
            self._is_changing = before

    def _after_fork(self) -> None:
        """Make the dictionary usable in a forked child, whatever other threads were doing."""
        if self._lock.acquire(blocking=False):  # free, or owned by this thread
            self._lock.release()
            return
        self._lock = threading.RLock()
        sync = self._sync
        if self._is_changing or (sync is not None and sync.ranker.learned is not self._learned):
            self._reset()
            self._is_changing = False
        elif sync is not None:
            sync.compare_all()
            sync.cache = {}

    # The ranker.

    @property
    def embedder(self) -> Embedder:
        """The embedder, which turns texts into vectors. A named model is loaded on first use."""
        embedder = self._embedder
        if embedder is None:
            with self._lock:
                embedder = self._embedder = self._embedder or as_embedder(self._embedder_source)
        return embedder

    def _synced_ranker(self) -> Ranker:
        return self._current_sync().ranker

    def _current_sync(self) -> KeySync:
        """Return the ranker and its cache after an update. Use them while holding the lock."""
        with self._lock:
            sync = self._sync
            if sync is None:
                with self._changes():
                    sync = self._sync = KeySync(self._new_ranker())
                    self._archive = None
                    sync.update(self)
                if self._pickle_id is not None and self._saved_as is None:
                    sharing.retain(self._pickle_id, sync.ranker)
            elif not sync.is_current(len(self)):
                with self._changes():
                    sync.update(self)
            return sync

    def _new_ranker(self) -> Ranker:
        """Return a ranker with the keys of a file, of another copy by pickle, or none."""
        if self._archive is None and self._saved_as is not None:
            from fuzzydict.storage import archive

            self._archive = archive.reopened(*self._saved_as, self._embedder_source)
        embedder, content = self.embedder, self._archive
        if content is None or content.known is None:
            ranker = Ranker(embedder, self._guards, self._learned, self._index_kind, self._prior)
            snapshot = None if self._pickle_id is None else sharing.retained(self._pickle_id)
            if snapshot is not None:
                ranker.entries.restore(snapshot)
            return ranker
        if content.mapped is not None:
            content.mapped.require_unchanged()
        ranker = Ranker(embedder, self._guards, content.learned, self._index_kind, self._prior)
        ranker.entries.restore(content.known)
        ranker.entries.set_learned(self._learned)
        return ranker

    def _set_learned(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        with self._lock:
            new = change(self._learned)
            if new is None:
                return False
            if new.projection is not self._learned.projection:
                self._saved_as = None
            if self._sync is not None:
                with self._changes():
                    self._sync.ranker.entries.set_learned(new)
            self._learned, self._pickle_id = new, None
            if self._sync is not None:
                self._sync.cache = {}
            return True

    def _check(self) -> None:
        """Assert that the parts of the dictionary agree; for tests. O(len(self))."""
        with self._lock:
            if self._sync is not None:
                self._sync.check(self)
                assert self._sync.ranker.learned == self._learned

    # What the lookups use.

    _is_key = dict.__contains__
    _keys = dict.__iter__

    def _exact_value(self, key: object, default: Any = MISSING) -> Any:
        return dict.get(self, key, default)  # type: ignore[misc]

    def _values(self, keys: Collection[Any]) -> list[Any]:
        return [dict.get(self, key, MISSING) for key in keys]

    def _are_values_equal(self) -> bool:
        return all_equal(itertools.islice(self.values(), _SAMPLE))

    def _is_text(self, query: object) -> TypeGuard[str]:
        return isinstance(query, str) and len(self) > 0

    def _ranking(self, query: str) -> Ranking:
        query = plain(query)
        sync = self._sync
        if sync is not None and sync.is_current(len(self)):
            ranking = sync.cache.get(query)
            if ranking is not None:
                return ranking
        with self._lock:
            sync = self._current_sync()
            cache = sync.cache  # an embedder may teach the dictionary, which replaces the cache
            ranking = probable(sync.ranker.rank_many([query], SHORTLIST)[0], CLOSEST)
            if len(query) <= MAX_LENGTH:
                if len(cache) >= CACHE_SIZE:
                    del cache[next(iter(cache))]
                cache[query] = ranking
        return ranking

    # Writes: exact. Those that set keys are inherited from dict.

    def _record_removal(self, key: Any) -> None:
        """Record that a key is about to be removed. The caller holds the lock until it is."""
        if self._sync is not None:
            self._sync.record_removal(key, len(self))

    def __delitem__(self, key: K, /) -> None:
        with self._lock:
            self._record_removal(key)
            super().__delitem__(key)

    def pop(self, key: K, /, *default: Any) -> Any:
        """Remove exactly this key and return its value, or ``default``, or raise `KeyError`."""
        with self._lock:
            self._record_removal(key)
            return super().pop(key, *default)

    def popitem(self) -> tuple[K, V]:
        """Remove the last inserted item and return it; `KeyError` if the dictionary is empty."""
        with self._lock:
            self._record_removal(None)
            key, value = super().popitem()
            self._record_removal(key)
        return key, value

    def clear(self) -> None:
        """Remove all items."""
        with self._lock:
            super().clear()
            self._reset()
            self._saved_as = self._pickle_id = None
