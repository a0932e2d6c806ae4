"""`dedupe` and `match_columns`."""

import numpy as np
import pytest

from fuzzydict import dedupe, match_columns
from fuzzydict.joins.solving import assign

pd = pytest.importorskip("pandas")

NAMES = [
    "Acme Corporation", "Globex Inc.", "ACME Corp.", None, "Globex, Inc.", "Initech", None,
    "Acme Corporation",
]  # fmt: skip


def test_rows_that_mean_the_same_are_in_one_group():
    table = pd.DataFrame({"name": NAMES}, index=list("abcdefgh"))
    found = dedupe(table, "name")
    assert list(found.columns) == ["name", "group", "representative", "score"]
    assert found["group"].tolist() == [0, 1, 0, 2, 1, 3, 4, 0]
    assert found["representative"][2] == "Acme Corporation"  # the most frequent one
    assert pd.isna(found["representative"][3])
    assert found["score"].isna().tolist() == [name is None for name in NAMES]
    assert found["score"].dropna().between(0, 1).all()
    assert found["score"][0] == 1.0
    assert len(found.drop_duplicates("group")) == 5


def test_names_that_are_taken_get_a_number():
    table = pd.DataFrame({"name": ["a"], "group": [7], "score": [8]})
    assert list(dedupe(table, "name").columns)[-3:] == ["group_2", "representative", "score_2"]


def test_columns_that_must_be_equal_separate_groups():
    table = pd.DataFrame({"name": ["colour", "color", "color"], "year": [1, 1, 2]})
    assert dedupe(table, "name", cutoff=0.5)["group"].tolist() == [0, 0, 0]
    assert dedupe(table, "name", exact=["year"], cutoff=0.5)["group"].tolist() == [0, 0, 1]
    assert dedupe(table, "name", cutoff=1.0)["group"].tolist() == [0, 1, 1]


def test_a_chain_of_pairs_merges_no_values_that_differ():
    names = ["alpha beta", "alpha beta gamma", "beta gamma delta", "gamma delta", "delta epsilon"]
    found = dedupe(pd.DataFrame({"name": names}), "name", cutoff=0.05)
    assert found["group"].nunique() > 1
    assert found["group"][0] != found["group"][4]


def test_a_group_may_be_larger_than_the_candidates_of_a_value():
    streets = [f"Grand Hotel Budapest{'!' * i}, Main Street" for i in range(9)]
    found = dedupe(pd.DataFrame({"x": [*streets, "Airport Inn"]}), "x", cutoff=0.01)
    assert found["group"].tolist() == [0] * 9 + [1]
    assert found["representative"][:9].nunique() == 1


def test_values_that_are_no_text_are_grouped_if_equal():
    found = dedupe(pd.DataFrame({"x": [1, 2, 1, None]}), "x")
    assert found["group"].tolist() == [0, 1, 0, 2]
    assert dedupe(pd.DataFrame({"x": []}), "x")["group"].tolist() == []


def test_wrong_columns_and_tables_raise():
    table = pd.DataFrame({"x": ["a"]})
    with pytest.raises(ValueError, match="the given table has no column 'y'"):
        dedupe(table, "y")
    with pytest.raises(TypeError, match=r"must be a table of pandas.* got builtins.list"):
        dedupe(["a"], "x")


# Columns.


def test_each_column_is_matched_once_and_conflicts_are_listed():
    found = match_columns(["cost", "Price", "Name"], ["price", "name", "weight"])
    assert found == {"Price": "price", "Name": "name"}
    assert found.scores.keys() == found.keys()
    assert all(0.5 < score <= 1 for score in found.scores.values())
    assert [pair[:2] for pair in found.conflicts] == [("cost", "price")]
    assert (found.unmatched_left, found.unmatched_right) == (["cost"], ["weight"])


def test_equal_names_come_first():
    found = match_columns(["cost", "price"], ["price", "prices"], cutoff=0.1)
    assert found["price"] == "price"
    assert match_columns([0, 1, "colour"], [1, "color"]) == {1: 1, "colour": "color"}
    assert match_columns(["colour"], ["color"], cutoff=1.0) == {}
    assert match_columns([], []) == {}


def test_columns_of_tables_are_renamed():
    table = pd.DataFrame({"CustName": ["Ana"], "total_cost": [1], "x": [2]})
    found = match_columns(table, pd.DataFrame(columns=["customer name", "total price"]))
    assert list(table.rename(columns=found)) == ["customer name", "total price", "x"]


def test_a_single_name_raises():
    for wrong in ("name", 3):
        with pytest.raises(TypeError, match="the right argument must be a table or names"):
            match_columns(["a"], wrong)


def test_an_assignment_has_the_highest_sum():
    rng = np.random.default_rng(0)
    for _ in range(50):
        table = rng.random((4, 4)) * (rng.random((4, 4)) < 0.7)
        one, other = np.nonzero(table)
        chosen = assign(one, other, table[one, other])
        assert len(set(one[chosen])) == len(set(other[chosen])) == len(chosen)
        assert table[one, other][chosen].sum() >= _best(table) - 4e-4


def _best(table):
    """Return the highest sum of an assignment by trying all."""
    if not len(table):
        return 0.0
    rest = table[1:]
    options = [_best(rest)]
    for j in np.flatnonzero(table[0]):
        options.append(table[0, j] + _best(np.where(np.arange(table.shape[1]) == j, 0, rest)))
    return max(options)
