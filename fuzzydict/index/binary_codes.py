"""Signs of rows, a bit a number: by them the rows of large products are found without the rows."""

import functools
import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from fuzzydict import implementation
from fuzzydict.forking import forks_wait, matrix_product
from fuzzydict.threads import run_in_parallel

__all__ = ["BinaryCodes"]

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]
Found = tuple[Floats, Places]  # estimates of products, and the places of their rows

_DIRECTIONS = 128
_SIGNS = _DIRECTIONS // 8  # bytes of the signs of a row, before two bytes of its factor
_ROWS = 32  # of a block: their bytes of one kind lie side by side, to be looked up at once
_PATTERNS = np.array(list(product((-1, 1), repeat=4)), np.float32).T[::-1]  # (4, 16) of half a byte
_LARGEST = 63  # number of a table: the sum of four fits into a byte
_LEAST = 1e-30
_COST = 8  # of a row's product to that of its signs
_SAMPLED = 512  # blocks, or a quarter of all, are looked at first


class BinaryCodes:
    """The signs of rows in 128 directions, and a factor for each (RaBitQ; Gao and Long, 2024).

    The directions are the principal ones of a sample, turned at random so that each of them says
    as much as any other. What is left of a row without the mean is nearly the vector of its signs
    times its factor: the product of that with a query is on average the row's own, up to what is
    the same for all rows, and takes a tenth of the memory and of the time.

    >>> rows = np.random.default_rng(0).normal(size=(1000, 32)).astype(np.float32)
    >>> codes = BinaryCodes(rows)
    >>> codes.put(0, rows)
    >>> 123 in codes.nearest(rows[123], 20, 1000)
    True
    """

    def __init__(self, sample: Floats) -> None:
        self._mean = sample.mean(axis=0)  # (d,)
        self._directions = _turned_principal(sample - self._mean)  # (d, 128)
        self._blocks = np.zeros((0, _SIGNS + 2, _ROWS), np.uint8)

    def put(self, start: int, vectors: Floats) -> None:
        """Set the rows from place ``start`` on: float32 [n, d]. Amortised O(n · d)."""
        end = start + len(vectors)
        blocks = -(-end // _ROWS)
        if blocks > len(self._blocks):
            grown = np.empty((max(blocks, 2 * len(self._blocks)), _SIGNS + 2, _ROWS), np.uint8)
            grown[: len(self._blocks)] = self._blocks
            self._blocks = grown
        block, row = np.divmod(np.arange(start, end), _ROWS)
        self._blocks[block, :, row] = self._of(vectors)

    def move(self, place: int, to: int) -> None:
        """Let the row at one place be at another, too."""
        one, other = divmod(place, _ROWS), divmod(to, _ROWS)
        self._blocks[other[0], :, other[1]] = self._blocks[one[0], :, one[1]]

    def nearest(self, query: Floats, n: int, count: int) -> Places:
        """Return the places, in order, of those ``n`` of the first ``count`` rows whose products
        with the query, [d], are probably the largest.

        O(count) in time, where it is much on several threads.
        """
        estimated, limit = self._asked(query), -math.inf
        blocks = count // _ROWS
        every = max(blocks // _SAMPLED, 4)
        if blocks >= every and count >= 4 * n:
            sample = self._blocks[:blocks:every]
            few = 3 * n // (2 * every) + 8  # above the last of them more than n are likely
            found_few = estimated(sample, count=_ROWS * len(sample), n=few, limit=limit)[0]
            limit = float(found_few.min(initial=math.inf))
        found: dict[int, Found] = {}

        def work(start: int, end: int) -> None:
            first, last = start * _ROWS, min(end * _ROWS, count)
            blocks = self._blocks[start:end]
            estimates, places = estimated(blocks, count=last - first, n=n, limit=limit)
            found[first] = estimates, first + places

        run_in_parallel(work, -(-count // _ROWS), _ROWS // _COST)
        if sum(len(places) for _, places in found.values()) < min(n, count):
            limit = -math.inf
            run_in_parallel(work, -(-count // _ROWS), _ROWS // _COST)
        estimates, places = (
            np.concatenate(parts) for parts in zip(*map(found.get, sorted(found)), strict=True)
        )
        if len(places) > n:  # of equal estimates the earlier, however many threads there were
            least = np.partition(estimates, -n)[-n]
            above, equal = places[estimates > least], np.sort(places[estimates == least])
            places = np.concatenate([above, equal[: n - len(above)]])
        return np.sort(places)

    def _asked(self, query: Floats) -> Callable[..., Found]:
        """Return `_top_k`, compiled where it is, that knows the query."""
        sums = matrix_product(query, self._directions).reshape(-1, 4) @ _PATTERNS  # (32, 16)
        least = sums.min(axis=1, keepdims=True)
        sums -= least
        step = max(float(sums.max()) / _LARGEST, _LEAST)
        tables = (sums / step + 0.5).astype(np.uint8)
        native = implementation.native
        top_k = _top_k if native is None else native.top_k
        return functools.partial(top_k, tables=tables, step=step, least=float(least.sum()))

    def _of(self, vectors: Floats) -> Bytes:
        """Return the signs and the factors of rows: [n, 16 + 2]."""
        turned = matrix_product(vectors - self._mean, self._directions)
        lengths = np.abs(turned).sum(axis=1)
        factors = np.einsum("ij,ij->i", turned, turned) / np.maximum(lengths, _LEAST)
        halves = ((factors.view(np.uint32) + 0x8000) >> 16).astype("<u2")  # of their bits, rounded
        signs = np.packbits(turned > 0, axis=1, bitorder="little")
        return np.hstack([signs, halves.view(np.uint8).reshape(-1, 2)])


def _top_k(
    blocks: Bytes, tables: Bytes, step: float, least: float, count: int, n: int, limit: float
) -> Found:
    """Return the ``n`` largest estimates above a limit of the first ``count`` rows and their
    places, of equal ones the earlier; in any order.

    ``tables``, [32, 16], has for each four numbers of a query their sum with the signs that half a
    byte stands for, as steps above the least; ``least`` is that of all numbers.
    """
    of_bytes = (tables[1::2, :, None] + tables[::2, None, :]).reshape(_SIGNS, 256)
    sums = np.zeros((len(blocks), _ROWS), np.uint16)
    for k in range(_SIGNS):
        sums += of_bytes[k].take(blocks[:, k])
    halves = blocks[:, _SIGNS].astype(np.uint32) + (blocks[:, _SIGNS + 1].astype(np.uint32) << 8)
    factors = (halves << 16).view(np.float32).reshape(-1)[:count]
    estimates = (sums.reshape(-1)[:count] * np.float32(step) + np.float32(least)) * factors
    estimates = np.where(np.isnan(estimates), np.float32(-np.inf), estimates)  # as if below any
    reached = np.partition(estimates, -n)[-n] if n < count else -np.inf
    places = np.flatnonzero((estimates >= reached) & (estimates > limit))
    best = places[np.argsort(-estimates[places], kind="stable")[:n]]
    return estimates[best], best


def _turned_principal(rows: Floats) -> Floats:
    """Return the principal directions of rows, turned at random: [d, 128], with orthonormal rows or
    columns."""
    with forks_wait:
        principal = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :_DIRECTIONS]
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(_DIRECTIONS, _DIRECTIONS)))[0]
        directions: Floats = (principal @ turn[: principal.shape[1]]).astype(np.float32)
    return directions
