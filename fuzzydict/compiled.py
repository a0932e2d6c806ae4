"""The inner loops in C, where this installation has them.

``loops`` is the module `fuzzydict._compiled`, or None where nothing could be compiled, or where
``FUZZYDICT_COMPILED=0`` is in the environment. Each loop has a twin in Python and NumPy beside the
place where it is called: the twin says what it does, gives the same to the rounding of floats, and
takes two to ten times as long.
"""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Loops", "PerformanceWarning", "Search", "Vocabulary", "loops", "warn_if_missing"]

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
Words = tuple[str, ...]
Elsewhere = Callable[[str, bool], tuple[Floats, float, float, float]]


class Search(Protocol):
    """A search for the largest products of a query: look at all rows, then take the best."""

    def look(self, start: int, end: int, /) -> None:
        """Look at the rows from ``start`` to ``end``; several threads may, at others each."""
        ...

    def best(self, n: int, /) -> NDArray[np.intp]:
        """Return the places of the n largest products, of equal ones the earlier first."""
        ...


class Vocabulary(Protocol):
    """What the score keeps of the words and the texts of keys."""

    def logits(
        self, questions: Sequence[Any], words: Any, phrases: Any, meaning: Any, usage: Any, /
    ) -> Floats:
        """Return the logits of the keys of all questions, one after the other."""
        ...


class Loops(Protocol):
    """What is compiled, each named for its twin."""

    WIDEST: int
    """Numbers of the widest row that `Search` takes."""

    def split(self, text: str, longest: int, /) -> Words | None:
        """`fuzzydict.text.tokens.words` of most texts; None of others, for the twin."""
        ...

    def encode(self, texts: Sequence[str], projection: Bytes, out: Floats, /) -> None:
        """`fuzzydict.text.spelling.encode`."""
        ...

    def similarities(self, query: str, keys: Sequence[str], /) -> Floats:
        """`fuzzydict.text.spelling.similarities`."""
        ...

    def ratios(self, query: str, keys: Sequence[str], /) -> Floats:
        """`fuzzydict.text.spelling.ratios`."""
        ...

    def abbreviation(self, short: str, long: str, /) -> float:
        """`fuzzydict.text.spelling.abbreviation`."""
        ...

    def embed(
        self,
        texts: Sequence[Words],
        rows: dict[str, int],
        opening: set[str],
        table: Bytes,
        scale: Floats,
        weights: Floats,
        elsewhere: Elsewhere,
        guess: bool,
        most_words: int,
        longest_phrase: int,
        out: Floats,
        /,
    ) -> None:
        """`fuzzydict.model.embedders.WordEmbedder.encode_words`."""
        ...

    def look_up(
        self,
        words: Sequence[str],
        rows: dict[str, int],
        table: Bytes,
        scale: Floats,
        weights: Floats,
        density: Floats,
        elsewhere: Elsewhere,
        guess: bool,
        /,
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """`fuzzydict.model.embedders.WordEmbedder.look_up`."""
        ...

    def sharing(
        self,
        grams: NDArray[np.uint32],
        owners: NDArray[np.int32],
        starts: NDArray[np.intp],
        sizes: Floats,
        n: int,
        /,
    ) -> list[int]:
        """The words that share n-grams with one that the vocabulary lacks."""
        ...

    def top_k(
        self,
        blocks: NDArray[np.uint8],
        tables: NDArray[np.uint8],
        step: float,
        least: float,
        count: int,
        n: int,
        limit: float,
    ) -> tuple[Floats, NDArray[np.intp]]:
        """`fuzzydict.index.binary_codes.Signs.nearest`."""
        ...

    def Vocabulary(self, language: Any, /) -> Vocabulary:  # noqa: N802
        """`fuzzydict.ranking.scorer.Score.logits`."""
        ...

    def Search(  # noqa: N802
        self, numbers: Bytes, scales: Floats, tail: int, query: Floats, /
    ) -> Search:
        """`fuzzydict.index.quantized.Rows.nearest`."""
        ...


def _loops() -> Loops | None:
    if os.environ.get("FUZZYDICT_COMPILED") == "0":
        return None
    try:
        from fuzzydict import _compiled
    except ImportError:
        return None
    found: Loops = _compiled
    return found


loops = _loops()


class PerformanceWarning(RuntimeWarning):
    """Lookups are slower than they could be."""


_may_warn = loops is None and os.environ.get("FUZZYDICT_COMPILED") != "0"


def warn_if_missing() -> None:
    """Warn if the compiled extension is missing, once per process.

    Not if ``FUZZYDICT_COMPILED=0`` turned it off: that is a choice.
    """
    global _may_warn
    if not _may_warn:
        return
    _may_warn = False
    level, frame = 2, sys._getframe(1)
    # The warning names the line that called the package.
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        "FuzzyDict runs without its compiled extension: lookups take about 3 times as long "
        "and adding keys about 7 times. Install a C compiler, then run: python -m pip install "
        "--force-reinstall --no-deps --no-cache-dir --no-binary fuzzydict-attention "
        "fuzzydict-attention. Set FUZZYDICT_COMPILED=0 to silence this warning.",
        PerformanceWarning,
        stacklevel=level,
    )


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == __name__.partition(".")[0]
