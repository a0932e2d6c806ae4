"""The networks of the scorer and their arrays in model files."""

import numpy as np
import pytest

from fuzzydict.model import networks
from fuzzydict.model.loading import load
from fuzzydict.model.networks import (
    MLP,
    PAIR_INPUTS,
    TEXT_INPUTS,
    ScorerNetworks,
    default_networks,
)
from fuzzydict.ranking.scorer import PHRASE_FEATURES, WORD_FEATURES


def test_a_network_is_a_weighted_sum_of_hyperbolic_tangents():
    network = MLP(np.float32([[1], [2]]), np.float32([0.5]), np.float32([3]), -1.0)
    assert network(np.float32([[1, 1]]))[0] == pytest.approx(3 * np.tanh(3.5) - 1, abs=1e-6)


def test_a_network_of_zeros_has_logits_of_zero():
    assert MLP.zeros(4)(np.ones((2, 4), np.float32)).tolist() == [0, 0]


def test_networks_have_one_input_per_feature():
    assert len(WORD_FEATURES) == PAIR_INPUTS
    assert len(PHRASE_FEATURES) == TEXT_INPUTS


def test_networks_survive_the_way_to_arrays_and_back():
    expected = default_networks()
    arrays = expected.to_arrays()
    assert "score.words.w1" in arrays
    assert "score.phrases.b2" in arrays
    found = ScorerNetworks.from_arrays(arrays)
    assert found.cutoff == expected.cutoff
    features = np.random.default_rng(0).random((4, TEXT_INPUTS), np.float32)
    assert np.array_equal(found.texts(features), expected.texts(features))
    assert np.array_equal(
        found.pairs(features[:, :PAIR_INPUTS]), expected.pairs(features[:, :PAIR_INPUTS])
    )


def test_default_networks_are_those_of_the_default_model():
    assert default_networks().cutoff == load("default").networks.cutoff
    assert np.array_equal(default_networks().pairs.w1, load("default").networks.pairs.w1)


def test_a_default_model_without_scorer_scores_nothing(monkeypatch):
    monkeypatch.setattr(networks, "read_arrays", lambda path, **options: ({}, {}))
    with pytest.raises(LookupError, match="built without its scorer"):
        default_networks.__wrapped__()
