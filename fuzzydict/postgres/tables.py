"""The tables of a dictionary on a PostgreSQL server, and all statements that touch them.

- ``NAME``: the values, and the places of the keys among the others. A key is found by its digest,
  because one of 10,000 characters is too long for an index.
- ``NAME_near_G``: the keys, as bytes, because text in PostgreSQL has no NUL, and their rows. What
  was learned of keys is a part of the rows, so that a fit makes a table of the next generation G
  and drops the last: a client that does not know of it yet gets an error, looks again, and never
  reads or writes rows of two kinds.
- ``NAME_words``: how many keys have a word, by its hash. Writers append and never wait for each
  other; now and then the numbers of a word are added up.
- ``NAME_corrections`` and ``NAME_meta``: what was taught, with a version.
"""

import hashlib
import random
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.embedders import Embedder
from fuzzydict.postgres.pool import Connection, Connections, Vector, psycopg, sql, vectors
from fuzzydict.postgres.ranker import TaughtState
from fuzzydict.ranking.calibration import Scale
from fuzzydict.ranking.ranker import LearnedState
from fuzzydict.storage import codec
from fuzzydict.storage.archive import described, dimension, learned, plain
from fuzzydict.text import spelling
from fuzzydict.text.tokens import words

__all__ = ["Anew", "Tables"]

Floats = NDArray[np.float32]
T = TypeVar("T")
Kept = Callable[[TaughtState, Sequence[str]], QuantizedVectors]
Anew = Callable[[Sequence[str], QuantizedVectors], QuantizedVectors]

_FORMAT = 1
_LONGEST = 40  # bytes of a name, to which suffixes come
_WIDEST = 4000  # numbers of a vector that pgvector's index takes
_SAMPLE = 128  # keys that tell the scale of an embedder's cosines
_PAGE = 2000  # keys that are read or written together
_MOST = 1000  # candidates that the graph finds; for more every row is looked at
_SUMMED = 1 / 64  # of the writes of a word's numbers add them up
_WIDER = 256  # candidates for a query that is near to no key
_FAR = 0.66  # the cosine below which it is
_BESIDE = 600  # bytes of a key in the graph beside its vector
_MEMORY = 64 << 10, 2 << 20  # kB for the making of a graph, at least and at most

_CREATE = """
CREATE SEQUENCE {place};
CREATE TABLE {items} (
    digest bytea PRIMARY KEY, place bigint NOT NULL, value text NOT NULL
) {split};
CREATE INDEX ON {items} (place);
CREATE TABLE {words} (word bigint NOT NULL, keys bigint NOT NULL);
CREATE INDEX ON {words} (word) INCLUDE (keys);
CREATE TABLE {corrections} (
    digest bytea PRIMARY KEY, place bigint NOT NULL, query bytea NOT NULL, key bytea
);
CREATE TABLE {meta} (
    format int NOT NULL, partitions int NOT NULL, width int NOT NULL, embedder text NOT NULL,
    version bigint NOT NULL, generation int NOT NULL, tail int NOT NULL,
    learned text NOT NULL, projection text
)"""
_CREATE_NEAR = """
CREATE TABLE {near} (
    digest bytea PRIMARY KEY, key bytea NOT NULL,
    near halfvec({width}) NOT NULL, scale real NOT NULL, tail real
) {split}"""
_CREATE_PART = (
    "CREATE TABLE {part} PARTITION OF {whole} FOR VALUES WITH (MODULUS {n}, REMAINDER {i})"
)
_CREATE_GRAPH = "CREATE INDEX IF NOT EXISTS {graph} ON {near} USING hnsw (near halfvec_ip_ops)"

_VALUE = "SELECT value FROM {items} WHERE digest = %s"
_VALUES = "SELECT digest, value FROM {items} WHERE digest = ANY(%s)"
_THERE = "SELECT digest FROM {items} WHERE digest = ANY(%s)"
_ITEMS = """
SELECT place, key, value FROM (
    SELECT * FROM {items} WHERE place > %s ORDER BY place LIMIT %s
) i JOIN {near} USING (digest) ORDER BY place"""
_KEYS = """
SELECT place, key FROM (
    SELECT * FROM {items} WHERE place > %s ORDER BY place LIMIT %s
) i JOIN {near} USING (digest) ORDER BY place"""
_LAST = """
SELECT key FROM (SELECT digest FROM {items} ORDER BY place DESC LIMIT 1) i
JOIN {near} USING (digest)"""
_ANY = "SELECT EXISTS (SELECT FROM {items})"
_COUNTS = "SELECT word, sum(keys)::bigint FROM {words} WHERE word = ANY(%s) GROUP BY word"
_SMALLEST = "SELECT digest FROM {items} ORDER BY digest LIMIT %s"

# The rows that are named, and those that one of three searches proposes. To add 0 keeps the planner
# from the graph, which does not find what a condition leaves of many rows.
_NEAR = """
SELECT m.version, f.key, f.near, f.scale, f.tail
FROM {meta} m LEFT JOIN (
    SELECT DISTINCT ON (c.digest) c.*
    FROM unnest(%(rows)b::halfvec[]) AS q (row) CROSS JOIN LATERAL ({search}) c
    UNION ALL
    SELECT * FROM {near} WHERE digest = ANY(%(named)s)
) f ON true"""
_GRAPHED = "SELECT * FROM {near} ORDER BY near <#> q.row LIMIT {n}"
_EVERY = "SELECT * FROM {near} ORDER BY (near <#> q.row) + 0 LIMIT {n}"
_AMONG = """SELECT * FROM {near} WHERE digest = ANY(%(among)s)
ORDER BY (near <#> q.row) + 0 LIMIT {n}"""
_NAMED = "SELECT key, near, scale, tail FROM {near} WHERE digest = ANY(%s)"
_ROWS = """
SELECT digest, key, near, scale, tail FROM {near} WHERE digest > %s ORDER BY digest LIMIT %s"""

# All writers take keys in the order of their digests, so that none waits for another that waits for
# it. Whether a key is new is told by its row. Places are given in the order of the items.
_PUT = """
WITH new AS MATERIALIZED (
    SELECT *, nextval({sequence}) AS place FROM (SELECT * FROM {source} ORDER BY i) ordered
), put AS (
    INSERT INTO {items} (digest, place, value)
    SELECT digest, place, value FROM new ORDER BY digest
    ON CONFLICT (digest) {conflict}
    RETURNING digest
), made AS (
    INSERT INTO {near} (digest, key, near, scale, tail)
    SELECT digest, key, near, scale, tail FROM put JOIN new USING (digest) WHERE near IS NOT NULL
    ON CONFLICT (digest) DO NOTHING
    RETURNING digest
)
INSERT INTO {words} (word, keys)
SELECT word, count(*) FROM made JOIN new USING (digest), unnest(new.words) AS word GROUP BY word"""
_REPLACE = "DO UPDATE SET value = excluded.value WHERE {items}.value <> excluded.value"
_KEEP = "DO NOTHING"
_ONE = """(
    VALUES (0, %s::bytea, %s::bytea, %s::text, %s::halfvec, %s::real, %s::real, %s::bigint[])
) AS one (i, digest, key, value, near, scale, tail, words)"""
_SET = "UPDATE {items} SET value = %s WHERE digest = %s"
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS {staged} (
    i int, digest bytea, key bytea, value text, near halfvec, scale real, tail real, words bigint[]
) ON COMMIT DELETE ROWS"""
_COPY = "COPY {staged} FROM STDIN (FORMAT BINARY)"
_STAGED = ["int4", "bytea", "bytea", "text", "halfvec", "float4", "float4", "int8[]"]
_LOST = """
SELECT 1 FROM {staged} s WHERE near IS NULL
AND NOT EXISTS (SELECT FROM {near} n WHERE n.digest = s.digest) LIMIT 1"""
_COPY_NEAR = "COPY {near} (digest, key, near, scale, tail) FROM STDIN (FORMAT BINARY)"
_REMOVE = """
WITH gone AS (
    DELETE FROM {items} WHERE digest = %s RETURNING digest, value
), unmade AS (
    DELETE FROM {near} n USING gone WHERE n.digest = gone.digest RETURNING n.digest
), counted AS (
    INSERT INTO {words} (word, keys) SELECT word, -1 FROM unmade, unnest(%s::bigint[]) AS word
)
SELECT value FROM gone"""
_CLEAR = "TRUNCATE {items}, {near}, {words}"
_DROP = "DROP TABLE {items}, {near}, {words}, {corrections}, {meta}; DROP SEQUENCE {place}"
_CHECK = """
SELECT (
        SELECT count(*) FROM {items} FULL JOIN {near} USING (digest)
        WHERE place IS NULL OR near IS NULL
    ), (SELECT count(*) FROM {items}), (SELECT count(*) FROM (
        SELECT word FROM {words} GROUP BY word HAVING sum(keys) < 0
    ) negative)"""
_SUM = """
WITH gone AS (DELETE FROM {words} WHERE {which} RETURNING word, keys)
INSERT INTO {words} SELECT word, sum(keys) FROM gone GROUP BY word HAVING sum(keys) <> 0"""

# Not to_regclass, which may tell what was so before a lock was waited for.
_EXIST = b"""
SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid))"""
_META = "SELECT format, partitions, width, embedder FROM {meta}"
_VERSION = "SELECT version, generation, tail, learned FROM {meta}"
_LOCKED = f"{_VERSION} FOR UPDATE"
_PROJECTION = "SELECT projection FROM {meta}"
_CORRECTIONS = "SELECT query, key FROM {corrections} ORDER BY place"
_NEWER = "UPDATE {meta} SET version = version + 1"
_LEARN = """
INSERT INTO {corrections} (digest, place, query, key) VALUES (%s, nextval({sequence}), %s, %s)
ON CONFLICT (digest) DO UPDATE SET key = excluded.key"""
_UNLEARN = "DELETE FROM {corrections} WHERE digest = %s"
_TEACH = """
UPDATE {meta}
SET version = version + 1, generation = %s, tail = %s, learned = %s, projection = %s"""
_NEAR_TABLES = """
SELECT relname, format_type(atttypid, atttypmod) FROM pg_class JOIN pg_attribute ON attrelid = oid
WHERE starts_with(relname, %s) AND relkind IN ('r', 'p') AND NOT relispartition
AND pg_table_is_visible(oid) AND attname = 'near'"""


class _State(NamedTuple):
    """What this client knows of what was taught; replaced as a whole."""

    generation: int
    tail: int
    taught: TaughtState


class Tables:
    """The tables of one dictionary. Any thread may call any method."""

    def __init__(
        self,
        connections: Connections,
        name: str,
        embedder: Callable[[], Embedder],
        partitions: int | None,
    ) -> None:
        if not name or len(name.encode()) > _LONGEST or not {"\0", "%"}.isdisjoint(name):
            raise ValueError(f"a name has 1 to {_LONGEST} bytes, no NUL and no %, not {name!r}")
        self._name, self._run = name, connections.run
        self._made: dict[Any, bytes] = {}  # statements
        self._scale: tuple[object, Scale] | None = None
        self._state: _State | None = None
        if not self._run(self._exist):
            if connections.is_standby:
                raise LookupError(f"the standby has no dictionary {name!r}")
            made = embedder()
            self._run(lambda to: self._create(to, made, partitions or 0))
        ((form, there, self._width, self._described),) = self._all(_META)
        if form != _FORMAT:
            raise RuntimeError(f"the tables of {name!r} have the format {form}, not {_FORMAT}")
        if partitions not in (None, there):
            raise ValueError(f"the dictionary {name!r} has {there} partitions, not {partitions}")

    def require(self, embedder: Embedder) -> None:
        """Raise ``ValueError`` for another embedder than that of the keys."""
        about = codec.loads(self._described)
        if dimension(embedder, about) is None:
            raise ValueError(
                f"the dictionary {self._name!r} was made with the embedder {about['name']!r}, not "
                "with this one"
            )

    # Making the tables.

    def _exist(self, connection: Connection) -> bool:
        return self._fetch(connection, _EXIST, [f"{self._name}_meta"]) == [(True,)]

    def _create(self, connection: Connection, embedder: Embedder, partitions: int) -> None:
        width = embedder.encode([""]).shape[1] + spelling.DIMENSION
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_hash(self._name)])
            if self._exist(connection):
                return
            connection.execute(self._sql(_CREATE, split=_split(partitions)))
            self._divide(connection, self._name, partitions)
            self._create_near(connection, 1, width, partitions)
            self._create_graph(connection, 1, width)
            connection.execute(
                self._sql("INSERT INTO {meta} VALUES (%s, %s, %s, %s, 1, 1, 0, %s, NULL)"),
                [
                    _FORMAT,
                    partitions,
                    width,
                    codec.dumps(described(embedder)),
                    _dumped(LearnedState()),
                ],
            )

    def _create_near(
        self, connection: Connection, generation: int, width: int, partitions: int
    ) -> None:
        if width > _WIDEST:
            raise ValueError(f"pgvector's index takes vectors of {_WIDEST} numbers, not {width}")
        made = self._sql(_CREATE_NEAR, generation, width=width, split=_split(partitions))
        connection.execute(made)
        self._divide(connection, f"{self._name}_near_{generation}", partitions)

    def _divide(self, connection: Connection, table: str, partitions: int) -> None:
        for i in range(partitions):
            names = {"part": sql.Identifier(f"{table}_{i}"), "whole": sql.Identifier(table)}
            place = {"n": sql.Literal(partitions), "i": sql.Literal(i)}
            connection.execute(sql.SQL(_CREATE_PART).format(**names, **place))

    def _create_graph(self, connection: Connection, generation: int, width: int) -> None:
        counts = self._fetch(connection, self._sql(_COUNTS), [[_hash("")]])
        keys = counts[0][1] if counts else 0
        memory = min(max(keys * (2 * width + _BESIDE) >> 10, _MEMORY[0]), _MEMORY[1])
        connection.execute("SELECT set_config('maintenance_work_mem', %s, true)", [f"{memory}kB"])
        connection.execute(self._sql(_CREATE_GRAPH, generation))

    # Exact reads.

    def value(self, key: str) -> str | None:
        """Return the value of the very key, None where there is none."""
        found = self._all(_VALUE, [_digest(key)])
        return found[0][0] if found else None

    def values(self, keys: Collection[str]) -> dict[str, str]:
        """Return the values of those that are keys."""
        digests = {_digest(key): key for key in keys}
        return {digests[digest]: value for digest, value in self._all(_VALUES, [list(digests)])}

    def there(self, keys: Collection[str]) -> set[str]:
        """Return those that are keys."""
        digests = {_digest(key): key for key in keys}
        return {digests[digest] for (digest,) in self._all(_THERE, [list(digests)])}

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield keys and values in the order in which they came."""
        for _, key, value in self._paged(_ITEMS):
            yield _text(key), value

    def keys(self) -> Iterator[str]:
        """Yield the keys in the order in which they came."""
        for _, key in self._paged(_KEYS):
            yield _text(key)

    def _paged(self, statement: str) -> Iterator[tuple[Any, ...]]:
        after = 0
        while page := self._near_all(statement, [after, _PAGE]):
            yield from page
            after = page[-1][0]

    def last(self) -> str | None:
        """Return the key that came last, None where there is none."""
        found = self._near_all(_LAST)
        return _text(found[0][0]) if found else None

    # What a remote matcher asks; see `fuzzydict.postgres.ranker.Store`.

    def near(
        self, rows: Floats, n: int, named: Collection[str], among: Collection[str] | None
    ) -> tuple[int, list[str], QuantizedVectors]:
        """Return the version of what was taught, and near and named keys with their rows."""
        search = _AMONG if among is not None else _GRAPHED if n <= _MOST else _EVERY
        _, keys, kept = found = self._search(search, rows, n, named, among)
        if search is _GRAPHED and len(keys) < n:
            # There are no more, or rows that were removed hide them.
            return self._search(_EVERY, rows, n, named, among)
        if search is _GRAPHED and (far := _far(rows, kept)).any():
            # There the walk goes astray: a wider one finds the way.
            return self._search(search, rows[far], max(_WIDER, n), keys, None)
        return found

    def _search(
        self,
        search: str,
        rows: Floats,
        n: int,
        named: Collection[str],
        among: Collection[str] | None,
    ) -> tuple[int, list[str], QuantizedVectors]:
        asked: dict[str, Any] = {"named": list(map(_digest, named))}
        if among is not None:
            asked["among"] = list(map(_digest, among))

        def work(connection: Connection) -> tuple[int, list[str], QuantizedVectors]:
            state = self._known(connection)
            if rows.shape[1] not in (self._width, self._width + state.tail):
                return state.taught.version, [], QuantizedVectors.empty(0, 0)
            asked["rows"] = list(map(Vector, _wide(rows, self._width + state.tail)))
            query = self._sql(_NEAR, state.generation, n=n, search=search)
            (version, *_), *_ = found = self._fetch(connection, query, asked)
            keys, kept = self._kept([row[1:] for row in found if row[1] is not None], state.tail)
            return version, keys, kept if rows.shape[1] > self._width else kept.plain()

        return self._now(work)

    def _kept(
        self, found: Sequence[Sequence[Any]], tail: int
    ) -> tuple[list[str], QuantizedVectors]:
        """Return keys and rows that were read."""
        width = self._width + tail
        if not found:
            return [], QuantizedVectors.empty(0, width, tail)
        keys, near, scale, last = zip(*found, strict=True)
        scales = np.array([scale, last] if tail else [scale], np.float32).T  # (n, 1 or 2)
        each = np.repeat(scales, [self._width, tail][: scales.shape[1]], axis=1)
        # A number that was kept in a byte is still known after half precision.
        numbers = np.rint(vectors(near, width) / each).astype(np.int8)
        return list(map(_text, keys)), QuantizedVectors(numbers, np.ascontiguousarray(scales), tail)

    def taught(self, version: int | None = None) -> TaughtState:
        """Return what was taught, of another version than the one given."""
        state = self._state
        return self.newest() if state is None or state.taught.version == version else state.taught

    def newest(self) -> TaughtState:
        """Return what was taught, as it is now."""
        self._state = state = self._run(self._read)
        return state.taught

    def _known(self, connection: Connection) -> _State:
        if self._state is None:
            self._state = self._read(connection)
        return self._state

    def _read(self, connection: Connection) -> _State:
        before = self._state
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return self._current(connection, _VERSION, before)

    def _current(
        self, connection: Connection, statement: str, before: _State | None = None
    ) -> _State:
        """Return the state as of the transaction; parts that did not change are those of before."""
        ((version, generation, tail, dumped),) = self._fetch(connection, self._sql(statement))
        if before is not None and before.taught.version == version:
            return before
        pairs = self._fetch(connection, self._sql(_CORRECTIONS))
        if before is not None and before.generation == generation:
            projection = before.taught.learned.projection
        else:
            ((text,),) = self._fetch(connection, self._sql(_PROJECTION))
            projection = _loaded(_dumped(LearnedState()), text).projection
        corrections = {_text(query): None if key is None else _text(key) for query, key in pairs}
        found = _loaded(dumped, None)._replace(projection=projection, corrections=corrections)
        return _State(generation, tail, TaughtState(version, found))

    def counts(self, words: Collection[str]) -> dict[str, int]:
        """Return how many keys have each word that any has; the empty word is in all."""
        hashes = {_hash(word): word for word in words}
        return {hashes[word]: keys for word, keys in self._all(_COUNTS, [list(hashes)])}

    def sample(self, of: Callable[[list[str], QuantizedVectors], Scale]) -> Scale:
        """Return the scale ``of`` the keys of the smallest checksums and of their rows."""
        smallest = [digest for (digest,) in self._all(_SMALLEST, [_SAMPLE])]
        known = self._scale
        if known is None or known[0] != smallest:

            def work(connection: Connection) -> tuple[list[str], QuantizedVectors]:
                state = self._known(connection)
                query = self._sql(_NAMED, state.generation)
                return self._kept(self._fetch(connection, query, [smallest]), state.tail)

            keys, rows = self._now(work)
            self._scale = known = smallest, of(keys, rows.plain())
        return known[1]

    # Writes. What is new is embedded by ``kept``, from what was taught and the keys.

    def replace(self, key: str, value: str) -> bool:
        """Set the value of a key if it is there; return whether it is."""
        query = self._sql(_SET)
        return self._run(lambda to: to.execute(query, [value, _digest(key)]).rowcount > 0)

    def put(self, key: str, value: str, kept: Kept, keep: bool = False) -> None:
        """Set the value of a key that may be new, or ``keep`` that which it has."""
        hashes = _hashes(key)

        def work(connection: Connection) -> None:
            state = self._known(connection)
            (row,) = _sent(kept(state.taught, [key]))
            query = self._putting(state.generation, _ONE, _KEEP if keep else _REPLACE)
            connection.execute(query, [_digest(key), _bytes(key), value, *row, hashes])

        self._now(work)
        if random.random() < _SUMMED:
            self._sum("word = ANY(%s)", [hashes])

    def put_many(self, items: Mapping[str, str], kept: Kept) -> None:
        """Set the values of keys: of all, or, where that fails, of none."""
        there = self.there(items)
        # Where one of them is removed meanwhile, all are embedded.
        if not self._now(lambda to: self._stage(to, items, there, kept)):
            self._now(lambda to: self._stage(to, items, set(), kept))

    def _stage(
        self, connection: Connection, items: Mapping[str, str], there: set[str], kept: Kept
    ) -> bool:
        """Set the values of keys, of which some are ``there``, and return whether they were."""
        state = self._known(connection)
        fresh = [key for key in items if key not in there]
        rows = dict(zip(fresh, _sent(kept(state.taught, fresh)), strict=True)) if fresh else {}
        with connection.transaction() as transaction:
            connection.execute(self._sql(_STAGE))
            with connection.cursor().copy(self._sql(_COPY)) as copy:
                copy.set_types(_STAGED)
                for i, (key, value) in enumerate(items.items()):
                    row = rows.get(key, (None, None, None))
                    words = _hashes(key) if key in rows else None
                    copy.write_row((i, _digest(key), _bytes(key), value, *row, words))
            connection.execute(self._putting(state.generation, "{staged}", _REPLACE))
            if self._fetch(connection, self._sql(_LOST, state.generation)):
                raise psycopg.Rollback(transaction)
            return True
        return False

    def _putting(self, generation: int, source: str, conflict: str) -> bytes:
        return self._sql(_PUT, generation, source=source, conflict=conflict)

    def remove(self, key: str) -> str | None:
        """Remove the very key and return its value, None where there is none."""
        asked = [_digest(key), _hashes(key)]

        def work(connection: Connection) -> Any:
            query = self._sql(_REMOVE, self._known(connection).generation)
            return self._fetch(connection, query, asked)

        found = self._now(work, again=False)
        if random.random() < _SUMMED:
            self._sum("word = ANY(%s)", asked[1:])
        return found[0][0] if found else None

    def clear(self) -> None:
        """Remove every item."""
        self._now(lambda to: to.execute(self._sql(_CLEAR, self._known(to).generation)))

    def drop(self) -> None:
        """Remove the tables."""
        self._now(lambda to: to.execute(self._sql(_DROP, self._known(to).generation)))

    def check(self, anew: Callable[[LearnedState], Anew]) -> None:
        """Assert that the tables agree, and the rows with what ``anew`` makes of them; for tests.

        O(keys).
        """
        ((unpaired, keys, negative),) = self._near_all(_CHECK)
        assert (unpaired, negative) == (0, 0), (unpaired, negative)
        found = Counter(word for key in self.keys() for word in {"", *words(key)})
        counts = self.counts(found) if found else {}
        assert found == counts, found - Counter(counts)
        assert found[""] == keys, (found[""], keys)
        self._run(lambda to: self._check_rows(to, anew))

    def _check_rows(self, connection: Connection, anew: Callable[[LearnedState], Anew]) -> None:
        with connection.transaction():
            generation, tail, (_, learned) = self._current(connection, _LOCKED)
            assert tail == _tail(learned), (tail, _tail(learned))
            name = f"{self._name}_near_"
            tables = self._fetch(connection, self._sql(_NEAR_TABLES), [name])
            expected = [(f"{name}{generation}", f"halfvec({self._width + tail})")]
            assert tables == expected, (tables, expected)
            made = anew(learned)
            for page in self._pages(connection, generation):
                keys, rows = self._kept([row[1:] for row in page], tail)
                off = np.abs(rows.vectors() - made(keys, rows).vectors()).max()
                assert off <= rows.scales.max(), (off, rows.scales.max())  # one step of rounding

    def _sum(self, which: str, asked: Sequence[Any] = ()) -> None:
        """Add up the numbers of words, unless another does."""

        def work(connection: Connection) -> None:
            with connection.transaction():
                lock = "SELECT pg_try_advisory_xact_lock(%s)"
                if connection.execute(lock, [_hash(f"{self._name} words")]).fetchone() == (True,):
                    connection.execute(self._sql(_SUM, which=which), asked)

        self._run(work)

    def begin(self) -> None:
        """Prepare for many new keys: it takes less to make the graph of an empty table after."""
        if self._all(_ANY) == [(False,)]:
            query = "DROP INDEX IF EXISTS {graph}"
            self._now(lambda to: to.execute(self._sql(query, self._known(to).generation)))

    def finish(self) -> None:
        """Make the graph if there is none, and let the server count what it has."""

        def work(connection: Connection) -> None:
            generation, tail, _ = self._known(connection)
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_hash(self._name)])
                self._create_graph(connection, generation, self._width + tail)
            connection.execute(self._sql("ANALYZE {items}"))
            connection.execute(self._sql("ANALYZE {near}", generation))

        self._sum("true")
        self._now(work)

    # Teaching.

    def corrections(self) -> dict[str, str | None]:
        """Return what was corrected: query → key, in the order of the teaching."""
        found = self._all(_CORRECTIONS)
        return {_text(query): None if key is None else _text(key) for query, key in found}

    def learn(self, query: str, key: str | None) -> None:
        """Let a query mean a key."""
        named = None if key is None else _bytes(key)
        self._change(_LEARN, [_digest(query), _bytes(query), named])

    def unlearn(self, query: str) -> bool:
        """Drop the correction of a query; return whether there was one."""
        return self._change(_UNLEARN, [_digest(query)], again=False) > 0

    def _change(self, statement: str, asked: Sequence[Any], *, again: bool = True) -> int:
        def work(connection: Connection) -> int:
            with connection.transaction():
                connection.execute(self._sql(_NEWER))  # first, so that all take it in turn
                return connection.execute(self._sql(statement), asked).rowcount

        return self._run(work, again=again)

    def teach(
        self,
        change: Callable[[LearnedState], LearnedState | None],
        anew: Callable[[LearnedState], Anew],
    ) -> bool:
        """Replace the learned state, except corrections, by what ``change`` returns for it; return
        False if that is None.

        One transaction locks the state, reads it and writes it, so that clients that teach at the
        same time lose nothing. If the projection changes, or does not fit the rows that are stored,
        ``anew`` recomputes them in a new generation. Writers wait for that.
        """

        def work(connection: Connection) -> bool:
            with connection.transaction():
                generation, tail, (_, now) = self._current(connection, _LOCKED)
                learned = change(now)
                if learned is None:
                    return False
                width = _tail(learned)
                if learned.projection is not now.projection or tail != width:
                    self._make_anew(connection, generation, tail, width, anew(learned))
                    generation += 1
                state = [generation, width, _dumped(learned), _dumped_projection(learned)]
                connection.execute(self._sql(_TEACH), state)
            return True

        return self._run(work)

    def _make_anew(
        self, connection: Connection, generation: int, tail: int, new: int, anew: Anew
    ) -> None:
        connection.execute(self._sql("LOCK TABLE {items} IN SHARE ROW EXCLUSIVE MODE"))
        ((partitions,),) = self._fetch(connection, self._sql("SELECT partitions FROM {meta}"))
        self._create_near(connection, generation + 1, self._width + new, partitions)
        for page in self._pages(connection, generation):
            keys, rows = self._kept([row[1:] for row in page], tail)
            with connection.cursor().copy(self._sql(_COPY_NEAR, generation + 1)) as copy:
                copy.set_types(["bytea", "bytea", "halfvec", "float4", "float4"])
                for (digest, key, *_), row in zip(page, _sent(anew(keys, rows)), strict=True):
                    copy.write_row((digest, key, *row))
        self._create_graph(connection, generation + 1, self._width + new)
        connection.execute(self._sql("DROP TABLE {near}", generation))

    def _pages(self, connection: Connection, generation: int) -> Iterator[list[tuple[Any, ...]]]:
        pages, after = self._sql(_ROWS, generation), b""
        while page := self._fetch(connection, pages, [after, _PAGE]):
            yield page
            after = page[-1][0]

    # Statements.

    def _now(self, work: Callable[[Connection], T], *, again: bool = True) -> T:
        """Run what needs the table of rows: anew where there is one of another generation."""
        while True:
            before = self._state or self._run(self._known)
            try:
                return self._run(work, again=again)
            except psycopg.errors.UndefinedTable:
                self._state = None
                if self._run(self._known).generation == before.generation:
                    raise

    def _all(self, statement: str, asked: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        query = self._sql(statement)
        return self._run(lambda to: self._fetch(to, query, asked))

    def _near_all(self, statement: str, asked: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        def work(connection: Connection) -> list[tuple[Any, ...]]:
            query = self._sql(statement, self._known(connection).generation)
            return self._fetch(connection, query, asked)

        return self._now(work)

    def _fetch(
        self, connection: Connection, query: bytes, asked: Any = ()
    ) -> list[tuple[Any, ...]]:
        with connection.cursor(binary=True) as cursor:
            return cursor.execute(query, asked).fetchall()

    def _sql(self, text: str, generation: int = 0, **parts: Any) -> bytes:
        """Return a statement about the tables; each of the ``parts`` is a number, or a
        statement that names those before it."""
        made = text, generation, *parts.items()
        if made not in self._made:
            names = {
                "items": self._name,
                "near": f"{self._name}_near_{generation}",
                "graph": f"{self._name}_near_{generation}_graph",
                "staged": f"{self._name}_staged",
            }
            for part in ("words", "corrections", "meta", "place"):
                names[part] = f"{self._name}_{part}"
            known: dict[str, Any] = {part: sql.Identifier(name) for part, name in names.items()}
            known["sequence"] = sql.Literal(known["place"].as_string())
            for part, value in parts.items():
                known[part] = sql.Literal(value)
                if isinstance(value, str):
                    known[part] = sql.SQL(value).format(**known)
            self._made[made] = sql.SQL(text).format(**known).as_bytes()
        return self._made[made]


def _digest(key: str) -> bytes:
    """Return 20 bytes that no other key has; in order they are a sample as `Background` takes."""
    data = _bytes(key)
    return zlib.crc32(data).to_bytes(4, "big") + hashlib.blake2b(data, digest_size=16).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _hash(word: str) -> int:
    digest = hashlib.blake2b(_bytes(word), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _hashes(key: str) -> list[int]:
    """Return the words of a key, and the empty one, which every key has."""
    return sorted(map(_hash, {"", *words(key)}))


def _sent(rows: QuantizedVectors) -> Iterator[tuple[Vector, float, float | None]]:
    """Yield a vector and its scales for each row."""
    scales = rows.scales.tolist()
    for vector, scale in zip(rows.vectors(), scales, strict=True):
        yield Vector(vector), scale[0], scale[1] if rows.tail else None


def _wide(rows: Floats, width: int) -> Floats:
    wide = np.zeros((len(rows), width), np.float32)
    wide[:, : rows.shape[1]] = rows
    return wide


def _far(rows: Floats, kept: QuantizedVectors) -> NDArray[np.bool_]:
    """Return which of the queries, [Q, d], have no key near to them: [Q]."""
    products = kept.products(rows)  # (Q, n)
    lengths = np.linalg.norm(kept.vectors(), axis=1)
    cosines = products / np.maximum(np.linalg.norm(rows, axis=1)[:, None] * lengths, 1e-9)
    far: NDArray[np.bool_] = cosines.max(axis=1) < _FAR
    return far


def _tail(learned: LearnedState) -> int:
    """Return how many numbers a fit adds to a row."""
    return learned.projection.width if learned.projection else 0


def _split(partitions: int) -> str:
    return "PARTITION BY HASH (digest)" if partitions else ""


def _dumped(taught: LearnedState) -> str:
    return codec.dumps(plain(taught._replace(projection=None, corrections={})))


def _dumped_projection(taught: LearnedState) -> str | None:
    return None if taught.projection is None else codec.dumps(plain(taught)["projection"])


def _loaded(dumped: str, projection: str | None) -> LearnedState:
    value = codec.loads(dumped)
    value["projection"] = None if projection is None else codec.loads(projection)
    return learned(value)
