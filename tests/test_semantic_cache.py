"""The cache of the documentation: time, other processes, and questions that only look alike."""

import itertools
import json
import os
import sys
import time
from pathlib import Path

import pytest

from fuzzydict import FuzzyDict

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
cache_benchmark = pytest.importorskip("cache")
PAGE = cache_benchmark.cache_of_page()

NAMED = [
    ("weather in {}", "cities"), ("what is the weather like in {} today", "cities"),
    ("how do I get to {} by train", "cities"), ("population of {}", "cities"),
    ("who was {}", "people"), ("when was {} born", "people"), ("sales report for {}", "months"),
    ("how to sort a list in {}", "languages"), ("how do I return a {}", "things"),
    ("price of the {}", "things"), ("flights from Rome to {}", "cities"),
]  # fmt: skip
NAMES = {
    "cities": ["Paris", "London", "Tokyo", "Berlin", "Oslo", "Madrid"],
    "people": ["Einstein", "Newton", "Darwin", "Mozart"],
    "months": ["January", "March", "July"],
    "languages": ["Python", "Java", "Rust", "French", "Spanish"],
    "things": ["laptop", "phone", "camera"],
}
OTHERS = """
how do I reset my password|how do I reset my username
how do I delete my account|how do I create an account
cancel my order|track my order
how do I change my email|how do I change my address
what are your opening hours|what are your prices
flights from Paris to London|flights from London to Paris
convert dollars to euros|convert euros to dollars
is the shop open on sunday|is the shop open on monday
what is the capital of France|what is the capital of Spain
best pizza in town|best sushi in town
does it work with android|does it work with iphone
can I pay by card|can I pay by cheque
translate hello to french|translate hello to german
who wrote hamlet|who wrote ulysses
symptoms of flu|symptoms of measles
iphone 14 battery life|iphone 15 battery life
how do I install numpy|how do I install pandas
where is my parcel|where is my invoice
how to upgrade my plan|how to downgrade my plan
what is the refund policy|what is the privacy policy
"""
PARAPHRASES = """
how do I reset my password|how to reset my password
how do I reset my password|How do I reset my passwrod?
how do I reset my password|I forgot my password
how do I reset my password|reset password
how do I delete my account|how can I delete my account?
how do I delete my account|close my account please
weather in Paris|what is the weather in Paris
weather in Paris|Paris weather
weather in Paris|how is the weather in paris?
cancel my order|how do I cancel my order
cancel my order|I want to cancel an order
where is my parcel|where's my package
where is my parcel|track my parcel
what are your opening hours|when do you open
what are your opening hours|opening hours
what are your opening hours|what are your hours of opening?
how do I install numpy|installing numpy
how do I install numpy|how to install numpy
what is the refund policy|refund policy
what is the refund policy|what's your policy on refunds
can I pay by card|do you accept credit cards
can I pay by card|can I pay with a card
who wrote hamlet|author of hamlet
what is the capital of France|capital of France
what is the capital of France|France's capital city
convert dollars to euros|how do I convert dollars into euros
how do I change my email|change email address
is the shop open on sunday|is the shop open sundays
when was Einstein born|Einstein birth date
when was Einstein born|when was einstein born?
population of Tokyo|how many people live in Tokyo
population of Tokyo|Tokyo population
price of the laptop|how much is the laptop
price of the laptop|laptop price
how to sort a list in Python|sort a python list
how to sort a list in Python|how do I sort lists in Python
"""


def pairs(lines):
    return [tuple(line.split("|")) for line in lines.strip().splitlines()]


def new_cache(**options):
    """Return a cache in memory."""
    answers = FuzzyDict(guards=(*PAGE["DEFAULT"], PAGE["topics_differ"]))
    return PAGE["SemanticCache"](answers, **options)


def test_an_answer_expires(monkeypatch):
    cache, calls = new_cache(seconds=60), []
    now = [0.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    for second in (0, 59, 61, 100, 122):
        now[0] = second
        cache.get("how do I reset my password", calls.append)
    assert len(calls) == 3
    cache.get("how to reset the password", calls.append)
    assert len(calls) == 3
    now[0] = 200
    cache.get("how to reset the password", calls.append)
    assert list(cache.answers) == ["how to reset the password"]


def test_an_answer_expires_for_other_processes(monkeypatch, tmp_path):
    cache, calls = new_cache(seconds=60), []
    cache.get("how do I reset my password", len)
    cache.answers.save(tmp_path / "answers.fuzzydict")
    other = PAGE["SemanticCache"](
        FuzzyDict.load(
            tmp_path / "answers.fuzzydict", guards=(*PAGE["DEFAULT"], PAGE["topics_differ"])
        )
    )
    other.get("how do I reset my password", calls.append)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert not calls
    other.get("how do I reset my password", calls.append)
    assert len(calls) == 1


def test_an_answer_is_for_the_same_question():
    different = [
        (question.format(one), question.format(other))
        for question, names in NAMED
        for one, other in itertools.permutations(NAMES[names], 2)
    ]
    different += [pair for one, other in pairs(OTHERS) for pair in ((one, other), (other, one))]

    def matched(questions):
        cache = new_cache()
        found = []
        for cached, question in questions:
            cache.answers.clear()
            cache.get(cached, str)
            if cache.get(question, str) == cached:
                found.append(question)
        return found

    assert (len(different), len(pairs(PARAPHRASES))) == (252, 36)
    assert matched(different) == []
    assert len(matched(pairs(PARAPHRASES))) >= 20


def test_a_cache_keeps_its_newest_entries():
    cache = new_cache(entries=3)
    words = ["mountain", "bicycle", "parliament", "umbrella", "violin"]
    for word in words:
        cache.get(word, str.upper)
    assert list(cache.answers) == words[2:]


def test_the_benchmark_of_the_cache(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    questions = [f"what is the price of {thing} in may" for thing in ("tea", "coffee", "bread")]
    rows = "".join(f"{text},price\n" for text in questions)
    (tmp_path / "banking77_train.csv").write_text("text,category\n" + rows, "utf-8")
    clinc = {"train": [["turn on the kitchen light now", "light"]] * 2, "val": []}
    (tmp_path / "clinc150.json").write_text(json.dumps(clinc), "utf-8")
    monkeypatch.setitem(os.environ, "FUZZYDICT_EVAL", str(tmp_path))
    cache_benchmark.main(["--queries", "20", "--peer", "tfidf"])
    assert "FuzzyDict with the guard: {'paraphrases':" in capsys.readouterr().out
