"""Assertions that the tables of a dictionary agree, for tests."""

from collections import Counter

import numpy as np

from fuzzydict.postgres import statements
from fuzzydict.postgres.database import Database, fetch
from fuzzydict.postgres.frequencies import WordCounts
from fuzzydict.postgres.items import Items
from fuzzydict.postgres.lessons import Lessons, vector_pages
from fuzzydict.postgres.pool import Connection
from fuzzydict.postgres.schema import Schema
from fuzzydict.postgres.vectors import decode, projection_width
from fuzzydict.text.tokens import words

__all__ = ["check_tables"]


def check_tables(
    database: Database, schema: Schema, lessons: Lessons, items: Items, word_counts: WordCounts
) -> None:
    """Assert that items, vectors, counts and the learned state agree. O(keys)."""
    ((unpaired, keys, negative),) = lessons.with_state(
        lambda state: database.fetch(statements.CHECK, generation=state.generation)
    )
    assert (unpaired, negative) == (0, 0), (unpaired, negative)
    expected = Counter(word for key in items.all_keys() for word in {"", *words(key)})
    counts = word_counts.counts(expected) if expected else {}
    assert expected == counts, expected - Counter(counts)
    assert expected[""] == keys, (expected[""], keys)
    database.run(lambda connection: _check_vectors(database, schema, lessons, connection))


def _check_vectors(
    database: Database, schema: Schema, lessons: Lessons, connection: Connection
) -> None:
    """Assert that there is one table of vectors, which belong to the learned projection."""
    with connection.transaction():
        state = lessons.current(connection, statements.LEARNED_LOCKED)
        tail = projection_width(state.learned)
        assert state.tail == tail, (state.tail, tail)
        prefix = f"{database.name}_near_"
        tables = fetch(connection, database.sql(statements.VECTOR_TABLES), [prefix])
        expected = [(f"{prefix}{state.generation}", f"halfvec({schema.width + tail})")]
        assert tables == expected, (tables, expected)
        encoder = lessons.encoder(state.learned)
        for page in vector_pages(database, connection, state.generation):
            keys, stored = decode([row[1:] for row in page], schema.width, tail)
            error = np.abs(stored.vectors() - encoder.project(keys, stored).vectors()).max()
            assert error <= stored.scales.max(), (error, stored.scales.max())  # of rounding
