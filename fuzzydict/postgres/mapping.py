"""`PostgresFuzzyDict`: the mapping whose keys, vectors and values are on a PostgreSQL server."""

import itertools
import os
import weakref
from collections.abc import (
    Callable,
    Collection,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    Sequence,
    ValuesView,
)
from contextlib import nullcontext
from typing import Any, TypeVar

from fuzzydict.base import FuzzyMapping
from fuzzydict.learning.lookups import Lookups, labelled_lookups, queries_and_keys
from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import Embedder, as_embedder, model_file
from fuzzydict.options import (
    check_count,
    check_cutoff,
    check_flag,
    check_guards,
    check_positive,
    check_prior,
)
from fuzzydict.postgres.candidates import CandidateSearch
from fuzzydict.postgres.check import check_tables
from fuzzydict.postgres.database import Database
from fuzzydict.postgres.frequencies import WordCounts
from fuzzydict.postgres.items import Items
from fuzzydict.postgres.lessons import Lessons
from fuzzydict.postgres.pool import Connections, LostConnectionError
from fuzzydict.postgres.ranker import ServerRanker
from fuzzydict.postgres.rankers import TemporaryRankers
from fuzzydict.postgres.schema import Schema
from fuzzydict.postgres.vectors import VectorEncoder
from fuzzydict.postgres.views import ServerItems, ServerKeys, ServerValues
from fuzzydict.primitives import MISSING
from fuzzydict.progress import Progress
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projection import Projection
from fuzzydict.ranking.ranker import CANDIDATES, Ranker
from fuzzydict.storage import codec

__all__ = ["LostConnectionError", "PostgresFuzzyDict"]

V = TypeVar("V")

_BATCH = 2000  # items that are written or read at once
_ALL = 256  # keys up to which all of them are candidates of each labelled pair


class PostgresFuzzyDict(FuzzyMapping[str, V], MutableMapping[str, V]):
    """A fuzzy mapping on a PostgreSQL server with pgvector, for any number of clients.

    Lookups, scores, guards and teaching are those of `FuzzyDict`; writes and views are exact. Keys
    are strings of any length. Values are what JSON can represent and NumPy arrays (see
    `fuzzydict.storage.codec`), ``TypeError`` otherwise. A read returns a copy of the value: to
    change it on the server, set it.

    Args:
        dsn: The connection string of libpq, also with several hosts. A read-only server, such as
            a standby, suffices for reads.
        name: Name of the dictionary, up to 40 bytes. Its tables are created if they do not exist.
        embedder: As in `FuzzyDict`, and the same one in all clients of the dictionary.
        cutoff: As in `FuzzyDict`.
        guards: As in `FuzzyDict`.
        prior: As in `FuzzyDict`.
        strict: As in `FuzzyDict`, for this client.
        partitions: Number of partitions of new tables, by the hash of the key; None for none.
        pool_size: Connections that are open at most. Each thread that reads or writes needs one.
        timeout: Seconds in which a lost connection is re-established.

    Raises:
        ValueError: The keys were embedded by another embedder.
        LostConnectionError: The server cannot be reached.
        RuntimeError: The server has no pgvector 0.8.4 or later.

    Any number of threads, processes and machines may read and write, and everyone sees what one has
    written. Operations that may run twice are repeated when the connection is lost. Removing a key
    or a correction is not repeated: after the error it may have happened or not. A forked process
    opens its own connections.

    An exact read is one indexed read. A fuzzy read takes its candidates from pgvector's graph
    (HNSW; Malkov and Yashunin, 2018), which may miss a few, and scores them as in memory. It takes
    four requests to the server.
    """

    def __init__(
        self,
        dsn: str,
        name: str,
        *,
        embedder: Any = None,
        cutoff: float | None = None,
        guards: Iterable[Guard] = DEFAULT,
        prior: float | None = None,
        strict: bool = False,
        partitions: int | None = None,
        pool_size: int = 8,
        timeout: float = 30.0,
    ) -> None:
        if not isinstance(dsn, str):
            raise TypeError(f"dsn must be a connection string of libpq, got {dsn!r}")
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        embedder = program_model() if embedder is None else embedder
        if isinstance(embedder, str):
            model_file(embedder)  # a name of none fails here
        self._source = embedder if isinstance(embedder, str) else as_embedder(embedder)
        self._guards, self._prior = check_guards(guards), check_prior(prior)
        partitions = None if partitions is None else check_count(partitions, "partitions")
        pool_size = check_count(pool_size, "pool_size")
        timeout = check_positive(timeout, "timeout")
        self._learned, self._lock = LearnedState(), nullcontext()
        self._is_checked = False  # is the embedder that of the keys?
        self._strict = check_flag(strict, "strict")
        self._cutoff = check_cutoff(cutoff, strict)
        self._connections = Connections(dsn, pool_size, timeout)
        try:
            self._database = Database(self._connections, name)
            self._schema = Schema(self._database, lambda: self.embedder, partitions)
        except BaseException:
            self._connections.close()
            raise
        self._word_counts = WordCounts(self._database)
        self._lessons = Lessons(self._database, self._schema, self._new_encoder)
        self._items = Items(self._database, self._schema, self._lessons, self._word_counts)
        search = CandidateSearch(self._database, self._schema, self._lessons)
        self._rankers = TemporaryRankers(self._guards, self._lessons, search, self._word_counts)
        _DICTIONARIES[id(self)] = self

    def __repr__(self) -> str:
        return f"<PostgresFuzzyDict {self._database.name!r} on {self._connections.place}>"

    def close(self) -> None:
        """Close all connections; the dictionary stays on the server."""
        self._connections.close()

    def __enter__(self) -> "PostgresFuzzyDict[V]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What `fuzzydict.primitives` requires.

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors, by its ``encode``; the first use loads a named model."""
        found = self._source = as_embedder(self._source)
        return found

    def _new_encoder(self, projection: Projection | None) -> VectorEncoder:
        embedder = self.embedder
        if not self._is_checked:
            self._schema.require_embedder(embedder)
            self._is_checked = True
        return VectorEncoder(embedder, projection)

    def _synced_ranker(self) -> ServerRanker:  # type: ignore[override]
        self._learned = self._lessons.state().learned
        embedder = self._lessons.encoder(self._learned).embedder
        return ServerRanker(embedder, self._learned, self._rankers, self._word_counts, self._prior)

    def _ranker_for(self, queries: Sequence[str], required: Collection[str] = ()) -> Ranker:
        return self._rankers.ranker_for(queries, required=required)

    def _lookups(
        self,
        pairs: Sequence[tuple[str, str | None]],
        learned: LearnedState,
        step: Callable[[int], object],
        scored: Sequence[int],
    ) -> Lookups:
        n = _ALL if len(self) <= _ALL else CANDIDATES
        _, keys = queries_and_keys(pairs)
        queries = [pairs[place][0] for place in scored]
        ranker = self._rankers.ranker_for(queries, n, required=keys, learned=learned)
        return labelled_lookups(ranker, pairs, step, scored)

    def _exact_value(self, key: object, default: Any = MISSING) -> Any:
        if not isinstance(key, str):
            hash(key)
            return default
        value = self._items.value(key)
        return default if value is None else codec.loads(value)

    def _is_key(self, key: object, /) -> bool:
        return bool(self._among([key]))

    def _values(self, keys: Iterable[Any]) -> list[Any]:
        keys = list(keys)
        found: dict[Any, Any] = {}
        texts = [key for key in keys if isinstance(key, str)]
        for start in range(0, len(texts), _BATCH):
            part = self._items.values(texts[start : start + _BATCH])
            found |= {key: codec.loads(value) for key, value in part.items()}
        return [found.get(key, MISSING) for key in keys]

    def _among(self, keys: Iterable[Any]) -> set[Any]:
        texts = [key for key in keys if isinstance(key, str)]
        parts = range(0, len(texts), _BATCH)
        return set().union(*(self._items.contained(texts[i : i + _BATCH]) for i in parts))

    def _keys(self) -> Iterator[str]:
        return self._items.all_keys()

    def __getitem__(self, query: Any) -> V:
        value = self._exact_value(query)
        return self.__missing__(query) if value is MISSING else value

    # Views.

    def __len__(self) -> int:
        return self._word_counts.key_count()

    def __iter__(self) -> Iterator[str]:
        """Yield the keys; those that are added or removed meanwhile may be missing."""
        return self._items.all_keys()

    def keys(self) -> KeysView[str]:
        """Return a view of the keys."""
        return ServerKeys(self)

    def items(self) -> ItemsView[str, V]:
        """Return a view of the items."""
        return ServerItems(self)

    def values(self) -> ValuesView[V]:
        """Return a view of the values."""
        return ServerValues(self)

    # Writes: exact.

    def __setitem__(self, key: str, value: V) -> None:
        text = _dumped(key, value)
        if not self._items.replace(key, text):
            self._items.put(key, text)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of the very key, which is set to ``default`` if it is new."""
        text = _dumped(key, default)
        value = self._exact_value(key)
        while value is MISSING:
            self._items.put(key, text, keep=True)
            value = self._exact_value(key)
        return value

    def update(self, items: Any = (), /, **more: V) -> None:
        """Set many items in batches of 2000; each batch is written completely or not at all.

        The items are a mapping or an iterable of pairs, which may exceed the memory. An interrupted
        update can be repeated: existing keys are not embedded again. The graph of an empty
        dictionary is created at the end; writers wait for it, readers do not. Long work shows its
        progress in a terminal.
        """
        pairs = items.items() if isinstance(items, Mapping) else _pairs(items)
        pairs = itertools.chain(pairs, more.items())
        total = len(items) + len(more) if hasattr(items, "__len__") else None
        with Progress("items", total) as step:
            part = list(itertools.islice(pairs, _BATCH))
            is_load = len(part) == _BATCH
            if is_load:
                self._items.start_load()
            while part:
                texts = {key: _dumped(key, value) for key, value in part}
                self._items.put_many(texts)
                step(len(part))
                part = list(itertools.islice(pairs, _BATCH))
        if is_load:
            self._items.finish_load()

    def __ior__(self, items: Any) -> "PostgresFuzzyDict[V]":
        self.update(items)
        return self

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def pop(self, key: str, /, *default: Any) -> Any:
        """Remove the very key and return its value, or ``default``, or raise `KeyError`."""
        if len(default) > 1:
            raise TypeError(f"pop takes a key and a default, not {1 + len(default)} arguments")
        if isinstance(key, str):
            value = self._items.remove(key)
            if value is not None:
                return codec.loads(value)
        hash(key)
        if default:
            return default[0]
        raise KeyError(key)

    def popitem(self) -> tuple[str, V]:
        """Remove the item that was added last and return it; `KeyError` if there is none."""
        while (key := self._items.last()) is not None:
            value = self._items.remove(key)
            if value is not None:  # else another client has removed it
                return key, codec.loads(value)
        raise KeyError("popitem(): dictionary is empty")

    def clear(self) -> None:
        """Remove every item. The learned state stays."""
        self._items.clear()

    def drop(self) -> None:
        """Remove the dictionary from the server, with everything that it learned."""
        self._items.drop()
        self.close()

    def _check(self) -> None:
        """Assert that the parts of the dictionary agree; for tests. O(len(self))."""
        parts = self._database, self._schema, self._lessons, self._items, self._word_counts
        check_tables(*parts)

    # Teaching, for all clients.

    def _labelled(self, pairs: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        self._refresh()
        return super()._labelled(pairs)

    def _refresh(self) -> None:
        self._learned = self._lessons.refresh().learned

    def learn(self, query: str, key: str | None) -> None:
        """Correct one lookup: from now on the query means the key, or no key if it is None.

        As `FuzzyDict.learn`, for every client of the dictionary.
        """
        (pair,) = self._labelled([(query, key)])
        self._lessons.learn(*pair)
        self._refresh()

    def unlearn(self, query: str) -> None:
        """Drop the correction of a query; `KeyError` if there is none."""
        if not self._lessons.unlearn(query):
            raise KeyError(query)
        self._refresh()

    @property
    def corrections(self) -> dict[str, Any]:
        """The corrections of `learn`: query → key, None for no key."""
        return self._lessons.corrections()

    def _set_learned(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        changed = self._lessons.update(change)
        self._refresh()
        return changed


def _renew_all() -> None:
    for dictionary in list(_DICTIONARIES.values()):
        dictionary._connections.renew()


_DICTIONARIES: weakref.WeakValueDictionary[int, PostgresFuzzyDict[Any]]
_DICTIONARIES = weakref.WeakValueDictionary()
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_renew_all)


def _pairs(items: Any) -> Iterable[Any]:
    if hasattr(items, "keys"):
        return ((key, items[key]) for key in items.keys())  # noqa: SIM118
    return items  # type: ignore[no-any-return]


def _dumped(key: object, value: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a string, got {key!r}")
    try:
        return codec.dumps(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"the value of {key!r} cannot be stored: {error}") from error
