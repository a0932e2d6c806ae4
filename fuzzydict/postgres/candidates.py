"""The search for candidates: the stored keys that are nearest to each query."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.forking import matrix_product
from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.postgres import statements
from fuzzydict.postgres.database import Database, digest, fetch
from fuzzydict.postgres.lessons import Lessons, ServerState
from fuzzydict.postgres.pool import Vector
from fuzzydict.postgres.schema import Schema
from fuzzydict.postgres.vectors import decode
from fuzzydict.ranking.calibration import Background, Scale
from fuzzydict.text import spelling

__all__ = ["CandidateSearch", "Neighbours"]

Floats = NDArray[np.float32]
Row = tuple[Any, ...]

_MAX_BY_GRAPH = 1000  # candidates; for more, every vector is compared
_WIDE = 256  # candidates of a query that no key is near to
_FAR = 0.66  # the cosine to the nearest key below which that is so
_SAMPLE = 128  # keys that determine the scale of an embedder's cosines


class Neighbours(NamedTuple):
    """The candidates of one query, with their vectors."""

    keys: list[str]
    vectors: QuantizedVectors


class CandidateSearch:
    """Searches the stored vectors. Any thread may call any method."""

    def __init__(self, database: Database, schema: Schema, lessons: Lessons) -> None:
        self._database, self._schema, self._lessons = database, schema, lessons
        self._scale: tuple[list[bytes], Scale] | None = None

    def search(
        self,
        state: ServerState,
        queries: Floats,
        n: int,
        required: Sequence[Collection[str]],
        among: Collection[str] | None = None,
    ) -> tuple[int, list[Neighbours]]:
        """Return the version of the learned state, and the candidates of each query.

        Each query has the candidates that it would have alone.

        Args:
            state: The state that the vectors of the queries belong to.
            queries: Vectors of the queries, [Q, d]; numbers that are missing count as 0.
            n: Neighbours of a query, by the largest dot products.
            required: For each query, keys that are candidates in any case.
            among: The only keys that may be neighbours.
        """
        by_graph = among is None and n <= _MAX_BY_GRAPH
        search = statements.BY_GRAPH if by_graph else statements.BY_SCAN
        if among is not None:
            search = statements.AMONG
        version, rows = self._search(search, state, queries, n, required, among)
        found = [self._decode(state, each) for each in rows]
        if by_graph:
            # Either there are fewer keys, or keys that were removed hide others.
            short = [i for i, each in enumerate(rows) if sum(row[0] for row in each) < n]
            # Where no key is near, the walk through the graph goes astray: a wider one does not.
            is_short = set(short)
            far = [
                i
                for i, each in enumerate(found)
                if i not in is_short and _is_far(queries[i], each.vectors)
            ]
            wider = (short, statements.BY_SCAN, n), (far, statements.BY_GRAPH, max(_WIDE, n))
            for places, search, width in wider:
                if places:
                    none: list[list[str]] = [[] for _ in places]
                    _, more = self._search(search, state, queries[places], width, none, None)
                    for i, each in zip(places, more, strict=True):
                        found[i] = self._decode(state, rows[i] + each)
        return version, found

    def _search(
        self,
        search: str,
        state: ServerState,
        queries: Floats,
        n: int,
        required: Sequence[Collection[str]],
        among: Collection[str] | None,
    ) -> tuple[int, list[list[Row]]]:
        """Return the version, and for each query rows: is it a neighbour, and its columns."""
        pairs = [(digest(key), i) for i, keys in enumerate(required, 1) for key in keys]
        arguments: dict[str, Any] = {
            "vectors": list(map(Vector, _padded(queries, self._schema.width + state.tail))),
            "required": [identity for identity, _ in pairs],
            "queries": [i for _, i in pairs],
        }
        if among is not None:
            arguments["among"] = list(map(digest, among))
        query = self._database.sql(statements.SEARCH, state.generation, n=n, search=search)
        version = 0
        result: list[list[Row]] = [[] for _ in queries]
        for i, number, *columns in self._database.run(
            lambda connection: fetch(connection, query, arguments)
        ):
            if i:
                result[i - 1].append((number, *columns))
            else:
                version = number
        return version, result

    def _decode(self, state: ServerState, rows: Sequence[Row]) -> Neighbours:
        unique = {row[1]: row[1:] for row in rows}
        return Neighbours(*decode(list(unique.values()), self._schema.width, state.tail))

    def cosine_scale(self) -> Scale:
        """Return the scale of the embedder's cosines, by a sample of the keys."""
        smallest = [
            identity for (identity,) in self._database.fetch(statements.SMALLEST, [_SAMPLE])
        ]
        cached = self._scale
        if cached is None or cached[0] != smallest:
            rows, state = self._lessons.with_state(
                lambda state: (
                    self._database.fetch(
                        statements.VECTORS, [smallest], generation=state.generation
                    ),
                    state,
                )
            )
            keys, stored = decode(rows, self._schema.width, state.tail)
            meanings = stored.plain().vectors()[:, : -spelling.DIMENSION]
            places = {key: i for i, key in enumerate(keys)}
            background = Background()
            background.add(keys)
            scale = background.scale(lambda sample: meanings[[places[key] for key in sample]])
            self._scale = cached = smallest, scale
        return cached[1]


def _padded(vectors: Floats, width: int) -> Floats:
    """Return vectors of this width, with zeros at the end or without their last numbers."""
    padded = np.zeros((len(vectors), width), np.float32)
    common = min(width, vectors.shape[1])
    padded[:, :common] = vectors[:, :common]
    return padded


def _is_far(query: Floats, stored: QuantizedVectors) -> bool:
    """Return True if no key is near to the query, [d]."""
    vectors = stored.vectors()
    query = _padded(query[None], vectors.shape[1])[0]
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    return bool((matrix_product(vectors, query) / np.maximum(lengths, 1e-9)).max() < _FAR)
