"""Rows of vectors, a byte a number, and their dot products with queries."""

import _thread
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict import compiled

__all__ = ["QuantizedVectors", "run_in_parallel", "thread_limit"]

Vectors = NDArray[np.float32]

_ONE_THREAD = 1 << 18  # numbers of a matrix for which BLAS wakes no other thread
_CACHED = 1 << 20  # numbers that are floats together
_A_THREAD = 1 << 15  # rows that are worth a thread
_MOST_THREADS = 4
_LEAST = 1e-30  # the largest number of a vector of zeros counts as this
_GROUPS = 8  # of values, for each that is sought
_PRODUCTS_AT_ONCE = 1 << 20
_QUERIES_AT_ONCE = 64

_Best = tuple[Vectors, NDArray[np.intp]]  # the largest products so far, and their places
_NONE: _Best = np.empty(0, np.float32), np.empty(0, np.intp)


class QuantizedVectors(NamedTuple):
    """A vector is its row's numbers times its scale; its last part may have a scale of its own.

    A number is off by up to 1/254 of the largest of its part. What one part holds does not change
    what is kept of the other, and what was kept once is kept as it is.

    >>> rows = QuantizedVectors.of(np.array([[1, 0.5, -1]], np.float32))
    >>> rows.numbers.tolist(), rows.vectors().round(2).tolist()
    ([[127, 64, -127]], [[1.0, 0.5, -1.0]])
    """

    numbers: NDArray[np.int8]  # (n, d)
    scales: Vectors  # (n, 1), or (n, 2) with a last part
    tail: int = 0  # the width of the last part

    @classmethod
    def empty(cls, n: int, d: int, tail: int = 0) -> "QuantizedVectors":
        """Return n rows of vectors of d numbers, of any content."""
        scales = np.empty((n, 2 if tail else 1), np.float32)
        return cls(np.empty((n, d), np.int8), scales, tail)

    @classmethod
    def of(cls, vectors: Vectors, tail: int = 0) -> "QuantizedVectors":
        """Return the rows of vectors, float32 [n, d], whose last part is of this width."""
        rows = cls.empty(len(vectors), vectors.shape[1], tail)
        for i, part in enumerate(rows._parts()):
            largest = np.abs(vectors[:, part]).max(axis=1, initial=_LEAST)
            rows.scales[:, i] = _short(largest / np.float32(127))
            rows.numbers[:, part] = np.rint(vectors[:, part] / rows.scales[:, i, None])
        return rows

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, places: slice | NDArray[np.intp]) -> "QuantizedVectors":
        """Return the rows at these places; those of a slice share the memory."""
        if isinstance(places, slice):
            return QuantizedVectors(self.numbers[places], self.scales[places], self.tail)
        return QuantizedVectors(
            self.numbers.take(places, axis=0), self.scales.take(places, axis=0), self.tail
        )

    def put(self, places: slice | int, rows: "QuantizedVectors") -> None:
        """Replace the rows at these places."""
        self.numbers[places], self.scales[places] = rows.numbers, rows.scales

    def vectors(self) -> Vectors:
        """Return the vectors: float32 [n, d]."""
        vectors = self.numbers.astype(np.float32)
        for i, part in enumerate(self._parts()):
            vectors[:, part] *= self.scales[:, i, None]
        return vectors

    def plain(self) -> "QuantizedVectors":
        """Return the rows without the last part."""
        first = self._parts()[0]
        return QuantizedVectors(self.numbers[:, first], self.scales[:, :1])

    @classmethod
    def together(cls, parts: Sequence["QuantizedVectors"]) -> "QuantizedVectors":
        """Return the rows of all parts, one of which at least has some if the width counts."""
        some = [part for part in parts if len(part)] or [*parts[:1]]
        numbers, scales = (
            np.concatenate(each) for each in zip(*(p[:2] for p in some), strict=True)
        )
        return cls(numbers, scales, some[0].tail)

    def nearest(self, queries: Vectors, n: int) -> NDArray[np.intp]:
        """Return the places of the ``n`` largest dot products with each query, [Q, d], of equal
        ones the earlier first: [Q, n], or fewer where there are fewer rows.

        O(Q · len(self) · d), where it is much on several threads.
        """
        n = min(n, len(self))
        result = np.empty((len(queries), n), np.intp)
        loops = compiled.loops
        if not result.size:
            return result
        if loops is None or self.numbers.shape[1] > loops.WIDEST:
            for start in range(0, len(queries), _QUERIES_AT_ONCE):
                block = slice(start, start + _QUERIES_AT_ONCE)
                result[block] = self._nearest(queries[block], n)
            return result
        queries = np.ascontiguousarray(queries, np.float32)
        if len(queries) == 1:
            search = loops.Search(*self, queries[0])
            run_in_parallel(search.look, len(self), 1)
            result[0] = search.best(n)
            return result

        def answer(start: int, end: int) -> None:
            for q in range(start, end):
                search = loops.Search(*self, queries[q])
                search.look(0, len(self))
                result[q] = search.best(n)

        run_in_parallel(answer, len(queries), len(self))
        return result

    def _nearest(self, queries: Vectors, n: int) -> NDArray[np.intp]:
        """Return what `nearest` does, in blocks of rows, by products of floats."""
        best = [_NONE] * len(queries)
        step = _PRODUCTS_AT_ONCE // max(len(queries), 1)
        for start in range(0, len(self), step):
            products = self.take(slice(start, start + step)).products(queries)
            best = [_best(*each, start, n) for each in zip(best, products, strict=True)]
        if any(len(places) < n for _, places in best):
            raise ValueError("rows, or a query, are not finite")
        return np.array([places for _, places in best], np.intp).reshape(len(queries), n)

    def products(self, queries: Vectors) -> Vectors:
        """Return the dot product of each query, [Q, d], with each vector: [Q, n].

        The rows become floats a block at a time, in the cache, where that takes no longer than to
        read floats from memory. BLAS multiplies a piece of it by one query on one thread: to wake
        others can take longer than 10,000 products.
        """
        products = [self._products(queries[:, part], part) for part in self._parts()]
        for scales, found in zip(self.scales.T, products, strict=True):
            found *= scales
        return products[0] + products[1] if self.tail else products[0]

    def _products(self, queries: Vectors, part: slice) -> Vectors:
        n, d = len(self), max(queries.shape[1], 1)
        products = np.empty((len(queries), n), np.float32)
        floats = np.empty((min(_CACHED // d, n), queries.shape[1]), np.float32)
        for start in range(0, n, _CACHED // d):
            numbers = self.numbers[start : start + len(floats), part]
            np.copyto(floats[: len(numbers)], numbers)
            for piece in range(0, len(numbers), _ONE_THREAD // d):
                end = min(piece + _ONE_THREAD // d, len(numbers))
                out = products[:, start + piece : start + end]
                np.matmul(queries, floats[piece:end].T, out=out)
        return products

    def _parts(self) -> list[slice]:
        first = self.numbers.shape[1] - self.tail
        return [slice(first), slice(first, None)] if self.tail else [slice(None)]


def _short(scales: Vectors) -> Vectors:
    """Return the scales in 16 bits of precision, so that their products by a byte are exact."""
    shortened: Vectors = ((scales.view(np.uint32) + 0x80) & 0xFFFFFF00).view(np.float32)
    return shortened


def _best(best: _Best, products: Vectors, start: int, n: int) -> _Best:
    """Return the ``n`` largest of the best so far and of the products from place ``start`` on."""
    values, places = best
    if len(values) == n:
        over = np.flatnonzero(products > values[-1])
    else:
        over = np.flatnonzero(products >= _reached(products, min(n, len(products))))
    values, places = np.append(values, products[over]), np.append(places, start + over)
    order = np.argsort(-values, kind="stable")[:n]
    return values[order], places[order]


def _reached(values: Vectors, n: int) -> np.float32:
    """Return what at least n of the values reach, and few others.

    Of many values it is the n-th largest of the largest of each group, which each has another.
    """
    groups = _GROUPS * n
    if len(values) >= 2 * groups:
        whole = len(values) // groups * groups
        values = values[:whole].reshape(-1, groups).max(axis=0)
    least: np.float32 = np.partition(values, -n)[-n]
    return least


def thread_limit() -> int:
    """Return how many threads one search may use.

    The environment variable ``FUZZYDICT_THREADS``, or else the CPUs that this process may run on,
    at most 4. ``ValueError`` if the variable is not a positive integer.
    """
    setting = os.environ.get("FUZZYDICT_THREADS", "")
    if not setting:
        return min(_MOST_THREADS, _available_cpus())
    if not setting.isdecimal() or int(setting) < 1:
        raise ValueError(f"FUZZYDICT_THREADS must be a positive integer, got {setting!r}")
    return int(setting)


def _available_cpus() -> int:
    """Return the number of CPUs that this process may run on, where the system can restrict it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_in_parallel(work: Callable[[int, int], None], n: int, rows: int) -> None:
    """Do the work from 0 to n, each on so many rows, where it is much in parts on several threads.

    Threads of a pool would not be there after a fork.
    """
    count = min(n, n * rows // _A_THREAD)
    if count > 1:
        count = min(count, thread_limit())
    if count < 2:
        work(0, n)
        return
    parts = list(pairwise(n * part // count for part in range(count + 1)))
    errors: list[BaseException] = []
    done = [_on_a_thread(work, *part, errors) for part in parts[1:]]
    try:
        work(*parts[0])
    finally:
        for lock in done:
            lock.acquire()
    if errors:
        raise errors[0]


def _on_a_thread(
    work: Callable[[int, int], None], start: int, end: int, errors: list[BaseException]
) -> _thread.LockType:
    """Do the work on a thread; return a lock that is free when it is done.

    A `threading.Thread` would be waited for until it runs, which takes thrice the time.
    """
    done = _thread.allocate_lock()
    done.acquire()

    def run() -> None:
        try:
            work(start, end)
        except BaseException as error:
            errors.append(error)
        finally:
            done.release()

    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:  # there are too many, or the interpreter is about to end
        run()
    return done
