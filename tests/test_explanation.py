"""`FuzzyDict.explain`: verdicts, score breakdowns, text and HTML."""

import os
import pickle
import re
import shutil
import subprocess
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzydict import FuzzyDict
from fuzzydict.ranking.explanation import _COLUMNS, Explanation
from fuzzydict.ranking.guards import opposites

NASTY = [
    "<script>alert(1)</script>", 'say "hi" & \'bye\'', "競合他社の価格", "line\nbreak\x1b[31m",
    "مرحبا", "\ud800 lone", "e\u0301" * 40, "x" * 2000, "👩\u200d👩\u200d👧 family", "", "???",
]  # fmt: skip


@pytest.fixture(scope="module")
def sales():
    return FuzzyDict(
        {"color": "red", "top speed": 250, "Q1 revenue": 10, "price": 5, "turn on": 1, 7: "seven"}
    )


# Verdicts.


def test_an_exact_key_is_exact(sales):
    why = sales.explain("color")
    assert (why.verdict, why.answer.key, why.no_match) == ("exact", "color", 0.0)
    assert [each.score for each in why.candidates[:2]] == [1.0, 0.0]


def test_the_best_key_is_found_where_it_reaches_the_cutoff(sales):
    why = sales.explain("velocity")
    assert why.verdict == "found"
    assert why.answer == sales.match("velocity")
    assert f"{why.answer.score:.2f} reaches the cutoff of {sales.cutoff:.2f}" in why.reason


def test_below_the_cutoff_the_best_key_and_the_cutoff_are_named(sales):
    strict = FuzzyDict(sales, cutoff=0.999)
    why = strict.explain("velocity")
    assert (why.verdict, why.answer) == ("below cutoff", None)
    assert "'top speed'" in why.reason
    assert "below the cutoff of 1.00" in why.reason


def test_no_match_is_most_probable_where_no_key_is_similar(sales):
    why = sales.explain("parliament")
    assert (why.verdict, why.answer) == ("no match", None)
    assert why.no_match > max(each.score for each in why.candidates)


def test_a_guard_that_vetoes_the_key_is_named(sales):
    why = sales.explain("Q2 revenue")
    assert why.verdict == "vetoed"
    assert "numbers_differ" in why.reason
    first = why.candidates[0]
    assert (first.key, first.guards, first.score) == ("Q1 revenue", ("numbers_differ",), 0.0)
    assert first.by_learning >= why.cutoff


def test_a_guard_is_named_too_where_the_key_would_not_have_reached_the_cutoff(sales):
    why = FuzzyDict(sales, cutoff=0.99).explain("turn off")
    assert why.verdict in ("no match", "below cutoff")
    assert re.search(r"'turn on' \(0\.\d\d\) is vetoed by guard opposites", why.reason)


def test_without_the_guard_a_vetoed_key_has_the_score_of_the_explanation(sales):
    unguarded = FuzzyDict(sales, guards=())
    would = sales.explain("Q2 revenue").candidates[0].by_learning
    assert unguarded.match("Q2 revenue").score == pytest.approx(would, abs=1e-5)


def test_a_guard_that_is_no_function_is_named_by_its_class(sales):
    class Never:
        def __call__(self, query, key):
            return True

    why = FuzzyDict(sales, guards=[Never(), opposites]).explain("turn off")
    assert why.candidates[0].guards == ("Never", "opposites")


def test_a_corrected_query_is_corrected(sales):
    taught = sales.copy()
    taught.learn("how rich am I", "price")
    taught.learn("tell me a joke", None)
    why = taught.explain("how rich am I")
    assert (why.verdict, why.answer.key) == ("corrected", "price")
    why = taught.explain("tell me a joke")
    assert (why.verdict, why.answer) == ("corrected", None)


def test_a_query_similar_to_a_correction_names_it(sales):
    taught = sales.copy()
    taught.learn("how rich am I", "price")
    taught.learn("tell me a joke", None)
    why = taught.explain("How rich am I?")
    assert (why.verdict, why.answer.key) == ("found", "price")
    assert "through the correction of 'how rich am I'" in why.reason
    best = why.candidates[0]
    assert best.correction == "how rich am I"
    assert best.by_learning > 0.5 > best.by_meaning
    assert "+learned" in str(why)
    why = taught.explain("tell me jokes")
    assert why.verdict == "no match"
    assert "'tell me a joke'" in why.reason
    assert taught.explain("velocity").candidates[0].correction is None


def test_a_correction_is_inactive_without_its_key_and_where_its_query_is_a_key(sales):
    taught = sales.copy()
    taught.learn("how rich am I", "price")
    taught["how rich am I"] = 0
    assert taught.explain("how rich am I").verdict == "exact"
    del taught["how rich am I"], taught["price"]
    assert taught.explain("how rich am I").verdict == "no match"


def test_a_correction_that_a_guard_vetoes_is_not_named(sales):
    taught = sales.copy()
    taught.learn("income of quarter 1", "price")
    why = taught.explain("income of quarter 2")
    assert all(each.correction is None for each in why.candidates)


def test_queries_without_candidates_say_why(sales):
    assert sales.explain(7).verdict == "exact"
    assert sales.explain(7).candidates == ()
    assert sales.explain(8).verdict == "no candidates"
    assert "only strings" in sales.explain(8).reason
    assert "no words" in sales.explain("").reason
    assert "no words" in sales.explain("?!").reason
    assert "no key is a string" in FuzzyDict().explain("color").reason
    assert "no key is a string" in FuzzyDict({1: 2}).explain("color").reason
    assert FuzzyDict({"": 1}).explain(5).candidates == ()
    assert FuzzyDict({"?": 1}).explain("?").verdict == "exact"
    assert FuzzyDict({"?": 1}).explain("color").candidates[0].key == "?"


def test_a_cutoff_of_1_is_off(sales):
    strict = FuzzyDict(sales, cutoff=1.0)
    assert strict.explain("colour").verdict == "off"
    assert strict.explain("color").verdict == "exact"


def test_a_key_that_is_not_equal_to_itself_is_exact():
    nan = float("nan")
    assert FuzzyDict({nan: 1}).explain(nan).verdict == "exact"


def test_bad_arguments_raise_as_in_matches(sales):
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        sales.explain("color", 0)
    with pytest.raises(TypeError):
        sales.explain([])


# Score breakdowns.


@pytest.mark.parametrize(
    "query", ["colour", "velocity", "parliament", "Q2 revenue", "price tag", "turn off"]
)
def test_scores_are_those_of_matches(sales, query):
    scores = {each.key: each.score for each in sales.explain(query, 24).candidates}
    for match in sales.matches(query, 24, cutoff=0.0):
        assert scores.pop(match.key) == pytest.approx(match.score, abs=1e-6)
    assert not any(scores.values())


def test_a_typo_scores_by_spelling_and_a_synonym_by_meaning(sales):
    colour = sales.explain("colour").candidates[0]
    assert colour.by_spelling > 0.9
    assert colour.letters == pytest.approx(5 / 6)
    velocity = sales.explain("velocity").candidates[0]
    assert velocity.by_spelling < 0.1 < 0.9 < velocity.by_meaning
    assert velocity.cosine > 0.5
    assert velocity.by_meaning == velocity.by_learning == velocity.score


def test_spelling_alone_is_what_an_embedder_without_vectors_gives(sales):
    blind = FuzzyDict(sales, embedder=lambda texts: np.zeros((len(texts), 3)))
    for query in ("colours", "velocity", "turning on"):
        alone = {each.key: each.by_spelling for each in sales.explain(query, 24).candidates}
        for each in blind.explain(query, 24).candidates:
            assert each.by_spelling == pytest.approx(alone[each.key], abs=1e-5)


def test_aligned_words_are_shown(sales):
    (pair,) = sales.explain("velocity").candidates[0].words
    assert (pair.query, pair.key) == ("velocity", "speed")
    assert pair.probability > 0.9
    assert "velocity ~ speed 0.9" in str(sales.explain("velocity"))


def test_joined_and_split_words_are_aligned():
    d = FuzzyDict({"host name": 1, "timezone": 2})
    assert d.explain("hostname").candidates[0].words[0][:3] == ("hostname", "host name", 1.0)
    assert d.explain("time zone").candidates[0].words[0][:3] == ("time zone", "timezone", 1.0)


@pytest.mark.usefixtures("short_fits")
def test_a_fit_changes_the_learned_probability_alone():
    team = FuzzyDict(falcon=1, otter=2)
    refunds, crashes = ("money", "invoice", "payment", "tax"), ("login", "page", "search", "app")
    pairs = [(f"refund {word}", "falcon") for word in refunds]
    pairs += [(f"crash {word}", "otter") for word in crashes]
    assert team.fit(pairs).fitted
    why = team.explain("refund of the invoice")
    best = why.candidates[0]
    assert best.key == "falcon"
    assert best.by_learning > 1.2 * best.by_meaning
    assert best.score == pytest.approx(best.by_learning)
    team.unfit()
    plain = team.explain("refund of the invoice").candidates
    assert best.by_meaning == pytest.approx(
        next(each.score for each in plain if each.key == "falcon"), abs=1e-5
    )


def test_a_calibration_changes_the_learned_probability_alone(sales):
    calibrated = sales.copy()
    calibrated.calibrate([("velocity", None), ("speeding", None), ("hue", None)])
    best = calibrated.explain("velocity").candidates[0]
    assert best.score == best.by_learning < best.by_meaning
    assert best.by_meaning == sales.explain("velocity").candidates[0].score


@pytest.mark.usefixtures("short_fits")
def test_an_exempted_guard_vetoes_no_more():
    d = FuzzyDict({"plan 1": 1, "other": 2})
    d.fit([("plan 2", "plan 1"), ("the plan 2", "plan 1"), ("x", "other"), ("y y", "other")])
    before = FuzzyDict({"plan 1": 1, "other": 2}).explain("plan 2").candidates[0]
    assert before.guards == ("numbers_differ",)
    ranker = d._synced_ranker()
    ranker.entries.set_learned(
        ranker.learned._replace(guard_exemptions={"plan 1": frozenset({"2"})})
    )
    assert d.explain("plan 2").candidates[0].guards == ()
    assert d.explain("plan 3").candidates[0].guards == ("numbers_differ",)


def test_at_most_n_candidates_are_shown_and_the_answer_is_one_of_them(sales):
    assert len(sales.explain("velocity", 2).candidates) == 2
    d = FuzzyDict({"Q1 revenue": 1, "Q3 revenue": 2, "revenue": 3})
    why = d.explain("Q2 revenue", 1)
    if why.answer is not None:
        assert [each.key for each in why.candidates] == [why.answer.key]
    always = FuzzyDict({"Q1 revenue": 1, "revenue": 3}, cutoff=0.0)
    why = always.explain("Q2 revenue", 1)
    assert [each.key for each in why.candidates] == ["revenue"] == [why.answer.key]


def test_any_embedder_is_explained(letters):
    d = FuzzyDict({"cabbage": 1, "bread": 2}, embedder=letters)
    why = d.explain("cabage")
    assert why.answer.key == why.candidates[0].key == "cabbage"
    assert -1 <= why.candidates[0].cosine <= 1
    assert why.candidates[0].by_meaning == pytest.approx(why.candidates[0].score)


def test_explain_changes_nothing(sales):
    d = sales.copy()
    d["velocity"]
    before = d.match("hue"), list(d.items()), dict(d._sync.cache)
    for query in ["velocity", "Q2 revenue", "nothing of it", "color", 8, ""]:
        str(d.explain(query))
        d.explain(query)._repr_html_()
    assert (d.match("hue"), list(d.items()), dict(d._sync.cache)) == before
    d._check()


def test_an_explanation_cannot_be_changed_and_can_be_pickled(sales):
    why = sales.explain("velocity")
    with pytest.raises(AttributeError):
        why.verdict = "else"
    assert str(pickle.loads(pickle.dumps(why))) == str(why) == repr(why)


# Text.


def wide(text):
    """Return the columns that a terminal shows a text in."""
    return sum(
        0
        if unicodedata.category(c) == "Mn"
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


@pytest.fixture(scope="module")
def nasty(sales):
    d = FuzzyDict(dict.fromkeys(NASTY, 1) | sales)
    d.learn("how <b>rich</b> am I", "price")
    return d


@pytest.mark.parametrize("query", [*NASTY, "velocity", "How rich am I?", "Q2 revenue", b"7", 7])
def test_the_text_fits_a_terminal_and_its_columns_are_aligned(nasty, query):
    for text in (str(nasty.explain(query, 24)), str(nasty.explain(f"{query} x", 24))):
        assert "\x1b" not in text
        text.encode("utf-8")
        lines = text.split("\n")
        assert all(line.isprintable() for line in lines)
        assert max(map(wide, lines)) <= 100
        if "" in lines:
            head, *rows = lines[lines.index("") + 1 :]
            end = head.index("score") + 5
            for row in rows:
                columns = "".join(char + " " * (wide(char) - 1) for char in row if wide(char))
                assert re.search(r"[ ]\d\.\d\d$", columns[:end]), row


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.text(max_size=60), st.lists(st.text(max_size=200), max_size=4))
def test_any_text_is_explained(query, keys):
    why = FuzzyDict.fromkeys(keys, 0).explain(query)
    assert isinstance(why, Explanation)
    assert max(map(wide, str(why).split("\n"))) <= 100
    Balanced(why._repr_html_())


def test_close_numbers_are_shown_with_the_digits_that_distinguish_them(sales):
    score = sales.match("velocity").score
    why = FuzzyDict(sales, cutoff=score + 1e-4).explain("velocity")
    shown, least = re.search(r"scores ([\d.]+), below the cutoff of ([\d.]+)", why.reason).groups()
    assert shown < least


def test_every_column_is_defined_in_the_docstring():
    text = " ".join(Explanation.__doc__.split())
    for name, meaning in _COLUMNS.items():
        assert f"- {name}: {meaning}" in text


# HTML.


class Balanced(HTMLParser):
    """Asserts that tags are closed in order, and that none but harmless ones are there."""

    def __init__(self, source):
        super().__init__()
        self.open, self.text = [], []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in {"div", "b", "table", "thead", "tbody", "tr", "th", "td", "bdi"}
        assert {name for name, _ in attrs} <= {"style", "title"}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("query", [*NASTY, "velocity", "How rich am I?", "Q2 revenue", 7, "turn"])
def test_keys_and_queries_are_escaped_in_html(nasty, query):
    source = nasty.explain(query, 24)._repr_html_()
    text = "".join(Balanced(source).text)
    assert "<script" not in source
    assert repr(query)[:100] in text


BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]


@pytest.mark.parametrize(("ground", "ink"), [("#ffffff", "#111111"), ("#1e1e1e", "#dddddd")])
def test_a_browser_shows_the_table_on_a_light_and_a_dark_ground(nasty, tmp_path, ground, ink):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium or Chrome is installed")
    plt_image = pytest.importorskip("matplotlib.image", reason="matplotlib is not installed")
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    tables = "".join(nasty.explain(q)._repr_html_() for q in ["velocity", "<script>alert(1)"])
    style = f"background:{ground};color:{ink};font:14px sans-serif"
    page.write_text(f'<!doctype html><meta charset="utf-8"><body style="{style}">{tables}', "utf-8")
    done = subprocess.run(
        # Containers have no sandbox; the page is our own.
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--hide-scrollbars", "--force-device-scale-factor=1", f"--user-data-dir={tmp_path / 'me'}",
         "--window-size=900,500", f"--screenshot={picture}", page.as_uri()],
        capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    if not picture.exists():
        pytest.skip(f"{browser} does not run here: {done.stderr[-300:]}")
    pixels = np.round(plt_image.imread(picture)[..., :3] * 255).astype(int)
    assert pixels.shape == (500, 900, 3)

    def share(color):
        rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        return (np.abs(pixels - rgb).sum(axis=2) < 30).mean()

    assert 0.6 < share(ground) < 0.99  # the background stays visible,
    assert share(ink) > 0.005  # the text has the colour of the page,
    red, _, blue = np.moveaxis(pixels, 2, 0)
    assert 0.005 < (blue - red > 30).mean() < 0.2  # and the score bars are blue
