"""Tables of the join benchmark: read in place, none is part of the project."""

import csv
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Task", "autofj", "companies", "leipzig", "restaurants"]

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


HOME = ("LSE", "PAR", "AMS", "MIL", "STO", "MCE", "EBS", "OSL", "CPH", "HEL", "BRU", "VIE")
REGIONAL = ("MUN", "DUS", "HAM", "BER")
LEGAL_FORM = re.compile(
    r"[,\s]+(inc|corp|corporation|company|co|plc|se|ag|s\.?a|n\.?v|asa|ab|ltd|limited|oyj|a/s|s\.p\.a"
    r"|group|holdings?|hldgs|class [ab]|\(publ\)|o\.n|intl|incorporated|sponsored adr"
    r"|depositary receipts)\b\.?",
    re.IGNORECASE,
)
FACE_VALUE = re.compile(
    r"\s+(LS|DL|EO|YC|NK|DK|SF|SK|YN|HD|O\.N\.|CD|IR|TN|RC|ZY|LI|CN|A\$|AD|NA|INH).*$"
)


def companies(repository: Path) -> Task:
    """Return listings at German regional exchanges, and large companies of European ones.

    From a clone of JerBouma/FinanceDatabase. One listing in ten has a partner: the company with the
    same ISIN, or with the same name without its legal form. Keys have no legal forms, and queries
    no face values ("DL-,01").
    """

    def listings(exchanges: tuple[str, ...]) -> list[dict[str, str]]:
        files = (_git(repository, f"database/equities/{each}.csv") for each in exchanges)
        rows = [row for file in files for row in csv.DictReader(file.splitlines(keepends=True))]
        return [row for row in rows if row["isin"] and row["name"]]

    def core(name: str) -> str:
        return re.sub(r"[^a-z0-9]", "", LEGAL_FORM.sub("", name).lower())

    keys: dict[str, int] = {}
    by_isin: dict[str, int] = {}
    for row in listings(HOME):
        if row["market_cap"] in ("Large Cap", "Mega Cap"):
            name = LEGAL_FORM.sub("", row["name"]).strip(" ,.") or row["name"]
            by_isin.setdefault(row["isin"], keys.setdefault(name, len(keys)))
    by_core: dict[str, list[int]] = defaultdict(list)
    for name, place in keys.items():
        by_core[core(name)].append(place)
    queries: dict[str, int] = {}
    pairs = set()
    for row in listings(REGIONAL):
        name = FACE_VALUE.sub("", row["name"])
        query = queries.setdefault(name, len(queries))
        if row["isin"] in by_isin:
            pairs.add((query, by_isin[row["isin"]]))
        pairs.update((query, key) for key in by_core.get(core(name), ()))
    return Task("companies", list(queries), list(keys), pairs)


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
