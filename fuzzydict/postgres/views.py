"""The views of a dictionary on a server: exact, in the order of insertion, a page at a time."""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fuzzydict.primitives import MISSING
from fuzzydict.storage import codec

if TYPE_CHECKING:
    from fuzzydict.postgres.mapping import PostgresFuzzyDict

__all__ = ["ServerItems", "ServerKeys", "ServerValues"]

V = TypeVar("V")


class ServerKeys(KeysView[str]):
    """The keys; a key is contained exactly."""

    _mapping: "PostgresFuzzyDict[Any]"

    def __contains__(self, key: object) -> bool:
        return self._mapping._is_key(key)


class ServerItems(ItemsView[str, V], Generic[V]):
    """The items."""

    _mapping: "PostgresFuzzyDict[V]"

    def __contains__(self, item: object) -> bool:
        if not (isinstance(item, tuple) and len(item) == 2):
            return False
        value = self._mapping._exact_value(item[0])
        return value is not MISSING and bool(value is item[1] or value == item[1])

    def __iter__(self) -> Iterator[tuple[str, V]]:
        for key, value in self._mapping._items.all_items():
            yield key, codec.loads(value)


class ServerValues(ValuesView[V], Generic[V]):
    """The values."""

    _mapping: "PostgresFuzzyDict[V]"

    def __contains__(self, value: object) -> bool:
        return any(each is value or each == value for each in self)

    def __iter__(self) -> Iterator[V]:
        for _, value in self._mapping._items.all_items():
            yield codec.loads(value)
