"""`FuzzyDict` itself: a dict whose reads know what was meant.

Reading order: construction, reads, teaching, writes, copies. Keys are set as in any dict, which
holds them in the order in which they came; so the first inexact read after a write finds the new
ones at the end. Those that were removed leave a note.
"""

import copy
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, TypeVar, overload

from fuzzydict import projection
from fuzzydict.embedders import Embedder, as_embedder, model_file
from fuzzydict.guards import DEFAULT, Guard
from fuzzydict.index import Index, make_index
from fuzzydict.matching import Learned, Matcher
from fuzzydict.progress import Progress
from fuzzydict.projection import FitReport
from fuzzydict.text import MAX_LENGTH
from fuzzydict.values import Attention, weigh

if TYPE_CHECKING:
    from fuzzydict.archive import Archive

__all__ = ["FuzzyDict", "Match", "NoMatchError"]

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_REMEMBERED = 1024  # inexact queries whose answers are kept
_TOGETHER = 256  # queries that are searched together
_CLOSEST = 3  # keys that an error names
_ABSENT: Any = object()
_UNKNOWN = -1  # how many keys there were: the next read looks at all of them


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
      `fuzzydict.guards.DEFAULT`;
    - ``index``: "exact" searches every key; "approximate", which needs the extra ``[ann]``, is for
      millions and may miss a few; "auto", the default, goes over from the one to the other.

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
        "_cutoff",
        "_file",
        "_gone",
        "_guards",
        "_kind",
        "_known",
        "_learned",
        "_lock",
        "_matcher",
        "_remembered",
        "_seen",
        "_source",
    )
    _source: str | Embedder
    _cutoff: float | None
    _guards: tuple[Guard, ...]
    _kind: str  # of the index
    _learned: Learned
    _matcher: Matcher | None  # made by the first inexact read
    _known: "Archive | None"  # what that begins with, where it is not nothing
    _file: tuple[str, str] | None  # which holds the rows of the keys, and its checksum
    _seen: int  # how many keys there were when the matcher was last told
    _gone: list[Any]  # keys that were removed since
    _remembered: dict[str, tuple[str, float] | None]  # what recent inexact queries found
    _lock: threading.RLock

    @overload
    def __init__(
        self,
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: str = ...,
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
        guards: Iterable[Guard] = ...,
        index: str = ...,
        **more: V,
    ) -> None: ...

    def __init__(
        self,
        /,
        *args: Any,
        embedder: Any = "default",
        cutoff: float | None = None,
        guards: Iterable[Guard] = DEFAULT,
        index: str = "auto",
        **items: Any,
    ) -> None:
        make_index(index)  # one that cannot be made fails here
        if isinstance(embedder, str):
            model_file(embedder)  # the model is read when it is needed; a name of none fails here
        self._source = embedder if isinstance(embedder, str) else as_embedder(embedder)
        self._guards, self._kind = tuple(guards), index
        self.cutoff = cutoff
        super().__init__(*args, **items)

    def __new__(cls, /, *args: Any, **kwargs: Any) -> "FuzzyDict[K, V]":
        self = super().__new__(cls)
        self._source, self._cutoff, self._guards, self._kind = "default", None, DEFAULT, "auto"
        self._learned, self._matcher, self._known, self._file = Learned(), None, None, None
        self._seen, self._gone, self._remembered = 0, [], {}
        self._lock = threading.RLock()
        return self

    # Reads: fuzzy, and in agreement.

    def __missing__(self, query: Any, /) -> V:
        found = self._find(query)
        if found is not None:
            value = self._exact(found[0])
            if value is not _ABSENT:
                return value  # type: ignore[no-any-return, unused-ignore]
        closest = self.matches(query, _CLOSEST, cutoff=0.0) if self._is_fuzzy(query) else []
        raise NoMatchError(query, tuple(closest))

    def __contains__(self, query: object, /) -> bool:
        """Is there a key that answers the query?"""
        return super().__contains__(query) or self._find(query) is not None

    @overload
    def get(self, query: object, default: None = None, /) -> V | None: ...
    @overload
    def get(self, query: object, default: T, /) -> V | T: ...

    def get(self, query: object, default: Any = None, /) -> Any:
        """Return the value that ``d[query]`` answers, or ``default`` where it answers nothing."""
        value = self._exact(query)
        if value is _ABSENT:
            found = self._find(query)
            value = default if found is None else self._exact(found[0], default)
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

        ``cutoff`` is the dictionary's own unless given; with 0.0 every candidate that no guard
        forbids has its place. ``ValueError`` for an ``n`` below 1.
        """
        if n < 1:
            raise ValueError(f"n counts keys from 1, not {n!r}")
        least = self._cutoff if cutoff is None else _probability(cutoff)
        exact = self._exact(query)
        result = [] if exact is _ABSENT else [Match(query, exact, 1.0)]
        if isinstance(query, str) and least != 1.0 and len(result) < n and self:
            with self._lock:
                least = self.cutoff if least is None else least
                ranked = self._up_to_date().rank(query, n + 1)
            for key, score in ranked:
                value = self._exact(key)
                if score >= least and key != query and value is not _ABSENT:
                    result.append(Match(key, value, score))
        return result[:n]

    def get_many(self, queries: Iterable[object], default: Any = None, /) -> list[Any]:
        """Return `get` of each query, in one go.

        Queries are searched together, and the same one once. Long work shows its progress in a
        terminal after two seconds.
        """
        found = self._find_many(queries := list(queries))
        return [
            default if key is _ABSENT else self._exact(key, default)
            for key, _ in map(found.__getitem__, queries)
        ]

    def match_many(
        self, queries: Iterable[object], *, cutoff: float | None = None
    ) -> list[Match | None]:
        """Return `match` of each query, in one go; see `get_many`."""
        found = self._find_many(queries := list(queries), cutoff)
        result: list[Match | None] = []
        for query in queries:
            key, score = found[query]
            value = _ABSENT if key is _ABSENT else self._exact(key)
            result.append(None if value is _ABSENT else Match(key, value, score))
        return result

    def _find_many(
        self, queries: list[Any], cutoff: float | None = None
    ) -> dict[Any, tuple[Any, float]]:
        """Return for each query the key that answers it, or absent, and its score."""
        least = self._cutoff if cutoff is None else _probability(cutoff)
        found: dict[Any, tuple[Any, float]] = {}
        texts = []
        for query in dict.fromkeys(queries):
            exact = self._exact(query) is not _ABSENT
            found[query] = (query, 1.0) if exact else (_ABSENT, 0.0)
            if not exact and isinstance(query, str) and least != 1.0 and self:
                texts.append(query)
        if not texts:
            return found
        least = self.cutoff if least is None else least
        with Progress("lookups", len(texts)) as step:
            for start in range(0, len(texts), _TOGETHER):
                part = texts[start : start + _TOGETHER]
                with self._lock:
                    best = self._up_to_date().rank_many(part, 1, step)
                for query, ranked in zip(part, best, strict=True):
                    if ranked and ranked[0][1] >= least:
                        found[query] = ranked[0]
        return found

    @overload
    def attend(  # type: ignore[overload-overlap]
        self,
        query: list[Any],
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
    ) -> list[Attention]: ...
    @overload
    def attend(
        self,
        query: object,
        *,
        temperature: float | None = ...,
        n: int | None = ...,
        mask: Iterable[K] | Callable[[K], bool] | None = ...,
    ) -> Attention: ...

    def attend(
        self,
        query: Any,
        *,
        temperature: float | None = None,
        n: int | None = None,
        mask: Iterable[Any] | Callable[[Any], bool] | None = None,
    ) -> Attention | list[Attention]:
        """Return how much each key is meant, and what their values make together.

        The soft lookup, of which ``d[query]`` is the limit at ``temperature`` zero. At 1, the
        default, the weights are the calibrated probabilities; above it they are more alike. The
        ``n`` nearest keys are attended to, and by default the 24 likeliest of the 64 nearest; the
        others have no weight. ``mask`` is
        the keys that may be, or a function that is true of them. A list of queries gives a list
        of answers, by one matrix product.

        ``ValueError`` for a temperature that is not above zero, an ``n`` below 1, and a mask that
        names what is no key. O(len(self) · d) and n scores a query.

        >>> car = FuzzyDict({"top speed": 9, "horse power": 8, "color": 1})
        >>> car.attend("performance").best != "color"
        True
        """
        temperature = 1.0 if temperature is None else temperature
        if not 0 < temperature < float("inf"):
            raise ValueError(f"a temperature is above zero and finite, not {temperature!r}")
        if n is not None and n < 1:
            raise ValueError(f"n counts keys from 1, not {n!r}")
        among = None if mask is None else self._allowed(mask)
        if not isinstance(query, list):
            return self._attend([query], temperature, n, among)[0]
        return self._attend(query, temperature, n, among)

    def _attend(
        self, queries: list[Any], temperature: float, n: int | None, among: dict[Any, None] | None
    ) -> list[Attention]:
        texts = [query for query in queries if self._is_fuzzy(query)]
        with self._lock:
            matcher, least = self._up_to_date(), self.cutoff
            keys = None if among is None else {key: None for key in among if key in matcher}
            found = iter(matcher.candidates(texts, n, keys) if texts else ())
        result = []
        for query in queries:
            weights, silence = {}, 1.0
            if self._is_fuzzy(query):
                candidates = next(found)
                cutoff = 0.0 if query in candidates.keys else least  # an exact key wins
                shares, silence = weigh(candidates.logits, cutoff, temperature)
                ranked = candidates.order()
                weights = {candidates.keys[i]: float(shares[i]) for i in ranked if shares[i] > 0}
            elif super().__contains__(query) and (among is None or query in among):
                weights, silence = {query: 1.0}, 0.0
            values = [self._exact(key) for key in weights]
            result.append(Attention(weights, values, silence, matcher.embedder))
        return result

    def _allowed(self, mask: Iterable[Any] | Callable[[Any], bool]) -> dict[Any, None]:
        if callable(mask):
            return {key: None for key in self if mask(key)}
        keys = dict.fromkeys(mask)
        for key in keys:
            if not super().__contains__(key):
                raise ValueError(f"the mask names {key!r}, which is no key")
        return keys

    @property
    def cutoff(self) -> float:
        """The least probability of an answer, 0 to 1; None sets the embedder's own."""
        return self._cutoff if self._cutoff is not None else self._up_to_date().cutoff

    @cutoff.setter
    def cutoff(self, cutoff: float | None) -> None:
        self._cutoff = None if cutoff is None else _probability(cutoff)
        self._remembered = {}

    @property
    def index(self) -> Index[Any]:
        """Where the keys are searched; its repr says of which kind it is, and of how many keys."""
        return self._up_to_date().index

    # Teaching: what the user knows of the right answers.

    def calibrate(self, pairs: Iterable[tuple[str, K | None]]) -> None:
        """Bring the scores to labelled pairs of a query and the key that it means.

        None in the place of the key says that the query means no key. From then on the scores of
        this dictionary and its copies are the probabilities that make the pairs most likely; a few
        pairs move them little. Most useful with an embedder of your own. ``ValueError`` for
        pairs that are none, or name what is no key; and after a `fit`, which calibrates too.
        """
        labelled = self._labelled(pairs)
        with self._lock:
            if self._learned.projection is not None:
                raise ValueError("a fitted dictionary is calibrated by its fit: unfit() it before")
            if labelled:
                self._adopt(calibration=self._up_to_date().calibrate(labelled))

    def fit(
        self,
        pairs: Iterable[tuple[str, K | None]],
        validation: Iterable[tuple[str, K | None]] | None = None,
        *,
        seed: int = 0,
    ) -> FitReport:
        """Learn from labelled pairs of a query and the key that it means, or None for no key.

        Learns the low-rank parts of W_Q and W_K and the null key that make the pairs most probable
        (see `fuzzydict.projection`). How long to learn, and whether to learn at all, is told by
        pairs that are held out: ``validation``, or else a part of the pairs. Where the held-out
        loss does not get smaller the dictionary stays exactly as it was, and the report says so.
        So it does for no pairs, and for a single one, of which nothing can be held out: `learn` it.

        Keys that are added later are found by the same projections; what was learned of a key
        alone goes with it. Words that two pairs show to mean a key lift the guards that forbid
        it. A second fit replaces the first; `unfit` goes back. ``ValueError`` for pairs that name
        what is no key, name two answers of one query, or ask an exact key for another.

        Shows its progress in a terminal after two seconds. O(pairs) lookups, and 15 passes.

        >>> d = FuzzyDict(balance=1, transfer=2)
        >>> d.fit([("how much is left", "balance")]).fitted
        False
        """
        pairs = list(pairs)
        labelled = self._labelled([*pairs, *(() if validation is None else validation)])
        with self._lock:
            matcher, before, cutoff = self._up_to_date(), self._learned, self.cutoff
            if not labelled or not len(matcher):
                return projection.nothing(len(labelled))
            try:
                lifted = matcher.lifting(labelled)
                matcher.adopt(before._replace(projection=None, lifted=lifted))
                with Progress("lookups", len(labelled)) as step:
                    lookups = matcher.lookups(labelled, step)
            finally:
                matcher.adopt(before)
        held_out = None if validation is None else range(len(pairs), len(labelled))
        with Progress("fit", None) as step:
            fitted, report = projection.fit(lookups, held_out, cutoff=cutoff, seed=seed, step=step)
        if fitted is not None:
            self._adopt(projection=fitted, lifted=lifted)
        return report

    def unfit(self) -> None:
        """Forget what `fit` learned. Corrections and the calibration stay."""
        self._adopt(projection=None, lifted=Learned().lifted)

    def learn(self, query: str, key: K | None) -> None:
        """Correct one lookup: from here on the query means the key, or no key where it is None.

        Whatever means the query means that key too, as far as the score tells; other corrections
        keep their answers. One correction a query: a later one replaces it, `unlearn` drops it.
        It sleeps while its key is gone. ``ValueError`` for what is no key, and for a query that is
        another key, because an exact key always wins. O(corrections).

        >>> account = FuzzyDict({"check-balance": 1, "transfer": 2})
        >>> account.learn("what have I got", "check-balance")
        >>> account["what have I got?"]
        1
        """
        (pair,) = self._labelled([(query, key)])
        with self._lock:
            self._adopt(corrections={**self._learned.corrections, pair[0]: pair[1]})

    def unlearn(self, query: str) -> None:
        """Drop the correction of a query; `KeyError` where there is none."""
        with self._lock:
            corrections = dict(self._learned.corrections)
            del corrections[query]
            self._adopt(corrections=corrections)

    @property
    def corrections(self) -> dict[str, Any]:
        """What `learn` was told: query → key, None for no key."""
        return dict(self._learned.corrections)

    def _labelled(self, pairs: Iterable[tuple[str, K | None]]) -> list[tuple[str, str | None]]:
        """Return the pairs, checked."""
        result: list[tuple[str, str | None]] = []
        answers: dict[str, str | None] = {}
        for query, key in pairs:
            if not isinstance(query, str) or not (key is None or isinstance(key, str)):
                raise ValueError(f"a pair is a query and its key or None, not {(query, key)!r}")
            if key is not None and not super().__contains__(key):
                raise ValueError(f"the pair of {query!r} names {key!r}, which is no key")
            if key != query and super().__contains__(query):
                raise ValueError(f"{query!r} is a key itself, and so cannot mean {key!r}")
            if answers.setdefault(query, key) != key:
                raise ValueError(f"pairs contradict: {query!r} is {answers[query]!r} and {key!r}")
            result.append((query, key))
        return result

    def _adopt(self, **learned: Any) -> None:
        with self._lock:
            new = self._learned._replace(**learned)
            if new.projection is not self._learned.projection:
                self._file = None
            if self._matcher is not None:
                self._matcher.adopt(new)
            self._learned = new
            self._remembered = {}

    def _exact(self, query: object, default: Any = _ABSENT) -> Any:
        return super().get(query, default)  # type: ignore[arg-type]

    def _is_fuzzy(self, query: object) -> TypeGuard[str]:
        return isinstance(query, str) and self._cutoff != 1.0

    def _find(self, query: object) -> tuple[str, float] | None:
        """Return the key that answers an inexact query, and its score: the one resolver."""
        if not self._is_fuzzy(query):
            hash(query)
            return None
        if not self:
            return None
        if self._is_told():
            found: tuple[str, float] | None = self._remembered.get(query, _ABSENT)
            if found is not _ABSENT:
                return found
        with self._lock:
            ranked = self._up_to_date().rank(query, 1)
            found = ranked[0] if ranked and ranked[0][1] >= self.cutoff else None
            if len(query) <= MAX_LENGTH:
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.pop(next(iter(self._remembered)))
                self._remembered[query] = found
        return found

    def _is_told(self) -> bool:
        """Does the matcher know of all keys that came and went?

        In this order it is not mistaken while others write, without the lock too.
        """
        return self._matcher is not None and len(self) == self._seen and not self._gone

    def _up_to_date(self) -> Matcher:
        """Return the matcher, after it has been told of the keys that came and went.

        It may be used as long as the lock is held.
        """
        with self._lock:
            matcher = self._matcher
            if matcher is None:
                matcher, self._seen = self._begin()
                self._matcher, self._known, self._gone = matcher, None, []
            if not self._is_told():
                self._tell(matcher)
        return matcher

    def _begin(self) -> tuple[Matcher, int]:
        """Return a matcher of the keys of the file, or of none, and how many keys that are."""
        if self._known is None and self._file is not None:
            from fuzzydict import archive

            self._known = archive.reopened(*self._file, self._source)
        embedder, known = as_embedder(self._source), self._known
        if known is None:
            return Matcher(embedder, self._guards, self._learned, self._kind), 0
        matcher = Matcher(embedder, self._guards, known.learned, self._kind)
        matcher.restore(known.known)
        matcher.adopt(self._learned)
        return matcher, _UNKNOWN

    def _tell(self, matcher: Matcher) -> None:
        noted = list(self._gone)
        size, new = self._newest(len(noted))
        added = [key for key in new if isinstance(key, str) and key not in matcher]
        matcher.add(added)
        gone = noted if self._seen >= 0 else matcher.keys()
        removed = [key for key in gone if key in matcher and self._exact(key) is _ABSENT]
        for key in removed:
            matcher.discard(key)
        if added or removed:
            self._remembered = {}
        del self._gone[: len(noted)]  # an embedder may have removed others meanwhile
        self._seen = size

    def _newest(self, gone: int) -> tuple[int, list[Any]]:
        """Return how many keys there are, and those that came since the matcher was last told.

        A dict holds its keys in the order in which they came. O(their number).
        """
        while True:
            size = len(self)
            came = size - self._seen + gone
            if came < 0 or self._seen < 0:  # a removal that left no note, or too many
                self._seen, came = _UNKNOWN, size
            try:
                new = list(itertools.islice(reversed(self), came))
            except RuntimeError:  # another thread writes
                continue
            if size == len(self):
                return size, new[::-1]

    def _check(self) -> None:
        """Assert that the parts of the dictionary agree; for tests. O(len(self))."""
        with self._lock:
            assert len(self._gone) <= len(self) + _REMEMBERED, self._gone
            assert len(self._remembered) <= _REMEMBERED
            if self._matcher is None or not self._is_told():
                return
            texts = {key for key in self if isinstance(key, str)}
            assert set(self._matcher.keys()) == texts, set(self._matcher.keys()) ^ texts
            assert all(found is None or found[0] in texts for found in self._remembered.values())
            assert self._matcher.learned == self._learned
            self._matcher.check()

    # Writes: exact, and those that set keys are the dict's own.

    def _forget(self, key: Any) -> None:
        """Note that a key is about to be removed. The lock is held until it is."""
        if self._matcher is not None and self._seen >= 0:
            self._gone.append(key)
            if len(self._gone) > len(self) + _REMEMBERED:
                self._seen, self._gone = _UNKNOWN, []

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
            self._matcher, self._remembered = None, {}
            self._known, self._file = None, None

    # Files.

    def save(
        self, path: str | os.PathLike[str], *, encode: Callable[[V], Any] | None = None
    ) -> None:
        """Write the dictionary to one file, whole or not at all: items, vectors, what it learned.

        Values are what JSON holds, and NumPy arrays; or else ``encode`` turns each into that, as
        ``decode`` of `load` turns it back. Keys are text, numbers, None, and tuples of these.
        ``TypeError`` or ``ValueError`` that names the key of anything else; ``OSError`` where the
        file cannot be written. Of embedders and guards of your own, which are code, the file has
        the names. Never pickle. O(len(self) · d).

        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "car.fuzzydict")
        >>> FuzzyDict({"color": "red"}).save(path)
        >>> FuzzyDict.load(path)["colour"]
        'red'
        """
        from fuzzydict import archive

        with self._lock:
            matcher = self._up_to_date()
            items = dict(self)
            known = matcher.known(items)
            learned = self._learned
        guards = [getattr(guard, "__name__", type(guard).__name__) for guard in self._guards]
        options = {
            "cutoff": self._cutoff,
            "index": self._kind,
            "guards": None if self._guards == DEFAULT else guards,
        }
        keys, values = list(items), list(items.values())
        whole = archive.Archive(keys, values, options, learned, known, matcher.embedder)
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

        No key is embedded again: the vectors stay in the file until they are used, and every
        process that loads it shares them. An embedder and guards of your own must be given, the
        same ones as then; an embedder other than of words is asked for two texts, to tell whether
        it is the same.

        ``FileFormatError`` where the file is damaged, is no dictionary, or was written with another
        embedder; ``OSError`` where it cannot be read. A checksum finds damage, not malice:
        nothing of a file is ever executed, but whoever can write it can change the answers.
        """
        from fuzzydict import archive
        from fuzzydict.storage import FileFormatError

        found, checksum = archive.read(path, embedder, decode)
        options = found.options | {"embedder": found.embedder}
        if guards is None and options["guards"] is not None:
            raise FileFormatError(f"{os.fspath(path)}: pass its guards, {options['guards']}")
        options["guards"] = DEFAULT if guards is None else guards
        items = zip(found.keys, found.values, strict=True)
        self = _made(cls, options, found.learned, items, (os.path.abspath(path), checksum))
        self._known = found
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
        result = self._like(())
        memo[id(self)] = result
        for key, value in list(self.items()):
            result[copy.deepcopy(key, memo)] = copy.deepcopy(value, memo)
        result.__setstate__(copy.deepcopy(self._state(), memo))
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
        made = _made, (type(self), self._options(), self._learned, (), self._file)
        return *made, self._state(), None, iter(self.items())

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        if state:
            self.__dict__.update(state)

    def _state(self) -> dict[str, Any] | None:
        """Return what a subclass keeps in its instances, None where that is nothing."""
        return getattr(self, "__dict__", None) or None

    def _options(self) -> dict[str, Any]:
        return {
            "embedder": self._source,
            "cutoff": self._cutoff,
            "guards": self._guards,
            "index": self._kind,
        }

    def _like(self, items: Any) -> "FuzzyDict[Any, Any]":
        result = _made(type(self), self._options(), self._learned, items, self._file)
        result.__setstate__(self._state())
        return result


def _made(
    cls: type[FuzzyDict[Any, Any]],
    options: dict[str, Any],
    learned: Learned,
    items: Any = (),
    file: tuple[str, str] | None = None,
) -> FuzzyDict[Any, Any]:
    self = cls.__new__(cls)
    FuzzyDict.__init__(self, items, **options)
    self._learned, self._file = learned, file
    return self


def _probability(cutoff: float) -> float:
    if not 0.0 <= cutoff <= 1.0:
        raise ValueError(f"cutoff is a probability from 0 to 1, not {cutoff!r}")
    return cutoff
