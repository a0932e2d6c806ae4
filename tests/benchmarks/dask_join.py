"""A fuzzy join of a large table by Dask, against the same join by pandas in one process.

    python tests/benchmarks/dask_join.py [--rows N] [--values N] [--keys N] [--processes N]

Ten million rows, of a few hundred thousand misspelled values that differ, few of them in most rows,
are joined to a table of 10,000 keys: files are read, joined and written, by pandas in this process
and by Dask on a cluster of processes on this machine. Checks that both give the same table, and
prints what each took. BLAS runs on one thread in either.
"""

import argparse
import pickle
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from speed_texts import Texts
from threadpoolctl import threadpool_limits

from fuzzydict import FuzzyDict, join

EXACT = 0.3  # of the values that differ are keys themselves, as far as there are so many
# Of each other are the scores of a value that is looked up among others: the rounding of a matrix
# product may decide which key is the last that is scored.
WITHIN = 0.01


def tables(rows: int, values: int, keys: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the large table and the one of the keys; the rank of a value rules how often it is."""
    texts = Texts.load(seed)
    names = texts.keys(keys)
    exact = names[: int(EXACT * values)]
    written = [*exact, *islice(texts.misspelled(names, set(names)), values - len(exact))]
    rng = np.random.default_rng(seed)
    shares = 1 / (10 + rng.permutation(values))
    places = rng.choice(values, rows, p=shares / shares.sum())
    left = pd.DataFrame({"name": np.array(written, object)[places], "row": np.arange(rows)})
    return left, pd.DataFrame({"name": names, "price": rng.integers(1, 1000, keys)})


def write(table: pd.DataFrame, folder: Path, parts: int) -> None:
    """Write a table to a folder of so many files."""
    folder.mkdir()
    size = -(-len(table) // parts)
    for i in range(parts):
        part = table.iloc[i * size : (i + 1) * size]
        part.to_parquet(folder / f"part.{i:05}.parquet", index=False)


def read(folder: Path) -> pd.DataFrame:
    """Return the table of a folder, its files in the order of their numbers."""
    files = sorted(folder.glob("*.parquet"), key=lambda path: int(path.name.split(".")[1]))
    return pd.concat([pd.read_parquet(path) for path in files], ignore_index=True)


def by_pandas(source: Path, right: pd.DataFrame, target: Path) -> float:
    """Read, join and write in this process; return the seconds."""
    start = time.perf_counter()
    with threadpool_limits(1):  # as Dask's processes have
        write(join(read(source), right, on="name"), target, 1)
    return time.perf_counter() - start


def by_dask(source: Path, right: pd.DataFrame, target: Path) -> float:
    """Read, join and write on the cluster that there is; return the seconds."""
    import dask.dataframe as dd

    start = time.perf_counter()
    join(dd.read_parquet(source), right, on="name").to_parquet(target, write_index=False)
    return time.perf_counter() - start


def differing(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that differ, side by side; a score may by its rounding."""
    if len(one) != len(other) or list(one) != list(other):
        raise SystemExit(f"{len(one)} rows of {list(one)}, {len(other)} of {list(other)}")
    same = np.ones(len(one), bool)
    for name in one:
        missing = one[name].isna().to_numpy(), other[name].isna().to_numpy()
        equal: Any = one[name] == other[name]
        if name == "score":
            equal = (one[name] - other[name]).abs() < WITHIN
        same &= (equal.fillna(False).to_numpy(bool) & ~missing[0] & ~missing[1]) | (
            missing[0] & missing[1]
        )
    return one[~same].join(other[~same].add_suffix(" of Dask"))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 0 where both tables are the same, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    for name, default in (
        ("rows", 10_000_000),
        ("values", 300_000),
        ("keys", 10_000),
        ("parts", 40),
        ("processes", 4),
        ("seed", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args(arguments)
    from distributed import Client, LocalCluster

    left, right = tables(asked.rows, asked.values, asked.keys, asked.seed)
    size = len(pickle.dumps(FuzzyDict(dict.fromkeys(right["name"], 0))))
    print(
        f"{len(left):,} rows of {left['name'].nunique():,} values, {len(right):,} keys; "
        f"the dictionary pickles to {size / 1e3:.0f} kB",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as name:
        source, targets = Path(name, "left"), (Path(name, "pandas"), Path(name, "dask"))
        write(left, source, asked.parts)
        del left
        with (
            LocalCluster(
                n_workers=asked.processes, threads_per_worker=1, dashboard_address=":0"
            ) as cluster,
            Client(cluster),
        ):
            parallel = by_dask(source, right, targets[1])
        print(f"Dask, {asked.processes} processes: {parallel:.1f} s", flush=True)
        single = by_pandas(source, right, targets[0])
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"pandas, one process: {single:.1f} s, at most {most:.1f} GB")
        print(f"{single / parallel:.1f} times as fast")
        one, other = (read(target) for target in targets)
        wrong = differing(one, other)
        print(
            f"{one['score'].notna().mean():.1%} of the rows have a partner; {len(wrong):,} differ"
        )
        if len(wrong):
            print(wrong.drop_duplicates("name").head(9).to_string())
    return int(len(wrong) > 0)


if __name__ == "__main__":
    sys.exit(main())
