"""Attention in closed form: nothing here needs another library."""

import sys
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
    softmax,
)
from fuzzydict.self_attention import self_attention

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


def test_the_scale_of_float16_is_as_exact_as_that_of_float32():
    x = numbers(4, 3, dtype=np.float16)
    wide = x.astype(np.float32)
    for scale in (None, 1e5, 1e-9):
        expected = attention(wide, wide, wide, scale=scale).output.astype(np.float16)
        np.testing.assert_array_equal(attention(x, x, x, scale=scale).output, expected)


def test_integers_and_lists_are_computed_as_float64():
    output, weights = attention([[1, 0]], [[1, 0], [0, 1]], [[1], [3]])
    assert output.dtype == weights.dtype == np.float64
    np.testing.assert_allclose(
        output, attention(*map(np.float64, ([[1, 0]], np.eye(2), [[1], [3]]))).output
    )


def test_softmax_of_huge_numbers_is_finite():
    np.testing.assert_allclose(softmax([1e300, 1e300]), [0.5, 0.5])
    assert softmax([[-np.inf, -np.inf]]).tolist() == [[0, 0]]


def test_softmax_takes_integers_and_nothing():
    np.testing.assert_allclose(softmax([[0, 1], [5, 5]]), [[1 / (1 + E), E / (1 + E)], [0.5, 0.5]])
    assert softmax([]).shape == (0,)
    assert softmax(np.zeros((2, 0))).shape == (2, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_softmax_refuses_what_would_make_it_nan(bad):
    with pytest.raises(ValueError, match="NaN or infinity"):
        softmax([[0.0, 1.0], [bad, 0.0]])


def test_products_that_overflow_are_refused():
    huge = np.full((2, 3), 1e30, np.float32)
    for function in (attention, attend_in_blocks):
        with pytest.raises(ValueError, match="overflows float32"):
            function(huge, huge, huge)
    np.testing.assert_allclose(attention(huge, huge, huge, scale=1e-30).weights, 0.5)


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
    q, k = numbers(500, 32, dtype=np.float32), numbers(100_000, 32, seed=1, dtype=np.float32)
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
        (
            (numbers(2, 2, 4), numbers(3, 3, 4), numbers(3, 1)),
            r"do not broadcast: q \(2, 2, 4\), k \(3, 3, 4\)",
        ),
        ((np.full((2, 4), np.nan), numbers(3, 4), numbers(3, 1)), "q has NaN"),
        ((numbers(2, 4), numbers(3, 4), np.full((3, 1), np.inf)), "v has NaN or infinity"),
        (
            (numbers(2, 4), numbers(3, 4), numbers(3, 1), numbers(3, 2)),
            r"mask .* \(3, 2\).*\(2, 3\)",
        ),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), np.ones((7, 2, 3))), "mask has the shape"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), np.full((2, 3), np.nan)), "mask has NaN"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), np.full((2, 3), np.inf)), "mask has NaN"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), np.ones((2, 3), int)), "mask is of int64"),
        ((numbers(2, 2, 4), numbers(3, 4), numbers(3, 3, 1)), r"do not broadcast.*v \(3, 3, 1\)"),
        ((numbers(2, 4), numbers(3, 4), numbers(3, 1), None, np.nan), "scale is a number above 0"),
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
    with pytest.raises(ValueError, match="num_heads counts from 1, not 0"):
        MultiHeadAttention(0, 3, 4)
    with pytest.raises(ValueError, match=r"k has the shape \(5, 3\), its weights take 4 columns"):
        MultiHeadAttention(2, 3, 4)(numbers(2, 4), numbers(5, 3))
    with pytest.raises(ValueError, match="do not divide into 3 heads"):
        MultiHeadAttention.from_torch({"in_proj_weight": np.ones((12, 4))}, 3)
    with pytest.raises(ValueError, match="do not divide into 0 heads"):
        MultiHeadAttention.from_torch({"in_proj_weight": np.ones((12, 4))}, 0)
    with pytest.raises(ValueError, match="appends no keys"):
        MultiHeadAttention.from_torch({"in_proj_weight": np.ones((12, 4)), "bias_k": 0}, 2)
    with pytest.raises(KeyError, match="out_proj"):
        MultiHeadAttention.from_torch({"in_proj_weight": np.ones((12, 4))}, 2)
    with pytest.raises(ValueError, match="value_dim counts from 1, not 0"):
        MultiHeadAttention(2, 3, 4, value_dim=0)
    with pytest.raises(ValueError, match="not 3"):
        MultiHeadAttention.from_keras([np.ones((2, 2, 2))] * 3)


# Self-attention of words

RIVER = "the bank of the river"


def one_hot(words):
    return np.eye(len(words))


def keyed_vectors():
    models = pytest.importorskip("gensim.models", reason="gensim is not installed")
    vectors = models.KeyedVectors(4)
    vectors.add_vectors(["the", "bank", "of", "river"], numbers(4, 4, dtype=np.float32))
    return vectors


@pytest.mark.parametrize("make", [lambda: "default", keyed_vectors, lambda: one_hot])
def test_words_of_a_text_look_at_each_other(make):
    result = self_attention(make(), RIVER)
    assert result.words == ["the", "bank", "of", "the", "river"]
    assert result.weights.shape == (5, 5)
    assert result.output.shape[0] == 5
    np.testing.assert_allclose(result.weights.sum(axis=1), 1, rtol=1e-5)
    assert (result.weights.argmax(axis=1)[[1, 2, 4]] == [1, 2, 4]).all()
    if make() is not one_hot:  # which tells the first "the" from the second
        np.testing.assert_allclose(result.weights[:, 0], result.weights[:, 3], rtol=1e-5)


def test_the_scale_multiplies_the_cosines_of_the_words():
    result = self_attention(lambda words: 7 * np.eye(len(words)), "a b c", scale=1.0)
    np.testing.assert_allclose(result.weights[0], np.array([E, 1, 1]) / (E + 2), rtol=1e-6)
    np.testing.assert_allclose(result.output, result.weights, rtol=1e-6)
    sharp = self_attention(one_hot, "a b c", scale=100.0)
    np.testing.assert_allclose(sharp.weights, np.eye(3), atol=1e-6)


def test_words_of_the_default_model_look_at_related_words():
    from fuzzydict.model.embedders import load

    result = self_attention(load("default"), "the bank lends money", scale=5.0)
    bank = dict(zip(result.words, result.weights[1], strict=True))
    assert bank["money"] > bank["the"]


def test_words_are_split_at_what_is_no_letter_but_not_inside_of_compounds():
    result = self_attention(one_hot, "Don't — the well-known “naïve” U2, 42!")
    assert result.words == ["Don't", "the", "well-known", "naïve", "U2", "42"]


def test_a_text_without_words_has_no_self_attention():
    with pytest.raises(ValueError, match="no words"):
        self_attention(one_hot, " …")


def test_what_is_no_embedder_has_no_self_attention():
    with pytest.raises(TypeError, match="embedder must be"):
        self_attention(5, RIVER)
    with pytest.raises(FileNotFoundError, match="no model 'defualt'"):
        self_attention("defualt", RIVER)
    with pytest.raises(ValueError, match=r"returned the shape \(2, 2\)"):
        self_attention(lambda words: np.eye(2), RIVER)


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_self_attention_is_drawn_as_a_heat_map_with_its_words(plt):
    result = self_attention(one_hot, "a b c")
    ax = result.plot()
    for labels in (ax.get_yticklabels(), ax.get_xticklabels()):
        assert [label.get_text() for label in labels] == ["a", "b", "c"]
    np.testing.assert_array_equal(ax.images[0].get_array(), result.weights)
    assert [text.get_text() for text in ax.texts[:2]] == [f"{w:.2f}" for w in result.weights[0, :2]]
    assert ax.get_title()
    assert len(ax.figure.axes) == 2  # the other one is the colour bar


def test_a_heat_map_is_drawn_where_it_is_told_to_be(plt):
    figure, (left, right) = plt.subplots(1, 2)
    assert self_attention(one_hot, "a b").plot(right) is right
    assert right.images
    assert not left.images
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("text", ["word", RIVER, "an internationalization of it all " * 6])
def test_no_label_of_a_heat_map_is_cut_off(plt, text):
    ax = self_attention(one_hot, text).plot()
    ax.figure.draw_without_rendering()
    whole = ax.figure.bbox
    for bar in ax.figure.axes:
        box = bar.get_tightbbox()
        assert box.x0 >= whole.x0
        assert box.y0 >= whole.y0
        assert box.x1 <= whole.x1
        assert box.y1 <= whole.y1


def test_many_words_are_drawn_without_numbers(plt):
    assert not self_attention(one_hot, "word " * 30).plot().texts


def test_without_matplotlib_a_plot_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'fuzzydict-attention\[plot\]'"):
        self_attention(one_hot, "a b c").plot()


def numbers32(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("apart", [False, True])
def test_the_layout_of_pytorchs_weights_is_that_of_the_layer(biased, apart):
    w, out = numbers32(3, 6, 6), numbers32(6, 6, seed=1)
    b, out_bias = numbers32(3, 6, seed=2), numbers32(6, seed=3)
    state = {"out_proj.weight": out}
    if apart:
        state |= {f"{name}_proj_weight": part for name, part in zip("qkv", w, strict=True)}
    else:
        state["in_proj_weight"] = np.concatenate(w)
    if biased:
        state |= {"in_proj_bias": np.concatenate(b), "out_proj.bias": out_bias}
    q, k, v = numbers32(4, 6, seed=4), numbers32(5, 6, seed=5), numbers32(5, 6, seed=6)
    maps = [x @ part.T + bias * biased for x, part, bias in zip((q, k, v), w, b, strict=True)]
    heads = [attention(*(x[:, 3 * head : 3 * head + 3] for x in maps)).output for head in range(2)]
    expected = np.hstack(heads) @ out.T + out_bias * biased
    found = MultiHeadAttention.from_torch(state, 2)(q, k, v).output
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("biased", [False, True])
def test_the_layout_of_keras_weights_is_that_of_the_layer(biased):
    w_q, w_k, w_v = numbers32(6, 2, 3), numbers32(6, 2, 3, seed=1), numbers32(6, 2, 5, seed=2)
    w_o = numbers32(2, 5, 4, seed=3)
    b_q, b_k, b_v = numbers32(2, 3, seed=4), numbers32(2, 3, seed=5), numbers32(2, 5, seed=6)
    b_o = numbers32(4, seed=7)
    weights = [w_q, b_q, w_k, b_k, w_v, b_v, w_o, b_o] if biased else [w_q, w_k, w_v, w_o]
    q, k, v = numbers32(4, 6, seed=8), numbers32(5, 6, seed=9), numbers32(5, 6, seed=10)
    expected = b_o * biased
    for head in range(2):
        found = attention(
            q @ w_q[:, head] + b_q[head] * biased,
            k @ w_k[:, head] + b_k[head] * biased,
            v @ w_v[:, head] + b_v[head] * biased,
        )
        expected = expected + found.output @ w_o[head]
    layer = MultiHeadAttention.from_keras(weights)
    np.testing.assert_allclose(layer(q, k, v).output, expected, rtol=1e-4, atol=1e-5)
