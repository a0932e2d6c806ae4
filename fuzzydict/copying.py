"""Copies and pickles of a dictionary, also of subclasses with attributes and slots of their own."""

import copy
import copyreg
import pickle
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fuzzydict.ranked_dict import RankedDict
from fuzzydict.ranking.guards import DEFAULT
from fuzzydict.ranking.learned import LearnedState

if TYPE_CHECKING:
    from typing_extensions import Self

    from fuzzydict.mapping import FuzzyDict

__all__ = ["CopyableDict"]

K = TypeVar("K")
V = TypeVar("V")

_FORMAT = 2  # of pickles; 1 did not say with which embedder a projection was fitted


class CopyableDict(RankedDict[K, V]):
    """The part of `fuzzydict.FuzzyDict` that copies: same options, same embedder, same learning."""

    __slots__ = ()

    def copy(self) -> "Self":
        """Return a shallow copy with the same options."""
        return self._like(self)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> "Self":
        make, arguments = self._construction()
        result: Self = make(*copy.deepcopy(arguments, memo))
        memo[id(self)] = result
        result._configure(self._options(), self._learned, self._saved_as)
        result._set_added_state(copy.deepcopy(self.__getstate__(), memo))
        for key, value in list(self.items()):
            result[copy.deepcopy(key, memo)] = copy.deepcopy(value, memo)
        return result

    def __or__(self, other: Any, /) -> "FuzzyDict[Any, Any]":
        if not isinstance(other, dict):
            return NotImplemented
        result: FuzzyDict[Any, Any] = self.copy()  # type: ignore[assignment]
        result.update(other)
        return result

    def __ror__(self, other: Any, /) -> "FuzzyDict[Any, Any]":
        if not isinstance(other, dict):
            return NotImplemented
        result: FuzzyDict[Any, Any] = self._like(other)  # type: ignore[assignment]
        result.update(self)
        return result

    def _like(self, items: Any) -> "Self":
        """Return a dictionary of other items with the same options, learning and attributes."""
        make, arguments = self._construction()
        result: Self = make(*arguments)
        result._configure(self._options(), self._learned, self._saved_as)
        dict.update(result, items)
        result._set_added_state(self.__getstate__())
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce to class, added state, options, learned state and items, but no vectors.

        As any object does: `copyreg.__newobj__`, and a state for `__setstate__`. A subclass may
        define ``__getstate__`` and ``__setstate__``, which get only the state that it adds.
        """
        with self._lock:
            import uuid

            self._pickle_id = self._pickle_id or uuid.uuid4().hex
            learned, saved_as, pickle_id = self._learned, self._saved_as, self._pickle_id
        options = self._options()
        if self._guards == DEFAULT:
            del options["guards"]
        lessons = described = None
        if learned != LearnedState():
            from fuzzydict.storage import archive

            lessons = archive.plain(learned)
            if learned.projection is not None:  # it suits no other embedder
                described = archive.described(self.embedder)
        state = self.__getstate__(), options, (lessons, saved_as, pickle_id), (_FORMAT, described)
        reduced = (*self._construction(), state, None, iter(self.items()))
        if type(self).__setstate__ is CopyableDict.__setstate__:
            return reduced
        return (*reduced, CopyableDict.__setstate__)

    def __getstate__(self) -> Any:
        """Return the state that a subclass adds, as `object.__getstate__`: attributes, slots."""
        attributes, slots = dict(getattr(self, "__dict__", ())) or None, self._added_slots()
        return (attributes, slots) if slots else attributes

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 2:  # of __reduce__
            added, options, (lessons, saved_as, pickle_id), *rest = state
            version, described = rest[0] if rest else (1, None)
            if version > _FORMAT:
                raise pickle.UnpicklingError(
                    f"a FuzzyDict pickled in format {version}; this version of FuzzyDict reads "
                    f"formats up to {_FORMAT}: upgrade FuzzyDict"
                )
            learned = LearnedState()
            if lessons is not None:
                from fuzzydict.storage import archive

                learned = archive.learned(lessons)
                learned = archive.suited(learned, options["embedder"], described)
            self._configure(
                {"guards": DEFAULT, "prior": None, "strict": False, **options},
                learned,
                saved_as,
                pickle_id,
            )
            self._set_added_state(added)
            return
        attributes, slots = state if isinstance(state, tuple) else (state, {})
        if attributes:
            self.__dict__.update(attributes)
        for name, value in slots.items():
            setattr(self, name, value)

    # A pickle of a subclass with a hook of its own names what users import.
    __setstate__.__module__, __setstate__.__qualname__ = "fuzzydict", "FuzzyDict.__setstate__"

    def _set_added_state(self, state: Any) -> None:
        if state is not None:
            self.__setstate__(state)  # perhaps a subclass's own

    def _construction(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return a function and arguments that make an empty dictionary, as `copyreg` does."""
        if hasattr(self, "__getnewargs_ex__"):
            arguments, options = self.__getnewargs_ex__()
            return copyreg.__newobj_ex__, (type(self), arguments, options)  # type: ignore[attr-defined]
        arguments = self.__getnewargs__() if hasattr(self, "__getnewargs__") else ()
        return copyreg.__newobj__, (type(self), *arguments)  # type: ignore[attr-defined]

    def _slot_names(self) -> list[str]:
        """Return the names of the slots that subclasses define."""
        return [
            name
            for kind in type(self).__mro__
            if kind not in _OWN_CLASSES
            for name, value in vars(kind).items()
            if isinstance(value, types.MemberDescriptorType)
        ]

    def _added_slots(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._slot_names() if hasattr(self, name)}

    def _added_attributes(self) -> dict[str, Any]:
        """Return the attributes and slots that a subclass adds, by name."""
        return {**getattr(self, "__dict__", {}), **self._added_slots()}

    def __dask_tokenize__(self) -> Any:
        """Return what identifies the dictionary to Dask: class, options, learning and items."""
        from dask.base import normalize_token

        from fuzzydict.storage import archive

        learned = archive.plain(self._learned)
        about = type(self), self._options(), learned, self._added_attributes()
        return normalize_token(about), normalize_token.dispatch(dict)(self)


_OWN_CLASSES = frozenset(CopyableDict.__mro__)  # all but those of users
