"""Attention against PyTorch and Keras on random inputs, to 1e-5 in float32."""

import numpy as np
import pytest

from fuzzydict.attention import MultiHeadAttention, attend_in_blocks, attention, causal_mask

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
MASKS = ["none", "boolean", "additive", "causal"]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def make_mask(kind, n, m):
    rng = np.random.default_rng(9)
    if kind == "boolean":
        mask = rng.random((n, m)) < 0.6
        mask[:, 0] = True
        return mask
    return {"none": None, "additive": numbers(n, m, seed=8), "causal": causal_mask(n)}[kind]


def tensor(array):
    return None if array is None else torch.from_numpy(np.array(array))


@pytest.mark.parametrize("kind", MASKS)
def test_scaled_dot_product_attention_is_pytorchs(kind):
    m = 5 if kind == "causal" else 7
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, m, 8, seed=1), numbers(2, 3, m, 4, seed=2)
    mask = make_mask(kind, 5, m)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        tensor(q), tensor(k), tensor(v), attn_mask=tensor(mask)
    )
    ours = attention(q, k, v, mask).output
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.numpy(), **CLOSE)
    np.testing.assert_allclose(
        attend_in_blocks(q[0, 0], k[0, 0], v[0, 0], mask), ours[0, 0], **CLOSE
    )


def test_the_causal_mask_is_pytorchs():
    x = numbers(2, 5, 8)
    theirs = torch.nn.functional.scaled_dot_product_attention(*[tensor(x)] * 3, is_causal=True)
    np.testing.assert_allclose(attention(x, x, x, causal_mask(5)).output, theirs.numpy(), **CLOSE)


@pytest.mark.parametrize("kind", MASKS)
def test_weights_are_those_that_pytorch_would_blend_an_identity_with(kind):
    m = 5 if kind == "causal" else 7
    q, k = numbers(5, 8), numbers(m, 8, seed=1)
    mask = make_mask(kind, 5, m)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(tensor, (q[None], k[None], np.eye(m, dtype=np.float32)[None])), attn_mask=tensor(mask)
    )
    np.testing.assert_allclose(attention(q, k, k, mask).weights, theirs.numpy()[0], **CLOSE)


def test_a_scale_is_pytorchs():
    q, k, v = numbers(5, 8), numbers(7, 8, seed=1), numbers(7, 4, seed=2)
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(tensor, (q[None], k[None], v[None])), scale=0.5
    )
    np.testing.assert_allclose(attention(q, k, v, scale=0.5).output, theirs.numpy()[0], **CLOSE)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("source", ["self", "cross", "other widths"])
def test_a_layer_with_the_weights_of_pytorchs_gives_what_it_gives(source, kind, bias):
    torch.manual_seed(0)
    wide = {"kdim": 6, "vdim": 10} if source == "other widths" else {}
    theirs = torch.nn.MultiheadAttention(12, 3, bias=bias, batch_first=True, **wide)
    if bias:
        torch.nn.init.normal_(theirs.in_proj_bias)
        torch.nn.init.normal_(theirs.out_proj.bias)
    ours = MultiHeadAttention.from_torch(
        {name: array.numpy() for name, array in theirs.state_dict().items()}, num_heads=3
    )
    m = 5 if kind == "causal" or source == "self" else 7
    q = numbers(2, 5, 12)
    k = q if source == "self" else numbers(2, m, wide.get("kdim", 12), seed=1)
    v = k if source != "other widths" else numbers(2, m, wide["vdim"], seed=2)
    mask = make_mask(kind, 5, m)
    # In the layer of PyTorch, unlike its function, True in a mask hides a key.
    hidden = ~mask if mask is not None and mask.dtype == bool else mask
    with torch.no_grad():
        output, weights = theirs(
            *map(tensor, (q, k, v)), attn_mask=tensor(hidden), average_attn_weights=False
        )
    found = ours(q, k, v, mask)
    np.testing.assert_allclose(found.output, output.numpy(), **CLOSE)
    np.testing.assert_allclose(found.weights, weights.numpy(), **CLOSE)


# Keras uses a conversion that NumPy 2 deprecates.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["none", "boolean", "causal"])
@pytest.mark.parametrize("source", ["self", "cross", "other widths"])
def test_a_layer_with_the_weights_of_keras_gives_what_it_gives(monkeypatch, source, kind, bias):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    layer = keras.layers.MultiHeadAttention(3, 4, value_dim=5, output_shape=6, use_bias=bias)
    m = 5 if kind == "causal" or source == "self" else 7
    q = numbers(2, 5, 12)
    k = q if source == "self" else numbers(2, m, 8, seed=1)
    v = numbers(2, m, 10, seed=2) if source == "other widths" else k
    mask = make_mask(kind, 5, m)
    layer(q, v, k)
    layer.set_weights([numbers(*w.shape, seed=i) / 3 for i, w in enumerate(layer.get_weights())])
    output, weights = layer(
        q,
        v,
        k,
        attention_mask=None if mask is None else np.broadcast_to(mask, (2, 5, m)),
        return_attention_scores=True,
    )
    found = MultiHeadAttention.from_keras(layer.get_weights())(q, k, v, mask)
    np.testing.assert_allclose(found.output, output.detach().numpy(), **CLOSE)
    np.testing.assert_allclose(found.weights, weights.detach().numpy(), **CLOSE)
