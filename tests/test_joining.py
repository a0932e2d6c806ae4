"""Joins of tables, and dictionaries in pandas' own methods."""

import subprocess
import sys

import numpy as np
import pytest

import fuzzydict
from fuzzydict import FuzzyDict, NoMatchError
from fuzzydict.joining import join

pd = pytest.importorskip("pandas")

LEFT = pd.DataFrame({"name": ["colour", "velocity", None, "price", "zzz"], "v": range(5)})
RIGHT = pd.DataFrame({"name": ["color", "top speed", "weight", "color", None], "w": list("abcde")})


def pairs(table):
    """Return the rows as (v, w), None for what is missing."""
    both = table[["v", "w"]].astype(object)
    return sorted(map(tuple, both.where(both.notna(), None).to_numpy().tolist()), key=repr)


MATCHED = [(0, "a"), (0, "d"), (1, "b")]
ALONE_LEFT = [(2, None), (3, None), (4, None)]
ALONE_RIGHT = [(None, "c"), (None, "e")]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", MATCHED),
        ("left", MATCHED + ALONE_LEFT),
        ("right", MATCHED + ALONE_RIGHT),
        ("outer", MATCHED + ALONE_LEFT + ALONE_RIGHT),
    ],
)
def test_each_way_to_join_keeps_the_rows_that_it_says(how, expected):
    joined = join(LEFT, RIGHT, on="name", how=how)
    assert pairs(joined) == sorted(expected, key=repr)
    assert list(joined.columns) == ["name", "v", "name_right", "w", "score"]
    assert joined["score"].notna().sum() == 3
    assert joined["score"].dropna().between(0.5, 1).all()


def test_a_left_join_keeps_the_order_of_the_left_table():
    assert join(LEFT, RIGHT, on="name")["v"].tolist() == [0, 0, 1, 2, 3, 4]


def test_the_tables_are_as_they_were():
    left, right = LEFT.copy(), RIGHT.copy()
    join(left, right, on="name", how="outer")
    pd.testing.assert_frame_equal(left, LEFT)
    pd.testing.assert_frame_equal(right, RIGHT)


def test_columns_may_have_other_names_and_other_types():
    left = pd.DataFrame({1: ["colour", 7, np.nan]})
    right = pd.DataFrame({0: ["color", 7.0], "x": [1, 2]}, dtype=object)
    joined = join(left, right, left_on=1, right_on=0, score="p")
    assert joined["x"].tolist()[:2] == [1, 2]
    assert joined["p"].iloc[1] == 1.0
    assert pd.isna(joined["p"].iloc[2])


def test_empty_tables_can_be_joined():
    assert len(join(LEFT.iloc[:0], RIGHT, on="name")) == 0
    assert join(LEFT, RIGHT.iloc[:0], on="name")["score"].isna().all()
    assert list(join(LEFT.iloc[:0], RIGHT.iloc[:0], on="name", how="outer").columns)[-1] == "score"


def test_options_are_those_of_the_dictionary():
    assert join(LEFT, RIGHT, on="name", cutoff=1.0, how="inner").empty
    strict = join(LEFT, RIGHT, on="name", embedder="brown", how="inner")
    assert "color" in strict["name_right"].tolist()


def test_suffixes_and_the_name_of_the_score_are_those_given():
    joined = join(LEFT, RIGHT, on="name", suffixes=("_l", "_r"), score="p")
    assert list(joined.columns) == ["name_l", "v", "name_r", "w", "p"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on": "name", "how": "cross"}, "a join is one of"),
        ({"on": "missing"}, "left table has no column 'missing'"),
        ({"left_on": "name"}, "right table has no column None"),
        ({"on": "name", "score": "v"}, "left table has a column 'v'"),
        ({"on": "name", "score": "w"}, "right table has a column 'w'"),
    ],
)
def test_bad_use_is_told(options, message):
    with pytest.raises(ValueError, match=message):
        join(LEFT, RIGHT, **options)


def test_join_is_a_name_of_the_package_and_pandas_is_loaded_by_it_alone():
    assert fuzzydict.join is join
    with pytest.raises(AttributeError, match="nothing"):
        fuzzydict.nothing  # noqa: B018
    program = "import sys, fuzzydict; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


# pandas' own methods.


def test_a_series_is_mapped_and_a_value_without_a_match_raises():
    d = FuzzyDict({"color": 1, "top speed": 2})
    assert pd.Series(["colour", "velocity"]).map(d).tolist() == [1, 2]
    with pytest.raises(NoMatchError):
        pd.Series(["colour", "parliament"]).map(d)
    found = pd.Series(["colour", "parliament", None]).map(d.get)
    assert found.iloc[0] == 1
    assert found.iloc[1:].isna().all()


def test_columns_are_renamed_and_those_without_a_match_keep_their_names():
    names = FuzzyDict({"color": "colour_id", "price": "price_eur"})
    table = pd.DataFrame({"Colour": [1], "prices": [2], "parliament": [3]})
    assert list(table.rename(columns=names)) == ["colour_id", "price_eur", "parliament"]


def test_the_columns_of_two_spreadsheets_are_matched():
    mine = pd.DataFrame(columns=["customer name", "phone", "total price"])
    theirs = pd.DataFrame([["Ana", "1", 2]], columns=["CustName", "PhoneNumber", "total_cost"])
    names = FuzzyDict({name: name for name in mine.columns})
    assert list(theirs.rename(columns=names)) == list(mine.columns)
