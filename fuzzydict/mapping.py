"""`FuzzyDict` itself: a dict whose reads know what was meant.

Reading order: construction, reads, writes, copies. Writes note the keys they touch; the first
inexact read after them brings the matcher up to date, so that a write costs no embedding.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, overload

from fuzzydict.embedders import as_embedder
from fuzzydict.matching import Guard, Matcher

__all__ = ["FuzzyDict", "Match", "NoMatchError"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_REMEMBERED = 1024  # inexact queries whose answers are kept
_CLOSEST = 3  # keys that an error names
_ABSENT: Any = object()


class Match(NamedTuple):
    """A key that fits a query: the key, its value, and the probability that the key was meant."""

    key: Any
    value: Any
    score: float


class NoMatchError(KeyError):
    """No key is close enough to the query. ``matches`` holds the closest keys, best first.

    ``args[0]`` is the query, as it is in the `KeyError` of a dict.
    """

    def __init__(self, query: object, matches: tuple[Match, ...] = ()) -> None:
        super().__init__(query)
        self.query = query
        self.matches = matches

    def __str__(self) -> str:
        closest = ", ".join(f"{match.key!r} {match.score:.2f}" for match in self.matches)
        return f"{self.query!r}" + (f" (closest: {closest})" if closest else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.query, self.matches)


class FuzzyDict(dict[K, V]):
    """A dict that finds the key that was meant.

    Reads (``d[q]``, ``d.get(q)``, ``q in d``) find the exact key, or else the key that the query
    most probably means; where no key reaches the ``cutoff`` they miss, as in a dict. Writes and
    views are those of a dict. Keys that are not text are found exactly, or not at all.

    Positional and keyword arguments are those of `dict`, but for the options:

    - ``embedder``: what turns texts into vectors; the name of a model ("default", "brown") or
      anything that `fuzzydict.embedders.as_embedder` takes;
    - ``cutoff``: the least probability of an answer, 0 to 1; by default the one that the
      embedder was calibrated with; 1.0 turns fuzzy reads off;
    - ``guards``: functions that forbid matches (see `fuzzydict.guards`); by default
      `fuzzydict.guards.DEFAULT`.

    Exact reads and writes cost what they cost in a dict, plus a note of the key on a write; the
    first inexact read embeds the keys that are new.

    >>> car = FuzzyDict({"color": "red", "top speed": 250})
    >>> car["colour"], car.get("velocity"), "parliament" in car
    ('red', 250, False)
    """

    __slots__ = ("_cutoff", "_guards", "_lock", "_matcher", "_remembered", "_source", "_touched")

    @overload
    def __init__(
        self,
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] | None = ...,
        **items: V,
    ) -> None: ...
    @overload
    def __init__(
        self,
        items: Mapping[K, V] | Iterable[tuple[K, V]],
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] | None = ...,
        **more: V,
    ) -> None: ...

    def __init__(
        self,
        *args: Any,
        embedder: Any = "default",
        cutoff: float | None = None,
        guards: Iterable[Guard] | None = None,
        **items: Any,
    ) -> None:
        if cutoff is not None and not 0.0 <= cutoff <= 1.0:
            raise ValueError(f"cutoff is a probability from 0 to 1, not {cutoff!r}")
        self._source = embedder if isinstance(embedder, str) else as_embedder(embedder)
        self._cutoff = cutoff
        self._guards = None if guards is None else tuple(guards)
        super().__init__(*args, **items)
        self._touched.update(dict.fromkeys(self))

    def __new__(cls, *args: Any, **kwargs: Any) -> "FuzzyDict[K, V]":
        self = super().__new__(cls)
        self._touched: dict[Any, None] = {}
        self._remembered: dict[str, tuple[tuple[str, float], ...]] = {}
        self._lock = threading.RLock()
        self._matcher: Matcher | None = None
        self._source, self._cutoff, self._guards = "default", None, None
        return self

    # Reads: fuzzy, and in agreement.

    def __missing__(self, query: K, /) -> V:
        found = self._find(query)
        if found is not None:
            value = dict.get(self, found[0], _ABSENT)
            if value is not _ABSENT:
                return value  # type: ignore[no-any-return]
        closest = self.matches(query, _CLOSEST, cutoff=0.0) if self._is_fuzzy(query) else []
        raise NoMatchError(query, tuple(closest))

    def __contains__(self, query: object, /) -> bool:
        """Is there a key that answers the query?"""
        return dict.__contains__(self, query) or self._find(query) is not None

    @overload  # type: ignore[override]
    def get(self, query: K, default: None = None, /) -> V | None: ...
    @overload
    def get(self, query: K, default: V, /) -> V: ...
    @overload
    def get(self, query: K, default: T, /) -> V | T: ...

    def get(self, query: K, default: Any = None, /) -> Any:
        """Return the value that ``d[query]`` answers, or ``default`` where it answers nothing."""
        value = dict.get(self, query, _ABSENT)
        if value is _ABSENT:
            found = self._find(query)
            value = default if found is None else dict.get(self, found[0], default)
        return value

    def match(self, query: object, *, cutoff: float | None = None) -> Match | None:
        """Return the key that answers the query, with its value and score, or None.

        An exact key scores 1. ``cutoff`` stands in for the dictionary's own.

        >>> FuzzyDict({"color": "red"}).match("color")
        Match(key='color', value='red', score=1.0)
        """
        best = self.matches(query, 1, cutoff=cutoff)
        return best[0] if best else None

    def matches(self, query: object, n: int = 5, *, cutoff: float | None = None) -> list[Match]:
        """Return the ``n`` best keys of a score of at least ``cutoff``, best first.

        ``cutoff`` is the dictionary's own unless given; with 0.0 every key that no guard forbids
        has its place.
        """
        if n < 1:
            raise ValueError(f"n counts keys from 1, not {n!r}")
        least = self.cutoff if cutoff is None else cutoff
        exact = dict.get(self, query, _ABSENT)  # type: ignore[arg-type]
        result = [] if exact is _ABSENT else [Match(query, exact, 1.0)]
        if isinstance(query, str) and (cutoff is not None or self._is_fuzzy(query)):
            for key, score in self._rank(query, n + 1):
                value = dict.get(self, key, _ABSENT)  # type: ignore[call-overload]
                if score >= least and key != query and value is not _ABSENT:
                    result.append(Match(key, value, score))
        return result[:n]

    @property
    def cutoff(self) -> float:
        """The least probability of an answer; may be set, None for the embedder's own."""
        return self._cutoff if self._cutoff is not None else self._up_to_date().cutoff

    @cutoff.setter
    def cutoff(self, cutoff: float | None) -> None:
        if cutoff is not None and not 0.0 <= cutoff <= 1.0:
            raise ValueError(f"cutoff is a probability from 0 to 1, not {cutoff!r}")
        self._cutoff = cutoff

    def _is_fuzzy(self, query: object) -> bool:
        return isinstance(query, str) and self._cutoff != 1.0

    def _find(self, query: object) -> tuple[str, float] | None:
        """Return the key that answers an inexact query, and its score: the one resolver."""
        if not isinstance(query, str):
            hash(query)
            return None
        if not self or self._cutoff == 1.0:
            return None
        remembered = None if self._touched else self._remembered.get(query)
        ranked = remembered or self._rank(query, _CLOSEST)
        return ranked[0] if ranked and ranked[0][1] >= self.cutoff else None

    def _rank(self, query: str, n: int) -> tuple[tuple[str, float], ...]:
        matcher = self._up_to_date()
        ranked = tuple(matcher.rank(query, n))
        if n == _CLOSEST and len(query) < 1000:
            remembered = self._remembered
            if len(remembered) >= _REMEMBERED:
                remembered.pop(next(iter(remembered), query), None)
            remembered[query] = ranked
        return ranked

    def _up_to_date(self) -> Matcher:
        """Return the matcher, after it has been told of the keys that writes touched."""
        if self._touched or self._matcher is None:
            with self._lock:
                if self._matcher is None:
                    self._matcher = Matcher(as_embedder(self._source), self._guards)
                self._tell(self._matcher)
        return self._matcher

    def _tell(self, matcher: Matcher) -> None:
        added: list[str] = []
        touched = []
        while self._touched:
            key, _ = self._touched.popitem()
            touched.append(key)
        try:
            for key in reversed(touched):
                present = dict.__contains__(self, key)
                if not present:
                    matcher.discard(key)
                elif isinstance(key, str) and key not in matcher:
                    added.append(key)
            matcher.add(added)
        except BaseException:
            self._touched.update(dict.fromkeys(touched))
            raise
        finally:
            self._remembered = {}

    # Writes: exact.

    def __setitem__(self, key: K, value: V, /) -> None:
        super().__setitem__(key, value)
        self._touched[key] = None

    def __delitem__(self, key: K, /) -> None:
        super().__delitem__(key)
        self._touched[key] = None

    def setdefault(self, key: K, default: Any = None, /) -> Any:
        """Return the value of the very key, which is added with ``default`` where it is not there."""
        value = super().setdefault(key, default)
        self._touched[key] = None
        return value

    def pop(self, key: K, /, *default: Any) -> Any:
        """Remove the very key and return its value, or ``default``, or raise `KeyError`."""
        value = super().pop(key, *default)
        self._touched[key] = None
        return value

    def popitem(self) -> tuple[K, V]:
        """Remove the item that was added last and return it; `KeyError` where there is none."""
        key, value = super().popitem()
        self._touched[key] = None
        return key, value

    def clear(self) -> None:
        """Remove every item."""
        keys = dict.fromkeys(self)
        super().clear()
        self._touched.update(keys)

    def update(self, *args: Any, **items: Any) -> None:
        """Set the items of a mapping, of an iterable of pairs and of keywords; keys are exact."""
        new: dict[Any, Any] = {}
        try:
            new.update(*args, **items)
        finally:
            super().update(new)
            self._touched.update(dict.fromkeys(new))

    def __ior__(self, other: Any, /) -> "FuzzyDict[K, V]":  # type: ignore[override, misc]
        self.update(other)
        return self

    # Copies: the same options, the same embedder.

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None, /) -> "FuzzyDict[Any, Any]":  # type: ignore[override]
        """Return a new dictionary of the keys, each with ``value``, and the default options."""
        self = cls()
        for key in keys:
            self[key] = value
        return self

    def copy(self) -> "FuzzyDict[K, V]":
        """Return a shallow copy with the same options."""
        return self._like(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> "FuzzyDict[K, V]":
        import copy

        result = self._like(())
        memo[id(self)] = result
        for key, value in list(self.items()):
            result[copy.deepcopy(key, memo)] = copy.deepcopy(value, memo)
        return result

    def __or__(self, other: Any, /) -> "FuzzyDict[Any, Any]":  # type: ignore[override]
        if not isinstance(other, dict):
            return NotImplemented
        result = self.copy()
        result.update(other)
        return result

    def __ror__(self, other: Any, /) -> "FuzzyDict[Any, Any]":  # type: ignore[override]
        if not isinstance(other, dict):
            return NotImplemented
        result = self._like(other)
        result.update(self)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        options = {"embedder": self._source, "cutoff": self._cutoff, "guards": self._guards}
        return _rebuild, (type(self), options), self._state(), None, iter(self.items())

    def _state(self) -> Any:
        # What a subclass keeps in its instances' __dict__; None where there is nothing.
        return getattr(self, "__dict__", None) or None

    def _like(self, items: Any) -> "FuzzyDict[Any, Any]":
        result = type(self).__new__(type(self))
        FuzzyDict.__init__(
            result, items, embedder=self._source, cutoff=self._cutoff, guards=self._guards
        )
        if state := self._state():
            result.__dict__.update(state)
        return result


def _rebuild(cls: type[FuzzyDict[Any, Any]], options: dict[str, Any]) -> FuzzyDict[Any, Any]:
    self = cls.__new__(cls)
    FuzzyDict.__init__(self, **options)
    return self
