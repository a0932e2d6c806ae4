"""How fast lookups are: each figure a ratio against a peer of the same run, on two cores.

    python tests/benchmarks/speed.py [--only NAME,...] [--sizes N,...] [--million] [--out FOLDER]

Prints one table and writes ``speed.md``, ``speed.json`` and ``cost.png`` into the folder. Ours and
the peer are measured in turn, several times; a ratio is the median of those of the turns. No row
has more keys than the largest of ``--sizes``.
"""

import argparse
import gc
import json
import math
import os
import platform
import random
import statistics
import string
import subprocess
import sys
import tempfile
import time
import timeit
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  # read as NumPy is imported
WIDTH = 168  # of a row of the index, where its own is not to be had
GIVE_UP = 2.0  # seconds of a query after which a peer is asked at no larger size
UNROLLED = 50  # statements in the body of a timed loop, whose own cost is then little
ASKED = 50  # queries of a turn

Seconds = Callable[[], float]
Ask = Callable[[str], object]


class NotThereError(Exception):
    """What is to be measured is not there; says so in the table."""


# Texts


class Texts:
    """Natural keys, and queries that no key answers exactly; the same ones for the same seed.

    The keys are WordNet's lemmas, or words of the default model; where these are too few,
    misspelled ones and pairs of words follow. No query comes twice, so that no memory answers.
    """

    def __init__(self, seed: int, notes: list[str]) -> None:
        self._rng = random.Random(seed)
        self._natural = _lemmas()
        if not self._natural:
            self._natural = _vocabulary()
            notes.append("keys: words of the default model, WordNet is not there")
        gc.collect()
        gc.freeze()  # the reader of the corpus has many modules: no query shall wait for their scan
        self._rng.shuffle(self._natural)
        self._keys = dict.fromkeys(self._natural)
        self._asked: set[str] = set()

    def keys(self, n: int) -> list[str]:
        """Return the first ``n`` keys, the natural ones before the others."""
        rng = random.Random(n)
        while len(self._keys) < n:
            one, other = rng.choice(self._natural), rng.choice(self._natural)
            pair = f"{one.split(' ')[0]} {other.split(' ')[-1]}"
            self._keys[misspelled(one, rng) if rng.random() < 0.7 else pair] = None
        return list(islice(self._keys, n))

    def unused(self, n: int) -> Iterator[str]:
        """Return natural keys that are not among the first ``n``, or else made ones."""
        yield from self._natural[n:]
        while True:
            yield from self.misspelled(self._natural, set(self._natural[:n]))

    def queries(self, keys: Sequence[str]) -> Iterator[str]:
        """Yield misspelled keys, reworded ones, and words that are none; each only once."""
        among, wrong = set(keys), self.misspelled(keys, set(keys))
        while True:
            kind, key = self._rng.random(), self._rng.choice(keys)
            if kind < 0.6:
                yield next(wrong)
                continue
            words = key.split(" ")
            if kind < 0.8:
                words = [*words[1:], self._rng.choice(keys).split(" ")[0], words[0]]
            text = " ".join(words) if kind < 0.8 else self._rng.choice(self._natural)
            if text not in among and text not in self._asked:
                self._asked.add(text)
                yield text

    def misspelled(self, keys: Sequence[str], among: set[str]) -> Iterator[str]:
        """Yield misspelled keys that are no keys; each only once."""
        while True:
            text = misspelled(self._rng.choice(keys), self._rng)
            if text.strip() and text not in among and text not in self._asked:
                self._asked.add(text)
                yield text


def _lemmas() -> list[str]:
    try:
        import nltk.data
    except ImportError:
        return []
    found: set[str] = set()
    for part in ("noun", "verb", "adj", "adv"):  # its reader would take seconds
        try:
            with nltk.data.find(f"corpora/wordnet/index.{part}").open() as file:
                lines = file.read().decode("utf-8").splitlines()
        except LookupError:
            return []
        found.update(line.split(" ", 1)[0].replace("_", " ") for line in lines if line[0] != " ")
    return sorted(found)


def _vocabulary() -> list[str]:
    from fuzzydict import embedders

    words: Sequence[str] = embedders.load("default")._words  # type: ignore[attr-defined, unused-ignore]
    return sorted(set(words))


def misspelled(text: str, rng: random.Random) -> str:
    """Return the text with one slip of the keyboard, and a second one if it is long."""
    for _ in range(1 + (len(text) > 12)):
        at, letter = rng.randrange(len(text)), rng.choice(string.ascii_lowercase)
        before, here, after = text[:at], text[at], text[at + 1 :]
        doubled, inserted = before + here + here + after, before + letter + here + after
        changed, left_out = before + letter + after, before + after
        swapped = before + after[:1] + here + after[1:]
        text = rng.choice([doubled, inserted, changed, left_out, swapped])
    return text


# Measuring


@dataclass(frozen=True)
class Turns:
    """What ours and the peer took in each turn, in the same unit."""

    ours: list[float]
    peer: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ours by the peer, for each turn."""
        return [ours / peer for ours, peer in zip(self.ours, self.peer, strict=True)]


@dataclass(frozen=True)
class Figure:
    """A row of the table; NaN and no verdict where it could not be measured."""

    row: str
    what: str
    peer: str
    at_most: float
    ours: float = math.nan
    theirs: float = math.nan
    ratio: float = math.nan
    least: float = math.nan
    most: float = math.nan
    unit: str = "s"
    turns: int = 0
    met: bool | None = None
    note: str = ""


def figure(
    what: str, peer: str, at_most: float, turns: Turns, *, unit: str = "s", note: str = ""
) -> Figure:
    """Return the row of what was measured in turns."""
    ratios = turns.ratios
    ratio = statistics.median(ratios)
    return Figure(
        "",
        what,
        peer,
        at_most,
        statistics.median(turns.ours),
        statistics.median(turns.peer),
        ratio,
        min(ratios),
        max(ratios),
        unit,
        len(ratios),
        ratio <= at_most,
        note,
    )


def in_turn(ours: Seconds, peer: Seconds, turns: int) -> Turns:
    """Measure one after the other, after a turn that warms both up."""
    pairs = [(ours(), peer()) for _ in range(turns + 1)][1:]
    return Turns([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def allowed(values: Sequence[float], allowance: float) -> Turns:
    """Compare with what is allowed, where there is no peer to measure."""
    return Turns(list(values), [allowance] * len(values))


def seconds_each(ask: Ask, texts: Sequence[str]) -> float:
    """Return the seconds of a question, asked once for each text."""
    start = time.perf_counter()
    for text in texts:
        ask(text)
    return (time.perf_counter() - start) / len(texts)


def median_each(ask: Callable[[Any], object], questions: Iterable[Any]) -> float:
    """Return the median of the seconds that each question took."""
    taken = []
    for question in questions:
        start = time.perf_counter()
        ask(question)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def statement(code: str, d: Any, keys: Sequence[str], number: int = 2000) -> Seconds:
    """Return what measures a statement of ``d`` and ``k``, over and over with some keys."""
    names = [f"k{i}" for i in range(len(keys))]
    body = "; ".join(code.replace("k", names[i % len(names)]) for i in range(UNROLLED))
    setup = f"d = D; v = 1; {', '.join(names)}, = K"
    timer = timeit.Timer(body, setup, globals={"D": d, "K": keys})
    return lambda: timer.timeit(number) / number / UNROLLED


def python_frames(run: Callable[[], object]) -> int:
    """Count the Python functions that are entered while ``run`` runs, itself left out."""
    frames = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal frames
        frames += event == "call"

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return frames - 1


# Other processes


def _environment(threads: int) -> dict[str, str]:
    there = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [str(ROOT), str(HERE), *filter(None, there)]
    pools = dict.fromkeys(POOLS, str(threads))
    return {**os.environ, **pools, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def keep_to(cores: int) -> bool:
    """Let this thread and its children run on the idlest cores; return whether they were more.

    Nothing is done where the system cannot. A pool of threads on busy cores waits for its turn.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    free = os.sched_getaffinity(0)
    if len(free) <= cores:
        return False
    first = _idle()
    time.sleep(0.5)
    then = _idle()
    os.sched_setaffinity(
        0, sorted(free, key=lambda core: first.get(core, 0) - then.get(core, 0))[:cores]
    )
    return True


def _idle() -> dict[int, int]:
    """Return how long each core has been idle, in ticks; nothing where the system does not say."""
    try:
        lines = [line.split() for line in Path("/proc/stat").read_text("ascii").splitlines()]
    except OSError:
        return {}
    return {int(line[0][3:]): int(line[4]) for line in lines if line[0][:3] == "cpu" < line[0]}


def in_child(function: Callable[..., Any], *arguments: Any, threads: int) -> Any:
    """Return what a function of this file returns in a fresh process."""
    program = "import json, speed, sys; print(json.dumps(getattr(speed, sys.argv[1])(*json.loads("
    command = [sys.executable, "-c", f"{program}sys.argv[2]))))", function.__name__]
    done = subprocess.run(
        [*command, json.dumps(arguments)],
        env=_environment(threads),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def process(program: str, threads: int) -> Seconds:
    """Return what measures a Python process from its start to its end."""
    environment = _environment(threads)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def seconds() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
        return time.perf_counter() - start

    return seconds


PRODUCT = """
import sys, time
import numpy as np
rows = np.random.default_rng(0).standard_normal(({n}, {d}), np.float32)
query = rows[0].copy()
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range({times}):
        rows @ query
    print((time.perf_counter() - start) / {times}, flush=True)
"""


@contextmanager
def one_threaded_product(n: int, d: int, times: int = 20) -> Iterator[Seconds]:
    """Yield what measures NumPy's product of [n, d] and [d], in a process of one thread."""
    program = [sys.executable, "-c", PRODUCT.format(n=n, d=d, times=times)]
    with subprocess.Popen(
        program, env=_environment(1), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        stdin, stdout = child.stdin, child.stdout

        def seconds() -> float:
            stdin.write("\n")
            stdin.flush()
            return float(stdout.readline())

        yield seconds
        stdin.close()


# What is measured


def fuzzy(keys: Sequence[str], index: Any = "auto") -> Any:
    """Return a FuzzyDict that has answered its first query, with this index."""
    from fuzzydict import FuzzyDict

    d = FuzzyDict(dict.fromkeys(keys), index=index)
    d.get("the frist qeustion")
    return d


def open_exact(keys: Sequence[str]) -> Ask:
    """Open FuzzyDict with the exact index."""
    ask: Ask = fuzzy(keys, "exact").get
    return ask


def open_approximate(keys: Sequence[str]) -> Ask:
    """Open FuzzyDict with the approximate index."""
    ask: Ask = fuzzy(keys, "approximate").get
    return ask


def open_rapidfuzz(keys: Sequence[str]) -> Ask:
    """Open RapidFuzz's ``extractOne`` with ``WRatio`` on a list of the keys."""
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise NotThereError("RapidFuzz is not installed") from error
    texts = list(keys)
    return lambda query: process.extractOne(query, texts, scorer=fuzz.WRatio)


def open_difflib(keys: Sequence[str]) -> Ask:
    """Open difflib's ``get_close_matches`` on a list of the keys."""
    texts = list(keys)
    return lambda query: get_close_matches(query, texts, 1)


def open_dict(keys: Sequence[str]) -> Ask:
    """Open a plain dict, to which memory is compared."""
    return dict.fromkeys(keys).get


SYSTEMS: dict[str, Callable[[Sequence[str]], Ask]] = {
    "exact index": open_exact,
    "approximate index": open_approximate,
    "RapidFuzz extractOne": open_rapidfuzz,
    "difflib": open_difflib,
    "dict": open_dict,
}


def _lines(path: str, n: int) -> list[str]:
    return Path(path).read_text("utf-8").split("\n")[:n]


def cost(system: str, path: str, n: int, queries: list[str]) -> dict[str, float]:
    """Return the seconds of the first answer and of a new query, and the bytes beside the keys.

    A dictionary of one key is asked first, so that no model is read meanwhile. No query is asked
    after two seconds.
    """
    keys = _lines(path, n)
    try:
        SYSTEMS[system](keys[:1])(queries[0])
        start = time.perf_counter()
        ask = SYSTEMS[system](keys)
        ask(queries[1])
        build = time.perf_counter() - start
    except NotThereError:
        return {}
    taken: list[float] = []
    for query in queries[2:]:
        if sum(taken) < GIVE_UP:
            taken.append(seconds_each(ask, [query]))
    del ask
    return {
        "build": build,
        "query": statistics.median(taken),
        "memory": memory(system, path, n),
    }


def memory(system: str, path: str, n: int) -> float:
    """Return the bytes that a system holds beside the keys themselves, after its first query."""
    keys = _lines(path, n)
    SYSTEMS[system](keys[:1])("the frist qeustion")
    gc.collect()
    tracemalloc.start()
    ask = SYSTEMS[system](keys)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del ask
    return held


def embedding(path: str, n: int, turns: int) -> list[float]:
    """Return the seconds that a text takes to become a row, for other texts in each turn."""
    keep_to(1)
    texts, words = _lines(path, n * turns), _splitter()
    matcher = fuzzy(["key"])._up_to_date()
    result = []
    for start in range(0, len(texts), n):
        block = texts[start : start + n]
        begin = time.perf_counter()
        matcher._rows(block, [words(text) for text in block], guess=False)
        result.append((time.perf_counter() - begin) / len(block))
    return result


def _splitter() -> Callable[[str], tuple[str, ...]]:
    from fuzzydict.text import words

    return words


# Rows


@dataclass
class Bench:
    """What the rows share: the texts, dictionaries that were built already, and the options."""

    options: argparse.Namespace
    folder: Path
    notes: list[str] = field(default_factory=list)
    limited: bool = False  # the row at hand has fewer keys than it is meant for
    _built: dict[tuple[int, str], Any] = field(default_factory=dict)
    _texts: Texts | None = None

    @property
    def texts(self) -> Texts:
        """The keys and the queries, read when a row first needs them."""
        if self._texts is None:
            self._texts = Texts(self.options.seed, self.notes)
        return self._texts

    @property
    def turns(self) -> int:
        """How often ours and a peer are measured."""
        return int(self.options.turns)

    @property
    def threads(self) -> int:
        """On how many cores, with how many threads."""
        return int(self.options.threads)

    def size(self, n: int) -> int:
        """Return how many keys a row has that is meant for ``n``."""
        self.limited |= n > self.options.sizes[-1]
        return min(n, int(self.options.sizes[-1]))

    def fuzzy(self, n: int, index: str = "auto") -> Any:
        """Return a FuzzyDict of the first ``n`` keys, built once."""
        if (n, index) not in self._built:
            self._built[n, index] = fuzzy(self.texts.keys(n), index)
        return self._built[n, index]

    def file(self, n: int) -> str:
        """Return a file of the first ``n`` keys, for another process."""
        path = self.folder / f"{n}.txt"
        if not path.exists():
            path.write_text("\n".join(self.texts.keys(n)), "utf-8")
        return str(path)


def exact_hit(bench: Bench) -> Iterator[Figure]:
    """``d[k]``, without any Python code of ours."""
    keys = bench.texts.keys(bench.size(1000))
    d, plain = bench.fuzzy(len(keys)), dict.fromkeys(keys)
    turns = in_turn(
        statement("d[k]", d, keys[:10]), statement("d[k]", plain, keys[:10]), bench.turns
    )
    key = keys[0]
    frames = python_frames(lambda: d[key])
    result = figure("exact hit", "dict", 2.2, turns, note=f"{frames} Python frames entered")
    yield replace(result, met=result.met and not frames)


def set_existing(bench: Bench) -> Iterator[Figure]:
    """``d[k] = v`` of a key that is there."""
    keys = bench.texts.keys(bench.size(1000))
    d, plain = fuzzy(keys), dict.fromkeys(keys)
    turns = in_turn(
        statement("d[k] = v", d, keys[:10]), statement("d[k] = v", plain, keys[:10]), bench.turns
    )
    yield figure("set an existing key", "dict", 8, turns)


def set_new(bench: Bench) -> Iterator[Figure]:
    """``d[k] = v`` of keys that are not there, each time in fresh dictionaries of one size."""
    n = bench.size(1000)
    keys = bench.texts.keys(n)
    new = list(islice(bench.texts.unused(n), n))

    def filling(make: Callable[[], Any]) -> Seconds:
        def seconds() -> float:
            made = [make() for _ in range(10)]
            gc.collect()
            start = time.perf_counter()
            for d in made:
                for key in new:
                    d[key] = 1
            return (time.perf_counter() - start) / len(new) / len(made)

        return seconds

    turns = in_turn(filling(lambda: fuzzy(keys)), filling(lambda: dict.fromkeys(keys)), bench.turns)
    yield figure("set a new key", "dict", 12, turns)


def importing(bench: Bench) -> Iterator[Figure]:
    """A process that imports us, and one that imports NumPy."""
    ours, peer = (process(f"import {name}", bench.threads) for name in ("fuzzydict", "numpy"))
    turns = in_turn(ours, peer, bench.turns)
    yield figure("import fuzzydict", "import numpy", 1.3, turns)


def first_answer(bench: Bench) -> Iterator[Figure]:
    """A process that makes a dictionary of 100 keys and asks it, and one that imports NumPy."""
    keys = bench.texts.keys(bench.size(100))
    query = _answered(bench, bench.fuzzy(len(keys)), keys, 1)[0]
    program = f"from fuzzydict import FuzzyDict\nFuzzyDict(dict.fromkeys({keys!r}))[{query!r}]"
    ours, peer = (process(each, bench.threads) for each in (program, "import numpy"))
    turns = in_turn(ours, peer, bench.turns)
    yield figure(f"start to first answer, {len(keys):,} keys", "import numpy", 3, turns)


def repeated(bench: Bench) -> Iterator[Figure]:
    """A query that was asked before, and an exact hit of the same dictionary."""
    for n in sorted({bench.size(1000), bench.size(100_000)}):
        keys, d = bench.texts.keys(n), bench.fuzzy(n)
        queries = _answered(bench, d, keys, 10)
        turns = in_turn(
            statement("d[k]", d, queries, 200), statement("d[k]", d, keys[:10]), bench.turns
        )
        yield figure(f"repeated inexact query, {n:,} keys", "its exact hit", 25, turns)


def _answered(bench: Bench, d: Any, keys: Sequence[str], count: int) -> list[str]:
    """Return misspelled keys that have an answer."""
    wrong = islice(bench.texts.misspelled(keys, set(keys)), 100 * count)
    found = list(islice((query for query in wrong if d.match(query) is not None), count))
    if not found:
        raise NotThereError("no misspelled key has an answer")
    return found


def _fresh(ask: Ask, queries: Iterator[str], count: int = ASKED) -> Seconds:
    return lambda: seconds_each(ask, list(islice(queries, count)))


def _same(ours: Ask, peer: Ask, queries: Iterator[str], count: int) -> tuple[Seconds, Seconds]:
    """Return what measures both, the peer with the queries that ours was asked."""
    asked: list[str] = []

    def first() -> float:
        asked[:] = islice(queries, count)
        return seconds_each(ours, asked)

    return first, lambda: seconds_each(peer, asked)


def new_query(bench: Bench) -> Iterator[Figure]:
    """A query that was never asked, and RapidFuzz's best key for it."""
    for meant, at_most in ((1000, 1.0), (10_000, 0.3)):
        n = bench.size(meant)
        keys = bench.texts.keys(n)
        peer = open_rapidfuzz(keys)
        pair = _same(bench.fuzzy(n).get, peer, bench.texts.queries(keys), ASKED)
        turns = in_turn(*pair, bench.turns)
        yield figure(f"new inexact query, {n:,} keys", "RapidFuzz WRatio", at_most, turns)


def new_query_exact(bench: Bench) -> Iterator[Figure]:
    """A query that was never asked, and one product of all vectors with one."""
    n = bench.size(100_000)
    keys, d = bench.texts.keys(n), bench.fuzzy(n, "exact")
    queries = bench.texts.queries(keys)
    width, note = WIDTH, "the index is not to be had: no check of its answers"
    try:
        rows = d.index.rows(keys)
        width, note = rows.shape[1], _agreement(d, keys, rows, list(islice(queries, 50)))
        del rows
    except (AttributeError, TypeError) as error:
        bench.notes.append(f"new_exact: {error}")
    with one_threaded_product(n, width) as product:
        turns = in_turn(_fresh(d.get, queries), product, bench.turns)
    what = f"new inexact query, {n:,} keys, exact index"
    yield figure(what, f"product {n:,} x {width}", 0.6, turns, note=note)


def _embedded(d: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    words = _splitter()
    rows: NDArray[np.float32] = d._up_to_date()._rows(texts, [words(text) for text in texts])
    return rows


def _agreement(
    d: Any,
    keys: Sequence[str],
    rows: NDArray[np.float32],
    queries: Sequence[str],
    n: int = 64,
) -> str:
    """Say for how many queries the index finds what brute force finds.

    Keys may stand in another order where float32 cannot tell their products apart.
    """
    index = d.index
    place = {key: row for row, key in enumerate(keys)}
    same = 0
    for query, found in zip(
        embedded := _embedded(d, queries), index.search(embedded, n), strict=True
    ):
        products = rows @ query
        best = np.sort(products)[::-1][:n]
        ours = products[[place[key] for key in found]]
        same += len(ours) == len(best) and bool(np.allclose(ours, best, rtol=0, atol=1e-6))
    return f"{same} of {len(queries)} answers those of brute force"


def at_once(bench: Bench) -> Iterator[Figure]:
    """Many queries at once, and RapidFuzz's matrix of all of them with all keys."""
    n = bench.size(10_000)
    count = min(1000, n)
    keys, d = bench.texts.keys(n), bench.fuzzy(n)
    queries = bench.texts.queries(keys)
    try:
        from rapidfuzz import fuzz, process
    except ImportError as error:
        raise NotThereError("RapidFuzz is not installed") from error
    asked: list[str] = []

    def ours() -> float:
        asked[:] = islice(queries, count)
        start = time.perf_counter()
        d.match_many(asked)
        return time.perf_counter() - start

    def peer() -> float:
        start = time.perf_counter()
        process.cdist(asked, keys, scorer=fuzz.ratio, workers=-1).argmax(axis=1)
        return time.perf_counter() - start

    turns = in_turn(ours, peer, bench.turns)
    yield figure(f"{count:,} queries at once, {n:,} keys", "RapidFuzz cdist", 0.5, turns)


def writes(bench: Bench) -> Iterator[Figure]:
    """A key added, or deleted, before a query, and the query alone."""
    n = bench.size(100_000)
    keys, d = bench.texts.keys(n), bench.fuzzy(n, "exact")
    queries = bench.texts.misspelled(keys, set(keys))  # of one kind, they take alike long
    new = bench.texts.unused(n)
    old = iter(random.Random(0).sample(keys, n))

    def add(key: str) -> None:
        d[key] = None

    def delete(key: str) -> None:
        del d[key]

    for what, write, undo, written in (
        ("adding a key", add, delete, new),
        ("deleting a key", delete, add, old),
    ):
        slowest = 0.0

        def turn(write: Ask = write, undo: Ask = undo, of: Iterator[str] = written) -> list[float]:
            nonlocal slowest
            alone, after = [], []
            for key in islice(of, max(1, min(40, n // 10))):
                alone.append(seconds_each(d.get, [next(queries)]))
                query = next(queries)
                start = time.perf_counter()
                write(key)
                d.get(query)
                after.append(time.perf_counter() - start)
                undo(key)
                d.get(next(queries))
            slowest = max(slowest, *after)
            return [statistics.median(after), statistics.median(alone)]

        turns = [turn() for _ in range(bench.turns)]
        yield figure(
            f"{what} before a query, {n:,} keys",
            "the query alone",
            1.1,
            Turns([each[0] for each in turns], [each[1] for each in turns]),
            note=f"the slowest took {amount(slowest)}",
        )


def bulk(bench: Bench) -> Iterator[Figure]:
    """Texts to rows on one core, and the time that is allowed."""
    turns = 3
    n = bench.size(100_000) // turns
    seconds = in_child(embedding, bench.file(n * turns), n, turns, threads=1)
    note = f"{1 / statistics.median(seconds):,.0f} keys a second"
    of_all = allowed([each * 200_000 for each in seconds], 1.0)
    yield figure("embedding 200,000 keys, one core", "1 s allowed", 1, of_all, note=note)


def bytes_a_key(bench: Bench) -> Iterator[Figure]:
    """The memory of a key beside that of a dict, and the bytes that are allowed."""
    n = bench.size(100_000)
    few = min(100, n // 2)
    path = bench.file(n)
    held = {
        (system, keys): in_child(memory, system, path, keys, threads=bench.threads)
        for system in ("exact index", "dict")
        for keys in (few, n)
    }
    beside = [held["exact index", keys] - held["dict", keys] for keys in (few, n)]
    each = (beside[1] - beside[0]) / (n - few)
    turns = allowed([each], 700.0)
    yield figure(f"memory a key, {n:,} keys", "700 B allowed", 1, turns, unit="B")


def million(bench: Bench) -> Iterator[Figure]:
    """The approximate index at a million keys, and the exact one."""
    if not bench.options.million:
        raise NotThereError("only with --million")
    n = int(bench.options.million)
    bench.limited = n < 1_000_000
    what = f"{n:,} keys, approximate index"
    keys = bench.texts.keys(n)
    start = time.perf_counter()
    d = fuzzy(keys, "approximate")
    built = time.perf_counter() - start
    truth = fuzzy(keys, "exact")
    asked = list(islice(bench.texts.misspelled(keys, set(keys)), 1000))
    rows = iter(_embedded(truth, list(islice(bench.texts.misspelled(keys, set(keys)), 2000))))

    def searching(index: Any) -> Seconds:
        return lambda: median_each(lambda row: index.search(row[None], 64), islice(rows, 20))

    turns = in_turn(searching(d.index), searching(truth.index), bench.turns)
    yield figure(f"{what}: search, median", "exact index", 0.05, turns)
    yield figure(f"{what}: search, median", "1 ms allowed", 1, allowed(turns.ours, 1e-3))
    queries = bench.texts.misspelled(keys, set(keys))
    taken = [median_each(d.get, islice(queries, 20)) for _ in range(bench.turns)]
    yield figure(f"{what}: query, median", "1 ms allowed", 1, allowed(taken, 1e-3))
    lost = 1 - recall(d, truth, asked)
    yield figure(f"{what}: first keys lost", "0.01 allowed", 1, allowed([lost], 0.01), unit="")
    yield figure(f"{what}: building", "180 s allowed", 1, allowed([built], 180.0))


def recall(d: Any, truth: Any, queries: Sequence[str]) -> float:
    """Return for how many queries the first key of the index is one of the largest product."""
    rows = _embedded(truth, queries)
    ours, best = d.index.search(rows, 1), truth.index.search(rows, 1)
    hits = 0
    for row, (mine,), (right,) in zip(rows, ours, best, strict=True):
        products = truth.index.rows([mine, right]) @ row
        hits += bool(products[0] >= products[1] - 1e-6)
    return hits / len(queries)


ROWS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "hit": exact_hit,
    "set_existing": set_existing,
    "set_new": set_new,
    "import": importing,
    "first": first_answer,
    "repeated": repeated,
    "new": new_query,
    "new_exact": new_query_exact,
    "at_once": at_once,
    "writes": writes,
    "bulk": bulk,
    "memory": bytes_a_key,
    "million": million,
}


# As the work grows


@dataclass(frozen=True)
class Cost:
    """What a system takes at a number of keys: seconds, seconds and bytes."""

    system: str
    keys: int
    query: float
    build: float
    memory: float


def costs(bench: Bench) -> list[Cost]:
    """Measure each system at each size, each in a process of its own."""
    sizes = sorted({*bench.options.sizes, *filter(None, [bench.options.million])})
    path = bench.file(sizes[-1])
    queries = list(islice(bench.texts.queries(bench.texts.keys(sizes[-1])), ASKED))
    result = []
    for system in LOOKS:
        for n in sizes:
            found = in_child(cost, system, path, n, queries, threads=bench.threads)
            if not found:
                bench.notes.append(f"left out: {system}")
                break
            result.append(Cost(system, n, **found))
            if found["query"] > GIVE_UP:
                bench.notes.append(f"{system}: more than {GIVE_UP:g} s a query at {n:,} keys")
                break
        print(f"cost of {system} done", file=sys.stderr)
    return result


PANELS = {
    "query": ("New query", "milliseconds", 1e3),
    "build": ("Building and first answer", "seconds", 1.0),
    "memory": ("Memory beside the keys", "megabytes", 1e-6),
}
LOOKS = {
    "exact index": ("#0072B2", "o"),
    "approximate index": ("#009E73", "s"),
    "RapidFuzz extractOne": ("#D55E00", "^"),
    "difflib": ("#666666", "D"),
}


def plot(measured: Sequence[Cost], path: Path) -> None:
    """Draw query time, building time and memory over the number of keys."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(13, 4.2), layout="constrained", facecolor="white")
    for axes, (name, (title, unit, scale)) in zip(
        drawing.subplots(1, len(PANELS)), PANELS.items(), strict=True
    ):
        ends = []
        for system, (color, marker) in LOOKS.items():
            here = [each for each in measured if each.system == system]
            if here:
                x, y = [each.keys for each in here], [scale * getattr(each, name) for each in here]
                axes.plot(x, y, color=color, marker=marker, markersize=5, linewidth=1.8)
                ends.append((y[-1], x[-1], system, color))
        axes.set(xscale="log", yscale="log", title=title, xlabel="keys", ylabel=unit)
        axes.set_facecolor("white")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.05)
        _label(axes, ends)
    drawing.savefig(path, dpi=150)


def _label(axes: Any, ends: list[tuple[float, int, str, str]]) -> None:
    """Write each name at the end of its line, and none over another."""
    low, high = map(math.log, axes.get_ylim())
    last = -1.0
    for y, x, name, color in sorted(ends):
        last = max((math.log(y) - low) / (high - low), last + 0.06)
        place = (x, math.exp(low + last * (high - low)))
        axes.annotate(
            name,
            place,
            (7, 0),
            textcoords="offset points",
            annotation_clip=False,  # the last may be above the axes
            color=color,
            va="center",
            fontsize=9,
        )


# The command


def amount(value: float, unit: str = "s") -> str:
    """Return a figure as people read it: ``12.3 µs``."""
    if not math.isfinite(value):
        return "-"
    if unit != "s":
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}".strip()
    for name, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value * 1e9:.3g} ns"


def table(figures: Sequence[Figure]) -> str:
    """Return the rows as a Markdown table."""
    rows = [["what", "ours", "peer", "peer's", "ratio", "least to most", "at most", "met", "note"]]
    for each in figures:
        rows.append(
            [
                each.what,
                amount(each.ours, each.unit),
                each.peer,
                amount(each.theirs, each.unit),
                _ratio(each.ratio),
                f"{_ratio(each.least)} to {_ratio(each.most)}" if each.turns > 1 else "",
                f"{each.at_most:g}" if math.isfinite(each.at_most) else "-",
                {True: "yes", False: "no", None: "-"}[each.met],
                each.note,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)


def software() -> str:
    """Return the versions of Python and of what is measured."""
    parts = [f"Python {platform.python_version()}"]
    for name in ("numpy", "rapidfuzz"):
        with suppress(PackageNotFoundError):
            parts.append(f"{name} {version(name)}")
    return ", ".join(parts)


def _ratio(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"


def run(bench: Bench) -> list[Figure]:
    """Measure the rows that are asked for; one that is not there has a line that says so."""
    result = []
    for name in bench.options.only:
        if name not in ROWS:
            continue
        try:
            bench.limited = False
            for each in ROWS[name](bench):
                met = None if bench.limited else each.met  # what holds for few keys says nothing
                result.append(replace(each, row=name, met=met))
        except NotThereError as error:
            result.append(
                Figure(name, name.replace("_", " "), "-", math.nan, note=f"not there: {error}")
            )
        print(f"{name} done", file=sys.stderr)
    return result


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [*ROWS, "cost"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", type=_names, default=names, help=", ".join(names))
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in _names(text)],
        default=[100, 1000, 10_000, 100_000],
        help="the numbers of keys of the plots; the largest limits the rows, too",
    )
    parser.add_argument(
        "--million",
        type=int,
        nargs="?",
        const=1_000_000,
        default=0,
        metavar="N",
        help="a million keys, or N, for the approximate index and the plots, too",
    )
    parser.add_argument("--out", type=Path, default=Path("speed"), metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=2, help="threads and cores to keep to")
    parser.add_argument("--turns", type=int, default=9, help="how often each is measured")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    options.sizes.sort()
    if unknown := {*options.only} - {*names}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command, in a process of so many threads."""
    options = _arguments(arguments)
    wanted = _environment(options.threads)
    if keep_to(options.threads) or os.environ != wanted:  # too late here: NumPy has its threads
        command = [sys.executable, __file__, *(sys.argv[1:] if arguments is None else arguments)]
        sys.exit(subprocess.call(command, env=wanted))
    options.out.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        figures = run(bench)
        measured = costs(bench) if "cost" in options.only else []
    if measured:
        try:
            plot(measured, options.out / "cost.png")
        except ImportError:
            bench.notes.append("no plot: matplotlib is not installed")
    bench.notes.append(f"{software()}; {options.threads} cores and as many threads")
    bench.notes.append(f"load of the machine's {os.cpu_count()} cores at the start: {load:.1f}")
    text = "\n".join([table(figures), "", *(f"- {note}" for note in bench.notes)])
    print(text)
    (options.out / "speed.md").write_text(text + "\n", "utf-8")
    report = {
        "software": software(),
        "machine": platform.platform(),
        "threads": options.threads,
        "figures": [asdict(each) for each in figures],
        "costs": [asdict(each) for each in measured],
        "notes": bench.notes,
    }
    (options.out / "speed.json").write_text(
        json.dumps(report, indent=1).replace("NaN", "null") + "\n", "utf-8"
    )


if __name__ == "__main__":
    main()
