"""Attention in closed form: nothing here needs another library."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzydict.attention import (
    MultiHeadAttention,
    attend_in_blocks,
    attention,
    causal_mask,
    self_attention,
    softmax,
)

E = np.e


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_weights_are_the_softmax_of_the_scaled_products():
    output, weights = attention([[1.0]], [[0.0], [1.0]], [[10.0], [20.0]])
    np.testing.assert_allclose(weights, np.array([[1, E]]) / (1 + E))
    np.testing.assert_allclose(output, [[(10 + 20 * E) / (1 + E)]])


def test_the_default_scale_is_one_over_the_root_of_the_columns():
    q, k = np.ones((1, 4)), np.stack([np.zeros(4), np.ones(4)])
    _, weights = attention(q, k, k)
    np.testing.assert_allclose(weights, np.array([[1, E**2]]) / (1 + E**2))


def test_equal_keys_share_the_weight_equally():
    _, weights = attention(numbers(2, 3), np.ones((5, 3)), numbers(5, 1))
    np.testing.assert_allclose(weights, np.full((2, 5), 0.2))


def test_a_large_scale_is_a_lookup_of_the_nearest_key():
    output, _ = attention([[1.0, 0.0]], np.eye(2), [[7.0], [8.0]], scale=1e4)
    np.testing.assert_allclose(output, [[7.0]])


def test_the_order_of_the_keys_does_not_matter():
    q, k, v = numbers(3, 4), numbers(6, 4, seed=1), numbers(6, 2, seed=2)
    order = [5, 0, 3, 1, 4, 2]
    np.testing.assert_allclose(attention(q, k, v).output, attention(q, k[order], v[order]).output)


def test_leading_dimensions_broadcast():
    q, k, v = numbers(2, 1, 3, 4), numbers(5, 6, 4, seed=1), numbers(6, 2, seed=2)
    output, weights = attention(q, k, v)
    assert output.shape == (2, 5, 3, 2)
    assert weights.shape == (2, 5, 3, 6)
    np.testing.assert_allclose(output[1, 3], attention(q[1, 0], k[3], v).output)


def test_a_boolean_mask_hides_keys():
    mask = np.array([[True, False, True]])
    _, weights = attention(numbers(2, 4), numbers(3, 4, seed=1), numbers(3, 1), mask)
    assert (weights[:, 1] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)


def test_an_additive_mask_is_added_to_the_logits_and_minus_infinity_hides():
    _, weights = attention([[0.0]], [[1.0]] * 3, [[1.0]] * 3, [[0.0, 1.0, -np.inf]])
    np.testing.assert_allclose(weights, np.array([[1, E, 0]]) / (1 + E))


@pytest.mark.parametrize("mask", [np.zeros((2, 3), bool), np.full((2, 3), -np.inf)])
def test_a_row_that_sees_no_key_gets_zeros(mask):
    q, k, v = numbers(2, 4), numbers(3, 4), numbers(3, 2)
    output, weights = attention(q, k, v, mask)
    assert not output.any()
    assert not weights.any()
    assert not attend_in_blocks(q, k, v, mask).any()


def test_no_keys_at_all_give_zeros():
    output, weights = attention(numbers(2, 4), numbers(0, 4), numbers(0, 3))
    assert weights.shape == (2, 0)
    assert not output.any()
    assert not attend_in_blocks(numbers(2, 4), numbers(0, 4), numbers(0, 3)).any()


def test_with_a_causal_mask_a_row_does_not_depend_on_what_follows():
    x, changed = numbers(5, 4), numbers(5, 4)
    changed[3:] += 100
    before, after = (attention(y, y, y, causal_mask(5)).output for y in (x, changed))
    np.testing.assert_allclose(before[:3], after[:3])
    np.testing.assert_allclose(before[0], x[0])


def test_float16_does_not_overflow_and_stays_float16():
    x = np.full((3, 64), 200, np.float16)
    output, weights = attention(x, x, x)
    assert output.dtype == weights.dtype == np.float16
    np.testing.assert_allclose(output, 200)
    np.testing.assert_allclose(attend_in_blocks(x, x, x), 200)


def test_softmax_of_huge_numbers_is_finite():
    np.testing.assert_allclose(softmax([1e300, 1e300]), [0.5, 0.5])
    assert softmax([[-np.inf, -np.inf]]).tolist() == [[0, 0]]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_rows_of_weights_sum_to_one_and_outputs_lie_among_the_values(n, m, d, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.standard_normal((rows, d)) * 10 for rows in (n, m, m))
    output, weights = attention(q, k, v)
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    assert (output <= v.max(axis=0) + 1e-9).all()
    assert (output >= v.min(axis=0) - 1e-9).all()


@pytest.mark.parametrize("mask", [None, "causal", "added", "column"])
def test_blocks_give_what_the_whole_gives(monkeypatch, mask):
    monkeypatch.setattr("fuzzydict.attention._BLOCK", 4096)
    q, k, v = numbers(700, 8), numbers(700, 8, seed=1), numbers(700, 3, seed=2)
    given_mask = {
        None: None,
        "causal": causal_mask(700),
        "added": numbers(700, 700, seed=3),
        "column": np.arange(700) % 3 > 0,
    }[mask]
    whole = attention(q, k, v, given_mask).output
    np.testing.assert_allclose(attend_in_blocks(q, k, v, given_mask), whole, atol=1e-12)


def test_blocks_over_a_hundred_thousand_keys_need_little_memory():
    q, k = numbers(2000, 32, dtype=np.float32), numbers(100_000, 32, seed=1, dtype=np.float32)
    v = numbers(100_000, 4, seed=2, dtype=np.float32)
    tracemalloc.start()
    output = attend_in_blocks(q, k, v)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6
    np.testing.assert_allclose(output[:5], attention(q[:5], k, v).output, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((numbers(2, 100), numbers(3, 64), numbers(3, 1)), "q has 100 columns, k has 64"),
        ((numbers(2, 4), numbers(3, 4), numbers(5, 1)), "k has 3 rows, v has 5"),
        ((numbers(4), numbers(3, 4), numbers(3, 1)), r"q has the shape \(4,\)"),
        ((numbers(2, 2, 4), numbers(3, 3, 4), numbers(3, 1)), "do not fit"),
        ((np.full((2, 4), np.nan), numbers(3, 4), numbers(3, 1)), "q has NaN"),
        ((numbers(2, 4), numbers(3, 4), np.full((3, 1), np.inf)), "v has NaN or infinity"),
        (
            (numbers(2, 4), numbers(3, 4), numbers(3, 1), numbers(3, 2)),
            r"mask .* \(3, 2\).*\(2, 3\)",
        ),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), np.ones((7, 2, 3))), "mask has the shape"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), np.full((2, 3), np.nan)), "mask has NaN"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), None, 0.0), "scale is a number above 0"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), None, -1.0), "scale is a number above 0"),
    ],
)
def test_bad_input_gets_an_error_that_says_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        attention(*arguments)


def test_blocks_take_one_sequence():
    with pytest.raises(ValueError, match="one sequence"):
        attend_in_blocks(numbers(2, 2, 4), numbers(3, 4), numbers(3, 1))


def test_one_head_of_identities_is_plain_attention():
    layer = MultiHeadAttention(1, 4, 4)
    layer.w_q = layer.w_k = layer.w_v = np.eye(4).reshape(4, 1, 4)
    layer.w_o = np.eye(4).reshape(1, 4, 4)
    x, context = numbers(3, 4), numbers(5, 4, seed=1)
    output, weights = layer(x, context)
    plain = attention(x, context, context)
    np.testing.assert_allclose(output, plain.output)
    np.testing.assert_allclose(weights[0], plain.weights)


def test_a_layer_masks_every_head_of_every_sequence():
    layer = MultiHeadAttention(3, 2, 4, value_dim=5, output_dim=6)
    x = numbers(2, 7, 4)
    output, weights = layer(x, mask=np.broadcast_to(causal_mask(7), (2, 7, 7)))
    assert output.shape == (2, 7, 6)
    assert weights.shape == (2, 3, 7, 7)
    assert not np.triu(weights, 1).any()
    np.testing.assert_allclose(output, layer(x, mask=causal_mask(7)).output)
    assert repr(layer) == "MultiHeadAttention(num_heads=3, key_dim=2, dim=4)"


def test_a_layer_begins_the_same_for_the_same_seed():
    one, same, other = (MultiHeadAttention(2, 3, 4, seed=seed) for seed in (1, 1, 2))
    assert (one.w_q == same.w_q).all()
    assert (one.w_q != other.w_q).any()


def test_a_layer_says_what_does_not_fit():
    with pytest.raises(ValueError, match="all from 1"):
        MultiHeadAttention(0, 3, 4)
    with pytest.raises(ValueError, match=r"k has the shape \(5, 3\), its weights take 4 columns"):
        MultiHeadAttention(2, 3, 4)(numbers(2, 4), numbers(5, 3))
    with pytest.raises(ValueError, match="do not divide into 3 heads"):
        MultiHeadAttention.from_torch({"in_proj_weight": np.ones((12, 4))}, 3)
    with pytest.raises(ValueError, match="not 3"):
        MultiHeadAttention.from_keras([np.ones((2, 2, 2))] * 3)


def test_words_of_a_text_look_at_each_other():
    result = self_attention(lambda words: np.eye(len(words)), "the bank of the river", scale=2.0)
    assert result.words == ["the", "bank", "of", "the", "river"]
    assert result.weights.shape == (5, 5)
    np.testing.assert_allclose(result.weights.sum(axis=1), 1)
    np.testing.assert_allclose(result.output, result.weights)


def test_words_of_the_default_model_look_at_related_words():
    from fuzzydict.embedders import load

    result = self_attention(load("default"), "the bank lends money", scale=5.0)
    bank = dict(zip(result.words, result.weights[1], strict=True))
    assert bank["money"] > bank["the"]


def test_a_text_without_words_has_no_self_attention():
    with pytest.raises(ValueError, match="no words"):
        self_attention(lambda words: np.eye(len(words)), " …")


def test_self_attention_is_drawn_as_a_heat_map():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    result = self_attention(lambda words: np.eye(len(words)), "a b c")
    ax = result.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert result.plot(ax) is ax
    plt.close("all")
