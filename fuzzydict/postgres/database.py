"""The tables of one dictionary: statements about them, and connections that run these."""

import hashlib
import zlib
from typing import Any

from fuzzydict.postgres.pool import Connection, Connections, sql
from fuzzydict.text.tokens import words

__all__ = ["Database", "digest", "fetch", "from_bytes", "to_bytes", "word_hash", "word_hashes"]


_MAX_NAME = 40  # bytes, to which suffixes are appended


class Database:
    """The tables of one dictionary. Any thread may call any method."""

    def __init__(self, connections: Connections, name: str) -> None:
        if not name or len(name.encode()) > _MAX_NAME or not {"\0", "%"}.isdisjoint(name):
            raise ValueError(
                f"name must have 1 to {_MAX_NAME} bytes, without NUL and %, got {name!r}"
            )
        self.name = name
        self.run = connections.run
        self.is_standby = connections.is_standby
        self._statements: dict[Any, bytes] = {}

    def fetch(
        self, template: str, arguments: Any = (), *, generation: int = 0
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that only reads."""
        query = self.sql(template, generation)
        return self.run(lambda connection: fetch(connection, query, arguments))

    def sql(self, template: str, generation: int = 0, **parts: Any) -> bytes:
        """Return a statement about the tables.

        Args:
            template: The statement, with the tables in braces.
            generation: Of the table of vectors.
            parts: Numbers, or further templates, which may contain the parts before them.
        """
        cached = template, generation, *parts.items()
        if cached not in self._statements:
            vectors = self.vector_table(generation)
            names = {
                "items": self.name,
                "vectors": vectors,
                "graph": f"{vectors}_graph",
                "staged": f"{self.name}_staged",
            }
            names |= {
                part: f"{self.name}_{part}" for part in ("words", "corrections", "meta", "place")
            }
            known: dict[str, Any] = {part: sql.Identifier(name) for part, name in names.items()}
            known["sequence"] = sql.Literal(known["place"].as_string())
            for part, value in parts.items():
                known[part] = sql.Literal(value)
                if isinstance(value, str):
                    known[part] = sql.SQL(value).format(**known)
            self._statements[cached] = sql.SQL(template).format(**known).as_bytes()
        return self._statements[cached]

    def vector_table(self, generation: int) -> str:
        """Return the name of a table of vectors."""
        return f"{self.name}_near_{generation}"

    def lock_number(self, purpose: str = "") -> int:
        """Return the number of an advisory lock."""
        return word_hash(f"{self.name} {purpose}" if purpose else self.name)


def fetch(connection: Connection, query: bytes, arguments: Any = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a statement."""
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(query, arguments).fetchall()


def digest(key: str) -> bytes:
    """Return 20 bytes that identify a key. Their order is that of `calibration.Background`."""
    data = to_bytes(key)
    return zlib.crc32(data).to_bytes(4, "big") + hashlib.blake2b(data, digest_size=16).digest()


def to_bytes(text: str) -> bytes:
    """Return the bytes of any text, with NUL and surrogates too."""
    return text.encode("utf-8", "surrogatepass")


def from_bytes(data: bytes) -> str:
    """Return the text of bytes."""
    return data.decode("utf-8", "surrogatepass")


def word_hash(word: str) -> int:
    """Return a number of 64 bits for a word."""
    hashed = hashlib.blake2b(to_bytes(word), digest_size=8).digest()
    return int.from_bytes(hashed, "big", signed=True)


def word_hashes(key: str) -> list[int]:
    """Return hashes of the words of a key, and of the empty word, which every key has."""
    return sorted(map(word_hash, {"", *words(key)}))
