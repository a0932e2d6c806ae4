"""How many keys on a server have a word."""

import random
from collections.abc import Collection, Sequence
from typing import Any

from fuzzydict.postgres import statements
from fuzzydict.postgres.database import Database, word_hash
from fuzzydict.postgres.pool import Connection

__all__ = ["WordCounts"]

SUM_PROBABILITY = 1 / 64  # that a write sums the counts of its words


class WordCounts:
    """Document frequencies: writers append rows, whose sum is the count of a word."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, words: Collection[str]) -> dict[str, int]:
        """Return how many keys have each word that occurs."""
        hashes = {word_hash(word): word for word in words}
        found = self._database.fetch(statements.COUNTS, [list(hashes)])
        return {hashes[hashed]: keys for hashed, keys in found}

    def key_count(self) -> int:
        """Return the number of keys, all of which have the empty word."""
        return self.counts([""]).get("", 0)

    def sum_sometimes(self, hashes: Sequence[int]) -> None:
        """Sum the counts of words after some of the writes."""
        if random.random() < SUM_PROBABILITY:
            self._sum("word = ANY(%b::bigint[])", [hashes])

    def sum_all(self) -> None:
        """Sum the counts of all words."""
        self._sum("true")

    def _sum(self, which: str, arguments: Sequence[Any] = ()) -> None:
        """Sum the counts of words, unless another client does."""
        database = self._database

        def work(connection: Connection) -> None:
            with connection.transaction():
                lock = "SELECT pg_try_advisory_xact_lock(%s)"
                number = database.lock_number("words")
                if connection.execute(lock, [number]).fetchone() == (True,):
                    connection.execute(database.sql(statements.SUM_COUNTS, which=which), arguments)

        database.run(work)
