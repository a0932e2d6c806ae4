"""Random writes, copies and reads, against a plain dict that is told the same."""

import copy
import pickle

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fuzzydict import FuzzyDict, NoMatchError

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
ABSENT = object()


def check(d):
    """Assert what holds inside after a read: the matcher knows the texts among the keys."""
    texts = {key for key in dict(d) if isinstance(key, str)}
    if is_told(d):
        assert len(d._matcher) == len(texts)
        assert all(text in d._matcher for text in texts)
        assert set(d._matcher._index) == set(d._matcher.keys()) == texts
        assert all(found is None or found[0] in texts for found in d._remembered.values())
    assert len(d._gone) <= len(d) + 1024


def is_told(d):
    return d._matcher is not None and not d._gone and d._seen == len(d)


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

    @invariant()
    def the_views_are_those_of_the_plain_dict(self):
        assert self.fuzzy == self.plain
        assert list(self.fuzzy.items()) == list(self.plain.items())
        assert len(self.fuzzy) == len(self.plain)
        assert repr(self.fuzzy) == repr(self.plain)
        check(self.fuzzy)

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

    @rule(cutoff=st.sampled_from([None, 0.0, 0.3, 0.9, 1.0]))
    def set_the_cutoff(self, cutoff):
        self.fuzzy.cutoff = cutoff

    @rule(query=KEYS)
    def read(self, query):
        got, match = self.fuzzy.get(query, ABSENT), self.fuzzy.match(query)
        assert (query in self.fuzzy) is (got is not ABSENT) is (match is not None)
        if got is ABSENT:
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
            assert is_told(self.fuzzy)


FuzzyAgainstPlain.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None
)
TestFuzzyAgainstPlain = FuzzyAgainstPlain.TestCase
