"""Tables of the join benchmark: read in place, none is part of the project."""

import csv
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Task", "autofj", "leipzig", "restaurants"]

csv.field_size_limit(1 << 24)


class Task(NamedTuple):
    """Queries, keys, and the pairs that are right: places of a query and of a key."""

    name: str
    queries: list[str]
    keys: list[str]
    pairs: set[tuple[int, int]]


def _rows(text: str, separator: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(), delimiter=separator))


def autofj(share: float = 1.0, seed: int = 0) -> Iterator[Task]:
    """Yield the tables of Auto-FuzzyJoin in ``$FUZZYDICT_EVAL/autofj``.

    ``share``: the share of the keys with a partner that are kept, at random.
    """
    rng = np.random.default_rng(seed)
    for folder in sorted(Path(os.environ["FUZZYDICT_EVAL"], "autofj").iterdir()):
        left, right, truth = (
            _rows((folder / f"{name}.csv").read_text("utf-8")) for name in ("left", "right", "gt")
        )
        partners = {row["id_l"] for row in truth}
        kept = [row for row in left if row["id"] not in partners or rng.random() < share]
        keys = {row["id"]: place for place, row in enumerate(kept)}
        queries = {row["id"]: place for place, row in enumerate(right)}
        pairs = {(queries[row["id_r"]], keys[row["id_l"]]) for row in truth if row["id_l"] in keys}
        yield Task(
            folder.name, [row["title"] for row in right], [row["title"] for row in kept], pairs
        )


def _git(repository: Path, path: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), "show", f"HEAD:{path}"], capture_output=True, check=True
    )
    return done.stdout.decode("utf-8")


def leipzig(repository: Path) -> Iterator[Task]:
    """Yield Abt-Buy, DBLP-ACM and Amazon-Google as in a clone of AI-team-UoA/pyJedAI.

    Equal names of one side are one value; a pair is right if any rows of the two values are.
    """
    for name, folder, one, other, column, separator in (
        ("Abt-Buy, names", "D2", "abt", "buy", "name", "|"),
        ("DBLP-ACM, titles", "D4", "dblp", "acm", "title", "%"),
        ("Amazon-Google, titles", "D3", "amazon", "gp", "title", "#"),
    ):
        left, right, truth = (
            _rows(_git(repository, f"data/ccer/{folder}/{file}.csv"), separator)
            for file in (one, other, "gt")
        )
        texts = [{row["id"]: row[column] for row in side if row[column]} for side in (left, right)]
        places = [{text: i for i, text in enumerate(dict.fromkeys(s.values()))} for s in texts]
        pairs = {
            (places[0][texts[0][row["D1"]]], places[1][texts[1][row["D2"]]])
            for row in truth
            if row["D1"] in texts[0] and row["D2"] in texts[1]
        }
        yield Task(name, list(places[0]), list(places[1]), pairs)


def restaurants(repository: Path) -> tuple[list[str], set[frozenset[int]]]:
    """Return name, address and city of Fodor's and Zagat's restaurants, and equal pairs."""
    rows = _rows(_git(repository, "data/test/der/restaurantProfiles.csv"), "|")
    pairs = _git(repository, "data/test/der/duplicates.csv").split()
    texts = [f"{row['name']} {row['addr']} {row['city']}" for row in rows]
    place = {row["id"]: i for i, row in enumerate(rows)}
    return texts, {
        frozenset(place[i] for i in pair.split("|"))
        for pair in pairs
        if all(i in place for i in pair.split("|"))
    }
