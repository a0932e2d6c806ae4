"""Training: from a text to a model file, and the parts on the way."""

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import untraced
from small_wordnet import SmallWordNet

from fuzzydict import FuzzyDict
from fuzzydict.__main__ import main
from fuzzydict.model.embedders import WordEmbedder, load
from fuzzydict.ranking.scorer import MLP, WORD_FEATURES
from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import read_arrays
from fuzzydict.training import corpora, fitting, vectors
from fuzzydict.training.episodes import Episode, episodes, mistype
from fuzzydict.training.thesaurus import Thesaurus, build_thesaurus

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def lexicon() -> list[corpora.IndexEntry]:
    return corpora.read_lexicon(data_file("lexicon"))


@pytest.fixture(scope="session")
def wordnet() -> SmallWordNet:
    try:
        return SmallWordNet(corpora.wordnet_reader())
    except corpora.CorpusNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def thesaurus(wordnet: SmallWordNet, lexicon: list[corpora.IndexEntry]) -> Thesaurus:
    return build_thesaurus(wordnet, lexicon)


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of two topics, whose words keep to themselves."""
    rng = random.Random(0)
    topics = [
        ["red", "green", "blue", "colour", "paint", "bright"],
        ["fast", "slow", "speed", "engine", "road", "car"],
    ]
    path = tmp_path_factory.mktemp("text") / "sentences.txt"
    lines = [" ".join(rng.choices(rng.choice(topics), k=8)) for _ in range(3000)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# From a text to a model, by the command.


def train(text: Path, path: Path, wordnet: SmallWordNet) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora, "wordnet_reader", lambda: wordnet)
        assert main(["train", "--text", str(text), "-o", str(path), "--lookups", "20"]) == 0
    return path


@pytest.fixture(scope="session")
def model(text: Path, wordnet: SmallWordNet) -> Path:
    return train(text, text.with_name("mine.safetensors"), wordnet)


def test_a_model_of_my_own_text_answers_by_its_meaning(model: Path) -> None:
    embedder = load(model)
    red, blue, road = embedder.encode(["red", "blue", "road"])
    assert red @ blue > red @ road
    assert FuzzyDict({"colour": 1, "engine": 2}, embedder=str(model)).match("colours") is not None


def test_the_same_text_gives_the_same_bytes(
    model: Path, text: Path, tmp_path: Path, wordnet: SmallWordNet
) -> None:
    again = train(text, tmp_path / "mine.safetensors", wordnet)
    assert again.read_bytes() == model.read_bytes()


def test_a_model_holds_its_score_and_says_what_it_is_made_of(model: Path) -> None:
    arrays, metadata = read_arrays(model)
    assert {"words", "vectors", "scale", "counts", "score.cutoff"} <= arrays.keys()
    assert metadata["sources"]


def test_the_command_says_in_one_sentence_why_it_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rare = tmp_path / "rare.txt"
    rare.write_text("every word just once", encoding="utf-8")
    for arguments in (["--text", str(tmp_path / "missing.txt")], ["--text", str(rare)]):
        assert main(["train", *arguments, "-o", str(tmp_path / "x.safetensors")]) == 1
        assert capsys.readouterr().err.startswith("fuzzydict train: ")
    assert not (tmp_path / "x.safetensors").exists()


def test_wrong_options_are_refused_before_the_training(
    text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        (["--lookups", "0"], "--lookups must be at least 20"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["wordnet"], "pass a model or --text, not both"),
        (["-o", "missing/folder/a.safetensors"], "no folder 'missing/folder'"),
    ):
        assert main(["train", "--text", str(text), *arguments]) == 2
        assert capsys.readouterr().err == f"fuzzydict train: {message}\n"


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


def test_word2vec_needs_a_word_that_is_frequent_enough() -> None:
    with pytest.raises(ValueError, match="no word occurs 5 times"):
        vectors.train_word2vec([["a", "b"]])


# The glossary and the thesaurus.


def test_the_lexicon_is_five_fields_a_line(lexicon: list[corpora.IndexEntry]) -> None:
    assert len(lexicon) > 4000
    for entry in lexicon:
        assert entry.words
        assert not set(entry.words) & set(entry.opposites), entry


def test_a_line_of_other_fields_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# comment\nword\tkind\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.tsv:2.*got 2 fields"):
        corpora.read_lexicon(tmp_path)


def test_counts_are_those_of_wordnet(wordnet: SmallWordNet) -> None:
    lemmas = wordnet.synset("car.n.01").lemmas()
    assert [corpora.tag_count(lemma) for lemma in lemmas] == [lemma.count() for lemma in lemmas]


# Lookups to fit on.


def test_episodes_are_the_same_for_the_same_seed(thesaurus: Thesaurus) -> None:
    assert list(episodes(thesaurus, 5, 1)) == list(episodes(thesaurus, 5, 1))
    assert list(episodes(thesaurus, 5, 1)) != list(episodes(thesaurus, 5, 2))


def test_the_thesaurus_does_not_depend_on_the_hash_seed(wordnet: SmallWordNet) -> None:
    code = (
        "import hashlib; from fuzzydict.training import corpora, thesaurus as t;"
        "from small_wordnet import SmallWordNet;"
        "made = t.build_thesaurus(SmallWordNet(corpora.wordnet_reader()), []);"
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


def test_an_episode_asks_for_keys_that_it_has_and_for_others(thesaurus: Thesaurus) -> None:
    made = list(episodes(thesaurus, 200, 1))
    rights = [right for episode in made for _, right in episode.lookups]
    assert 0.2 < sum(right is None for right in rights) / len(rights) < 0.6
    for episode in made:
        assert len(set(episode.keys)) == len(episode.keys)
        assert all(r is None or 0 <= r < len(episode.keys) for _, r in episode.lookups)
        assert all(query not in episode.keys for query, r in episode.lookups if r is None)


def test_a_mistyped_word_is_near_the_word() -> None:
    rng = random.Random(0)
    typos = {mistype("receive", rng) for _ in range(200)}
    assert "recieve" in typos
    assert all(5 <= len(typo) <= 9 for typo in typos)
    without_sounds = {mistype("kk", rng) for _ in range(200)}
    assert all(1 <= len(typo) <= 3 for typo in without_sounds)


# Fitting.


def test_what_is_no_word_is_no_lookup() -> None:
    words = WordEmbedder(["red", "blue"], np.eye(2))
    empty = Episode(["red", "dark blue"], [("?!", None), ("very red", 0)])
    one = Episode(["red", "blue"], [("crimson", 0), ("?!", None)])
    found = fitting.word_lookups([empty, one], words)
    assert found.right.tolist() == [0]
    assert found.sizes.tolist() == [2]
    blank = MLP(*(np.zeros(n, np.float32) for n in ((len(WORD_FEATURES), 1), 1, 1)), b2=0.0)
    asked = fitting.phrase_lookups([empty, one], blank, words)
    assert asked.sizes.tolist() == [2, 2]


def lookups(n: int = 400, keys: int = 5) -> fitting.Lookups:
    """Lookups whose right key has the largest first feature, where that is above zero."""
    rng = np.random.default_rng(0)

    def parts():  # type: ignore[no-untyped-def]
        for _ in range(n):
            features = rng.normal(0, 1, (keys, 3)).astype(np.float32)
            best = int(features[:, 0].argmax())
            yield features, best if features[best, 0] > 1 else None

    return fitting.Lookups.of(parts())


def test_a_fitted_network_finds_the_right_key_and_the_silence() -> None:
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
    gradients = fitting._gradients(parameters, data.features, starts, sizes, data.right)
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
    wrong = (best >= cutoff) & ((data.right < 0) | (shares[np.maximum(data.right, 0)] < best))
    assert 0.005 < wrong.mean() <= 0.02
