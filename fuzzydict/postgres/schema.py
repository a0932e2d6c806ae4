"""Creating the tables of a dictionary, and checking that they are those of its embedder."""

from collections.abc import Callable

from fuzzydict.model.embedders import Embedder
from fuzzydict.postgres import statements
from fuzzydict.postgres.database import Database, fetch, word_hash
from fuzzydict.postgres.pool import Connection, sql
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.storage import codec
from fuzzydict.storage.archive import described, dimension, plain
from fuzzydict.text import spelling

__all__ = ["Schema", "dump_learned"]

_FORMAT = 1  # a later one comes with a migration, in the transaction that reads the old one
_MAX_WIDTH = 4000  # numbers of a vector that pgvector's index accepts
_GRAPH_OVERHEAD = 600  # bytes of a key in the graph beside its vector
_GRAPH_MEMORY = 64 << 10, 2 << 20  # kB for the construction of a graph, at least and at most


class Schema:
    """The tables of a dictionary, which are created if they do not exist.

    Attributes:
        width: Numbers of a stored vector without those of a projection.
    """

    def __init__(
        self, database: Database, embedder: Callable[[], Embedder], partitions: int | None
    ) -> None:
        self._database = database
        name = database.name
        if not database.run(self._exists):
            if database.is_standby:
                raise LookupError(f"the standby has no dictionary {name!r}")
            loaded = embedder()
            database.run(lambda connection: self._create(connection, loaded, partitions or 0))
        ((version, existing, self.width, self._embedder),) = database.fetch(statements.META)
        if version > _FORMAT:
            raise RuntimeError(
                f"the tables of {name!r} have the format {version}; this version of FuzzyDict "
                f"knows formats up to {_FORMAT}: upgrade FuzzyDict"
            )
        if partitions not in (None, existing):
            raise ValueError(f"the dictionary {name!r} has {existing} partitions, not {partitions}")

    def require_embedder(self, embedder: Embedder) -> None:
        """Raise ``ValueError`` if the keys were embedded by another embedder."""
        description = codec.loads(self._embedder)
        if dimension(embedder, description) is None:
            raise ValueError(
                f"the dictionary {self._database.name!r} was created with the embedder "
                f"{description['name']!r}: pass that one"
            )

    def _exists(self, connection: Connection) -> bool:
        query = self._database.sql(statements.EXISTS)
        return fetch(connection, query, [f"{self._database.name}_meta"]) == [(True,)]

    def _create(self, connection: Connection, embedder: Embedder, partitions: int) -> None:
        database = self._database
        width = embedder.encode([""]).shape[1] + spelling.DIMENSION
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [database.lock_number()])
            if self._exists(connection):
                return
            partitioning = _partitioning(partitions)
            connection.execute(database.sql(statements.CREATE, partitioning=partitioning))
            self._create_partitions(connection, database.name, partitions)
            self.create_vectors(connection, 1, width, partitions)
            self.create_graph(connection, 1, width)
            description = codec.dumps(described(embedder))
            learned = dump_learned(LearnedState())
            connection.execute(
                database.sql(statements.INSERT_META),
                [_FORMAT, partitions, width, description, learned],
            )

    def create_vectors(
        self, connection: Connection, generation: int, width: int, partitions: int
    ) -> None:
        """Create a table for vectors of so many numbers."""
        if width > _MAX_WIDTH:
            raise ValueError(
                f"pgvector's index accepts vectors of up to {_MAX_WIDTH} numbers, got {width}"
            )
        partitioning = _partitioning(partitions)
        query = self._database.sql(
            statements.CREATE_VECTORS, generation, width=width, partitioning=partitioning
        )
        connection.execute(query)
        table = self._database.vector_table(generation)
        self._create_partitions(connection, table, partitions)

    def _create_partitions(self, connection: Connection, table: str, partitions: int) -> None:
        for i in range(partitions):
            query = sql.SQL(statements.CREATE_PARTITION).format(
                part=sql.Identifier(f"{table}_{i}"),
                whole=sql.Identifier(table),
                n=sql.Literal(partitions),
                i=sql.Literal(i),
            )
            connection.execute(query)

    def create_graph(self, connection: Connection, generation: int, width: int) -> None:
        """Create the graph of a table of vectors if it does not exist; in a transaction."""
        counts = fetch(connection, self._database.sql(statements.COUNTS), [[word_hash("")]])
        keys = counts[0][1] if counts else 0
        least, most = _GRAPH_MEMORY
        memory = min(max(keys * (2 * width + _GRAPH_OVERHEAD) >> 10, least), most)
        connection.execute("SELECT set_config('maintenance_work_mem', %s, true)", [f"{memory}kB"])
        connection.execute(self._database.sql(statements.CREATE_GRAPH, generation))


def dump_learned(learned: LearnedState) -> str:
    """Return the learned state without projection and corrections, which are stored beside it."""
    return codec.dumps(plain(learned._replace(projection=None, corrections={})))


def _partitioning(partitions: int) -> str:
    return statements.PARTITIONING if partitions else ""
