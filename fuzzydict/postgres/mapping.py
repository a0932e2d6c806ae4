"""`PostgresFuzzyDict`: the mapping whose keys, vectors and values are on a PostgreSQL server."""

import itertools
import os
import threading
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
    ValuesView,
)
from contextlib import nullcontext
from typing import Any, Generic, TypeVar

from fuzzydict.base import FuzzyMapping
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import Embedder, as_embedder, model_file
from fuzzydict.options import check_count, check_guards, check_positive
from fuzzydict.postgres.pool import Connections, LostConnectionError
from fuzzydict.postgres.ranker import PostgresRanker, TaughtState
from fuzzydict.postgres.tables import Anew, Tables
from fuzzydict.primitives import MISSING
from fuzzydict.progress import Progress
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.ranking.ranker import LearnedState
from fuzzydict.storage import codec

__all__ = ["LostConnectionError", "PostgresFuzzyDict"]

V = TypeVar("V")

_TOGETHER = 2000  # items that are written together, whose values are read together


class PostgresFuzzyDict(FuzzyMapping[str, V], MutableMapping[str, V]):
    """A mapping that finds the key that was meant, and is on a PostgreSQL server with pgvector.

    Reads, scores, guards and teaching are those of `FuzzyDict`, and so are writes and views, which
    are exact. Keys are text, of any length; values are what JSON can hold and NumPy arrays
    (see `fuzzydict.storage.codec`). ``TypeError`` for any other. A read returns a copy of the
    value: to change what is on the server, set it.

    - ``dsn``: where the server is, as libpq takes it, with several hosts too; a server that only
      reads, such as a standby, does for reads;
    - ``name``: of the dictionary, up to 40 bytes: of its tables, which are made where they are not;
    - ``embedder``, ``cutoff``, ``guards``: as in `FuzzyDict`; the embedder is to be the same one
      for each client of the dictionary, ``ValueError`` where it is not;
    - ``partitions``: of the tables when they are made, by the hash of the key; None for no parts;
    - ``connections``: how many are open at most; each thread that reads or writes needs one;
    - ``timeout``: the seconds for which a lost connection is sought anew.

    Any number of threads, processes and machines may read and write. What one has written, all
    read. What is read twice with the same result, or written twice with the same effect, is done
    again where the connection was lost; `LostConnectionError` where that does not help. Only the
    removal of a key or a correction is not done again: after the error it may have happened or not.
    A forked process opens connections of its own.

    An exact read is one indexed read. An inexact one takes its candidates from pgvector's graph
    (HNSW; Malkov and Yashunin, 2018), which may miss a few, and scores them as in memory; four
    questions to the server in all. ``RuntimeError`` for a pgvector before 0.8.4.
    """

    def __init__(
        self,
        dsn: str,
        name: str,
        *,
        embedder: Any = "default",
        cutoff: float | None = None,
        guards: Iterable[Guard] = DEFAULT,
        partitions: int | None = None,
        connections: int = 8,
        timeout: float = 30.0,
    ) -> None:
        if not isinstance(dsn, str):
            raise TypeError(f"dsn must be a connection string of libpq, got {dsn!r}")
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, got {name!r}")
        if isinstance(embedder, str):
            model_file(embedder)  # a name of none fails here
        self._source = embedder if isinstance(embedder, str) else as_embedder(embedder)
        self._guards = check_guards(guards)
        partitions = None if partitions is None else check_count(partitions, "partitions")
        connections = check_count(connections, "connections")
        timeout = check_positive(timeout, "timeout")
        self._ranker: PostgresRanker | None = None
        self._learned, self._lock, self._making = LearnedState(), nullcontext(), threading.Lock()
        self.cutoff = cutoff
        self._name = name
        self._connections = Connections(dsn, connections, timeout)
        try:
            self._tables = Tables(self._connections, name, lambda: self.embedder, partitions)
        except BaseException:
            self._connections.close()
            raise
        _DICTIONARIES[id(self)] = self

    def _renew(self) -> None:
        """Discard, in a forked child, what the parent's threads may have locked or half changed."""
        self._ranker, self._making = None, threading.Lock()
        self._connections.renew()

    def __repr__(self) -> str:
        return f"<PostgresFuzzyDict {self._name!r} on {self._connections.place}>"

    def close(self) -> None:
        """Close all connections; the dictionary stays on the server."""
        self._connections.close()

    def __enter__(self) -> "PostgresFuzzyDict[V]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What the reads ask.

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors, by its ``encode``; the first use loads a named model."""
        found = self._source = as_embedder(self._source)
        return found

    def _synced_ranker(self) -> PostgresRanker:
        taught = self._tables.taught()
        self._learned = taught.learned
        return self._as_of(taught)

    def _ranker_for(self, queries: Collection[str], **_: Any) -> PostgresRanker:
        return self._synced_ranker()

    def _as_of(self, taught: TaughtState) -> PostgresRanker:
        with self._making:
            if self._ranker is None:
                embedder = self.embedder
                self._tables.require(embedder)
                self._ranker = PostgresRanker(embedder, self._guards, self._tables)
            return self._ranker.up_to_date(taught)

    def _exact_value(self, key: object, default: Any = MISSING) -> Any:
        if not isinstance(key, str):
            hash(key)
            return default
        value = self._tables.value(key)
        return default if value is None else codec.loads(value)

    def _is_key(self, key: object, /) -> bool:
        return bool(self._among([key]))

    def _values(self, keys: Iterable[Any]) -> list[Any]:
        keys = list(keys)
        found: dict[Any, Any] = {}
        texts = [key for key in keys if isinstance(key, str)]
        for start in range(0, len(texts), _TOGETHER):
            part = self._tables.values(texts[start : start + _TOGETHER])
            found |= {key: codec.loads(value) for key, value in part.items()}
        return [found.get(key, MISSING) for key in keys]

    def _among(self, keys: Iterable[Any]) -> set[Any]:
        texts = [key for key in keys if isinstance(key, str)]
        parts = range(0, len(texts), _TOGETHER)
        return set().union(*(self._tables.there(texts[i : i + _TOGETHER]) for i in parts))

    def _keys(self) -> Iterator[str]:
        return self._tables.keys()

    def __getitem__(self, query: Any) -> V:
        value = self._exact_value(query)
        return self.__missing__(query) if value is MISSING else value

    # Views: exact, in the order in which the keys came. A page is read at a time.

    def __len__(self) -> int:
        return self._tables.counts([""]).get("", 0)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys; those that come or go meanwhile may be among them or not."""
        return self._tables.keys()

    def keys(self) -> KeysView[str]:
        """Return a view of the keys."""
        return _Keys(self)

    def items(self) -> ItemsView[str, V]:
        """Return a view of the items."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """Return a view of the values."""
        return _Values(self)

    # Writes: exact.

    def __setitem__(self, key: str, value: V) -> None:
        text = _dumped(key, value)
        if not self._tables.replace(key, text):
            self._tables.put(key, text, self._rows)

    def _rows(self, taught: TaughtState, keys: Any) -> QuantizedVectors:
        return self._as_of(taught).kept(keys)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of the very key, which is ``default`` where it was not there."""
        text = _dumped(key, default)
        value = self._exact_value(key)
        while value is MISSING:
            self._tables.put(key, text, self._rows, keep=True)
            value = self._exact_value(key)
        return value

    def update(self, items: Any = (), /, **more: V) -> None:
        """Set many items, 2000 of them at a time; each such part is written whole or not at all.

        The items are those of a mapping or of pairs, also of more of them than memory holds. Where
        it was interrupted it may be done again: keys that are there are not embedded again. Keys
        are copied in binary, and into an empty dictionary without its graph, which is made at the
        end and makes writers wait, not readers. Long work shows its progress in a terminal.
        """
        pairs = items.items() if isinstance(items, Mapping) else _pairs(items)
        pairs = itertools.chain(pairs, more.items())
        total = len(items) + len(more) if hasattr(items, "__len__") else None
        with Progress("items", total) as step:
            part = list(itertools.islice(pairs, _TOGETHER))
            many = len(part) == _TOGETHER
            if many:
                self._tables.begin()
            while part:
                texts = {key: _dumped(key, value) for key, value in part}
                self._tables.put_many(texts, self._rows)
                step(len(part))
                part = list(itertools.islice(pairs, _TOGETHER))
        if many:
            self._tables.finish()

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
            value = self._tables.remove(key)
            if value is not None:
                return codec.loads(value)
        hash(key)
        if default:
            return default[0]
        raise KeyError(key)

    def popitem(self) -> tuple[str, V]:
        """Remove the item that was added last and return it; `KeyError` where there is none."""
        while (key := self._tables.last()) is not None:
            value = self._tables.remove(key)
            if value is not None:  # else another was quicker
                return key, codec.loads(value)
        raise KeyError("popitem(): dictionary is empty")

    def clear(self) -> None:
        """Remove every item. What was taught stays."""
        self._tables.clear()

    def drop(self) -> None:
        """Remove the dictionary from the server, with all that it was taught."""
        self._tables.drop()
        self.close()

    def _check(self) -> None:
        """Assert that the parts of the dictionary agree; for tests. O(len(self))."""
        self._tables.check(self._anew())

    # Teaching: on the server, and so for all its clients.

    def _labelled(self, pairs: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
        self._refresh()
        return super()._labelled(pairs)

    def _refresh(self) -> None:
        self._learned = self._tables.newest().learned

    def learn(self, query: str, key: str | None) -> None:
        """Correct one lookup: from here on the query means the key, or no key where it is None.

        As `FuzzyDict.learn`, for every client of the dictionary.
        """
        (pair,) = self._labelled([(query, key)])
        self._tables.learn(*pair)
        self._refresh()

    def unlearn(self, query: str) -> None:
        """Drop the correction of a query; `KeyError` where there is none."""
        if not self._tables.unlearn(query):
            raise KeyError(query)
        self._refresh()

    @property
    def corrections(self) -> dict[str, Any]:
        """What `learn` was told: query → key, None for no key."""
        return self._tables.corrections()

    def _set_learned(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        changed = self._tables.teach(change, self._anew())
        self._refresh()
        return changed

    def _anew(self) -> Callable[[LearnedState], Anew]:
        """Return a function: learned state → a function that recomputes rows of keys by it."""
        matcher = self._synced_ranker()

        def of(learned: LearnedState) -> Anew:
            matcher.set_learned(LearnedState(projection=learned.projection))
            return matcher.kept_anew

        return of


def _renew_all() -> None:
    for dictionary in list(_DICTIONARIES.values()):
        dictionary._renew()


_DICTIONARIES: weakref.WeakValueDictionary[int, PostgresFuzzyDict[Any]]
_DICTIONARIES = weakref.WeakValueDictionary()
if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    os.register_at_fork(after_in_child=_renew_all)


class _Keys(KeysView[str]):
    _mapping: PostgresFuzzyDict[Any]

    def __contains__(self, key: object) -> bool:
        return self._mapping._is_key(key)


class _Items(ItemsView[str, V], Generic[V]):
    _mapping: PostgresFuzzyDict[V]

    def __contains__(self, item: object) -> bool:
        if not (isinstance(item, tuple) and len(item) == 2):
            return False
        value = self._mapping._exact_value(item[0])
        return value is not MISSING and bool(value is item[1] or value == item[1])

    def __iter__(self) -> Iterator[tuple[str, V]]:
        for key, value in self._mapping._tables.items():
            yield key, codec.loads(value)


class _Values(ValuesView[V], Generic[V]):
    _mapping: PostgresFuzzyDict[V]

    def __contains__(self, value: object) -> bool:
        return any(each is value or each == value for each in self)

    def __iter__(self) -> Iterator[V]:
        for _, value in self._mapping._tables.items():
            yield codec.loads(value)


def _pairs(items: Any) -> Iterable[Any]:
    if hasattr(items, "keys"):
        return ((key, items[key]) for key in items.keys())  # noqa: SIM118
    return items  # type: ignore[no-any-return]


def _dumped(key: object, value: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key on a server is text, not {key!r}")
    try:
        return codec.dumps(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"the value of {key!r} cannot be sent: {error}") from error
