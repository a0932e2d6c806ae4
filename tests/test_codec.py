"""Values as JSON: all that goes in comes back as it was, and the rest is refused."""

import datetime
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fuzzydict.storage.codec import dumps, loads

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
dtypes = (
    arrays.scalar_dtypes()
    | arrays.unicode_string_dtypes()
    | arrays.byte_string_dtypes()
    | arrays.boolean_dtypes()
)


def same(one, other):
    """Are they equal, of the same types, NaN included?"""
    if type(one) is not type(other):
        return False
    if isinstance(one, (np.ndarray, np.generic)):
        return (
            one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return repr(one) == repr(other)


@given(plain)
def test_what_json_holds_comes_back(value):
    assert same(loads(dumps(value)), value)


@given(dtypes.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_side=0))))
def test_arrays_come_back_of_any_dtype_and_shape(value):
    found = loads(dumps({"value": [value]}))["value"][0]
    assert same(found, value)
    assert found.flags.writeable


@pytest.mark.parametrize(
    "value",
    [np.float32(1.5), np.int64(-3), np.bool_(True), np.datetime64("2020-02-03"), np.str_("a")],
)
def test_numbers_of_numpy_come_back_as_such(value):
    assert same(loads(dumps(value)), value)


@pytest.mark.parametrize("value", [{"$fuzzydict": "dict"}, {"$fuzzydict": {"$fuzzydict": 1}}])
def test_a_dict_that_looks_like_an_array_comes_back_as_the_dict(value):
    assert loads(dumps(value)) == value


def test_big_endian_arrays_keep_their_order():
    assert same(loads(dumps(np.arange(3, dtype=">i4"))), np.arange(3, dtype=">i4"))


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: 2},
        {"a": {None: 1}},
        [datetime.date(2020, 1, 1)],
        {"a", "b"},
        b"bytes",
        1j,
        np.array([None]),
        np.zeros(2, "i4,i4"),
        np.ma.masked_array([1, 2], [True, False]),
        type("Text", (str,), {})("text"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(value):
    with pytest.raises(TypeError, match=r"not JSON data|must be text|not supported"):
        dumps(value)


def test_what_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="too deeply"):
        dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 1_000_000,
        "nothing",
        '{"$fuzzydict": 3}',
        '{"$fuzzydict": "O", "data": "", "shape": [0]}',
        '{"$fuzzydict": "<f4"}',
        '{"$fuzzydict": "<f4", "data": "AAAA", "shape": [1]}',
        '{"$fuzzydict": "<f4", "data": "AAAAAA==", "shape": [2]}',
        '{"$fuzzydict": "<f4", "data": "*", "shape": [0]}',
        '{"$fuzzydict": "<f4", "data": "", "shape": [0, 99999999999999999999]}',
        '{"$fuzzydict": "<U999999999", "data": "", "shape": [0]}',
        '{"$fuzzydict": "dict", "items": [[[1], 2]]}',
        '{"$fuzzydict": "dict", "items": 1}',
        '{"$fuzzydict": "dict"}',
        "9" * 10_000,
    ],
)
def test_a_text_that_was_not_written_here_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  the messages are json's and NumPy's
        loads(text)


def test_the_text_is_json_in_ascii():
    text = dumps({"é\ud800": np.array([1.5])})
    assert text.isascii()
    assert list(json.loads(text)) == ["é\ud800"]
