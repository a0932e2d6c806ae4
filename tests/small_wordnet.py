"""A part of WordNet, for the tests of training: to read the whole takes half a minute each time."""

from collections.abc import Iterator
from typing import Any

_ONE_IN = 30  # names


class SmallWordNet:
    """NLTK's reader, as if it had few names, their senses and what these are instances of."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole
        self._names = sorted(set(whole.all_lemma_names()))[::_ONE_IN]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def all_lemma_names(self) -> Iterator[str]:
        return iter(self._names)

    def all_synsets(self, pos: str) -> Iterator[Any]:
        senses = {sense for name in self._names for sense in self._whole.synsets(name, pos)}
        return iter(senses.union(*(sense.instance_hypernyms() for sense in senses)))
