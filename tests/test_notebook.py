"""Results as tables in notebooks."""

import re
from html.parser import HTMLParser

import pytest

from fuzzydict import FuzzyDict
from fuzzydict.self_attention import self_attention

PATTERN = re.compile(r"<script|javascript:", re.IGNORECASE)


def cells(result):
    """Return the rows of cells of a table; fail if the HTML is not well-formed."""
    rows, stack = [], []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attributes):
            stack.append(tag)
            if tag == "tr":
                rows.append([])
            if tag in ("td", "th"):
                rows[-1].append("")

        def handle_endtag(self, tag):
            assert stack.pop() == tag

        def handle_data(self, data):
            rows[-1][-1] += data

    content = result._repr_html_()
    Parser().feed(content)
    assert not stack
    assert not PATTERN.search(content)
    return rows


def test_a_match_is_a_row():
    match = FuzzyDict({"color": "red"}).match("color")
    assert cells(match) == [["key", "value", "score"], ["'color'", "'red'", "1.00"]]


def test_texts_are_escaped_and_shortened():
    match = FuzzyDict({"<script>&": "x" * 1000}).match("<script>&")
    key, value, _ = cells(match)[1]
    assert key == "'<script>&'"
    assert len(value) == 80
    assert value.endswith("x…")


def test_attention_shows_the_largest_weights_and_no_match():
    d = FuzzyDict({f"door {word}": i for i, word in enumerate(["red", "blue", "green"])})
    attention = d.attend("door", null_key=True)
    head, *rows, null = cells(attention)
    assert head == ["key", "value", "weight"]
    assert [row[0] for row in rows] == [repr(key) for key in attention.weights]
    assert null == ["(no match)", "", f"{attention.no_match:.2f}"]
    many = FuzzyDict.fromkeys([f"door {chr(97 + i) * 3}" for i in range(15)]).attend("door")
    *_, others, null = cells(many)
    assert others[0] == f"{len(many.weights) - 10} other keys"
    assert len(cells(many)) == 13
    total = sum(float(row[2]) for row in cells(many)[1:-1])
    assert total == pytest.approx(1, abs=0.06)
    assert cells(FuzzyDict().attend("x")) == [head, ["(no match)", "", "1.00"]]


def test_self_attention_is_a_matrix():
    result = self_attention("default", "the river bank")
    head, *rows = cells(result)
    assert head == ["", "the", "river", "bank"]
    assert [[float(cell) for cell in row[1:]] for row in rows] == [
        pytest.approx(line, abs=0.006) for line in result.weights.tolist()
    ]


def test_a_report_compares_before_and_after():
    report = FuzzyDict(color=1, price=2).fit([("hue", "color"), ("cost", "price")])
    head, *rows = cells(report)
    assert head == ["held-out lookups", "before", "after"]
    assert [len(row) for row in rows] == [3] * 4
