"""Write the fixtures of the current formats: ``python tests/formats/write.py FOLDER``.

They are written once for each version of a format, and never changed: `test_formats` loads all.
Pass the connection string of a PostgreSQL server with pgvector as a second argument to create the
dictionary ``formats`` there, which ``pg_dump --inserts`` then writes to ``FOLDER/postgres.sql``.
"""

import pickle
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from conftest import count_letters

from fuzzydict import FuzzyDict

ITEMS = {"color": "red", "top speed": 250, 7: None, ("a", 1): [1.5]}
PAIRS = [
    *((f"{word} invoice", "falcon") for word in ("refund", "cancel", "pay", "print", "send")),
    *((f"{word} crash", "otter") for word in ("debug", "report", "see", "fix", "find")),
    *((f"{word} joke", None) for word in ("a", "that", "one", "any")),
]


def write(folder: Path) -> None:
    """Write a dictionary of the default model, and one that was fitted, as files and pickles."""
    plain = FuzzyDict(ITEMS, cutoff=0.5)
    plain.learn("how fast", "top speed")
    fitted = FuzzyDict({"falcon": "ana", "otter": "bob"}, embedder=count_letters)
    fitted.fit(PAIRS)
    fitted.learn("the boss", "falcon")
    for name, d in (("plain", plain), ("fitted", fitted)):
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(d, 4))
        d.save(folder / f"{name}.fuzzydict")


def write_tables(dsn: str) -> None:
    """Create a dictionary on a PostgreSQL server."""
    from fuzzydict.postgres import PostgresFuzzyDict

    with PostgresFuzzyDict(dsn, "formats", embedder=count_letters) as d:
        d.update({"color": "red", "top speed": 250, "falcon": "ana", "otter": "bob"})
        d.fit(PAIRS)
        d.learn("the boss", "falcon")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        write_tables(sys.argv[2])
