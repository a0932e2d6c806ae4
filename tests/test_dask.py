"""Dictionaries in Dask: on four processes, with the result that pandas gives."""

import pickle
import warnings

import pandas as pd
import pytest

from fuzzydict import FuzzyDict, join

pytest.importorskip("dask.dataframe", reason="Dask is not installed")
distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")

KEYS = [f"{color} {thing}" for color in ("red", "green", "purple") for thing in ("house", "candle")]
ROWS = pd.DataFrame({"x": [f"{key[:-2]}{key[-1]}{key[-2]}" for key in KEYS] * 50 + ["nothing"]})


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own
        with (
            distributed.LocalCluster(
                n_workers=4, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.fixture
def table(client):
    import dask.dataframe as dd

    return dd.from_pandas(ROWS, npartitions=6)


pytestmark = pytest.mark.filterwarnings("default")


def test_a_column_is_mapped_as_by_pandas(table):
    d = FuzzyDict({key: i for i, key in enumerate(KEYS)})
    found = table["x"].map(d.get, meta=("x", float)).compute()
    expected = ROWS["x"].map(d.get).astype(float)
    pd.testing.assert_series_equal(found.astype(float), expected)


def test_tables_are_joined_as_by_pandas(table):
    right = pd.DataFrame({"name": KEYS, "n": range(len(KEYS))})
    for how in ("left", "inner"):
        found = join(table, right, left_on="x", right_on="name", how=how).compute()
        expected = join(ROWS, right, left_on="x", right_on="name", how=how)
        found = found.reset_index(drop=True).astype(expected.dtypes)  # Dask's text is of Arrow
        pd.testing.assert_frame_equal(found, expected)


def test_a_join_that_needs_the_whole_left_table_is_refused(table):
    with pytest.raises(ValueError, match="left or inner"):
        join(table, pd.DataFrame({"x": KEYS}), on="x", how="outer")


def test_a_saved_dictionary_pickles_small(tmp_path):
    d = FuzzyDict.fromkeys(f"key number {i}" for i in range(10_000))
    d.save(tmp_path / "d")
    keys = len(pickle.dumps(dict(d)))
    assert len(pickle.dumps(d)) < keys + 1000
