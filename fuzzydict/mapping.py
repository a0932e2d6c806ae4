"""`FuzzyDict`: a `dict` whose lookups tolerate typos, naming styles and synonyms.

The class is assembled from parts, in reading order: the lookups that all fuzzy mappings share
(`fuzzydict.base`), a dict with a ranker of its keys (`fuzzydict.ranked_dict`), its copies and
pickles (`fuzzydict.copying`), and here its options, counters and files.
"""

import inspect
import os
import pickle
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from fuzzydict.copying import CopyableDict
from fuzzydict.counting import Stats
from fuzzydict.index.approximate import IndexKind, check_kind
from fuzzydict.integrations import dask as dask_tokens
from fuzzydict.matches import Match, NoMatchError
from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import as_embedder, model_file
from fuzzydict.options import check_cutoff, check_flag, check_guards, check_prior
from fuzzydict.primitives import MISSING
from fuzzydict.ranking.guards import DEFAULT, Guard
from fuzzydict.ranking.learned import LearnedState

if TYPE_CHECKING:
    from _typeshed import SupportsKeysAndGetItem

__all__ = ["FuzzyDict", "Match", "NoMatchError"]

K = TypeVar("K")
V = TypeVar("V")


class FuzzyDict(CopyableDict[K, V]):
    """A dict whose lookups find the key that was meant.

    ``d[q]``, ``d.get(q)`` and ``q in d`` find the exact key, or else the key that the query most
    probably means. If no score reaches the ``cutoff``, they miss, as in a dict. Writes and views
    are exact, as in a dict. Keys that are not strings match exactly or not at all.

    Exact lookups and writes cost what they cost in a dict, except that removals are recorded. The
    first inexact lookup after a write embeds the new keys. Any number of threads may read and
    write: inexact lookups and removals take a lock, exact and cached lookups do not.

    Args:
        args: As of `dict`.
        embedder: What turns texts into vectors: the name of a model ("default", "brown"), or
            anything that `fuzzydict.model.embedders.as_embedder` accepts. By default the model of
            the program: "default", or what `fuzzydict.use_model` or the environment variable
            ``FUZZYDICT_MODEL`` chose.
        cutoff: The lowest score of a match, 0 to 1. By default the one for which the embedder was
            calibrated. 1.0 turns fuzzy lookups off.
        guards: Functions that forbid matches; see `fuzzydict.ranking.guards`.
        index: "exact" compares all keys; "approximate" is for millions of keys and may miss a few;
            "auto" switches from the first to the second as the dictionary grows.
        prior: The share of queries that have a matching key, between 0 and 1. By default 0.6, which
            suits what people type. Scores are lower with a low one: 0.1 suits a list of names of
            which few are keys.
        strict: Lookups find exact keys only, and the error of ``d[query]`` suggests keys, also ones
            below the cutoff: "did you mean 'port'?". Excludes a cutoff.
        items: As of `dict`.

    >>> car = FuzzyDict({"color": "red", "top speed": 250})
    >>> car["colour"], car.get("velocity"), "parliament" in car
    ('red', 250, False)
    """

    __slots__ = ()

    # Keyword arguments other than the options are items, whose keys are text.
    @overload
    def __init__(
        self,
        items: "SupportsKeysAndGetItem[K, V] | Iterable[tuple[K, V]]" = ...,
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
        prior: float | None = ...,
        strict: bool = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "FuzzyDict[str, V]",
        items: "SupportsKeysAndGetItem[str, V] | Iterable[tuple[str, V]]" = ...,
        /,
        *,
        embedder: Any = ...,
        cutoff: float | None = ...,
        guards: Iterable[Guard] = ...,
        index: IndexKind = ...,
        prior: float | None = ...,
        strict: bool = ...,
        **more: V,
    ) -> None: ...

    def __init__(
        self,
        /,
        *args: Any,
        embedder: Any = None,
        cutoff: float | None = None,
        guards: Iterable[Guard] = DEFAULT,
        index: IndexKind = "auto",
        prior: float | None = None,
        strict: bool = False,
        **items: Any,
    ) -> None:
        check_kind(index)
        embedder = program_model() if embedder is None else embedder
        if isinstance(embedder, str):
            model_file(embedder)  # raises for an unknown model, which is loaded on first use
        options = {
            "embedder": embedder if isinstance(embedder, str) else as_embedder(embedder),
            "guards": check_guards(guards),
            "cutoff": check_cutoff(cutoff, check_flag(strict, "strict")),
            "index": index,
            "prior": check_prior(prior),
            "strict": strict,
        }
        self._configure(options, LearnedState())
        super().__init__(*args, **items)

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None, /) -> "FuzzyDict[Any, Any]":
        """Return a new dictionary of the keys, each with ``value``, and the default options."""
        self: FuzzyDict[Any, Any] = cls()
        for key in keys:
            self[key] = value
        return self

    @property
    def index(self) -> str:
        """How the last inexact lookup found candidates: "exact" or "approximate"."""
        sync = self._sync
        return "exact" if sync is None else sync.ranker.index

    # Counters.

    def stats(self) -> Stats:
        """Return counters of inexact lookups that found a key, and that missed, from now on.

        Each ``d[q]``, ``q in d``, `get` and `match` counts once, and so does each query of
        `get_many` and `match_many`. Exact hits are not counted: an exact ``d[key]`` runs no Python
        code. `Stats.stop` ends counting. Copies have counters of their own.

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

    def _find_many(
        self, queries: list[Any], cutoff: float | None = None, prior: float | None = None
    ) -> dict[Any, Match]:
        matches = super()._find_many(queries, cutoff, prior)
        if self._stats is not None:
            for query in queries:
                if matches[query].value is MISSING:
                    self._stats._add(False)
                elif matches[query].key != query:
                    self._stats._add(True)
        return matches

    # Files.

    def save(
        self, path: str | os.PathLike[str], *, encode: Callable[[V], Any] | None = None
    ) -> None:
        """Save items, vectors and what was learned to one file, atomically.

        Keys are strings, numbers, None, and tuples of these. Attributes and slots of a subclass
        are saved as JSON. Only the names of your own embedder and guards are saved, because they
        are code. Never pickle. O(len(self) · d).

        Other processes that have loaded the replaced file are not disturbed. On Windows a file of
        more than 64 MB cannot be replaced while a dictionary uses it.

        Args:
            path: The file.
            encode: Turns each value into JSON data, as ``decode`` of `load` turns it back. By
                default values must be JSON data or NumPy arrays.

        Raises:
            TypeError, ValueError: A key, value or attribute cannot be saved; the message names it.
            OSError: The file cannot be written.

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
            ranker = self._synced_ranker()
            items = dict(self)
            snapshot = ranker.entries.snapshot(items)
            learned = self._learned
        guards = [getattr(guard, "__name__", type(guard).__name__) for guard in self._guards]
        options = {
            "cutoff": self._cutoff,
            "index": self._index_kind,
            "prior": self._prior,
            "strict": self._strict,
            "guards": None if self._guards == DEFAULT else guards,
        }
        attributes = self._added_attributes()
        content = archive.Archive(items, options, learned, snapshot, ranker.embedder, attributes)
        checksum = archive.write(path, content, encode)
        if learned.projection is self._learned.projection:
            self._saved_as = os.path.abspath(path), checksum

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        embedder: Any = None,
        guards: Iterable[Guard] | None = None,
        decode: Callable[[Any], Any] | None = None,
    ) -> "FuzzyDict[Any, Any]":
        """Return the dictionary that `save` wrote to a file. No key is embedded again.

        With another embedder than the one it was saved with, or another version of its model, the
        first inexact lookup embeds the keys again, and a `ModelChangedWarning` says so. Corrections
        are kept. So is a calibration between models of words, and of what `fit` learned all but
        what it learned of the vectors.

        Attributes of a subclass are restored without calling its ``__init__``. Nothing in a file
        is executed, but whoever can write it can change the answers.

        A file of up to 64 MB is copied into memory. A larger one is mapped: its vectors are read
        on first use, and processes that load it share them. It may be replaced or removed (`save`,
        ``mv``, ``rm``), but must not be changed in place (``cp``, ``rsync --inplace``). The first
        inexact lookup checks that; if the file is truncated later, the operating system ends the
        process.

        Args:
            path: The file.
            embedder: The embedder it was saved with, if that is one of your own, or another one.
                One that is not a word embedder is compared by its vectors of two texts.
            guards: The guards it was saved with, if there are any of your own.
            decode: Turns what ``encode`` of `save` returned back into values.

        Raises:
            FileFormatError: The file is damaged, has a different format or was written by a newer
                version; was saved with an embedder of your own, which is not passed; or has
                attributes that the class cannot have.
            OSError: The file cannot be read.
        """
        from fuzzydict.storage import archive
        from fuzzydict.storage.arrays import FileFormatError

        content, checksum = archive.read(path, embedder, decode)
        options = content.options | {"embedder": content.embedder}
        if guards is None and options["guards"] is not None:
            raise FileFormatError(f"{os.fspath(path)}: pass its guards, {options['guards']}")
        options["guards"] = DEFAULT if guards is None else tuple(guards)
        self = cls.__new__(cls)
        if content.change is not None:
            warnings.warn(content.change, archive.ModelChangedWarning, stacklevel=2)
        saved_as = None if content.known is None else (os.path.abspath(path), checksum)
        self._configure(options, content.learned, saved_as)
        dict.update(self, content.items)
        slots = self._slot_names()
        for name, value in content.attributes.items():
            if name in slots:
                object.__setattr__(self, name, value)
            elif hasattr(self, "__dict__") and not hasattr(FuzzyDict, name):
                self.__dict__[name] = value
            else:
                raise FileFormatError(
                    f"{os.fspath(path)}: {cls.__name__} can have no attribute {name!r}; load it "
                    "with the class that saved it"
                )
        self._archive = None if content.known is None else content._replace(items={})
        return self

    @staticmethod
    def load_items(
        path: str | os.PathLike[str], *, decode: Callable[[Any], Any] | None = None
    ) -> dict[Any, Any]:
        """Return the items of a file that `save` wrote, as a dict.

        It needs neither a model nor the embedder and the guards that the dictionary was saved with.
        Errors and ``decode`` are those of `load`.
        """
        from fuzzydict.storage import archive

        return archive.read_items(path, decode)


# The signature for `help`, which would show that of __new__.
FuzzyDict.__new__.__signature__ = inspect.signature(FuzzyDict.__init__)  # type: ignore[attr-defined]
dask_tokens.register(FuzzyDict)
__test__ = {"FuzzyDict": FuzzyDict}  # doctest skips objects whose __module__ is another


def __getattr__(name: str) -> Any:
    if name == "_made":  # which pickles from before commit 8fa112c import
        raise pickle.UnpicklingError(
            "a FuzzyDict pickled by a version before 0.1.0, which this one cannot read: load it "
            "with that version and write it with save()"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
