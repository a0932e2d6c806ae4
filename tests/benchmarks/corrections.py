"""The effect of a few corrections on other lookups: scenes before and after ``fit`` and ``learn``.

    python tests/benchmarks/corrections.py [--seeds N] [--corrections N] [--pick random|wrong]

For each scene and seed, a few lookups are drawn and corrected in the scene's dictionary; the other
lookups of the scene are measured.
"""

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import quality
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fuzzydict import FuzzyDict

ROOT = Path(__file__).resolve().parents[2]
WAYS = ("before", "fit", "learn")
# Figures of lookups, and whether higher is better.
FIGURES = {
    "hit": ("hit@1", True),
    "right": ("right at the default cutoff", True),
    "wrong": ("wrong at the default cutoff", False),
}

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lookup:
    """A query and its correct keys, the best one first; none if no match is correct."""

    query: str
    right: tuple[str, ...]

    @property
    def correction(self) -> tuple[str, str | None]:
        """The correction that a user would make."""
        return self.query, next(iter(self.right), None)


@dataclass(frozen=True)
class Scene:
    """The keys of a dictionary, and what is looked up in it."""

    name: str
    keys: tuple[str, ...]
    lookups: tuple[Lookup, ...]


def load(folder: Path = quality.SCENES, limit: int | None = None) -> list[Scene]:
    """Return the scenes of a folder, the first ``limit`` of them."""
    scenes = []
    for path in sorted(folder.glob("*.json"))[:limit]:
        scene = json.loads(path.read_text("utf-8"))
        lookups = [
            Lookup(query, (answer,) if isinstance(answer, str) else tuple(answer or ()))
            for query, answer, _ in scene["lookups"]
        ]
        scenes.append(Scene(scene["name"], tuple(scene["keys"]), tuple(lookups)))
    return scenes


# Lookups


@dataclass(frozen=True)
class Answers:
    """The results of n lookups."""

    answerable: Bools
    found: Bools  # the best key is correct
    given: Bools  # and its score reaches the default cutoff

    @property
    def good(self) -> Bools:
        """A correct answer, or correctly no match."""
        return np.where(self.given, self.found, ~self.answerable)

    def figures(self, here: Bools) -> dict[str, float]:
        """Return the shares of `FIGURES` among the lookups that are marked."""
        found, given = self.found[here], self.given[here]
        return {
            "hit": float(found[self.answerable[here]].mean()),
            "right": float((found & given).mean()),
            "wrong": float((~found & given).mean()),
        }


def look_up(d: "FuzzyDict[str, None]", lookups: Sequence[Lookup]) -> Answers:
    """Look up all queries; a match counts as given if its score reaches the cutoff."""
    best = [d.match(lookup.query, cutoff=0.0) for lookup in lookups]
    pairs = list(zip(best, lookups, strict=True))
    return Answers(
        np.array([bool(lookup.right) for lookup in lookups], np.bool_),
        np.array([match is not None and match.key in of.right for match, of in pairs], np.bool_),
        np.array([match is not None and match.score >= d.cutoff for match in best], np.bool_),
    )


def draw(scene: Scene, before: Answers, count: int, pick: str, seed: int) -> list[Lookup]:
    """Return the lookups to correct, of those that are not exactly a key.

    With ``pick`` "wrong", wrong and missed lookups come first, as for a user.
    """
    keys = frozenset(scene.keys)
    pairs = [
        (lookup, good)
        for lookup, good in zip(scene.lookups, before.good.tolist(), strict=True)
        if lookup.query not in keys
    ]
    pairs = random.Random(f"{seed} {scene.name}").sample(pairs, len(pairs))
    if pick == "wrong":
        pairs.sort(key=lambda pair: pair[1])
    return [lookup for lookup, _ in pairs[:count]]


@dataclass(frozen=True)
class Trial:
    """One draw: the figures of the other lookups by `WAYS`, and how the corrections went."""

    figures: dict[str, dict[str, float]]
    corrected: dict[str, float]  # by `WAYS`, the share of the corrected lookups that are right now
    fitted: bool
    fit_seconds: float
    learn_milliseconds: float  # one correction


def attempt(
    scene: Scene, d: "FuzzyDict[str, None]", before: Answers, chosen: Sequence[Lookup]
) -> Trial:
    """Correct copies of the dictionary in both ways."""
    corrections = [lookup.correction for lookup in chosen]
    corrected = {query for query, _ in corrections}
    others = np.array([lookup.query not in corrected for lookup in scene.lookups], np.bool_)

    fitted, learned = d.copy(), d.copy()
    for each in (fitted, learned):
        each.match(scene.keys[0] + "?")  # build the index outside the timed part
    start = time.perf_counter()
    report = fitted.fit(corrections)
    fit_seconds = time.perf_counter() - start
    start = time.perf_counter()
    for query, key in corrections:
        learned.learn(query, key)
    learn_seconds = (time.perf_counter() - start) / len(corrections)

    answers = {"before": before, "fit": before, "learn": look_up(learned, scene.lookups)}
    if report.fitted:  # otherwise it is unchanged
        answers["fit"] = look_up(fitted, scene.lookups)
    return Trial(
        {way: answers[way].figures(others) for way in WAYS},
        {way: float(answers[way].good[~others].mean()) for way in WAYS},
        report.fitted,
        fit_seconds,
        1000 * learn_seconds,
    )


def run(scene: Scene, seeds: int, count: int, pick: str) -> list[Trial]:
    """Return a trial of a scene for each seed."""
    from fuzzydict import FuzzyDict

    d: FuzzyDict[str, None] = FuzzyDict(dict.fromkeys(scene.keys))
    before = look_up(d, scene.lookups)
    return [
        attempt(scene, d, before, draw(scene, before, count, pick, seed)) for seed in range(seeds)
    ]


# Summaries


@dataclass(frozen=True)
class Summary:
    """A figure of one scene or of all: means over the seeds, and what a way of learning adds."""

    scene: str
    means: dict[str, float]  # by `WAYS`
    gains: dict[str, float]  # by `WAYS`, without "before"
    errors: dict[str, float]  # their standard errors over the seeds, NaN for a single one
    worse: list[str]  # the ways by which it is worse by more than two standard errors


def summary(name: str, values: dict[str, Floats], more_is_better: bool) -> Summary:
    """Summarise the values by `WAYS`, one per seed."""
    gains, errors, worse = {}, {}, []
    for way in WAYS[1:]:
        differences = values[way] - values["before"]
        n = len(differences)
        gains[way] = float(differences.mean())
        errors[way] = float(differences.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
        loss = -gains[way] if more_is_better else gains[way]
        if loss > max(2 * errors[way], 1e-9):
            worse.append(way)
    means = {way: float(values[way].mean()) for way in WAYS}
    return Summary(name, means, gains, errors, worse)


def summaries(trials: dict[str, list[Trial]], figure: str) -> list[Summary]:
    """Return a summary of a figure for each scene, and last for the mean over the scenes."""
    values = {
        name: {way: np.array([trial.figures[way][figure] for trial in of]) for way in WAYS}
        for name, of in trials.items()
    }
    total: dict[str, Floats] = {
        way: np.mean([each[way] for each in values.values()], axis=0) for way in WAYS
    }
    _, more_is_better = FIGURES[figure]
    return [
        summary(name, each, more_is_better)
        for name, each in [*values.items(), ("mean of the scenes", total)]
    ]


def table(rows: Sequence[Summary], figure: str) -> str:
    """Return summaries as a Markdown table, with the ways that are worse by two standard errors."""
    cells = [["scene", *(WAYS[0], "after fit", "after learn"), "fit", "learn", "worse"]]
    for row in rows:
        changes = [
            f"{row.gains[way]:+.3f} ± {quality.format_number(row.errors[way])}" for way in WAYS[1:]
        ]
        means = [f"{row.means[way]:.3f}" for way in WAYS]
        cells.append([row.scene, *means, *changes, ", ".join(row.worse)])
    return f"{FIGURES[figure][0]}\n\n{quality.markdown(cells)}"


def remarks(trials: dict[str, list[Trial]]) -> list[str]:
    """Return remarks on all draws together."""
    every = [trial for of in trials.values() for trial in of]
    corrected = {way: np.mean([trial.corrected[way] for trial in every]) for way in WAYS}
    return [
        f"fit changed the dictionary in {sum(trial.fitted for trial in every)} of {len(every)} "
        f"draws, in {np.median([trial.fit_seconds for trial in every]):.2f} s (median)",
        f"learn took {np.median([trial.learn_milliseconds for trial in every]):.1f} ms a "
        "correction (median)",
        "the corrected lookups themselves are right: "
        + ", ".join(f"{way} {share:.3f}" for way, share in corrected.items()),
    ]


# The command


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--corrections", type=int, default=5, help="lookups to correct, a scene")
    parser.add_argument("--pick", choices=["random", "wrong"], default="random")
    parser.add_argument("--out", type=Path, default=Path(), help="where tables and figures go")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N scenes alone")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _arguments(arguments)
    sys.path.insert(0, str(ROOT))  # this checkout, whatever is installed
    trials = {}
    for scene in load(limit=options.limit):
        trials[scene.name] = run(scene, options.seeds, options.corrections, options.pick)
        print(f"{scene.name} done", file=sys.stderr)
    by_figure = {figure: summaries(trials, figure) for figure in FIGURES}
    notes = remarks(trials)
    tables = [table(rows, figure) for figure, rows in by_figure.items()]
    text = "\n\n".join([*tables, "\n".join(f"- {remark}" for remark in notes)])
    print(text)

    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / f"corrections-{options.pick}"
    stem.with_suffix(".md").write_text(text + "\n", "utf-8")
    content: dict[str, Any] = {
        "seeds": options.seeds,
        "corrections": options.corrections,
        "pick": options.pick,
        "remarks": notes,
        "figures": {figure: [vars(row) for row in rows] for figure, rows in by_figure.items()},
    }
    encoded = json.dumps(content, indent=1).replace("NaN", "null")
    stem.with_suffix(".json").write_text(encoded + "\n", "utf-8")


if __name__ == "__main__":
    main()
