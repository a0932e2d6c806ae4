"""Training: from a text to a model file, and its steps."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import untraced
from small_wordnet import (
    WORDS,
    SmallWordNet,
    full_lexicon,
    on_small_wordnet,
    small_lexicon,
    small_wordnet,
)

from fuzzydict import FuzzyDict
from fuzzydict.__main__ import main
from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.model.files import model_info, unpacked
from fuzzydict.model.networks import MLP, PAIR_FEATURES
from fuzzydict.storage.arrays import read_arrays
from fuzzydict.training import corpora, custom, features, fitting, vectors
from fuzzydict.training.entities import addresses, codes, companies, institutions, people
from fuzzydict.training.episodes import Episode, episodes
from fuzzydict.training.glossary import (
    GlossaryLine,
    read_aliases,
    read_alternatives,
    read_redundant_words,
    spellings,
)
from fuzzydict.training.lexicon import LexiconEntry, read_lexicon
from fuzzydict.training.names import things_by_name
from fuzzydict.training.negatives import Surroundings, negative
from fuzzydict.training.questions import questions
from fuzzydict.training.rewriting import mistype, rewritten
from fuzzydict.training.thesaurus import Thesaurus, build_thesaurus

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def lexicon() -> list[LexiconEntry]:
    return full_lexicon()


@pytest.fixture(scope="session")
def wordnet() -> SmallWordNet:
    return small_wordnet()


@pytest.fixture(scope="session")
def thesaurus(wordnet: SmallWordNet) -> Thesaurus:
    return build_thesaurus(wordnet, small_lexicon())


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of two topics without common words."""
    rng = random.Random(0)
    topics = [
        ["red", "green", "blue", "colour", "paint", "bright"],
        ["fast", "slow", "speed", "engine", "road", "car"],
    ]
    path = tmp_path_factory.mktemp("text") / "sentences.txt"
    lines = [" ".join(rng.choices(rng.choice(topics), k=8)) for _ in range(1000)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# From a text to a model, by the command.


def train(text: Path, path: Path, *options: str) -> Path:
    with on_small_wordnet():
        assert main(["train", "--text", str(text), "-o", str(path), *options]) == 0
    return path


@pytest.fixture(scope="session")
def model(text: Path) -> Path:
    return train(text, text.with_name("mine.safetensors"), "--refit", "--lookups", "20")


def test_a_model_of_my_own_text_answers_by_its_meaning(model: Path) -> None:
    embedder = WordEmbedder.from_file(model)
    red, blue, road = embedder.encode(["red", "blue", "road"])
    assert red @ blue > red @ road
    assert FuzzyDict({"colour": 1, "engine": 2}, embedder=str(model)).match("colours") is not None


def test_the_same_text_gives_the_same_bytes(model: Path, text: Path, tmp_path: Path) -> None:
    again = train(text, tmp_path / "mine.safetensors", "--refit", "--lookups", "20")
    assert again.read_bytes() == model.read_bytes()


def test_a_model_holds_its_score_and_says_what_it_is_made_of(model: Path) -> None:
    arrays, metadata = read_arrays(model)
    assert {"words", "vectors", "scale", "counts", "score.cutoff"} <= arrays.keys()
    assert metadata["sources"]
    assert metadata["licence"]


def test_the_scorer_is_that_of_the_shipped_model_unless_it_is_fitted(
    model: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reused = train(text, tmp_path / "mine.safetensors")
    own, shipped = load(reused).score, load("default").score
    assert own is not None
    assert shipped is not None
    np.testing.assert_array_equal(own.texts.w1, shipped.texts.w1)
    assert own.cutoff == pytest.approx(shipped.cutoff)
    output = capsys.readouterr().out
    assert "some words and their nearest neighbours:\n  " in output
    assert "lookups made from WordNet: " in output
    fitted = load(model).score
    assert fitted is not None
    assert fitted.texts.w1.shape == shipped.texts.w1.shape
    assert not np.array_equal(fitted.texts.w1, shipped.texts.w1)


def test_neighbours_are_of_the_same_topic(model: Path) -> None:
    colours = {"red", "green", "blue", "colour", "paint", "bright"}
    found = custom.neighbours(load(model), words=4, nearest=3)
    assert found
    for word, others in found:
        assert len(others) == 3
        assert word not in others
        assert sum((other in colours) == (word in colours) for other in others) >= 2


def test_a_scorer_that_suits_badly_is_reported(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert custom.Fit(0.9, 0.03).is_good
    monkeypatch.setattr(custom, "check_scorer", lambda _: custom.Fit(0.8, 0.1))
    train(text, tmp_path / "mine.safetensors")
    assert "80% correct, 10% wrong\nthe scorer does not suit" in capsys.readouterr().out


def test_a_model_of_my_own_text_needs_no_corpus(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nltk.data.path", [])
    monkeypatch.setattr("nltk.download", lambda *_, **__: False)
    assert main(["train", "--text", str(text), "-o", str(tmp_path / "mine.safetensors")]) == 0
    assert "the scorer was not checked" in capsys.readouterr().out
    assert load(tmp_path / "mine.safetensors").score is not None


def test_the_scorer_of_a_model_can_be_fitted_again(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "open.safetensors"
    options = ["--lookups", "20", "-o", str(path)]
    with on_small_wordnet():
        assert main(["train", "open", "--vectors", str(model), *options]) == 0
    before, after = load(model).table, load(path).table
    np.testing.assert_allclose(
        after.vectors_at(range(len(after))), before.vectors_at(range(len(before))), atol=1e-6
    )
    assert model_info(path).licence == "MIT AND LicenseRef-WordNet AND Apache-2.0"
    assert model_info(path).name == "open"


def test_the_command_says_in_one_sentence_why_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rare = tmp_path / "rare.txt"
    rare.write_text("every word just once", encoding="utf-8")
    for arguments in (["--text", str(tmp_path / "missing.txt")], ["--text", str(rare)]):
        assert main(["train", *arguments, "-o", str(tmp_path / "x.safetensors")]) == 1
        assert capsys.readouterr().err.startswith("fuzzydict train: ")
    assert main(["train", "open", "--vectors", str(rare), "-o", str(tmp_path / "x")]) == 1
    assert capsys.readouterr().err.startswith(f"fuzzydict train: {rare}: not a safetensors file")
    assert not (tmp_path / "x.safetensors").exists()


def test_wrong_options_are_refused_before_the_training(
    text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        (["--lookups", "0"], "--lookups must be at least 20"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["wordnet"], "pass a model or --text, not both"),
        (["--vectors", "a.safetensors"], "--vectors needs a model, not --text"),
        (["-o", "missing/folder/a.safetensors"], "no folder 'missing/folder'"),
    ):
        assert main(["train", "--text", str(text), *arguments]) == 2
        assert capsys.readouterr().err == f"fuzzydict train: {message}\n"
    assert main(["train", "open", "--refit"]) == 2
    assert capsys.readouterr().err == "fuzzydict train: --refit needs --text\n"


def test_a_missing_corpus_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nltk.data.path", [])
    monkeypatch.setattr("nltk.download", lambda *_, **__: False)
    with pytest.raises(corpora.CorpusNotFoundError, match="NLTK_DATA"):
        corpora.wordnet_reader()


def test_a_corpus_that_can_be_downloaded_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("nltk.data.path", [])
    monkeypatch.setattr("nltk.download", lambda name, **_: not asked.append(name))
    corpora.wordnet_reader()
    assert asked == ["wordnet"]


def test_training_is_a_module_too() -> None:
    command = [sys.executable, "-m", "fuzzydict.training", "--help"]
    assert "fuzzydict train brown" in subprocess.run(command, capture_output=True, text=True).stdout


# Vectors.


def test_all_but_the_top_takes_the_mean_away_and_leaves_zeros() -> None:
    rows = np.random.default_rng(0).normal(3, 1, (50, 8)).astype(np.float32)
    rows[0] = 0
    result = vectors.all_but_the_top(rows, 2)
    assert not result[0].any()
    assert np.abs(result[1:].mean(axis=0)).max() < 1e-4
    assert np.linalg.matrix_rank(result[1:], tol=1e-3) == 6


def test_counter_fitting_pulls_synonyms_and_pushes_opposites() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (6, 16)).astype(np.float32)
    rows[1] = rows[0] + 0.1
    fitted = vectors.counter_fit(rows, np.array([[2, 3]]), np.array([[0, 1]]))
    before = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert fitted[2] @ fitted[3] > before[2] @ before[3] + 0.2
    assert fitted[0] @ fitted[1] < before[0] @ before[1] - 0.2
    assert np.allclose(np.linalg.norm(fitted, axis=1), 1, atol=1e-5)


def test_quantised_vectors_are_within_half_a_step() -> None:
    rows = np.random.default_rng(0).normal(0, 1, (20, 8)).astype(np.float32)
    rows[3] = 0
    steps, size = vectors.quantise(rows)
    assert steps.dtype == np.int8
    assert (np.abs(steps * size[:, None] - rows) <= size[:, None] / 2 + 1e-6).all()


def test_packed_vectors_are_within_half_a_step_of_four_bits() -> None:
    rng = np.random.default_rng(0)
    unit = rng.normal(size=(20, 6)).astype(np.float32)
    numbers, scale = vectors.quantise(unit)
    arrays = vectors.pack({"vectors": numbers, "scale": scale}, 5)
    assert arrays["packed"].shape == (15, 3)
    found = unpacked(arrays)
    values = found["vectors"] * found["scale"][:, None]
    np.testing.assert_allclose(values[:5], unit[:5], atol=float(scale.max()))
    assert (np.abs(values[5:] - unit[5:]).max(axis=1) <= np.abs(unit[5:]).max(axis=1) / 13).all()
    again = vectors.pack({"vectors": found["vectors"], "scale": found["scale"]}, 5)
    np.testing.assert_array_equal(again["packed"], arrays["packed"])


def test_word2vec_needs_a_word_that_is_frequent_enough() -> None:
    with pytest.raises(ValueError, match="no word occurs 5 times"):
        vectors.train_word2vec([["a", "b"]])


# The glossary and the thesaurus.


def test_the_lexicon_is_five_fields_a_line(lexicon: list[LexiconEntry]) -> None:
    assert len(lexicon) > 4000
    for entry in lexicon:
        assert entry.words
        assert not set(entry.words) & set(entry.opposites), entry


def test_a_line_of_other_fields_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# comment\nword\tkind\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.tsv:2.*got 2 fields"):
        read_lexicon(tmp_path)


def test_counts_are_those_of_wordnet(wordnet: SmallWordNet) -> None:
    lemmas = wordnet.synset("car.n.01").lemmas()
    assert [corpora.tag_count(lemma) for lemma in lemmas] == [lemma.count() for lemma in lemmas]
    senses = wordnet.lemmas("physician") + wordnet.lemmas("Physician")
    assert corpora.total_tag_count("physician") >= max(map(corpora.tag_count, senses)) > 0


# Lookups to fit on.


def test_episodes_are_the_same_for_the_same_seed(thesaurus: Thesaurus) -> None:
    assert list(episodes(thesaurus, 5, 1)) == list(episodes(thesaurus, 5, 1))
    assert list(episodes(thesaurus, 5, 1)) != list(episodes(thesaurus, 5, 2))


def test_the_thesaurus_does_not_depend_on_the_order_of_the_reader(
    wordnet: SmallWordNet, thesaurus: Thesaurus
) -> None:
    reversed_reader = SmallWordNet(corpora.wordnet_reader(), WORDS, backwards=True)
    assert build_thesaurus(reversed_reader, small_lexicon()) == thesaurus


@pytest.mark.slow
def test_thesaurus_and_names_do_not_depend_on_the_hash_seed(wordnet: SmallWordNet) -> None:
    code = (
        "import hashlib; from fuzzydict.training import corpora, thesaurus as t;"
        "from small_wordnet import SmallWordNet; from fuzzydict.training.names import *;"
        "reader = SmallWordNet(corpora.wordnet_reader());"
        "made = t.build_thesaurus(reader, []), things_by_name(reader, [], [], t.Thesaurus());"
        "print(hashlib.sha1(repr(made).encode()).hexdigest())"
    )
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**untraced(), "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    digests = {child.communicate()[0] for child in children}
    assert [child.returncode for child in children] == [0, 0]
    assert len(digests) == 1


def test_things_of_a_class_are_others_unless_one_is_a_kind_of_the_other() -> None:
    reader = SmallWordNet(corpora.wordnet_reader(), ("violin", "cello", "car", "baby"))
    alternatives = [GlossaryLine("part of the day", ["evening"]), GlossaryLine("", ["night"])]
    things = {
        name: set(each)
        for name, each in things_by_name(reader, [], alternatives, Thesaurus()).items()
    }
    assert things["violin"].isdisjoint(things["cello"])
    assert things["stradavarius"] < things["violin"] == things["violins"]
    assert things["evening"].isdisjoint(things["nights"])
    assert "motor vehicle" not in things  # there are too many kinds of it
    assert "babies" in things
    assert "ambulances" in things
    assert "estate cars" not in things


def test_queries_of_an_episode_mean_one_of_its_keys_or_none(thesaurus: Thesaurus) -> None:
    made = list(episodes(thesaurus, 200, 1))
    rights = [right for episode in made for _, right in episode.lookups]
    assert 0.2 < sum(right is None for right in rights) / len(rights) < 0.6
    for episode in made:
        assert len(set(episode.keys)) == len(episode.keys)
        assert all(r is None or 0 <= r < len(episode.keys) for _, r in episode.lookups)
        assert all(query not in episode.keys for query, r in episode.lookups if r is None)


@pytest.mark.parametrize(
    "dictionary", [addresses, codes, companies, institutions, people, questions]
)
def test_similar_names_and_questions_are_no_match(thesaurus: Thesaurus, dictionary: Any) -> None:
    rng = random.Random(1)
    for _ in range(40):
        keys, lookups = dictionary(thesaurus, rng)
        assert len(set(keys)) == len(keys)
        assert {right is None for _, right in lookups} == {True, False}
        for query, right in lookups:
            if right is None:
                assert query.casefold() not in [key.casefold() for key in keys]
            else:
                assert 0 <= right < len(keys)


def test_a_mistyped_word_is_near_the_word() -> None:
    rng = random.Random(0)
    typos = {mistype("receive", rng) for _ in range(200)}
    assert "recieve" in typos
    assert all(5 <= len(typo) <= 9 for typo in typos)
    without_sounds = {mistype("kk", rng) for _ in range(200)}
    assert all(1 <= len(typo) <= 3 for typo in without_sounds)


# Fitting.


def test_queries_and_keys_that_are_no_terms_are_left_out() -> None:
    words = WordEmbedder(["red", "blue"], np.eye(2))
    empty = Episode(["red", "dark blue"], [("?!", None), ("very red", 0)])
    one = Episode(["red", "blue"], [("crimson", 0), ("?!", None)])
    found = features.word_lookups([empty, one, Episode(["very red"], [("red", None)])], words)
    assert found.correct.tolist() == [0]
    assert found.sizes.tolist() == [2]
    blank = MLP(*(np.zeros(n, np.float32) for n in ((len(PAIR_FEATURES), 1), 1, 1)), b2=0.0)
    phrases = features.phrase_lookups([empty, one], blank, words)
    assert phrases.sizes.tolist() == [2, 2]


def lookups(n: int = 400, keys: int = 5) -> features.Lookups:
    """Lookups whose correct key has the largest first feature, where that is above zero."""
    rng = np.random.default_rng(0)

    def parts():  # type: ignore[no-untyped-def]
        for _ in range(n):
            rows = rng.normal(0, 1, (keys, 3)).astype(np.float32)
            best = int(rows[:, 0].argmax())
            yield rows, best if rows[best, 0] > 1 else -1

    return features.Lookups.of(parts())


def test_a_fitted_network_finds_the_correct_key_and_the_null_key() -> None:
    train, test = lookups(), lookups()
    network = fitting.fit_network(train, 8, epochs=60, batch=16)
    assert fitting.loss(network, test) < 0.3
    blank = MLP(np.zeros((3, 8), np.float32), np.zeros(8, np.float32), np.zeros(8, np.float32), 0.0)
    assert fitting.loss(blank, test) == pytest.approx(np.log(6), abs=1e-4)


def test_the_gradient_is_that_of_the_loss() -> None:
    data = lookups(20)
    rng = np.random.default_rng(1)
    parameters = [
        rng.normal(0, 0.5, shape).astype(np.float32) for shape in ((3, 4), (4,), (4,), (1,))
    ]
    starts, sizes = data.starts, np.diff(np.append(data.starts, len(data.features)))
    gradients = fitting._gradients(parameters, data.features, starts, sizes, data.correct)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        flat, wanted = parameter.reshape(-1), gradient.reshape(-1)
        for i in range(len(flat)):
            ends = []
            for step in (1e-2, -1e-2):
                flat[i] += step
                w1, b1, w2, b2 = parameters
                ends.append(fitting.loss(MLP(w1, b1, w2, float(b2[0])), data))
                flat[i] -= step
            assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(float(wanted[i]), abs=2e-3)


def test_the_cutoff_keeps_wrong_answers_to_their_share() -> None:
    data = lookups(1000)
    network = fitting.fit_network(data, 4, epochs=3, batch=16)
    cutoff = fitting.choose_cutoff(network, data, wrong=0.02)
    sizes = np.diff(np.append(data.starts, len(data.features)))
    shares = fitting._probabilities(network(data.features), data.starts, sizes)
    best = np.maximum.reduceat(shares, data.starts)
    wrong = (best >= cutoff) & ((data.correct < 0) | (shares[np.maximum(data.correct, 0)] < best))
    assert 0.005 < wrong.mean() <= 0.02


def test_an_ensemble_is_the_mean_of_its_members() -> None:
    data = lookups(50)
    mean = fitting.fit_ensemble(data, 4, epochs=2, title="test")
    members = [fitting.fit_network(data, 4, epochs=2, seed=seed) for seed in range(3)]
    expected = np.mean([member(data.features) for member in members], axis=0)
    np.testing.assert_allclose(mean(data.features), expected, atol=1e-5)


def test_features_are_those_of_lookups() -> None:
    embedder = load("default")
    scorer = embedder.score
    assert scorer is not None
    keys = ["color", "top speed", "price"]
    found = features.phrase_lookups([Episode(keys, [("velocity", 1)])], scorer.pairs, embedder)
    probabilities = fitting._probabilities(scorer.texts(found.features), found.starts, found.sizes)
    matches = FuzzyDict(dict.fromkeys(keys)).matches("velocity", 3, cutoff=0.0)
    scores = {match.key: match.score for match in matches}
    assert [scores[key] for key in keys] == pytest.approx(probabilities, abs=1e-3)


def test_training_without_the_compiled_extension_says_what_to_do() -> None:
    code = "import sys; sys.modules['fuzzydict._native'] = None; import fuzzydict.training.features"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: training needs the compiled extension: "
        "reinstall FuzzyDict where a C++ compiler is found"
    )


def test_the_glossary_is_read(tmp_path):
    (tmp_path / "aliases.tsv").write_text("# names\nunit\tkilowatt; kW\n\n", "utf-8")
    rows = "gmbh\tlast\tlegal form\npty ltd\tlast\tlegal form\nthe\tfirst\trequest word\n"
    (tmp_path / "redundant_words.tsv").write_text(rows, "utf-8")
    (line,) = read_aliases(tmp_path)
    assert (line.kind, line.names) == ("unit", ["kilowatt", "kW"])
    assert read_redundant_words(tmp_path) == {"gmbh", "the"}
    (tmp_path / "alternatives.tsv").write_text("room\tliving room; lounge\nroom\tattic\n", "utf-8")
    assert [line.names for line in read_alternatives(tmp_path)] == [
        ["living room", "lounge"],
        ["attic"],
    ]
    assert spellings("iOS") == ["i os", "ios"]
    assert spellings("$") == []
    (tmp_path / "aliases.tsv").write_text("kilowatt; kW\n", "utf-8")
    with pytest.raises(ValueError, match="1: expected fields between tabs"):
        read_aliases(tmp_path)


def made_queries(key, make, **tables):
    """Return the queries that are made for a key, of 2,000 attempts."""
    thesaurus = Thesaurus(terms=["cost", "owner"], **tables)
    rng = random.Random(0)
    return {make(key, thesaurus, rng) for _ in range(2000)}


def test_what_adds_nothing_may_be_left_out_and_so_may_modifiers():
    assert "phone" in made_queries("phone number", rewritten)
    assert "address" in made_queries("delivery address", rewritten)
    idiom = made_queries("ice cream", rewritten, synonyms={"ice cream": ["gelato"]})
    assert "gelato" in idiom
    assert "cream" not in idiom


def test_heads_parts_and_words_of_other_keys_make_negatives():
    def make(key, thesaurus, rng):
        near = Surroundings([key, "user email"], {"price"}, ["cost"], thesaurus)
        return negative(near, rng)

    found = made_queries("order date", make, synonyms={"date": ["day"]})
    assert {"order", "user", "order email", "user date"} <= found
    assert any(query and query.startswith("order date ") for query in found)
    assert not found & {"price", "day", "order day"}
