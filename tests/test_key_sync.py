"""A ranker follows the keys of a dict."""

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.key_sync import CACHE_SIZE, KeySync
from fuzzydict.model.embedders import as_embedder
from fuzzydict.ranking.ranker import Ranker


@pytest.fixture
def sync(counting):
    """Return a `KeySync` without keys."""
    return KeySync(Ranker(as_embedder(counting)))


def remove(sync, items, key):
    sync.record_removal(key, len(items))
    del items[key]


def check_update(sync, items):
    """Update and assert that the ranker has the text keys."""
    sync.update(items)
    assert sync.is_current(len(items))
    assert sorted(sync.ranker.entries.keys()) == sorted(k for k in items if isinstance(k, str))
    sync.check(items)


def test_only_new_text_keys_are_embedded(sync, counting):
    items = dict.fromkeys(["color", 1, "price"])
    check_update(sync, items)
    assert counting.texts == ["color", "price"]
    items |= dict.fromkeys([("size",), "weight", "color"])
    assert not sync.is_current(len(items))
    check_update(sync, items)
    assert counting.texts == ["color", "price", "weight"]


def test_recorded_removals_are_removed(sync, counting):
    items = dict.fromkeys(["color", "price", "size"])
    check_update(sync, items)
    remove(sync, items, "price")
    items["weight"] = 1  # as many keys as before
    assert not sync.is_current(len(items))
    check_update(sync, items)
    remove(sync, items, "color")
    items["color"] = 1
    check_update(sync, items)
    assert counting.texts == ["color", "price", "size", "weight"]


def test_a_removal_that_was_not_recorded_is_found(sync):
    items = dict.fromkeys(["color", "price", "size"])
    check_update(sync, items)
    del items["color"], items["price"]
    check_update(sync, items)


def test_all_keys_can_be_compared(sync):
    items = dict.fromkeys(["color", "price"])
    check_update(sync, items)
    del items["color"]
    items["weight"] = 1
    assert sync.is_current(len(items))  # the removal was not recorded
    sync.compare_all()
    assert not sync.is_current(len(items))
    check_update(sync, items)


def test_a_ranker_that_has_keys_already_is_compared(sync):
    sync.ranker.entries.add(["color", "price"])
    check_update(KeySync(sync.ranker), {"color": 1, "weight": 2})


def test_changes_of_the_keys_empty_the_cache(sync):
    items = {"color": 1}
    check_update(sync, items)
    sync.cache["colour"] = [("color", 0.9)]
    items[8] = 2
    check_update(sync, items)
    assert sync.cache
    items["price"] = 2
    check_update(sync, items)
    assert not sync.cache
    sync.cache["colour"] = [("color", 0.9)]
    remove(sync, items, "color")
    check_update(sync, items)
    assert not sync.cache


def test_recorded_removals_are_bounded(sync):
    items = dict.fromkeys(map(str, range(3000)))
    check_update(sync, items)
    recorded = 0
    while sync.size >= 0:
        assert len(sync.removed) == recorded <= len(items) + CACHE_SIZE
        sync.check(items)
        remove(sync, items, next(iter(items)))
        recorded += 1
    assert sync.removed == []  # too many: the next update compares all keys
    remove(sync, items, next(iter(items)))
    assert sync.removed == []
    check_update(sync, items)


def test_a_dictionary_without_a_ranker_records_no_removal():
    d = FuzzyDict(color="red", price=1)
    del d["color"]
    assert d._sync is None
    assert d["prices"] == 1
    assert d._sync.removed == []


def test_the_cache_of_a_cleared_dictionary_is_not_used(letters):
    d = FuzzyDict(color="red", embedder=letters)
    assert d["colour"] == "red"
    sync = d._sync
    d.clear()
    d["price"] = 1  # as many keys as before, for a thread that has still the old cache
    assert not sync.is_current(len(d))
    assert "colour" not in d


def test_the_check_finds_a_mistake(sync):
    items = {"color": 1, "price": 2}
    check_update(sync, items)
    sync.cache = dict.fromkeys(range(CACHE_SIZE), ())
    sync.check(items)
    for cache in (dict.fromkeys(range(CACHE_SIZE + 1), ()), {"colour": [("no key", 1.0)]}):
        sync.cache = cache
        with pytest.raises(AssertionError):
            sync.check(items)
    sync.cache = {}
    sync.removed = [None] * (len(items) + CACHE_SIZE)
    sync.check(items)
    sync.removed = [None] * (len(items) + CACHE_SIZE + 1)
    with pytest.raises(AssertionError):
        sync.check(items)
