"""Binary codes against exact products, and what the approximate index proposes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from fuzzydict import FuzzyDict, implementation
from fuzzydict import threads as threads_module
from fuzzydict.index import approximate
from fuzzydict.index.approximate import ApproximateIndex, check_kind
from fuzzydict.index.binary_codes import BinaryCodes
from fuzzydict.model.embedders import load
from fuzzydict.ranking.ranker import Ranker

native = implementation.native
needs_native = pytest.mark.skipif(native is None, reason="the native implementation is missing")
COUNT = 4000
unhurried = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Rows:
    """Entries that are only vectors."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def vectors(self, places):
        return self.rows[places.start : places.stop : places.step]

    def add(self, rows):
        self.rows = np.vstack([self.rows, rows])

    def remove(self, place):
        self.rows = self.rows.copy()
        self.rows[place] = self.rows[-1]
        self.rows = self.rows[:-1]


def clustered(count, dimension=24, seed=0):
    """Return rows of unit length around a few centres, as texts of a few topics are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(60, dimension))
    rows = centres[rng.integers(60, size=count)] + 0.5 * rng.normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def beside(rows, count=100, seed=1):
    """Return queries near some of the rows."""
    rng = np.random.default_rng(seed)
    chosen = rows[rng.integers(len(rows), size=count)]
    return (chosen + 0.05 * rng.normal(size=chosen.shape)).astype(np.float32)


def recall(propose, rows, queries, n):
    """Return the share of the n largest products that are proposed."""
    found = total = 0
    for query in queries:
        products = rows @ query
        limit = np.sort(products)[-n]
        proposed = propose(query)
        assert len(set(proposed.tolist())) == len(proposed)
        assert 0 <= proposed.min() <= proposed.max() < len(rows)
        found += min((products[proposed] >= limit - 1e-6).sum(), n)
        total += n
    return found / total


@pytest.fixture(params=[pytest.param("native", marks=needs_native), "NumPy"])
def each_top_k(request, monkeypatch):
    if request.param == "NumPy":
        monkeypatch.setattr(implementation, "native", None)


@pytest.fixture
def small(monkeypatch, each_top_k):
    """Have 1000 entries be many."""
    monkeypatch.setattr(approximate, "_FEW", 1000)
    monkeypatch.setattr(approximate, "_PROPOSED", 8)
    monkeypatch.setattr(approximate, "_MIN_PROPOSED", 64)


# Binary codes.


@pytest.mark.parametrize("dimension", [2, 24, 200])
def test_the_largest_products_are_among_the_nearest_codes(each_top_k, dimension):
    lengths = np.tile([1.0, 2**0.5, 0.0, 4.0], COUNT // 4)
    rows = (clustered(COUNT, dimension) * lengths[:, None] + 0.5).astype(np.float32)
    codes = BinaryCodes(rows[::7])
    codes.put(0, rows)
    queries = beside(rows, 40)
    assert recall(lambda query: codes.nearest(query, 16 * 12, COUNT), rows, queries, 12) >= 0.9


@pytest.mark.parametrize("count", [1, 31, 32, 33, 500])
def test_no_more_rows_than_there_are_and_no_others_are_found(each_top_k, count):
    rows = clustered(500)
    codes = BinaryCodes(rows)
    codes.put(0, rows)
    for n in (1, count, count + 9):
        found = codes.nearest(rows[0], n, count)
        assert len(found) == min(n, count)
        assert (np.diff(found) > 0).all()
        assert found.max() < count


def test_of_equal_rows_the_earlier_are_found(each_top_k):
    rows = np.ones((300, 5), np.float32)
    codes = BinaryCodes(rows)
    codes.put(0, rows)
    for query in (np.ones(5, np.float32), np.zeros(5, np.float32)):
        assert codes.nearest(query, 7, 300).tolist() == list(range(7))


def test_rows_that_are_not_finite_are_never_found(each_top_k):
    rows = clustered(300, 5)
    codes = BinaryCodes(rows)
    codes.put(0, rows)
    codes.put(7, np.full((1, 5), np.nan, np.float32))
    assert codes.nearest(np.ones(5, np.float32), 299, 300).tolist() == [*range(7), *range(8, 300)]


def test_a_row_can_be_put_and_moved(each_top_k):
    rows = clustered(300)
    codes = BinaryCodes(rows)
    codes.put(0, rows)
    codes.put(5, -rows[7:8])
    codes.move(9, 7)
    (first, second) = codes.nearest(rows[9], 2, 300)
    assert {7, 9} == {first, second}
    assert codes.nearest(-rows[7], 1, 300).tolist() == [5]


def codes_of(seed, count):
    rng = np.random.default_rng(seed)
    rows = rng.normal(1, size=(count, 40)).astype(np.float32)
    rows[rng.integers(count, size=count // 2)] = rows[0]
    codes = BinaryCodes(rows)
    codes.put(0, rows)
    return codes, rng.normal(size=40).astype(np.float32)


@needs_native
@pytest.mark.parametrize("shuffles", [True, False])
@unhurried
@given(
    seed=st.integers(0, 99),
    count=st.integers(1, 700),
    n=st.integers(1, 800),
    threads=st.integers(1, 4),
)
def test_native_code_finds_the_same(shuffles, seed, count, n, threads):
    codes, query = codes_of(seed, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(implementation, "native", None)
        expected = codes.nearest(query, n, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "SHUFFLES", shuffles)
        patch.setattr(threads_module, "_A_THREAD", 1)
        patch.setenv("FUZZYDICT_THREADS", str(threads))
        np.testing.assert_array_equal(codes.nearest(query, n, count), expected)


def test_too_high_a_limit_of_the_sample_is_corrected(each_top_k):
    """The first blocks, which are the sample, have nearly all of the nearest rows."""
    rows = -clustered(3200)
    rows[::128] *= -1  # whole blocks are sampled: here few rows of each are near
    query = rows[0].copy()
    rows[: 32 * 4] = query
    codes = BinaryCodes(rows)
    codes.put(0, rows)
    found = codes.nearest(query, 700, 3200)
    assert len(found) == 700
    assert set(range(128)) <= set(found.tolist())


@needs_native
def test_blocks_that_do_not_fit_are_refused():
    blocks, tables = np.zeros((3, 18, 32), np.uint8), np.zeros((32, 16), np.uint8)
    for arguments in (
        (blocks[:, :17], tables, 1, 0, 96, 5, 0),
        (blocks[:, :, :16], tables, 1, 0, 96, 5, 0),
        (np.zeros((3, 32, 18), np.uint8).swapaxes(1, 2), tables, 1, 0, 96, 5, 0),
        (blocks, tables[:31], 1, 0, 96, 5, 0),
        (blocks, np.zeros((32, 8), np.uint8), 1, 0, 96, 5, 0),
        (blocks, tables + 64, 1, 0, 96, 5, 0),
        (blocks, tables, 1, 0, 97, 5, 0),
        (blocks, tables, 1, 0, -1, 5, 0),
    ):
        with pytest.raises(ValueError, match=r"block|table|count"):
            native.top_k(*arguments)
    for arguments in ((None, tables), (blocks, None)):
        with pytest.raises(TypeError):
            native.top_k(*arguments, 1, 0, 96, 5, 0)
    for n in (0, -1):
        assert [len(found) for found in native.top_k(blocks, tables, 1, 0, 96, n, 0)] == [0, 0]


# The index.


@pytest.mark.parametrize("kind", ["fast", None, 1, ""])
def test_a_kind_that_is_none_is_refused(kind):
    with pytest.raises(ValueError, match='index must be "auto", "exact" or "approximate"'):
        check_kind(kind)
    with pytest.raises(ValueError, match="index must be"):
        ApproximateIndex(Rows(clustered(3)), kind)
    with pytest.raises(ValueError, match="index must be"):
        FuzzyDict(a=1, index=kind)


def test_it_is_used_for_many_entries_or_if_chosen(monkeypatch):
    monkeypatch.setattr(approximate, "_MANY", 20)
    for count in (19, 20):
        rows = Rows(clustered(count))
        used = [ApproximateIndex(rows, kind).is_used for kind in ("auto", "exact", "approximate")]
        assert used == [count == 20, False, True]


def test_it_proposes_nearly_all_of_the_nearest(small):
    rows = clustered(COUNT)
    index = ApproximateIndex(Rows(rows), "approximate")
    assert recall(lambda query: index.propose(query, 12), rows, beside(rows), 12) >= 0.97
    far = np.random.default_rng(5).normal(size=(100, 24)).astype(np.float32)
    assert recall(lambda query: index.propose(query, 12), rows, far, 12) >= 0.97


def test_few_entries_many_candidates_and_odd_queries_are_left_to_exact_search(small):
    rows = clustered(COUNT)
    index = ApproximateIndex(Rows(rows), "approximate")
    assert ApproximateIndex(Rows(rows[:1000]), "approximate").propose(rows[0], 5) is None
    assert ApproximateIndex(Rows(rows), "exact").propose(rows[0], 5) is None
    assert index.propose(rows[0], COUNT) is None
    for bad in (np.nan, np.inf):
        assert index.propose(np.full(24, bad, np.float32), 3) is None
    assert len(index.propose(np.zeros(24, np.float32), 3)) == 64


def test_thousands_of_equal_rows_hide_no_other(small):
    rows = clustered(COUNT)
    rows[::2] = rows[0]
    index = ApproximateIndex(Rows(rows), "approximate")
    for place in range(1, COUNT, 100):
        assert place in index.propose(rows[place], 1)


def test_directions_are_chosen_anew_for_four_times_as_many_entries(small):
    entries = Rows(clustered(COUNT // 2))
    index = ApproximateIndex(entries, "approximate")
    index.propose(entries.rows[0], 1)
    first = index._codes
    others = clustered(2 * COUNT, seed=7)[:, ::-1] * np.float32(3)
    entries.add(others[:1000])
    index.propose(others[0], 1)
    assert index._codes is first
    entries.add(others[1000:])
    assert recall(lambda query: index.propose(query, 5), entries.rows, others[::80], 5) >= 0.97
    assert index._codes is not first


def test_an_interrupted_search_is_continued_by_the_next(small, monkeypatch):
    rows, calls = clustered(COUNT), []

    class Interrupted(Rows):
        def vectors(self, places):
            calls.append(places)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return super().vectors(places)

    monkeypatch.setattr(approximate, "_BATCH", 400)
    index = ApproximateIndex(Interrupted(rows), "approximate")
    with pytest.raises(KeyboardInterrupt):
        index.propose(rows[0], 1)
    assert recall(lambda query: index.propose(query, 1), rows, rows[::40], 1) >= 0.99


class EntriesAndCodes(RuleBasedStateMachine):
    """Entries come and go; the proposals stay near the truth."""

    def __init__(self):
        super().__init__()
        self.entries = Rows(clustered(1200, 16))
        self.index = ApproximateIndex(self.entries, "approximate")
        self.rng = np.random.default_rng(0)

    @rule(seed=st.integers(0, 99), kind=st.sampled_from(["new", "again", "zeros"]))
    def add(self, seed, kind):
        added = clustered(150, 16, seed)
        if kind == "again":
            added = self.entries.rows[:150]
        self.entries.add(added * (kind != "zeros"))

    @precondition(lambda self: len(self.entries) > 1100)
    @rule(share=st.sampled_from([0.02, 0.3]))
    def remove(self, share):
        for _ in range(int(share * len(self.entries))):
            place = int(self.rng.integers(len(self.entries)))
            self.entries.remove(place)
            self.index.remove(place)

    @rule()
    def remove_the_last(self):
        self.entries.remove(len(self.entries) - 1)
        self.index.remove(len(self.entries))

    @rule(seed=st.integers(0, 99))
    def search(self, seed):
        rows = self.entries.rows
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(approximate, "_FEW", 0)
            patch.setattr(approximate, "_PROPOSED", 4)
            patch.setattr(approximate, "_MIN_PROPOSED", 32)
            found = recall(
                lambda query: self.index.propose(query, 4), rows, beside(rows, 25, seed), 4
            )
        assert found >= 0.9


TestEntriesAndCodes = EntriesAndCodes.TestCase
TestEntriesAndCodes.settings = settings(deadline=None, max_examples=10, stateful_step_count=12)


# In a ranker.


@pytest.fixture
def crowd(small, monkeypatch):
    """An exact and an approximate ranker of the same keys."""
    known = [word for word in load("default").table.texts if " " not in word]
    keys = known[1000:6000]
    rankers = [Ranker(load("default"), index=kind) for kind in ("exact", "approximate")]
    for ranker in rankers:
        ranker.entries.add(keys)
    return (*rankers, keys)


def test_results_are_exact_among_the_proposals(crowd):
    exact, approximate, keys = crowd
    assert (exact.index, approximate.index) == ("exact", "approximate")
    queries = [key + "s" for key in keys[::200]]
    for query in queries:
        (one,), (other,) = (ranker.candidates([query]) for ranker in (exact, approximate))
        logits = dict(zip(one.keys, one.logits.tolist(), strict=True))
        assert one.best(1)[0][0] == other.best(1)[0][0]
        shared = [
            (logits[key], logit) for key, logit in zip(*other[:2], strict=True) if key in logits
        ]
        assert len(shared) > 8
        for expected, logit in shared:
            assert logit == pytest.approx(expected, abs=1e-4)
    together = approximate.rank_many(queries, 1)
    for found, expected in zip(together, exact.rank_many(queries, 1), strict=True):
        assert [key for key, _ in found] == [key for key, _ in expected]


def test_the_exact_key_is_scored_though_it_is_not_proposed(crowd):
    _, ranker, keys = crowd
    for place in range(0, len(keys), 400):
        assert ranker.rank(keys[place], 1)[0][0] == keys[place]
    (found,) = ranker.score(["speed"], required=[keys[17]])
    assert keys[17] in map(ranker.table.text, found.places)


def test_removed_keys_are_not_found_and_may_return(crowd):
    _, ranker, keys = crowd
    ranker.rank("speed", 1)
    for key in keys[:1500]:
        ranker.entries.remove(key)
    gone = set(keys[:1500])
    for key in keys[:1500:100]:
        assert gone.isdisjoint(dict(ranker.rank(key, 5)))
    ranker.entries.add(keys[:1])
    assert ranker.rank(keys[0], 1)[0][0] == keys[0]


def test_threads_propose_what_one_proposes(small, monkeypatch):
    rows = clustered(COUNT)
    index = ApproximateIndex(Rows(rows), "approximate")
    queries = beside(rows, 10)
    expected = [index.propose(query, 10) for query in queries]
    monkeypatch.setattr(threads_module, "_A_THREAD", 100)
    monkeypatch.setenv("FUZZYDICT_THREADS", "3")
    for query, places in zip(queries, expected, strict=True):
        np.testing.assert_array_equal(index.propose(query, 10), places)


@pytest.mark.parametrize("kind", ["auto", "exact", "approximate"])
def test_a_dictionary_answers_by_any_index(kind):
    d = FuzzyDict({"color": 1, "top speed": 2}, index=kind)
    assert d["colour"] == 1
    assert d.copy().get("velocity") == 2
