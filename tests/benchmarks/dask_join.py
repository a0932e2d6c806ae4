"""How much faster a join is on several processes: many rows against few keys, with Dask.

    python tests/benchmarks/dask_join.py [--rows N] [--keys N] [--values N] [--workers N]

The rows hold misspelled keys, so many of them different. Prints the seconds of a join by pandas in
one process and by Dask on a cluster of processes on this machine, and whether they give the same.
"""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from speed import Texts, misspelled

from fuzzydict import join


def tables(rows: int, keys: int, values: int, seed: int = 0) -> tuple[Any, Any]:
    """Return a table of so many rows, of so many different values, and one of the keys."""
    import pandas

    rng = random.Random(seed)
    names = Texts(seed, []).keys(keys)
    wrong: dict[str, None] = {}
    while len(wrong) < values:
        wrong[misspelled(rng.choice(names), rng)] = None
    column = np.array(list(wrong), object)[np.random.default_rng(seed).integers(values, size=rows)]
    left = pandas.DataFrame({"name": column, "row": np.arange(rows)})
    return left, pandas.DataFrame({"key": names, "number": np.arange(keys)})


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--values", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    left, right = tables(options.rows, options.keys, options.values)
    columns: dict[str, Any] = {"left_on": "name", "right_on": "key"}

    import dask
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    dask.config.set({"dataframe.convert-string": False})
    with (
        LocalCluster(
            n_workers=options.workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster),
    ):
        table = dd.from_pandas(left, npartitions=8 * options.workers)
        start = time.perf_counter()
        several = join(table, right, **columns)[["row", "number", "score"]].compute()
        parallel = time.perf_counter() - start
    start = time.perf_counter()
    one = join(left, right, **columns)[["row", "number", "score"]]
    alone = time.perf_counter() - start
    same = several.reset_index(drop=True).equals(one)
    print(
        f"{options.rows:,} rows of {options.values:,} values, {options.keys:,} keys: "
        f"one process {alone:.1f} s, {options.workers} processes {parallel:.1f} s, "
        f"{alone / parallel:.2f} times as fast; the same result: {same}"
    )


if __name__ == "__main__":
    main()
