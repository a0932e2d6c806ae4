"""What a dictionary on a server learned: its version, and transactions that change it.

Every client has a copy of the learned state. A search returns the version of the newest one, and
the table of vectors has a name of its own for each projection, so that a client notices when its
copy is out of date.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from fuzzydict.postgres import statements
from fuzzydict.postgres.database import Database, digest, fetch, from_bytes, to_bytes
from fuzzydict.postgres.pool import Connection, psycopg
from fuzzydict.postgres.schema import Schema, dump_learned
from fuzzydict.postgres.vectors import VectorEncoder, decode, encode, projection_width
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projection import Projection
from fuzzydict.storage import codec
from fuzzydict.storage.archive import learned as parse_learned
from fuzzydict.storage.archive import plain

__all__ = ["Lessons", "ServerState", "vector_pages"]

T = TypeVar("T")

_PAGE = 2000  # vectors that are read or written at once


class ServerState(NamedTuple):
    """The learned state as of a version, and the table of vectors that belongs to it."""

    version: int
    generation: int
    tail: int  # numbers of a projection in the stored vectors
    learned: LearnedState

    @property
    def is_consistent(self) -> bool:
        """Do the stored vectors belong to the learned projection?"""
        return self.tail == projection_width(self.learned)


class Lessons:
    """The learned state of a dictionary. Any thread may call any method."""

    def __init__(
        self,
        database: Database,
        schema: Schema,
        new_encoder: Callable[[Projection | None], VectorEncoder],
    ) -> None:
        self._database, self._schema = database, schema
        self._new_encoder = new_encoder
        self._state: ServerState | None = None
        self._encoder: VectorEncoder | None = None

    def encoder(self, learned: LearnedState) -> VectorEncoder:
        """Return what embeds texts as of a learned state."""
        encoder = self._encoder
        if encoder is None or encoder.projection is not learned.projection:
            self._encoder = encoder = self._new_encoder(learned.projection)
        return encoder

    def state(self) -> ServerState:
        """Return the state as this client knows it."""
        return self._state or self.refresh()

    def refresh(self) -> ServerState:
        """Return the newest state."""
        self._state = state = self._database.run(self._read)
        return state

    def with_state(self, work: Callable[[ServerState], T]) -> T:
        """Return what ``work`` returns; call it again if it used an outdated table of vectors."""
        while True:
            state = self.state()
            try:
                return work(state)
            except psycopg.errors.UndefinedTable:
                if self.refresh().generation == state.generation:
                    raise

    def with_consistent_state(self, work: Callable[[ServerState], T]) -> T:
        """Do `with_state`, after a repair of vectors that do not belong to the projection."""
        if not self.state().is_consistent and not self.refresh().is_consistent:
            self.update(lambda learned: learned)
            self.refresh()
        return self.with_state(work)

    def _read(self, connection: Connection) -> ServerState:
        before = self._state
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return self.current(connection, statements.LEARNED, before)

    def current(
        self, connection: Connection, statement: str, before: ServerState | None = None
    ) -> ServerState:
        """Return the state in a transaction; parts that did not change are those of ``before``."""
        sql = self._database.sql
        ((version, generation, tail, dumped),) = fetch(connection, sql(statement))
        if before is not None and before.version == version:
            return before
        corrections = _parse_corrections(fetch(connection, sql(statements.CORRECTIONS)))
        if before is not None and before.generation == generation:
            projection = before.learned.projection
        else:
            ((text,),) = fetch(connection, sql(statements.PROJECTION))
            projection = _parse(dump_learned(LearnedState()), text).projection
        learned = _parse(dumped, None)._replace(projection=projection, corrections=corrections)
        return ServerState(version, generation, tail, learned)

    def corrections(self) -> dict[str, str | None]:
        """Return the corrections: query → key, in the order in which they were learned."""
        return _parse_corrections(self._database.fetch(statements.CORRECTIONS))

    def learn(self, query: str, key: str | None) -> None:
        """Let a query mean a key."""
        named = None if key is None else to_bytes(key)
        arguments = [digest(query), to_bytes(query), named]
        self.with_consistent_state(lambda _: self._change(statements.LEARN, arguments))

    def unlearn(self, query: str) -> bool:
        """Drop the correction of a query; return whether there was one."""
        return self._change(statements.UNLEARN, [digest(query)], retry=False) > 0

    def _change(self, statement: str, arguments: Sequence[Any], *, retry: bool = True) -> int:
        def work(connection: Connection) -> int:
            with connection.transaction():
                # First, so that all clients take the locks in the same order.
                connection.execute(self._database.sql(statements.INCREMENT_VERSION))
                return connection.execute(self._database.sql(statement), arguments).rowcount

        return self._database.run(work, retry=retry)

    def update(self, change: Callable[[LearnedState], LearnedState | None]) -> bool:
        """Replace the learned state, except corrections, by what ``change`` returns for it.

        One transaction locks the state, reads it and writes it, so that clients that teach at the
        same time lose nothing. If the projection changes, or does not belong to the stored vectors,
        they are computed again in a new generation. Writers wait for that, readers do not.

        Returns:
            False if ``change`` returned None: then nothing changes.
        """
        self.encoder(self.state().learned)  # loads the embedder before anything is locked

        def work(connection: Connection) -> bool:
            with connection.transaction():
                state = self.current(connection, statements.LEARNED_LOCKED)
                learned = change(state.learned)
                if learned is None:
                    return False
                generation, tail = state.generation, projection_width(learned)
                if learned.projection is not state.learned.projection or state.tail != tail:
                    self._project_again(connection, state, learned)
                    generation += 1
                arguments = [generation, tail, dump_learned(learned), _dump_projection(learned)]
                connection.execute(self._database.sql(statements.SET_LEARNED), arguments)
            return True

        return self._database.run(work)

    def _project_again(
        self, connection: Connection, state: ServerState, learned: LearnedState
    ) -> None:
        """Store the vectors of all keys with the learned projection in a new table."""
        sql, generation = self._database.sql, state.generation + 1
        encoder = self.encoder(learned)
        width = self._schema.width + encoder.tail
        connection.execute(sql(statements.LOCK_ITEMS))
        ((partitions,),) = fetch(connection, sql(statements.PARTITIONS))
        self._schema.create_vectors(connection, generation, width, partitions)
        for page in vector_pages(self._database, connection, state.generation):
            keys, stored = decode([row[1:] for row in page], self._schema.width, state.tail)
            projected = encode(encoder.project(keys, stored))
            with connection.cursor().copy(sql(statements.COPY_VECTORS, generation)) as copy:
                copy.set_types(statements.VECTOR_TYPES)
                for (identity, key, *_), row in zip(page, projected, strict=True):
                    copy.write_row((identity, key, *row))
        self._schema.create_graph(connection, generation, width)
        connection.execute(sql(statements.DROP_VECTORS, state.generation))


def vector_pages(
    database: Database, connection: Connection, generation: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield all rows of a table of vectors, some at a time."""
    query, after = database.sql(statements.VECTOR_PAGE, generation), b""
    while page := fetch(connection, query, [after, _PAGE]):
        yield page
        after = page[-1][0]


def _parse_corrections(rows: Sequence[tuple[Any, ...]]) -> dict[str, str | None]:
    return {from_bytes(query): None if key is None else from_bytes(key) for query, key in rows}


def _dump_projection(learned: LearnedState) -> str | None:
    return None if learned.projection is None else codec.dumps(plain(learned)["projection"])


def _parse(dumped: str, projection: str | None) -> LearnedState:
    value = codec.loads(dumped)
    value["projection"] = None if projection is None else codec.loads(projection)
    return parse_learned(value)
