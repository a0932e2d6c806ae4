"""The same name, however it is written, is the same words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict.text.inflection import bases, regular_bases, spelling_variant
from fuzzydict.text.tokens import MAX_LENGTH, compact, fold, words


@pytest.mark.parametrize(
    "text",
    [
        *(
            "maxConnections",
            "max_connections",
            "MAX_CONNECTIONS",
            "Max connections",
            "MaxConnections",
        ),
        *(
            "max-connections",
            "max.connections",
            "  max  connections ",
            "max/connections",
            "MAX-Connections",
        ),
        *("max\u200bConnections", "ＭａｘConnections", "máx_connectíons", "max:connections!"),
    ],
)
def test_every_way_to_write_a_name_gives_the_same_words(text):
    assert words(text) == ("max", "connections")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTPServer", ("http", "server")),
        ("parseHTMLPage", ("parse", "html", "page")),
        ("URLs", ("urls",)),
        ("userID", ("user", "id")),
        ("e-mail", ("e", "mail")),
        ("utf8", ("utf", "8")),
        ("UTF-8", ("utf", "8")),
        ("sha256", ("sha", "256")),
        ("python3.10", ("python", "3.10")),
        ("1.0 mg", ("1", "mg")),
        (".50", ("0.5",)),
        ("-10 to 10", ("-10", "to", "10")),
        ("utf-8", ("utf", "8")),
        ("1.2.3", ("1", "2", "3")),
        ("1,000,000 km", ("1000000", "km")),
        ("1,2", ("1", "2")),
        ("user's name", ("users", "name")),
        ("don't", ("dont",)),
        ("Straße", ("strasse",)),
        ("Crème Brûlée", ("creme", "brulee")),
        ("größeÄndern", ("grosse", "andern")),
        ("цветМашины", ("цвет", "машины")),
        ("颜色", ("颜色",)),
        ("x²", ("x", "2")),
        ("ﬁle", ("file",)),
    ],
)
def test_a_name_is_split_into_its_words(text, expected):
    assert words(text) == expected


SAME_VALUES = [
    ["9 pm", "9pm", "9:00 PM", "9 p.m.", "09:00 p.m.", "21:00"],
    ["12:30 AM", "0:30", "00:30"],
    ["12 pm", "12:00"],
    ["15 January 2024", "Jan 15, 2024", "January 15th, 2024", "15/01/2024", "01/15/2024",
     "15.01.2024", "2024-01-15", "2024/01/15", "15_jan_2024", "15JAN2024"],
    ["1.5 cups", "1 1/2 cups", "1½ cups", "1-1/2 cups"],
    ["0.5", ".5", "1/2", "½"],
    ["$10", "10 $", "10 dollars"],
    ["€2.50", "2.50 €", "2.50 euros"],
    ["price ($)", "price dollars"],
    ["10%", "10 %", "10 percent"],
    ["growth (%)", "growth %", "growth percent"],
    ["UTC+5:30", "UTC +05:30", "GMT+0530"],
    ["UTC-5", "GMT -05:00"],
    ["sphere -1.25", "sphere minus 1.25"],
    ["csv2json", "csv to json", "csv -> json", "csv→json", "csv=>json"],
    ["5th avenue", "5 avenue"],
    ["power (kW)", "power kw", "POWER_KW"],
    ["0x00FF00", "#00ff00"],
    ["blood group A-", "blood group A minus"],
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"), [(values[0], other) for values in SAME_VALUES for other in values[1:]]
)
def test_a_value_has_the_same_words_in_every_notation(one, other):
    def value(text):
        return [word.lstrip("0") or "0" for word in words(text)]

    assert value(one) == value(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("01/02/2024", ("01", "02", "2024")),  # of January or of February
        ("31/31/2024", ("31", "31", "2024")),
        ("24/7", ("24", "7")),
        ("1/2/2024", ("1", "2", "2024")),
        ("1/7", ("1", "7")),
        ("0/2", ("0", "2")),
        ("13 pm", ("13", "pm")),
        ("5 minus 3", ("5", "minus", "3")),
        ("H2O", ("h", "2", "o")),
        ("e-", ("e", "minus")),
        ("no-", ("no", "minus")),
        ("non-", ("non",)),
        ("may 5", ("may", "5")),
        ("May 2024", ("may", "2024")),  # "TGTMAY2024" is split otherwise
        ("price ($/kg)", ("price", "kg")),
        ("0x", ("0", "x")),
        ("aWord", ("a", "word")),
    ],
)
def test_what_is_no_other_notation_stays_as_it_is(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\t", "?!", "😀", "\ud800", "\u200b", "_", "--"])
def test_marks_are_no_words(text):
    assert words(text) == ()


def test_marks_beside_words_leave_the_words():
    assert words("color 🎨!") == words("\ud800color\udfff") == ("color",)


def test_fold_keeps_case_and_takes_accents_widths_and_invisible_marks():
    assert fold("Ｃａｆé\u200b\u00ad") == "Cafe"
    assert fold("plain Text_1") == "plain Text_1"


def test_no_more_of_a_text_is_read_than_the_limit():
    assert words("x" * 10**6) == ("x" * MAX_LENGTH,)
    assert len(fold("ﷺ" * 10**6)) <= 2 * MAX_LENGTH
    start = time.perf_counter()
    for text in ("aB" * 10**6, "' " * 10**6, "1,000" * 10**6, "é" * 10**6):
        words(text)
    assert time.perf_counter() - start < 1


@given(st.text(st.characters()))
def test_words_are_folded_in_lower_case_and_without_gaps(text):
    for word in words(text):
        assert word
        assert word == word.casefold()
        assert not any(letter.isspace() for letter in word)


@given(st.text("abcXYZ019_- ’'é"))
def test_words_of_words_are_the_same_words(text):
    once = words(text)
    assert words(" ".join(once)) == once
    assert words("_".join(once)) == once


@given(st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4))
def test_identifiers_of_every_style_give_the_words_that_they_were_made_of(parts):
    expected = tuple(parts)
    assert words("_".join(parts)) == expected
    assert words("-".join(parts).upper()) == expected
    assert words(" ".join(parts).capitalize()) == expected


def test_compact_writes_the_words_as_one():
    assert compact(words("e-mail")) == compact(words("Email")) == "email"
    assert compact(()) == ""


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("colors", "color"),
        ("batteries", "battery"),
        ("boxes", "box"),
        ("knives", "knif"),
        ("stopped", "stop"),
        ("making", "make"),
        ("faster", "fast"),
        ("happiest", "happy"),
        ("quickly", "quick"),
    ],
)
def test_regular_endings_lead_to_the_base(word, base):
    assert base in list(regular_bases(word))
    assert base in bases(word)


@pytest.mark.parametrize(
    ("word", "base"), [("feet", "foot"), ("went", "go"), ("children", "child")]
)
def test_irregular_forms_lead_to_the_base(word, base):
    assert bases(word)[0] == base


def test_a_base_is_never_the_word_nor_a_single_letter():
    for word in ("s", "es", "ed", "ing", "as", "color", ""):
        assert all(len(base) > 1 and base != word for base in regular_bases(word))


@pytest.mark.parametrize(
    ("british", "american"),
    [
        *(
            ("colour", "color"),
            ("organise", "organize"),
            ("centre", "center"),
            ("defence", "defense"),
        ),
        *(("catalogue", "catalog"), ("travelling", "traveling"), ("programme", "program")),
        *(
            ("analyse", "analyze"),
            ("organisation", "organization"),
            ("encyclopaedia", "encyclopedia"),
        ),
    ],
)
def test_british_and_american_spellings_have_one_variant(british, american):
    assert spelling_variant(british) == spelling_variant(american)
