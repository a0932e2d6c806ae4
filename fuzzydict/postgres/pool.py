"""Connections to a PostgreSQL server: a pool, what is done again when one is lost, and vectors."""

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
        "a dictionary on a server needs psycopg: pip install 'fuzzydict-attention[postgres]'"
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

_LEAST = (0, 8, 4)  # the version of pgvector, from which on iterative scans are right
_SEARCHING = 64  # ef_search: the candidates of a search
_FIRST, _LONGEST = 0.05, 1.0  # seconds between two tries
_WATCHFUL: dict[str, Any] = {  # unless the DSN says otherwise; a server may go without a word
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_OPTIONS: dict[str, Any] = {"autocommit": True, "client_encoding": "utf8"}
_GONE = ("08", "57P", "40001", "40P01")  # SQL states: lost, shut down, or to be tried again


class LostConnectionError(ConnectionError):
    """The server cannot be reached, or was lost on the way and does not come back."""


class Vector:
    """A row of numbers on its way to the server: float32 [d]."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: NDArray[np.float32]) -> None:
        self.numbers = numbers

    def __bytes__(self) -> bytes:
        """Return it as a ``halfvec`` in binary."""
        head = np.array([len(self.numbers), 0], ">u2")
        return head.tobytes() + self.numbers.astype(">f2").tobytes()


def vectors(received: Sequence[bytes], width: int) -> NDArray[np.float32]:
    """Return vectors that the server sent: float32 [n, width]."""
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
    """A pool of connections; statements are run in one, and again where it was lost.

    A forked child has to call `renew` before anything else.
    """

    def __init__(self, dsn: str, size: int, timeout: float) -> None:
        self._timeout, self._size = timeout, size
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._closed = False
        self._dsn = psycopg.conninfo.make_conninfo(
            "", **(_WATCHFUL | psycopg.conninfo.conninfo_to_dict(dsn))
        )
        with self._first() as connection:
            _prepare(connection)
            self.is_standby = bool(_one(connection, "SELECT pg_is_in_recovery()"))
            self.place = f"{connection.info.host}:{connection.info.port}"
        self._pool = self._new_pool()

    def _new_pool(self) -> _Pool:
        """Return a pool without threads and connections, which its first use opens."""
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

        Their descriptors become those of the null device: the child can send nothing to the server
        by them, and does not keep them open when the parent ends.
        """
        inherited, self._open = self._open, weakref.WeakSet()
        self._pool = self._new_pool()
        null = os.open(os.devnull, os.O_RDWR)
        for connection in inherited:
            with suppress(psycopg.OperationalError):  # a closed one has none
                os.dup2(null, connection.fileno(), inheritable=False)
        os.close(null)

    def _first(self) -> Connection:
        """Return a connection beside the pool, which would not say why there is none."""
        try:
            return psycopg.connect(self._dsn, **_OPTIONS)
        except psycopg.OperationalError as error:
            raise LostConnectionError(f"no connection to the server: {error}") from error

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        self._pool.close()

    def run(self, work: Callable[[Connection], T], *, again: bool = True) -> T:
        """Return what ``work`` returns for a connection.

        It is done anew, for as long as patience lasts, where the connection is lost, unless not
        ``again``; then only where it was lost before. `LostConnectionError` after that.
        """
        deadline, wait = time.monotonic() + self._timeout, _FIRST
        while True:
            begun = False
            if self._closed:
                raise PoolClosed("the dictionary is closed: make a new PostgresFuzzyDict")
            try:
                self._pool.open()
                with self._pool.connection(max(deadline - time.monotonic(), 0.01)) as connection:
                    if not again:
                        connection.execute("SELECT 1")
                    begun = True
                    return work(connection)
            except (psycopg.OperationalError, PoolTimeout) as error:
                if not isinstance(error, PoolTimeout) and not _is_gone(error):
                    raise
                if begun and not again and not _is_undone(error):
                    raise LostConnectionError(
                        f"the connection to the server was lost: {error}; what was asked for may "
                        "have happened or not"
                    ) from error
                if time.monotonic() + wait > deadline:
                    raise LostConnectionError(
                        f"no connection to the server in {self._timeout:g} s: {self._reason()}"
                    ) from error
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST)

    def _reason(self) -> str:
        """Return why there is no connection."""
        try:
            self._first().close()
        except LostConnectionError as error:
            return str(error.__cause__)
        return "all that there may be are in use, or they are lost again and again"


def _is_gone(error: psycopg.Error) -> bool:
    return error.sqlstate is None or error.sqlstate.startswith(_GONE)


def _is_undone(error: psycopg.Error) -> bool:
    """Did the server itself say that nothing happened?"""
    return error.sqlstate is not None and error.sqlstate.startswith("40")


def _one(connection: Connection, query: str) -> Any:
    found = connection.execute(query.encode()).fetchone()
    return None if found is None else found[0]


def _prepare(connection: Connection) -> None:
    """See to it that the server has pgvector."""
    installed = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    version = _one(connection, installed)
    if version is None:
        try:
            with suppress(psycopg.errors.UniqueViolation):  # another did at the same moment
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.Error as error:
            raise RuntimeError(f"the server needs pgvector {_named(_LEAST)}: {error}") from error
        version = _one(connection, installed)
    _require(version)
    if _one(connection, "SELECT to_regtype('halfvec')") is None:
        raise RuntimeError("pgvector is in a schema that is not on the search_path of this user")


def _require(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:3]) < _LEAST:
        raise RuntimeError(
            f"the server has pgvector {version}, and {_named(_LEAST)} is needed: install it there, "
            "and ALTER EXTENSION vector UPDATE"
        )


def _named(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _configure(opened: "weakref.WeakSet[Connection]", connection: Connection) -> None:
    """Teach a new connection of the pool vectors, and how to search for them."""
    opened.add(connection)
    info = TypeInfo.fetch(connection, "halfvec")
    assert info is not None, "dropped since"
    info.register(connection)
    connection.adapters.register_dumper(Vector, type("_Dumper", (_Dumper,), {"oid": info.oid}))
    connection.adapters.register_loader(info.oid, _Loader)
    connection.execute("SET hnsw.iterative_scan = relaxed_order")
    connection.execute("SET hnsw.max_scan_tuples = 200000")
    connection.execute("SET jit = off")  # it takes longer than what it saves here
    connection.execute(f"SET hnsw.ef_search = {_SEARCHING}".encode())
    connection.prepare_threshold = 2
    connection.execute("SET plan_cache_mode = force_generic_plan")  # each is planned once


class _Dumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Vector) -> Buffer:
        return bytes(obj)


class _Loader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)
