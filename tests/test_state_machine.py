"""Random writes, copies, lessons and reads, against a plain dict that is told the same."""

import copy
import os
import pickle
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from fuzzydict import FuzzyDict, NoMatchError
from fuzzydict.learning import fit as fitting

# Many are near one another, so that a fuzzy read or write would take one for another.
TEXTS = st.one_of(
    st.sampled_from(
        [
            *("color", "colour", "Color", "colors", "COLOR", "top speed", "topSpeed", "top_speed"),
            *("price", "prices", "Q1 revenue", "Q2 revenue", "turn on", "turn off", "size"),
            *("", " ", "?", "😀", "\ud800", "max connections", "maxConnections", "ｃｏｌｏｒ"),
        ]
    ),
    st.text("abcC _1", max_size=4),
)
OTHERS = st.sampled_from([None, 0, 1, True, 2.0, (), ("color",), b"color", frozenset()])
KEYS = st.one_of(TEXTS, TEXTS, OTHERS)
VALUES = st.integers()
ITEMS = st.dictionaries(KEYS, VALUES, max_size=5)
MISSING = object()


def outcome(call, d):
    """Return what the call returns, or the type of what it raises and what that says."""
    try:
        return call(d)
    except KeyError as error:
        return type(error), error.args


class FuzzyAgainstPlain(RuleBasedStateMachine):
    @initialize(items=ITEMS, cutoff=st.sampled_from([None, None, 0.0, 0.3, 1.0]))
    def begin(self, items, cutoff):
        self.fuzzy, self.plain = FuzzyDict(items, cutoff=cutoff), dict(items)
        self.corrections = {}

    @invariant()
    def the_views_are_those_of_the_plain_dict(self):
        assert self.fuzzy == self.plain
        assert list(self.fuzzy.items()) == list(self.plain.items())
        assert len(self.fuzzy) == len(self.plain)
        assert repr(self.fuzzy) == repr(self.plain)
        assert self.fuzzy.corrections == self.corrections
        self.fuzzy._check()

    def both(self, call):
        """Do the same to both; both return equal values or raise the same error."""
        assert outcome(call, self.fuzzy) == outcome(call, self.plain)

    @rule(key=KEYS, value=VALUES)
    def set_item(self, key, value):
        self.both(lambda d: d.__setitem__(key, value))

    @rule(key=KEYS)
    def delete(self, key):
        self.both(lambda d: d.__delitem__(key))

    @rule(key=KEYS)
    def pop(self, key):
        self.both(lambda d: d.pop(key))

    @rule(key=KEYS, value=VALUES)
    def pop_with_default(self, key, value):
        self.both(lambda d: d.pop(key, value))

    @rule()
    def popitem(self):
        self.both(lambda d: d.popitem())

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key, value):
        self.both(lambda d: d.setdefault(key, value))

    @rule(items=ITEMS, pairs=st.booleans())
    def update(self, items, pairs):
        self.both(lambda d: d.update(items.items() if pairs else items))

    @rule(items=ITEMS)
    def update_in_place(self, items):
        self.fuzzy |= items
        self.plain |= items

    @rule()
    def clear(self):
        self.both(lambda d: d.clear())

    @rule(
        how=st.sampled_from(
            [FuzzyDict.copy, copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))]
        )
    )
    def go_on_with_a_copy(self, how):
        left_behind = self.fuzzy
        self.fuzzy = how(left_behind)
        left_behind["left behind"] = 1
        left_behind.get("Left Behind")

    @rule(items=ITEMS, of_the_class=st.booleans())
    def union(self, items, of_the_class):
        self.fuzzy = self.fuzzy | (FuzzyDict(items) if of_the_class else items)
        self.plain = self.plain | items

    @rule(items=ITEMS)
    def union_from_the_left(self, items):
        self.fuzzy = items | self.fuzzy
        self.plain = items | self.plain

    @rule(keys=st.lists(KEYS, max_size=4), value=VALUES)
    def fromkeys(self, keys, value):
        self.fuzzy, self.plain = FuzzyDict.fromkeys(keys, value), dict.fromkeys(keys, value)
        self.corrections = {}

    @rule(cutoff=st.sampled_from([None, 0.0, 0.3, 0.9, 1.0]))
    def set_the_cutoff(self, cutoff):
        self.fuzzy.cutoff = cutoff

    @rule(query=KEYS)
    def read(self, query):
        got, match = self.fuzzy.get(query, MISSING), self.fuzzy.match(query)
        assert (query in self.fuzzy) is (got is not MISSING) is (match is not None)
        if got is MISSING:
            assert query not in self.plain
            with pytest.raises(NoMatchError) as caught:
                self.fuzzy[query]
            assert all(close.key in self.plain for close in caught.value.matches)
        else:
            assert self.fuzzy[query] == got == match.value
            assert self.plain[match.key] == got
            assert (match.key == query) is (query in self.plain)
            assert isinstance(query, str) or query in self.plain

    @rule(query=KEYS, n=st.integers(1, 10))
    def read_many(self, query, n):
        matches = self.fuzzy.matches(query, n, cutoff=0.0)
        assert len(matches) <= n
        assert [match.value for match in matches] == [self.plain[match.key] for match in matches]
        assert (query in self.plain) is any(match.key == query for match in matches)
        scores = [match.score for match in matches]
        assert scores == sorted(scores, reverse=True)

    @rule()
    def read_every_key(self):
        for key, value in self.plain.items():
            assert self.fuzzy[key] == self.fuzzy.get(key) == value
            assert key in self.fuzzy
        "anything else" in self.fuzzy  # noqa: B015
        if self.fuzzy and self.fuzzy._cutoff != 1.0:
            assert self.fuzzy._sync.is_current(len(self.fuzzy))

    @rule(queries=st.lists(KEYS, max_size=5))
    def read_at_once(self, queries):
        assert self.fuzzy.get_many(queries, MISSING) == [
            self.fuzzy.get(query, MISSING) for query in queries
        ]
        found = self.fuzzy.match_many(queries)
        assert [match and match.key for match in found] == [
            match and match.key for match in map(self.fuzzy.match, queries)
        ]

    @rule(query=KEYS)
    def attend(self, query):
        (answer,) = self.fuzzy.attend([query], null_key=True)  # a tuple would be many queries
        assert set(answer.weights) <= set(self.plain)
        assert abs(sum(answer.weights.values()) + answer.no_match - 1) < 1e-5
        if query in self.plain and self.fuzzy.cutoff != 1:
            assert answer.best == query

    @rule(query=KEYS, data=st.data())
    def learn(self, query, data):
        key = data.draw(st.one_of(st.none(), KEYS, *self.some_key()))
        wrong = not isinstance(query, str) or not (key is None or isinstance(key, str))
        wrong |= key is not None and key not in self.plain
        wrong |= key != query and query in self.plain
        if wrong:
            with pytest.raises(ValueError, match=r"pair|itself"):
                self.fuzzy.learn(query, key)
            return
        self.fuzzy.learn(query, key)
        self.corrections[query] = key

    def some_key(self):
        return [st.sampled_from(list(self.plain))] if self.plain else []

    @rule(data=st.data())
    def unlearn(self, data):
        query = data.draw(st.one_of(KEYS, st.sampled_from([*self.corrections, "nothing"])))
        if query in self.corrections:
            self.fuzzy.unlearn(query)
            del self.corrections[query]
        else:
            with pytest.raises(KeyError):
                self.fuzzy.unlearn(query)

    @rule()
    def ask_what_was_corrected(self):
        if self.fuzzy._cutoff == 1:
            return
        for query, key in self.corrections.items():
            found = self.fuzzy.match(query)
            if query in self.plain:
                assert found.key == query
            elif key is None:
                assert found is None or self.fuzzy.cutoff == 0
            elif key in self.plain:
                assert found.key == key

    @precondition(lambda self: len(self.plain) > 1)
    @rule(data=st.data())
    def calibrate(self, data):
        texts = [key for key in self.plain if isinstance(key, str)]
        if texts and self.fuzzy._learned.projection is None:
            key = data.draw(st.sampled_from(texts))
            self.fuzzy.calibrate([("the one that is meant", key), ("the other", None)])

    @precondition(lambda self: len(self.plain) > 1)
    @rule(data=st.data(), seed=st.integers(0, 3))
    def fit(self, data, seed):
        texts = [key for key in self.plain if isinstance(key, str)]
        if texts and data.draw(st.integers(0, 9)) == 0:  # it takes as long as many other steps
            keys = data.draw(st.lists(st.sampled_from(texts), min_size=2, max_size=4))
            self.fuzzy.fit([(f"lesson {i}", key) for i, key in enumerate(keys)], seed=seed)

    @rule()
    def unfit(self):
        self.fuzzy.unfit()

    @rule(leave_the_file=st.booleans())
    def save_and_load(self, leave_the_file):
        savable = not any(isinstance(key, (bytes, frozenset)) for key in self.plain)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "d"
            if not savable:
                with pytest.raises(TypeError, match="cannot be saved"):
                    self.fuzzy.save(path)
                return
            queries = ["Colour", "topspeed", "Q3 revenue"]
            before = [self.scores(query) for query in queries]
            self.fuzzy.save(path)
            if leave_the_file:
                self.fuzzy = pickle.loads(pickle.dumps(self.fuzzy))
            else:
                self.fuzzy = FuzzyDict.load(path)
            for query, scores in zip(queries, before, strict=True):
                # Entries of one row may stand in another order, and their products be rounded so.
                assert self.scores(query) == pytest.approx(scores, abs=1e-6)

    def scores(self, query):
        return {match.key: match.score for match in self.fuzzy.matches(query, cutoff=0.0, n=50)}


@pytest.fixture(autouse=True, scope="module")
def hasty_fits():
    """Let a fit be over soon, and keep what it learned of so few pairs, where that is anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_STEPS", 45)
        patch.setattr(fitting, "_MIN_GAIN", -1e6)
        patch.setattr(fitting, "_LEAST_GAIN", -1e6)
        yield


STEPS = int(os.environ.get("FUZZYDICT_STEPS", "4000"))
FuzzyAgainstPlain.TestCase.settings = settings(
    max_examples=STEPS // 50, stateful_step_count=50, deadline=None
)
TestFuzzyAgainstPlain = pytest.mark.no_cover(FuzzyAgainstPlain.TestCase)
