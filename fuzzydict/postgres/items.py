"""Exact reads and writes of the items on a server. Values are text here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fuzzydict.postgres import statements
from fuzzydict.postgres.database import Database, digest, fetch, from_bytes, to_bytes, word_hashes
from fuzzydict.postgres.frequencies import WordCounts
from fuzzydict.postgres.lessons import Lessons, ServerState
from fuzzydict.postgres.pool import Connection, psycopg
from fuzzydict.postgres.schema import Schema
from fuzzydict.postgres.vectors import encode

__all__ = ["Items"]

Row = tuple[Any, ...]

_PAGE = 2000  # items that are read at once


class Items:
    """The items of a dictionary. Any thread may call any method.

    New keys are embedded before a connection is taken from the pool: the embedder may need one.
    """

    def __init__(
        self, database: Database, schema: Schema, lessons: Lessons, word_counts: WordCounts
    ) -> None:
        self._database, self._schema = database, schema
        self._lessons, self._word_counts = lessons, word_counts

    # Reads.

    def value(self, key: str) -> str | None:
        """Return the value of the very key, or None."""
        found = self._database.fetch(statements.VALUE, [digest(key)])
        return found[0][0] if found else None

    def values(self, keys: Collection[str]) -> dict[str, str]:
        """Return the values of those that are keys."""
        names = {digest(key): key for key in keys}
        found = self._database.fetch(statements.VALUES, [list(names)])
        return {names[identity]: value for identity, value in found}

    def contained(self, keys: Collection[str]) -> set[str]:
        """Return those that are keys."""
        names = {digest(key): key for key in keys}
        found = self._database.fetch(statements.CONTAINED, [list(names)])
        return {names[identity] for (identity,) in found}

    def all_items(self) -> Iterator[tuple[str, str]]:
        """Yield keys and values in the order of insertion."""
        for _, key, value in self._pages(statements.ITEMS):
            yield from_bytes(key), value

    def all_keys(self) -> Iterator[str]:
        """Yield the keys in the order of insertion."""
        for _, key in self._pages(statements.KEYS):
            yield from_bytes(key)

    def _pages(self, statement: str) -> Iterator[Row]:
        after = 0
        while page := self._fetch_current(statement, [after, _PAGE]):
            yield from page
            after = page[-1][0]

    def last(self) -> str | None:
        """Return the key that was inserted last, or None."""
        found = self._fetch_current(statements.LAST)
        return from_bytes(found[0][0]) if found else None

    def _fetch_current(self, statement: str, arguments: Sequence[int] = ()) -> list[Row]:
        return self._lessons.with_state(
            lambda state: self._database.fetch(statement, arguments, generation=state.generation)
        )

    # Writes.

    def replace(self, key: str, value: str) -> bool:
        """Set the value of a key if it exists; return whether it does."""
        query = self._database.sql(statements.SET_VALUE)
        return self._database.run(
            lambda connection: connection.execute(query, [value, digest(key)]).rowcount > 0
        )

    def put(self, key: str, value: str, *, keep: bool = False) -> None:
        """Set the value of a key that may be new; ``keep`` the value that it has."""
        hashes = word_hashes(key)

        def write(state: ServerState) -> None:
            (row,) = encode(self._lessons.encoder(state.learned).keys([key]))
            query = self._put_statement(state, statements.ONE_ITEM, keep=keep)
            arguments = [digest(key), to_bytes(key), value, *row, hashes]
            self._database.run(lambda connection: connection.execute(query, arguments))

        self._lessons.with_consistent_state(write)
        self._word_counts.sum_sometimes(hashes)

    def put_many(self, items: Mapping[str, str]) -> None:
        """Set the values of all keys, or of none if that fails."""
        existing = self.contained(items)
        # All keys are embedded if one of those was removed meanwhile.
        if not self._put_many(items, existing):
            self._put_many(items, set())

    def _put_many(self, items: Mapping[str, str], existing: set[str]) -> bool:
        """Set the values of keys, of which some exist; return False if one of those does not."""
        new = [key for key in items if key not in existing]

        def write(state: ServerState) -> bool:
            vectors = encode(self._lessons.encoder(state.learned).keys(new))
            rows = dict(zip(new, vectors, strict=True))
            return self._database.run(lambda connection: self._copy(connection, state, items, rows))

        return self._lessons.with_consistent_state(write)

    def _copy(
        self,
        connection: Connection,
        state: ServerState,
        items: Mapping[str, str],
        rows: Mapping[str, Row],
    ) -> bool:
        sql = self._database.sql
        with connection.transaction() as transaction:
            connection.execute(sql(statements.CREATE_STAGED))
            with connection.cursor().copy(sql(statements.COPY_STAGED)) as copy:
                copy.set_types(statements.STAGED_TYPES)
                for i, (key, value) in enumerate(items.items()):
                    row = rows.get(key, (None, None, None))
                    hashes = word_hashes(key) if key in rows else None
                    copy.write_row((i, digest(key), to_bytes(key), value, *row, hashes))
            connection.execute(self._put_statement(state, "{staged}"))
            if fetch(connection, sql(statements.REMOVED_MEANWHILE, state.generation)):
                raise psycopg.Rollback(transaction)
            return True
        return False

    def _put_statement(self, state: ServerState, source: str, *, keep: bool = False) -> bytes:
        conflict = statements.KEEP if keep else statements.REPLACE
        return self._database.sql(
            statements.PUT, state.generation, source=source, conflict=conflict
        )

    def remove(self, key: str) -> str | None:
        """Remove the very key and return its value, or None if there is none."""
        hashes = word_hashes(key)

        def write(state: ServerState) -> list[Row]:
            query = self._database.sql(statements.REMOVE, state.generation)
            arguments = [digest(key), hashes]
            return self._database.run(
                lambda connection: fetch(connection, query, arguments), retry=False
            )

        found = self._lessons.with_state(write)
        self._word_counts.sum_sometimes(hashes)
        return found[0][0] if found else None

    def clear(self) -> None:
        """Remove every item."""
        self._execute(statements.CLEAR)

    def drop(self) -> None:
        """Remove the tables."""
        self._execute(statements.DROP)

    def start_load(self) -> None:
        """Drop the graph of an empty table: after many writes it is cheaper to create."""
        if self._database.fetch(statements.HAS_ITEMS) == [(False,)]:
            self._execute(statements.DROP_GRAPH)

    def _execute(self, statement: str) -> None:
        def write(state: ServerState) -> None:
            query = self._database.sql(statement, state.generation)
            self._database.run(lambda connection: connection.execute(query))

        self._lessons.with_state(write)

    def finish_load(self) -> None:
        """Create the graph if it does not exist, and update the server's statistics."""
        database = self._database

        def write(state: ServerState) -> None:
            def work(connection: Connection) -> None:
                with connection.transaction():
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", [database.lock_number()])
                    width = self._schema.width + state.tail
                    self._schema.create_graph(connection, state.generation, width)
                connection.execute(database.sql("ANALYZE {items}"))
                connection.execute(database.sql("ANALYZE {vectors}", state.generation))

            database.run(work)

        self._word_counts.sum_all()
        self._lessons.with_state(write)
