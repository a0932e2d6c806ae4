from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Network = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike | float]  # w1, b1, w2, b2
Text = str | tuple[str, ...]  # or the words that it is split into

NUMBERS: Final = 1
OPPOSITES: Final = 2
NEGATIONS: Final = 16
ORDER: Final = 32
UNITS: Final = 64
LETTERS: Final = 128
NAMES: Final = 256
GUARD_FLAGS: Final = (1, 2, 16, 32, 64, 128, 256)
ALL_GUARDS: Final = 499
SAME_WORDS: Final = 4

class Ranking(NamedTuple):
    counts: NDArray[np.int32]
    places: NDArray[np.int32]
    logits: Floats
    plain: Floats
    flags: NDArray[np.uint16]
    rows: Floats | None

class Model:
    dimension: int
    def __init__(
        self,
        words: bytes | NDArray[np.uint8] | Sequence[str],
        vectors: NDArray[Any],
        weights: ArrayLike,
        density: ArrayLike,
        word_network: Network,
        phrase_network: Network,
        *,
        names: ArrayLike,
        redundancy: ArrayLike,
        scale: ArrayLike | None = None,
        irregular: bytes = b"",
        opposites: bytes = b"",
        units: bytes = b"",
        connectors: bytes = b"",
        aliases: bytes = b"",
        same_names: bytes = b"",
        projection: NDArray[np.int8],
    ) -> None: ...
    def __len__(self) -> int: ...
    def with_networks(self, word_network: Network, phrase_network: Network) -> Model: ...
    def embed(self, many: Iterable[Text], *, guess: bool = True) -> tuple[Floats, Floats]: ...
    def word_features(
        self, queries: Iterable[str], keys: Iterable[str], *, vectors: bool = True
    ) -> Floats: ...

class Settings:
    def __init__(
        self,
        *,
        n_candidates: int = 64,
        n_scored: int = 16,
        letters: float = 1,
        tokens: float = 0,
        guards: int = 3,
        vectors: bool = True,
        cosines: bool = True,
        calibration: tuple[float, float] = (1.0, 0.0),
        scale: tuple[float, float] = (1.0, 0.0),
    ) -> None: ...

class KeyTable:
    model: Model
    own: bool
    def __init__(self, model: Model, dimension: int | None = None) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object) -> bool: ...
    @property
    def width(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def keys(self) -> list[str]: ...
    def find(self, key: str) -> int | None: ...
    def add(
        self,
        keys: Iterable[str],
        *,
        meanings: ArrayLike | None = None,
        numbers: NDArray[np.int8] | None = None,
        scales: ArrayLike | None = None,
        aliases: bool = False,
    ) -> None: ...
    def remove(self, key: str) -> None: ...
    def remove_at(self, place: int) -> None: ...
    def rows(self, places: Iterable[int] | None = None) -> tuple[NDArray[np.int8], Floats]: ...
    def vectors(self, places: Iterable[int] | None = None) -> Floats: ...
    def set_frequencies(self, counts: Mapping[str, int], keys: int) -> None: ...
    def rank(
        self,
        queries: str | Iterable[Text],
        settings: Settings = ...,
        *,
        threads: int = 1,
        meanings: ArrayLike | None = None,
        exact: ArrayLike | None = None,
        among: Iterable[int] | None = None,
        rows: bool = False,
    ) -> Ranking: ...
    def best(
        self,
        queries: str | Iterable[Text],
        n: int = 1,
        settings: Settings = ...,
        *,
        threads: int = 1,
        meanings: ArrayLike | None = None,
    ) -> list[list[tuple[str, float]]]: ...
    def phrase_features(
        self,
        query: Text,
        places: Iterable[int],
        *,
        cosines: ArrayLike | None = None,
        vectors: bool = True,
    ) -> Floats: ...

def split(text: str) -> tuple[str, ...]: ...
