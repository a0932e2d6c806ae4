"""An index for a million keys: a graph of near rows leads to the candidates."""

import hashlib
import threading
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index import ExactIndex
from fuzzydict.progress import Progress
from fuzzydict.rows import Rows

__all__ = ["ApproximateIndex"]

Vectors = NDArray[np.float32]
K = TypeVar("K", bound=Hashable)

_FEW_KEYS = 10_000  # to look at every row of so few takes no longer than to walk the graph
_MANY_ASKED = 1000  # keys of one search, from which on the walk would be the longer way
_AT_ONCE = 1 << 14  # rows that are in memory a second time
_IN_ORDER = 1000  # so few new rows are linked by one thread: the order alone decides how

_LINKS = 24  # M: the neighbours that a node chooses; it may be chosen by as many again
_BUILDING = 80  # ef_construction: the candidates for neighbours
# The walks of a search, one wider (ef) than the other. The next is made where the best product is
# below this share of the largest that there could be: there are most queries of which a walk misses
# the best key. Half of the mistyped ones are below 0.75, and the second walk takes twice as long as
# all else of their lookup.
_WALKS = ((96, 0.72), (768, 0.6), (2048, 0.0))
_DIRECTIONS = 96  # on which rows are projected
_GONE = 1 / 3  # of the nodes have no key: the graph is made anew


class ApproximateIndex(Generic[K]):
    """A graph whose nodes are rows, linked to near ones; a search walks it towards the query.

    The graph (HNSW; Malkov and Yashunin, 2018) only proposes keys: the matrix of an `ExactIndex`
    is the truth, and ranks them. It is asked alone where there are at most 10,000 keys, for the
    best of given keys, and for more than 1000 keys at once. ``exact`` may hold keys already; it
    is then this index's own.

    Any thread may call any method; the calls happen one after the other. Needs voyager, the extra
    ``[ann]``, or else is an ``ImportError``.

    >>> index = ApproximateIndex()
    >>> index.add(["x", "y"], np.eye(2, dtype=np.float32))
    >>> index.search(np.array([[0.1, 0.9]], np.float32), 1)
    [['y']]
    """

    def __init__(self, exact: ExactIndex[K] | None = None) -> None:
        _voyager()
        self._exact: ExactIndex[K] = ExactIndex() if exact is None else exact
        self._graph: _Graph[K] | None = None
        self._waiting = dict.fromkeys(self._exact)  # keys that the graph does not know yet
        self._turn, self._lock = threading.Lock(), threading.Lock()

    def __repr__(self) -> str:
        return f"<ApproximateIndex: {len(self)} keys>"

    def __len__(self) -> int:
        return len(self._exact)

    def __contains__(self, key: object) -> bool:
        return key in self._exact

    def __iter__(self) -> Iterator[K]:
        return iter(self._exact)

    def add(self, keys: Sequence[K], vectors: Vectors) -> None:
        """Add keys that are not there yet, with their rows: float32 [len(keys), d].

        Amortised O(d) a key; the next search links it. ``ValueError`` where the square of a row
        is not finite: then none is added.
        """
        squares = np.einsum("ij,ij->i", vectors, vectors)
        if not np.isfinite(squares).all():
            key = keys[int(np.argmin(np.isfinite(squares)))]
            raise ValueError(f"the row of {key!r} has NaN, infinity, or numbers near to it")
        with self._alone():
            self._exact.add(keys, vectors)
            self._waiting.update(dict.fromkeys(keys))

    def remove(self, key: K) -> None:
        """Remove a key that is there, in O(d) and the number of keys of the same row.

        Its node stays as a way to others; when a third are such, the next search makes the graph
        anew.
        """
        with self._alone():
            row = self._exact.rows([key])
            self._exact.remove(key)
            if key in self._waiting:
                del self._waiting[key]
            elif self._graph is not None:  # pragma: no branch  without a graph, all keys wait
                self._graph.remove(key, row[0])

    def rows(self, keys: Sequence[K]) -> Vectors:
        """Return the rows of keys that are there: float32 [len(keys), d]."""
        with self._alone():
            return self._exact.rows(keys)

    def kept(self, keys: Sequence[K]) -> Rows:
        """Return the rows of keys that are there as they are kept, to save them."""
        with self._alone():
            return self._exact.kept(keys)

    def search(self, queries: Vectors, n: int, among: Iterable[K] | None = None) -> list[list[K]]:
        """Return for each query [Q, d] ``n`` keys of the largest dot products, best first; of
        those ``among`` if given, which must be there.

        Some of the largest may be missed, but not among given keys. O(d · log(len(self))) a
        query, and as much for each key that was added since the last search.
        """
        with self._alone():
            graph = self._grown() if among is None and n <= _MANY_ASKED else None
            if graph is None:
                return self._exact.search(queries, n, among)
            return self._walked(graph, queries, n)

    def _walked(self, graph: "_Graph[K]", queries: Vectors, n: int) -> list[list[K]]:
        """Walk the graph for each query, and wider for those to which no key that it finds is
        near: there it may have gone astray."""
        found: list[list[K]] = [[] for _ in queries]
        largest = graph.longest * np.linalg.norm(queries, axis=1)  # that a product could be
        asked = list(range(len(queries)))
        for width, near_enough in _WALKS:
            proposed = graph.near(queries[asked], n, width) if asked else []
            far = []
            for i, keys in zip(asked, proposed, strict=True):
                if keys is None:
                    found[i] = self._exact.search(queries[i, None], n)[0]
                    continue
                held = self._exact.kept(keys)
                best = held.nearest(queries[i, None], n)[0]
                found[i] = [keys[place] for place in best.tolist()]
                if held.take(best[:1]).vectors()[0] @ queries[i] < near_enough * largest[i]:
                    far.append(i)
            asked = far
        return found

    def _grown(self) -> "_Graph[K] | None":
        """Return the graph with all keys in it, or None for few keys."""
        if self._graph is not None and self._graph.is_stale:
            self._graph, self._waiting = None, dict.fromkeys(self._exact)
        if self._graph is None and len(self) > _FEW_KEYS:
            sample = list(islice(self._exact, 0, None, -(-len(self) // _AT_ONCE)))
            self._graph = _Graph(self._exact.rows(sample), len(self))
        if self._graph is not None and self._waiting:
            with Progress("index", len(self._waiting)) as step:
                while self._waiting:
                    keys = list(islice(self._waiting, _AT_ONCE))
                    self._graph.add(keys, self._exact.rows(keys))
                    for key in keys:
                        del self._waiting[key]
                    step(len(keys))
        return self._graph

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn:  # who waits is next: the lock alone would favour who just had it
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()


class _Graph(Generic[K]):
    """Distinct rows as nodes, each with its keys: many nodes in one place would hide others.

    Rows are taken as what is left of them without their mean, which is nearer to none of them than
    to others, projected on the principal directions of those that the graph begins with, and made
    of one length: the walk is then shorter, and goes astray less.
    """

    def __init__(self, sample: Vectors, size: int) -> None:
        self._voyager = _voyager()
        self._mean = sample.mean(axis=0)  # (d,)
        self._directions = _principal(sample - self._mean)  # (d, c)
        self._hnsw = self._voyager.Index(
            self._voyager.Space.Cosine,
            self._directions.shape[1],
            M=_LINKS,
            ef_construction=_BUILDING,
            random_seed=1,
            max_elements=size,
        )
        self._nodes: dict[bytes, int] = {}  # by the digest of the row
        self._keys: list[list[K]] = []  # of each node
        self._gone = 0  # nodes without a key
        self.longest = 0.0  # the length of a row

    @property
    def is_stale(self) -> bool:
        """Do the nodes without a key slow the others down?"""
        return self._gone > _GONE * len(self._keys)

    def add(self, keys: Sequence[K], rows: Vectors) -> None:
        """Add keys with their rows; one of zeros, that is near to nothing, gets no node."""
        places = np.flatnonzero(rows.any(axis=1)).tolist()
        digests = [_digest(rows[place]) for place in places]
        fresh: dict[bytes, int] = {}
        for place, digest in zip(places, digests, strict=True):
            if digest not in self._nodes:
                fresh.setdefault(digest, place)
        first = len(self._keys)
        if fresh:
            self._link(fresh, rows[list(fresh.values())])
        for place, digest in zip(places, digests, strict=True):
            node = self._nodes[digest]
            if node < first and not self._keys[node]:
                self._hnsw.unmark_deleted(node)
                self._gone -= 1
            self._keys[node].append(keys[place])

    def _link(self, digests: Iterable[bytes], rows: Vectors) -> None:
        first, end = len(self._keys), len(self._keys) + len(rows)
        if end > self._hnsw.max_elements:
            self._hnsw.resize(end + end // 2)
        self._keys += [[] for _ in rows]
        threads = 1 if len(rows) <= _IN_ORDER else -1
        directed = (rows - self._mean) @ self._directions
        self._hnsw.add_items(directed, list(range(first, end)), threads)
        self._nodes.update(zip(digests, range(first, end), strict=True))
        self.longest = max(self.longest, float(np.linalg.norm(rows, axis=1).max()))

    def remove(self, key: K, row: Vectors) -> None:
        """Remove a key that was added with this row."""
        node = self._nodes.get(_digest(row))
        if node is not None:
            self._keys[node].remove(key)
            if not self._keys[node]:
                self._hnsw.mark_deleted(node)
                self._gone += 1

    def near(self, queries: Vectors, n: int, width: int) -> list[list[K] | None]:
        """Return for each query the keys of ``width`` nodes, most of the ``n`` best among them.

        Of the keys of one row no more than ``n``. None for a query that only the whole matrix can
        answer: one of zeros, to which no row is nearer than another, or any while the nodes are
        few.
        """
        found: list[list[K] | None] = [None] * len(queries)
        width = max(width, n + n // 2)
        if len(self._keys) - self._gone < 2 * max(width, _WALKS[-1][0]):
            return found
        lengths = np.linalg.norm(queries, axis=1)
        asked = np.flatnonzero((lengths > 0) & np.isfinite(lengths))
        if len(asked):
            with suppress(self._voyager.RecallError):  # tombstones cut some nodes off
                for place, nodes in zip(asked, self._walk(queries[asked], width), strict=True):
                    found[place] = [key for node in nodes for key in self._keys[node][:n]]
        return found

    def _walk(self, queries: Vectors, width: int) -> list[list[int]]:
        """Return ``width`` nodes near to each query."""
        nodes, _ = self._hnsw.query(queries @ self._directions, width, -1, width)
        result: list[list[int]] = nodes.tolist()
        return result


def _principal(rows: Vectors) -> Vectors:
    """Return the first principal directions of rows, as columns: [d, c]."""
    directions: Vectors = np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    return np.ascontiguousarray(directions[:, :_DIRECTIONS])


def _digest(row: Vectors) -> bytes:
    """Return 16 bytes that no other row has; 0.0 and -0.0 are the same number."""
    return hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest()


def _voyager() -> Any:
    try:
        import voyager
    except ImportError as error:
        raise ImportError(
            "an approximate index needs voyager: pip install 'fuzzydict-attention[ann]'"
        ) from error
    return voyager
