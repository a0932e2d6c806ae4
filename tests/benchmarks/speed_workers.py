"""What the speed benchmark runs in processes of their own, and the systems that it compares.

Each generator function is run by `speed_processes.worker`; it yields one result for each turn.
"""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any

from speed_processes import NotMeasuredError
from speed_texts import Texts
from speed_timing import Query, median_per_query, seconds_per_query

GIVE_UP = 2.0  # seconds of a query above which a system is not measured with more keys


def fuzzy(keys: Sequence[str], index: Any = "auto") -> Any:
    """Return a FuzzyDict that has answered its first fuzzy query."""
    from fuzzydict import FuzzyDict

    d = FuzzyDict(dict.fromkeys(keys), index=index)
    d.get("the frist qeustion")
    return d


def _open_fuzzydict(keys: Sequence[str]) -> Query:
    read: Query = fuzzy(keys).get
    return read


def open_rapidfuzz(keys: Sequence[str]) -> Query:
    """Open RapidFuzz's ``extractOne`` with ``WRatio`` on a list of the keys."""
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise NotMeasuredError("install rapidfuzz") from error
    texts = list(keys)
    return lambda query: process.extractOne(query, texts, scorer=fuzz.WRatio)


def _open_difflib(keys: Sequence[str]) -> Query:
    texts = list(keys)
    return lambda query: get_close_matches(query, texts, 1)


def _open_dict(keys: Sequence[str]) -> Query:
    return dict.fromkeys(keys).get


SYSTEMS: dict[str, Callable[[Sequence[str]], Query]] = {
    "FuzzyDict": _open_fuzzydict,
    "RapidFuzz WRatio": open_rapidfuzz,
    "difflib": _open_difflib,
    "dict": _open_dict,
}


def query_cost(system: str, texts: str, seed: int, n: int, count: int) -> Iterator[float]:
    """Yield the median time of a new query with ``n`` keys."""
    reader = Texts.read(Path(texts), seed)
    keys = reader.keys(n)
    queries = reader.queries(keys)
    read = SYSTEMS[system](keys)
    read(next(queries))
    while True:
        taken: list[float] = []
        while len(taken) < count and sum(taken) < GIVE_UP:
            taken.append(seconds_per_query(read, [next(queries)]))
        yield statistics.median(taken)


def product(n: int, d: int, times: int = 20) -> Iterator[float]:
    """Yield the time of NumPy's float32 product of [n, d] and [d]."""
    import numpy as np

    rows = np.random.default_rng(0).standard_normal((n, d), np.float32)
    query = rows[0].copy()
    while True:
        start = time.perf_counter()
        for _ in range(times):
            rows @ query
        yield (time.perf_counter() - start) / times


def get_many(texts: str, seed: int, n: int, count: int) -> Iterator[float]:
    """Yield the time of a query among ``count`` new ones in one call of ``get_many``."""
    reader = Texts.read(Path(texts), seed)
    keys = reader.keys(n)
    queries, d = reader.queries(keys), fuzzy(keys)
    while True:
        batch = list(islice(queries, count))
        start = time.perf_counter()
        d.get_many(batch)
        yield (time.perf_counter() - start) / count


def memory(system: str, path: str, n: int, queries: list[str]) -> Iterator[float]:
    """Yield the bytes of the process's own memory, after the queries to the first ``n`` keys.

    ``path`` is a file with a key in each line. Pages that processes share, such as those of a
    mapped model file, do not count.
    """
    with open(path, encoding="utf-8") as file:
        keys = [line[:-1] for line in islice(file, n)]
    read = SYSTEMS[system](keys)
    for query in queries:
        read(query)
    gc.collect()
    try:  # memory that is free but not returned to the system does not count either
        ctypes.CDLL(None).malloc_trim(0)
        status = Path("/proc/self/status").read_text("ascii")
    except (AttributeError, OSError, TypeError) as error:
        raise NotMeasuredError("needs Linux and glibc") from error
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon:"))
    yield float(line.split()[1]) * 1024
    del read


def postgres_reads(
    dsn: str, name: str, texts: str, seed: int, n: int, count: int
) -> Iterator[float]:
    """Yield the median time of a new fuzzy read of ``n`` keys on a PostgreSQL server."""
    try:
        from fuzzydict.postgres import PostgresFuzzyDict
    except ImportError as error:
        raise NotMeasuredError("install psycopg and psycopg-pool") from error
    reader = Texts.read(Path(texts), seed)
    keys = reader.keys(n)
    queries = reader.queries(keys)
    with PostgresFuzzyDict[int](dsn, name) as remote:
        remote.update({key: i for i, key in enumerate(keys)})
        remote.match(next(queries))
        while True:
            yield median_per_query(remote.match, islice(queries, count))
