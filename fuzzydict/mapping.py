"""`FuzzyDict` itself: a dict whose reads know what was meant.

Its reads are those of `fuzzydict.base`. Reading order: construction, what the reads ask, writes,
files, copies. Keys are set as in any dict, which
holds them in the order in which they came; so the first inexact read after a write finds the new
ones at the end. Those that were removed leave a note.
"""

import copy
import copyreg
import inspect
import itertools
import os
import threading
import types
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, overload

from fuzzydict import forking, sharing
from fuzzydict.base import CLOSEST, MISSING, FuzzyMapping, Match, NoMatchError, Ranking
from fuzzydict.counting import Stats
from fuzzydict.index.approximate import IndexKind, check_kind
from fuzzydict.integrations import dask as dask_tokens
from fuzzydict.model.embedders import Embedder, as_embedder, model_file
from fuzzydict.options import check_guards
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.ranker import Ranker
from fuzzydict.text.tokens import MAX_LENGTH, plain

if TYPE_CHECKING:
    from _typeshed import SupportsKeysAndGetItem
    from typing_extensions import Self

    from fuzzydict.storage.archive import Archive

__all__ = ["FuzzyDict", "Match", "NoMatchError"]

K = TypeVar("K")
V = TypeVar("V")

_CACHE_SIZE = 1024  # inexact queries whose answers are kept
_UNKNOWN = -1  # how many keys there were: the next read looks at all of them


class FuzzyDict(FuzzyMapping[K, V], dict[K, V]):
    """A dict that finds the key that was meant.

    Reads (``d[q]``, ``d.get(q)``, ``q in d``) find the exact key, or else the key that the query
    most probably means; where no key reaches the ``cutoff`` they miss, as in a dict. Writes and
    views are those of a dict. Keys that are not text are found exactly, or not at all.

    Positional and keyword arguments are those of `dict`, but for the options:

    - ``embedder``: what turns texts into vectors; the name of a model ("default", "brown") or
      anything that `fuzzydict.model.embedders.as_embedder` takes;
    - ``cutoff``: the least probability of an answer, 0 to 1; by default the one that the
      embedder was calibrated with; 1.0 turns fuzzy reads off;
    - ``guards``: functions that forbid matches (see `fuzzydict.ranking.guards`); by default
      `fuzzydict.ranking.guards.DEFAULT`;
    - ``index``: "exact" searches every key; "approximate" is for millions and may miss a few;
      "auto", the default, goes over from the one to the other.

    Exact reads and writes cost what they cost in a dict, but that a removed key leaves a note; the
    first inexact read embeds the keys that are new.

    Any number of threads may read and write. Inexact reads and removals take turns; exact reads,
    and inexact ones that were answered before, wait for nothing.

    >>> car = FuzzyDict({"color": "red", "top speed": 250})
    >>> car["colour"], car.get("velocity"), "parliament" in car
    ('red', 250, False)
    """

    __slots__ = (
        "__weakref__",
        "_cache",
        "_changing",
        "_cutoff",
        "_embedder",
        "_file",
        "_guards",
        "_kind",
        "_known",
        "_learned",
        "_lock",
        "_origin",
        "_ranker",
        "_removed",
        "_source",
        "_stats",
        "_synced_size",
    )
    _source: str | Embedder
    _cutoff: float | None
    _embedder: Embedder | None  # of the source, once it was needed
    _guards: tuple[Guard, ...]
    _kind: IndexKind  # of the index
    _learned: LearnedState
    _ranker: Ranker | None  # made by the first inexact read
    _known: "Archive | None"  # what that begins with, where it is not nothing
    _file: tuple[str, str] | None  # which holds the rows of the keys, and its checksum
    _origin: str | None  # what it shares with its copies by pickle, until it learns more than they
    _synced_size: int  # how many keys there were when the matcher was last told
    _removed: list[Any]  # keys that were removed since
    _cache: dict[str, Ranking]  # of recent inexact queries; they do not depend on the cutoff
    _lock: threading.RLock
    _changing: bool  # whether the matcher is being changed, under the lock
    _stats: Stats | None

    # As those of dict, with the options.

    @overload
    def __init__(
        self,
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "FuzzyDict[str, V]",
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
        **more: V,
    ) -> None: ...
    @overload
    def __init__(
        self,
        items: "SupportsKeysAndGetItem[K, V]",
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "FuzzyDict[str, V]",
        items: "SupportsKeysAndGetItem[str, V]",
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
        **more: V,
    ) -> None: ...
    @overload
    def __init__(
        self,
        items: Iterable[tuple[K, V]],
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "FuzzyDict[str, V]",
        items: Iterable[tuple[str, V]],
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
        **more: V,
    ) -> None: ...

    def __init__(
        self,
        /,
        *args: Any,
        embedder: Any = "default",
        cutoff: float | None = None,
        guards: Iterable[Guard] = DEFAULT,
        index: IndexKind = "auto",
        **items: Any,
    ) -> None:
        self._restart()  # for an instance that was initialized before
        self._learned, self._file, self._origin, self._embedder = LearnedState(), None, None, None
        check_kind(index)
        if isinstance(embedder, str):
            model_file(embedder)  # the model is read when it is needed; a name of none fails here
        self._source = embedder if isinstance(embedder, str) else as_embedder(embedder)
        self._guards, self._kind = check_guards(guards), index
        self.cutoff = cutoff
        super().__init__(*args, **items)

    def __new__(cls, /, *args: Any, **kwargs: Any) -> "Self":
        self = super().__new__(cls)
        self._source, self._cutoff, self._guards, self._kind = "default", None, DEFAULT, "auto"
        self._learned, self._file, self._origin, self._stats = LearnedState(), None, None, None
        self._embedder = None
        self._lock, self._changing = threading.RLock(), False
        self._restart()
        forking.register(self)
        return self

    __new__.__signature__ = inspect.signature(__init__)  # type: ignore[attr-defined]  # for help()

    def _restart(self) -> None:
        """Drop all that was worked out of the keys; the next inexact read starts again."""
        self._ranker, self._known = None, None
        self._synced_size, self._removed, self._cache = 0, [], {}

    @contextmanager
    def _changes(self) -> Iterator[None]:
        before, self._changing = self._changing, True
        try:
            yield
        finally:
            self._changing = before

    def _after_fork(self) -> None:
        """Make the dictionary usable in a forked child, whatever other threads were doing."""
        if self._lock.acquire(blocking=False):  # free, or this thread's own
            self._lock.release()
            return
        self._lock = threading.RLock()
        matcher = self._ranker
        if self._changing or (matcher is not None and matcher.learned is not self._learned):
            self._restart()
            self._changing = False
        self._synced_size, self._removed, self._cache = _UNKNOWN, [], {}  # compare all keys

    # What the reads ask.

    @property
    def index(self) -> str:
        """How candidates were found by the last fuzzy read: "exact" or "approximate"."""
        return "exact" if self._ranker is None else self._ranker.index

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors, by its ``encode``; the first use loads a named model."""
        embedder = self._embedder
        if embedder is None:
            with self._lock:
                embedder = self._embedder = self._embedder or as_embedder(self._source)
        return embedder

    def stats(self) -> "Stats":
        """Return how many reads found an inexact key, and how many none, from the first call on.

        Each of ``d[q]``, ``q in d``, `get` and `match` is one read, and so is each query of
        `get_many` and `match_many`. Exact hits are not counted: an exact ``d[key]`` runs no Python
        code. `Stats.stop` ends the counting. A copy has counters of its own.

        >>> d = FuzzyDict({"color": "red"})
        >>> stats = d.stats()
        >>> d["color"], d["colour"], d.get("parliament")
        ('red', 'red', None)
        >>> stats
        Stats(inexact=1, missed=1)
        """
        with self._lock:
            if self._stats is None or not self._stats._running:
                self._stats = Stats()
            return self._stats

    def _count(self, found: bool) -> None:
        if self._stats is not None:
            self._stats._add(found)

    def _find_many(self, queries: list[Any], cutoff: float | None = None) -> dict[Any, Match]:
        found = super()._find_many(queries, cutoff)
        if self._stats is not None:
            for query in queries:
                if found[query].value is MISSING:
                    self._stats._add(False)
                elif found[query].key != query:
                    self._stats._add(True)
        return found

    def _set_learned(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        with self._lock:
            new = change(self._learned)
            if new is None:
                return False
            if new.projection is not self._learned.projection:
                self._file = None
            if self._ranker is not None:
                with self._changes():
                    self._ranker.entries.set_learned(new)
            self._learned = new
            self._cache, self._origin = {}, None
            return True

    _is_key = dict.__contains__
    _keys = dict.__iter__

    def _exact_value(self, key: object, default: Any = MISSING) -> Any:
        return dict.get(self, key, default)  # type: ignore[misc]

    def _values(self, keys: Collection[Any]) -> list[Any]:
        return [dict.get(self, key, MISSING) for key in keys]

    def _is_text(self, query: object) -> TypeGuard[str]:
        return isinstance(query, str) and len(self) > 0

    def _ranking(self, query: str) -> Ranking:
        query = plain(query)
        if self._is_synced():
            ranking = self._cache.get(query)
            if ranking is not None:
                return ranking
        with self._lock:
            matcher = self._synced_ranker()
            # The search may run foreign code that teaches, and so replaces the cache.
            remembered = self._cache
            ranking = tuple(matcher.rank_many([query], CLOSEST)[0])
            if len(query) <= MAX_LENGTH:
                if len(remembered) >= _CACHE_SIZE:
                    del remembered[next(iter(remembered))]
                remembered[query] = ranking
        return ranking

    def _is_synced(self) -> bool:
        """Does the matcher know of all keys that came and went?

        In this order it is not mistaken while others write, without the lock too.
        """
        return self._ranker is not None and len(self) == self._synced_size and not self._removed

    def _synced_ranker(self) -> Ranker:
        """Return the matcher, after it has been told of the keys that came and went.

        It may be used as long as the lock is held.
        """
        with self._lock:
            matcher = self._ranker
            if matcher is None:
                with self._changes():
                    matcher, self._synced_size = self._begin()
                    self._ranker, self._known, self._removed = matcher, None, []
                    self._sync(matcher)
                if self._origin is not None and self._file is None:
                    sharing.keep(self._origin, matcher)
            elif not self._is_synced():
                with self._changes():
                    self._sync(matcher)
        return matcher

    def _begin(self) -> tuple[Ranker, int]:
        """Return a matcher of the keys of the file, of a copy, or of none; how many they are."""
        if self._known is None and self._file is not None:
            from fuzzydict.storage import archive

            self._known = archive.reopened(*self._file, self._source)
        embedder, known = self.embedder, self._known
        if known is not None and known.mapped is not None:
            known.mapped.require_unchanged()
        if known is None:
            matcher = Ranker(embedder, self._guards, self._learned, self._kind)
            shared = None if self._origin is None else sharing.kept(self._origin)
            if shared is None:
                return matcher, 0
            matcher.entries.restore(shared)
            return matcher, _UNKNOWN
        matcher = Ranker(embedder, self._guards, known.learned, self._kind)
        matcher.entries.restore(known.known)
        matcher.entries.set_learned(self._learned)
        return matcher, _UNKNOWN

    def _sync(self, matcher: Ranker) -> None:
        noted = list(self._removed)
        size, new = self._newest(len(noted))
        added = [key for key in new if isinstance(key, str) and key not in matcher]
        matcher.entries.add(added)
        gone = noted if self._synced_size >= 0 else matcher.entries.keys()
        removed = [key for key in gone if key in matcher and self._exact_value(key) is MISSING]
        for key in removed:
            matcher.entries.remove(key)
        if added or removed:
            self._cache = {}
        del self._removed[: len(noted)]  # an embedder may have removed others meanwhile
        self._synced_size = size

    def _newest(self, gone: int) -> tuple[int, list[Any]]:
        """Return how many keys there are, and those that came since the matcher was last told.

        A dict holds its keys in the order in which they came. O(their number).
        """
        while True:
            size = len(self)
            came = size - self._synced_size + gone
            if came < 0 or self._synced_size < 0:  # a removal that left no note, or too many
                self._synced_size, came = _UNKNOWN, size
            try:
                new = list(itertools.islice(reversed(self), came))
            except RuntimeError:  # another thread writes
                continue
            if size == len(self):
                return size, new[::-1]

    def _check(self) -> None:
        """Assert that the parts of the dictionary agree; for tests. O(len(self))."""
        with self._lock:
            assert len(self._removed) <= len(self) + _CACHE_SIZE, self._removed
            assert len(self._cache) <= _CACHE_SIZE
            if self._ranker is None or not self._is_synced():
                return
            texts = {key for key in self if isinstance(key, str)}
            assert set(self._ranker.entries.keys()) == texts, (
                set(self._ranker.entries.keys()) ^ texts
            )
            assert all(key in texts for found in self._cache.values() for key, _ in found)
            assert self._ranker.learned == self._learned
            self._ranker.entries.check()

    # Writes: exact, and those that set keys are the dict's own.

    def _forget(self, key: Any) -> None:
        """Note that a key is about to be removed. The lock is held until it is."""
        if self._ranker is not None and self._synced_size >= 0:
            self._removed.append(key)
            if len(self._removed) > len(self) + _CACHE_SIZE:
                self._synced_size, self._removed = _UNKNOWN, []

    def __delitem__(self, key: K, /) -> None:
        with self._lock:
            self._forget(key)
            super().__delitem__(key)

    def pop(self, key: K, /, *default: Any) -> Any:
        """Remove the very key and return its value, or ``default``, or raise `KeyError`."""
        with self._lock:
            self._forget(key)
            return super().pop(key, *default)

    def popitem(self) -> tuple[K, V]:
        """Remove the item that was added last and return it; `KeyError` where there is none."""
        with self._lock:
            self._forget(None)
            key, value = super().popitem()
            self._forget(key)
        return key, value

    def clear(self) -> None:
        """Remove every item."""
        with self._lock:
            super().clear()
            self._restart()
            self._file, self._origin = None, None

    # Files.

    def save(
        self, path: str | os.PathLike[str], *, encode: Callable[[V], Any] | None = None
    ) -> None:
        """Write the dictionary to one file, whole or not at all: items, vectors, what it learned.

        Values are what JSON holds, and NumPy arrays; or else ``encode`` turns each into that, as
        ``decode`` of `load` turns it back. Keys are text, numbers, None, and tuples of these.
        Attributes and slots of a subclass are saved too, without ``encode``. ``TypeError`` or
        ``ValueError`` that names the key or the attribute of anything else; ``OSError`` where the
        file cannot be written. Of embedders and guards of your own, which are code, the file has
        the names. Never pickle. O(len(self) · d).

        A file is replaced in one step, so other processes that have loaded it are not disturbed.
        On Windows a file of more than 64 MB cannot be replaced while a dictionary is using it.

        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "car.fuzzydict")
        >>> FuzzyDict({"color": "red"}).save(path)
        >>> FuzzyDict.load(path)["colour"]
        'red'
        """
        from fuzzydict.storage import archive

        for name in getattr(self, "__dict__", ()):
            if hasattr(FuzzyDict, name):
                raise TypeError(
                    f"the attribute {name!r} cannot be saved: FuzzyDict has one of that name"
                )
        with self._lock:
            matcher = self._synced_ranker()
            items = dict(self)
            known = matcher.entries.snapshot(items)
            learned = self._learned
        guards = [getattr(guard, "__name__", type(guard).__name__) for guard in self._guards]
        options = {
            "cutoff": self._cutoff,
            "index": self._kind,
            "guards": None if self._guards == DEFAULT else guards,
        }
        whole = archive.Archive(
            items, options, learned, known, matcher.embedder, self._attributes()
        )
        checksum = archive.write(path, whole, encode)
        if learned.projection is self._learned.projection:
            self._file = os.path.abspath(path), checksum

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        embedder: Any = None,
        guards: Iterable[Guard] | None = None,
        decode: Callable[[Any], Any] | None = None,
    ) -> "FuzzyDict[Any, Any]":
        """Return the dictionary that `save` wrote to a file.

        No key is embedded again. An embedder and guards of your own must be given, the same ones as
        then; an embedder other than of words is asked for two texts, to tell whether it is the
        same. Attributes that a subclass had are restored, without calling its ``__init__``.

        Files of up to 64 MB are copied into memory. Larger ones are mapped: their vectors are read
        when they are used, and processes that load the same file share them. Such a file may be
        replaced or removed (`save`, ``mv``, ``rm``), but must not be changed in place (``cp``,
        ``rsync --inplace``). The first inexact read checks that, and raises `FileFormatError`;
        after it, a process whose file is truncated is ended by the operating system.

        ``FileFormatError`` where the file is damaged, is no dictionary, was written with another
        embedder, or has attributes for which the class has no place; ``OSError`` where it cannot be
        read. A checksum finds damage, not malice: nothing of a file is ever executed, but whoever
        can write it can change the answers.
        """
        from fuzzydict.storage import archive
        from fuzzydict.storage.arrays import FileFormatError

        found, checksum = archive.read(path, embedder, decode)
        options = found.options | {"embedder": found.embedder}
        if guards is None and options["guards"] is not None:
            raise FileFormatError(f"{os.fspath(path)}: pass its guards, {options['guards']}")
        options["guards"] = DEFAULT if guards is None else tuple(guards)
        self = cls.__new__(cls)
        self._configure(options, found.learned, (os.path.abspath(path), checksum))
        dict.update(self, found.items)
        try:
            self._set_attributes(found.attributes)
        except AttributeError as error:
            raise FileFormatError(
                f"{os.fspath(path)}: {error}; load it with the class that saved it"
            ) from error
        self._known = found._replace(items={})
        return self

    # Copies: the same options, the same embedder.

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None, /) -> "FuzzyDict[Any, Any]":
        """Return a new dictionary of the keys, each with ``value``, and the default options."""
        self: FuzzyDict[Any, Any] = cls()
        for key in keys:
            self[key] = value
        return self

    def copy(self) -> "FuzzyDict[K, V]":
        """Return a shallow copy with the same options."""
        return self._like(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> "FuzzyDict[K, V]":
        make, arguments = self._construction()
        result: FuzzyDict[K, V] = make(*copy.deepcopy(arguments, memo))
        memo[id(self)] = result
        result._configure(self._options(), self._learned, self._file)
        result._set_state(copy.deepcopy(self.__getstate__(), memo))
        for key, value in list(self.items()):
            result[copy.deepcopy(key, memo)] = copy.deepcopy(value, memo)
        return result

    def __or__(self, other: Any, /) -> "FuzzyDict[Any, Any]":
        if not isinstance(other, dict):
            return NotImplemented
        result = self.copy()
        result.update(other)
        return result

    def __ror__(self, other: Any, /) -> "FuzzyDict[Any, Any]":
        if not isinstance(other, dict):
            return NotImplemented
        result = self._like(other)
        result.update(self)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce to the class, what a subclass adds, options, lessons and items.

        As of any object: `copyreg.__newobj__`, and a state for `__setstate__`. A subclass may have
        a ``__getstate__`` and a ``__setstate__`` of its own, which see only what it adds.
        """
        import uuid

        with self._lock:
            self._origin = self._origin or uuid.uuid4().hex
            learned, file, origin = self._learned, self._file, self._origin
        options = self._options()
        if self._guards == DEFAULT:
            del options["guards"]
        lessons = None
        if learned != LearnedState():
            from fuzzydict.storage import archive

            lessons = archive.plain(learned)
        whole = self.__getstate__(), options, (lessons, file, origin)
        reduced = (*self._construction(), whole, None, iter(self.items()))
        if type(self).__setstate__ is FuzzyDict.__setstate__:
            return reduced
        return (*reduced, FuzzyDict.__setstate__)

    def __getstate__(self) -> Any:
        """Return what a subclass adds, in the form of `object.__getstate__`: attributes, slots."""
        slots = {name: getattr(self, name) for name in self._slots() if hasattr(self, name)}
        attributes = dict(getattr(self, "__dict__", ())) or None
        return (attributes, slots) if slots else attributes

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) == 3:  # of __reduce__
            state, options, (lessons, file, origin) = state
            if lessons is None:
                learned = LearnedState()
            else:
                from fuzzydict.storage import archive

                learned = archive.learned(lessons)
            self._configure({"guards": DEFAULT, **options}, learned, file, origin)
            self._set_state(state)
            return
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        if attributes:
            self.__dict__.update(attributes)
        for name, value in slots.items():
            setattr(self, name, value)

    def _set_state(self, state: Any) -> None:
        if state is not None:
            self.__setstate__(state)  # a subclass may have its own

    def _slots(self) -> list[str]:
        """Return the slots that subclasses define."""
        added = [kind for kind in type(self).__mro__ if kind not in FuzzyDict.__mro__]
        return [
            name
            for kind in added
            for name, value in vars(kind).items()
            if isinstance(value, types.MemberDescriptorType)
        ]

    def _attributes(self) -> dict[str, Any]:
        """Return the attributes and slots that a subclass adds."""
        slots = {name: getattr(self, name) for name in self._slots() if hasattr(self, name)}
        return {**getattr(self, "__dict__", {}), **slots}

    def _set_attributes(self, attributes: dict[str, Any]) -> None:
        slots = self._slots()
        for name, value in attributes.items():
            if name in slots:
                object.__setattr__(self, name, value)
            elif hasattr(self, "__dict__") and not hasattr(FuzzyDict, name):
                self.__dict__[name] = value
            else:
                raise AttributeError(f"{type(self).__name__} can have no attribute {name!r}")

    def _construction(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return what makes an empty dictionary of this class, as `copyreg` does for a dict."""
        if hasattr(self, "__getnewargs_ex__"):
            arguments, options = self.__getnewargs_ex__()
            return copyreg.__newobj_ex__, (type(self), arguments, options)  # type: ignore[attr-defined]
        arguments = self.__getnewargs__() if hasattr(self, "__getnewargs__") else ()
        return copyreg.__newobj__, (type(self), *arguments)  # type: ignore[attr-defined]

    def _options(self) -> dict[str, Any]:
        return {
            "embedder": self._source,
            "cutoff": self._cutoff,
            "guards": self._guards,
            "index": self._kind,
        }

    def _configure(
        self,
        options: dict[str, Any],
        learned: LearnedState,
        file: tuple[str, str] | None = None,
        origin: str | None = None,
    ) -> None:
        """Set the options and lessons of a copy."""
        self._restart()
        source, self._embedder = options["embedder"], None
        self._source = source if isinstance(source, str) else as_embedder(source)
        self._cutoff, self._guards = options["cutoff"], options["guards"]
        self._kind = options["index"]
        self._learned, self._file, self._origin = learned, file, origin

    def _like(self, items: Any) -> "FuzzyDict[Any, Any]":
        make, arguments = self._construction()
        result: FuzzyDict[Any, Any] = make(*arguments)
        result._configure(self._options(), self._learned, self._file)
        dict.update(result, items)
        result._set_state(self.__getstate__())
        return result

    def __dask_tokenize__(self) -> Any:
        """Return what identifies the dictionary for Dask: class, options, lessons and items."""
        from dask.base import normalize_token

        from fuzzydict.storage import archive

        about = type(self), self._options(), archive.plain(self._learned), self._attributes()
        return normalize_token(about), normalize_token.dispatch(dict)(self)


dask_tokens.register(FuzzyDict)
__test__ = {"FuzzyDict": FuzzyDict}  # doctest skips what is of another module
