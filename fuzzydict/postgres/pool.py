"""A pool of connections to a PostgreSQL server, which repeats work if a connection is lost."""

import functools
import os
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

try:
    import psycopg
    from psycopg import sql
    from psycopg.adapt import Buffer, Dumper, Loader
    from psycopg.pq import Format
    from psycopg.types import TypeInfo
    from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout
except ImportError as error:
    raise ImportError(
        "PostgresFuzzyDict needs psycopg: pip install 'fuzzydict-attention[postgres]'"
    ) from error

__all__ = [
    "Connection",
    "Connections",
    "LostConnectionError",
    "Vector",
    "psycopg",
    "sql",
    "vectors",
]

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

_MIN_PGVECTOR = (0, 8, 4)  # before it iterative scans have bugs
_EF_SEARCH = 64  # candidates of a search of the graph
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 1.0  # seconds between two attempts
_KEEPALIVES: dict[str, Any] = {  # defaults, to notice a server that disappears
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_OPTIONS: dict[str, Any] = {"autocommit": True, "client_encoding": "utf8"}
_TRANSIENT = ("08", "57P", "40001", "40P01")  # SQL states: lost, shut down, conflict, deadlock


class LostConnectionError(ConnectionError):
    """The server cannot be reached, or the connection was lost and could not be re-established."""


class Vector:
    """A vector to be sent to the server: float32 [d]."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: NDArray[np.float32]) -> None:
        self.numbers = numbers

    def __bytes__(self) -> bytes:
        """Return the vector in the binary format of ``halfvec``."""
        head = np.array([len(self.numbers), 0], ">u2")
        return head.tobytes() + self.numbers.astype(">f2").tobytes()


def vectors(received: Sequence[bytes], width: int) -> NDArray[np.float32]:
    """Return vectors from the binary format of ``halfvec``: float32 [n, width]."""
    read = np.frombuffer(b"".join(received), ">f2").reshape(len(received), width + 2)
    return read[:, 2:].astype(np.float32)


class _Pool(ConnectionPool[Connection]):
    """A pool that a forked child can discard: its threads and locks belong to the parent."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._process = os.getpid()
        super().__init__(*args, **options)

    def __del__(self) -> None:
        if self._process == os.getpid():
            super().__del__()


class Connections:
    """A pool of connections, which runs work in one of them, and again if that was lost.

    A forked child has to call `renew` before anything else.
    """

    def __init__(self, dsn: str, size: int, timeout: float) -> None:
        self._timeout, self._size = timeout, size
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._closed = False
        self._dsn = psycopg.conninfo.make_conninfo(
            "", **(_KEEPALIVES | psycopg.conninfo.conninfo_to_dict(dsn))
        )
        with self._first() as connection:
            _prepare(connection)
            self.is_standby = bool(_one(connection, "SELECT pg_is_in_recovery()"))
            self.place = f"{connection.info.host}:{connection.info.port}"
        self._pool = self._new_pool()

    def _new_pool(self) -> _Pool:
        """Return a pool whose threads and connections are created by its first use."""
        return _Pool(
            self._dsn,
            min_size=1,
            max_size=self._size,
            kwargs=_OPTIONS,
            configure=functools.partial(_configure, self._open),
            reconnect_timeout=self._timeout,
            open=False,
        )

    def renew(self) -> None:
        """Discard, in a forked child, the connections of the parent.

        Their file descriptors become those of the null device: the child cannot use them to send
        anything to the server, and does not keep them open when the parent ends.
        """
        inherited, self._open = self._open, weakref.WeakSet()
        self._pool = self._new_pool()
        null = os.open(os.devnull, os.O_RDWR)
        for connection in inherited:
            with suppress(psycopg.OperationalError):  # a closed one has none
                os.dup2(null, connection.fileno(), inheritable=False)
        os.close(null)

    def _first(self) -> Connection:
        """Return a connection outside of the pool, which would not report why it cannot connect."""
        try:
            return psycopg.connect(self._dsn, **_OPTIONS)
        except psycopg.OperationalError as error:
            raise LostConnectionError(f"no connection to the server: {error}") from error

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        self._pool.close()

    def run(self, work: Callable[[Connection], T], *, retry: bool = True) -> T:
        """Return what ``work`` returns for a connection.

        If the connection is lost, the work is repeated until the timeout, then
        `LostConnectionError` is raised. Work that must not ``retry`` is repeated only if it had
        not begun.
        """
        deadline, wait = time.monotonic() + self._timeout, _FIRST_WAIT
        while True:
            begun = False
            if self._closed:
                raise PoolClosed("the dictionary is closed: make a new PostgresFuzzyDict")
            try:
                self._pool.open()
                with self._pool.connection(max(deadline - time.monotonic(), 0.01)) as connection:
                    if not retry:
                        connection.execute("SELECT 1")
                    begun = True
                    return work(connection)
            except (psycopg.OperationalError, PoolTimeout) as error:
                if not isinstance(error, PoolTimeout) and not _is_transient(error):
                    raise
                if begun and not retry and not _is_rolled_back(error):
                    raise LostConnectionError(
                        f"the connection to the server was lost: {error}; the operation may have "
                        "happened or not"
                    ) from error
                if time.monotonic() + wait > deadline:
                    raise LostConnectionError(
                        f"no connection to the server in {self._timeout:g} s: {self._reason()}"
                    ) from error
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _reason(self) -> str:
        """Return why there is no connection."""
        try:
            self._first().close()
        except LostConnectionError as error:
            return str(error.__cause__)
        return "all connections of the pool are in use, or they are lost again and again"


def _is_transient(error: psycopg.Error) -> bool:
    return error.sqlstate is None or error.sqlstate.startswith(_TRANSIENT)


def _is_rolled_back(error: psycopg.Error) -> bool:
    """Return True if the server reported that nothing happened."""
    return error.sqlstate is not None and error.sqlstate.startswith("40")


def _one(connection: Connection, query: str) -> Any:
    found = connection.execute(query.encode()).fetchone()
    return None if found is None else found[0]


def _prepare(connection: Connection) -> None:
    """Create the extension pgvector if the server does not have it, and check its version."""
    installed = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    version = _one(connection, installed)
    if version is None:
        try:
            with suppress(psycopg.errors.UniqueViolation):  # another client did at the same time
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error as error:
            needed = _named(_MIN_PGVECTOR)
            raise RuntimeError(f"the server needs pgvector {needed}: {error}") from error
        version = _one(connection, installed)
    _require(version)
    if _one(connection, "SELECT to_regtype('halfvec')") is None:
        raise RuntimeError("pgvector is in a schema that is not on the search_path of this user")


def _require(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:3]) < _MIN_PGVECTOR:
        needed = _named(_MIN_PGVECTOR)
        raise RuntimeError(
            f"the server has pgvector {version}, and {needed} is needed: install it there, and "
            "ALTER EXTENSION vector UPDATE"
        )


def _named(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _configure(opened: "weakref.WeakSet[Connection]", connection: Connection) -> None:
    """Register the type of vectors in a new connection, and set options of searches."""
    opened.add(connection)
    info = TypeInfo.fetch(connection, "halfvec")
    assert info is not None, "the extension was dropped"
    info.register(connection)
    connection.adapters.register_dumper(Vector, type("_Dumper", (_Dumper,), {"oid": info.oid}))
    connection.adapters.register_loader(info.oid, _Loader)
    connection.execute("SET hnsw.iterative_scan = relaxed_order")
    connection.execute("SET hnsw.max_scan_tuples = 200000")
    connection.execute("SET jit = off")  # it costs more than it saves
    connection.execute(f"SET hnsw.ef_search = {_EF_SEARCH}".encode())
    connection.prepare_threshold = 2
    # Each statement is planned once.
    connection.execute("SET plan_cache_mode = force_generic_plan")


class _Dumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Vector) -> Buffer:
        return bytes(obj)


class _Loader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)
