"""Attention, in NumPy: a lookup whose keys need not be equal to the query.

A dict answers ``d[q]`` with the value of the key that is equal to q. Attention answers with a mean
of all values, each weighted by how near its key is to q (Vaswani et al., 2017):

    attention(q, k, v) = softmax(q kᵀ · scale + mask) v

Self-attention is ``attention(x, x, x)``: each row looks up all rows of its own sequence. In
cross-attention, ``attention(x, context, context)``, it looks up those of another one. With
``mask=causal_mask(n)`` a row sees itself and what came before it. `MultiHeadAttention` does this
several times side by side, each time through linear maps of its own.

Shapes are written at the ends of lines: n queries, m keys, d columns of both, e columns of values,
h heads; "..." stands for any leading dimensions, which broadcast. All is computed in the precision
of the input, float16 in float32, and what is not floating point as float64.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "AttentionOutput",
    "MultiHeadAttention",
    "attend_in_blocks",
    "attention",
    "causal_mask",
    "softmax",
]

Array = NDArray[Any]

_BLOCK = 1 << 20  # numbers in a block of weights: 4 MB in float32


class AttentionOutput(NamedTuple):
    """What attention gives: ``output`` [..., n, e] and the ``weights`` [..., n, m] that made it."""

    output: Array
    weights: Array


def softmax(x: ArrayLike) -> Array:
    """Return exp(x) / sum(exp(x)) along the last axis: numbers from 0 to 1 that sum to one.

    The largest x is subtracted first, so that nothing overflows. -inf takes no part; where nothing
    does, all are zero. ``ValueError`` for NaN and +inf. O(size of x).

    >>> softmax([0.0, np.log(3.0), -np.inf]).tolist()
    [0.25, 0.75, 0.0]
    """
    x = _floats(x)
    if not x.max(initial=-np.inf) < np.inf:
        raise ValueError("softmax is of numbers and -inf: there is NaN or infinity in it")
    top = x.max(axis=-1, keepdims=True, initial=-np.inf)
    powers = np.exp(x - np.where(np.isfinite(top), top, 0))
    total = powers.sum(axis=-1, keepdims=True)
    shares: Array = powers / np.where(total > 0, total, 1)
    return shares


def attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    mask: ArrayLike | None = None,
    scale: float | None = None,
) -> AttentionOutput:
    """Look up queries among keys: the mean of the values, weighted by softmax(q kᵀ · scale).

    ``q`` [..., n, d], ``k`` [..., m, d], ``v`` [..., m, e]; leading dimensions broadcast. ``mask``
    broadcasts to [..., n, m]: True of a boolean one lets a query see a key; one of floats is added
    to the logits, and its -inf hides a key. A query that sees no key gets zeros. ``scale`` is
    above 0, 1/√d by default. float16 is given back as float16.

    ``ValueError`` names the shapes that do not fit, says where an input is not finite, and refuses
    masks of integers, which could mean either. O(n · m · (d + e)). Scaled dot-product attention
    (Vaswani et al., 2017).

    >>> output, weights = attention([[1.0]], [[0.0], [1.0]], [[0.0], [1.0]])
    >>> bool(np.isclose(weights[0, 1], np.e / (1 + np.e)))
    True
    """
    q, k, v = _checked(q, k, v)
    mask = _checked_mask(mask, _logit_shape(q, k, v))
    logits = _masked(_logits(q, k, scale), mask)  # (..., n, m)
    weights = softmax(logits)  # (..., n, m)
    output = weights @ _wide(v)  # (..., n, e)
    kind = np.result_type(q, k, v)
    return AttentionOutput(output.astype(kind), weights.astype(kind))


def attend_in_blocks(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    mask: ArrayLike | None = None,
    scale: float | None = None,
) -> Array:
    """Return the output of `attention`, [n, e], without ever holding all its weights.

    The arguments and errors are those of `attention`, for one sequence: ``q`` [n, d], ``k`` [m, d],
    ``v`` [m, e]. Blocks of queries meet blocks of keys; what a row has summed so far is rescaled
    whenever a larger logit turns up (Milakov and Gimelshein, 2018; Rabe and Staats, 2021), which
    is exact but for rounding. O(n · m · (d + e)) in time; the extra memory is a few blocks of a
    million numbers, and the output, whatever n and m are.
    """
    q, k, v = _checked(q, k, v)
    if not q.ndim == k.ndim == v.ndim == 2:
        raise ValueError(f"blocks need one sequence: q is {q.shape}, k {k.shape}, v {v.shape}")
    mask = _checked_mask(mask, (len(q), len(k)))
    output = np.zeros((len(q), v.shape[1]), np.result_type(q, k, v))
    width = max(1, min(len(k), _BLOCK // max(q.shape[1], v.shape[1], 1024)))
    height = max(1, _BLOCK // max(width, q.shape[1], v.shape[1], 1))
    for start in range(0, len(q), height):
        rows = slice(start, start + height)
        top = np.full((len(q[rows]), 1), -np.inf, _wide(q[:0]).dtype)
        total, sums = np.zeros_like(top), 0.0
        for begin in range(0, len(k), width):
            columns = slice(begin, begin + width)
            logits = _logits(q[rows], k[columns], scale)
            logits = _masked(logits, _part(mask, rows, columns))  # (height, width)
            higher = np.maximum(top, logits.max(axis=1, keepdims=True))
            safe = np.where(np.isfinite(higher), higher, 0)
            shrink, powers = np.exp(top - safe), np.exp(logits - safe)
            sums = sums * shrink + powers @ _wide(v[columns])  # (height, e)
            total = total * shrink + powers.sum(axis=1, keepdims=True)
            top = higher
        output[rows] = sums / np.where(total > 0, total, 1)
    return output


def causal_mask(n: int) -> NDArray[np.bool_]:
    """Return the mask [n, n] that lets row i see the rows up to i.

    >>> causal_mask(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return np.tri(n, dtype=bool)


class MultiHeadAttention:
    """Attention in several heads, each through its own linear maps W_Q, W_K and W_V.

    Head i looks up ``q @ w_q[:, i]`` among ``k @ w_k[:, i]`` for ``v @ w_v[:, i]``; what the heads
    find is joined by ``w_o``. The weights are attributes and may be set: ``w_q`` [D, h, key_dim],
    ``w_k`` [D of k, h, key_dim], ``w_v`` [D of v, h, value_dim], ``w_o`` [h, value_dim, D_out],
    and the biases ``b_q``, ``b_k`` [h, key_dim], ``b_v`` [h, value_dim], ``b_o`` [D_out].
    They begin as Glorot and Bengio's uniform numbers (2010), seeded, with biases of zero.
    ``value_dim`` is ``key_dim`` and ``output_dim`` is ``dim`` unless given. Multi-head attention
    (Vaswani et al., 2017).

    >>> layer = MultiHeadAttention(num_heads=2, key_dim=3, dim=4)
    >>> layer(np.ones((5, 4)), np.ones((7, 4))).output.shape
    (5, 4)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        dim: int,
        *,
        value_dim: int | None = None,
        output_dim: int | None = None,
        seed: int = 0,
    ) -> None:
        values = key_dim if value_dim is None else value_dim
        outputs = dim if output_dim is None else output_dim
        sizes = {"num_heads": num_heads, "key_dim": key_dim, "dim": dim}
        for name, size in {**sizes, "value_dim": values, "output_dim": outputs}.items():
            if size < 1:
                raise ValueError(f"{name} counts from 1, not {size!r}")
        rng = np.random.default_rng(seed)
        self.num_heads = num_heads
        self.w_q = _glorot(rng, (dim, num_heads, key_dim))
        self.w_k = _glorot(rng, (dim, num_heads, key_dim))
        self.w_v = _glorot(rng, (dim, num_heads, values))
        self.w_o = _glorot(rng, (num_heads, values, outputs))
        self.b_q: Array = np.zeros((num_heads, key_dim), np.float32)
        self.b_k: Array = np.zeros((num_heads, key_dim), np.float32)
        self.b_v: Array = np.zeros((num_heads, values), np.float32)
        self.b_o: Array = np.zeros(outputs, np.float32)

    def __repr__(self) -> str:
        inputs, heads, keys = self.w_q.shape
        return f"MultiHeadAttention(num_heads={heads}, key_dim={keys}, dim={inputs})"

    def __call__(
        self,
        q: ArrayLike,
        k: ArrayLike | None = None,
        v: ArrayLike | None = None,
        mask: ArrayLike | None = None,
    ) -> AttentionOutput:
        """Return the output [..., n, D_out] and the weights of each head [..., h, n, m].

        ``k`` is ``q`` unless given (self-attention), and ``v`` is ``k``. ``mask`` is as in
        `attention` and broadcasts to [..., n, m], the same for all heads.
        """
        q = np.asarray(q)
        k = q if k is None else np.asarray(k)
        v = k if v is None else np.asarray(v)
        heads_q = _project("q", q, self.w_q, self.b_q)  # (..., h, n, key_dim)
        heads_k = _project("k", k, self.w_k, self.b_k)  # (..., h, m, key_dim)
        heads_v = _project("v", v, self.w_v, self.b_v)  # (..., h, m, value_dim)
        if mask is not None and np.ndim(mask) > 2:
            mask = np.expand_dims(np.asarray(mask), -3)  # one mask for all heads
        found = attention(heads_q, heads_k, heads_v, mask)
        output = np.einsum("...hne,heo->...no", found.output, self.w_o) + self.b_o
        return AttentionOutput(output, found.weights)

    @classmethod
    def from_torch(cls, state: Mapping[str, ArrayLike], num_heads: int) -> "MultiHeadAttention":
        """Return the layer with the weights of a ``torch.nn.MultiheadAttention``.

        ``state`` holds arrays by the names of its ``state_dict``: ``in_proj_weight`` [3E, E], or
        ``q_proj_weight`` [E, E], ``k_proj_weight`` [E, kdim] and ``v_proj_weight`` [E, vdim];
        ``out_proj.weight`` [E, E]; and, where it has biases, ``in_proj_bias`` [3E] and
        ``out_proj.bias`` [E]. ``KeyError`` where one is missing, ``ValueError`` where E columns do
        not divide into the heads, and for the keys that ``add_bias_kv`` appends.
        """
        arrays = {name: np.asarray(array) for name, array in state.items()}
        if "bias_k" in arrays:
            raise ValueError("this layer appends no keys: bias_k and bias_v have no place in it")
        if "in_proj_weight" in arrays:
            inputs = np.split(arrays["in_proj_weight"], 3)
        else:
            inputs = [arrays[f"{name}_proj_weight"] for name in "qkv"]
        size = len(inputs[0])
        if num_heads < 1 or size % num_heads:
            raise ValueError(f"{size} columns do not divide into {num_heads} heads")
        width = size // num_heads
        layer = cls(num_heads, width, size)
        layer.w_q, layer.w_k, layer.w_v = (w.T.reshape(-1, num_heads, width) for w in inputs)
        layer.w_o = arrays["out_proj.weight"].T.reshape(num_heads, width, size)
        if "in_proj_bias" in arrays:
            biases = np.split(arrays["in_proj_bias"], 3)
            layer.b_q, layer.b_k, layer.b_v = (b.reshape(num_heads, width) for b in biases)
            layer.b_o = arrays["out_proj.bias"]
        return layer

    @classmethod
    def from_keras(cls, weights: Sequence[ArrayLike]) -> "MultiHeadAttention":
        """Return the layer with the weights of a ``keras.layers.MultiHeadAttention``.

        ``weights`` are those of its ``get_weights()``: the kernels [D, h, key_dim] of query and
        key, [D, h, value_dim] of value, [h, value_dim, D_out] of output, each followed by its bias
        where it has biases. ``ValueError`` for another number of arrays than 4 or 8.
        """
        arrays = [np.asarray(array) for array in weights]
        if len(arrays) not in (4, 8):
            raise ValueError(f"4 kernels, or 4 kernels and biases in turn, not {len(arrays)}")
        kernels = arrays if len(arrays) == 4 else arrays[::2]
        dim, heads, width = kernels[0].shape
        values, outputs = kernels[3].shape[1:]
        layer = cls(heads, width, dim, value_dim=values, output_dim=outputs)
        layer.w_q, layer.w_k, layer.w_v, layer.w_o = kernels
        if len(arrays) == 8:
            layer.b_q, layer.b_k, layer.b_v, layer.b_o = arrays[1::2]
        return layer


# What the functions above share: one check of the input, one product.


def _checked(q: ArrayLike, k: ArrayLike, v: ArrayLike) -> tuple[Array, Array, Array]:
    q, k, v = (x if _is_floating(x) else x.astype(float) for x in map(np.asarray, (q, k, v)))
    for name, array in zip("qkv", (q, k, v), strict=True):
        if array.ndim < 2:
            raise ValueError(f"{name} has the shape {array.shape}, not (..., rows, columns)")
        # NaN is the least and the largest of all; a boolean array of isfinite would cost memory.
        if not np.isfinite([array.min(initial=0), array.max(initial=0)]).all():
            raise ValueError(f"{name} has NaN or infinity in it")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"q has {q.shape[-1]} columns, k has {k.shape[-1]}")
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(f"k has {k.shape[-2]} rows, v has {v.shape[-2]}")
    return q, k, v


def _logit_shape(q: Array, k: Array, v: Array) -> tuple[int, ...]:
    try:
        leading = np.broadcast_shapes(q.shape[:-2], k.shape[:-2])
        np.broadcast_shapes(leading, v.shape[:-2])
    except ValueError:
        shapes = f"q {q.shape}, k {k.shape}, v {v.shape}"
        raise ValueError(f"the leading dimensions do not broadcast: {shapes}") from None
    return (*leading, q.shape[-2], k.shape[-2])


def _logits(q: Array, k: Array, scale: float | None) -> Array:
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale is a number above 0, not {scale!r}")
    factor = 1 / np.sqrt(max(q.shape[-1], 1)) if scale is None else scale
    q, k = _wide(q), _wide(k)
    with np.errstate(over="ignore", invalid="ignore"):
        logits: Array = (q * q.dtype.type(factor)) @ np.swapaxes(k, -1, -2)
    if not np.isfinite([logits.min(initial=0), logits.max(initial=0)]).all():
        raise ValueError(f"q kᵀ · scale overflows {logits.dtype}: make q, k or scale smaller")
    return logits


def _checked_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> Array | None:
    """Return the mask as an array of two dimensions at least, that broadcasts to ``shape``."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    try:
        fits = np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"mask has the shape {mask.shape}, the logits have {shape}")
    if mask.dtype != bool and not _is_floating(mask):
        raise ValueError(
            f"mask is of {mask.dtype}: make it boolean, to show and hide keys, or of floats, to be "
            "added to the logits"
        )
    if mask.dtype != bool and not mask.max(initial=-np.inf) < np.inf:
        raise ValueError("mask has NaN or infinity in it; only -inf hides a key")
    return mask.reshape((1,) * (2 - mask.ndim) + mask.shape)


def _masked(logits: Array, mask: Array | None) -> Array:
    """Return the logits under the mask: -inf where it hides a key."""
    if mask is None:
        return logits
    if mask.dtype == bool:
        return np.where(mask, logits, logits.dtype.type(-np.inf))
    return logits + _wide(mask)


def _part(mask: Array | None, rows: slice, columns: slice) -> Array | None:
    """Return the block of a mask [n or 1, m or 1]."""
    if mask is None:
        return None
    mask = mask[rows] if len(mask) > 1 else mask
    return mask[:, columns] if mask.shape[1] > 1 else mask


def _project(name: str, x: Array, weights: Array, bias: Array) -> Array:
    if x.ndim < 2 or x.shape[-1] != len(weights):
        raise ValueError(f"{name} has the shape {x.shape}, its weights take {len(weights)} columns")
    projected = np.einsum("...nd,dhk->...nhk", x, weights) + bias
    return np.swapaxes(projected, -2, -3)  # (..., h, n, k)


def _glorot(rng: "np.random.Generator", shape: tuple[int, int, int]) -> Array:
    limit = np.sqrt(6 / (shape[0] + shape[1] * shape[2]))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _is_floating(x: Array) -> bool:
    return bool(np.issubdtype(x.dtype, np.floating))


def _floats(x: ArrayLike) -> Array:
    """Return the numbers to compute with."""
    x = np.asarray(x)
    return _wide(x) if _is_floating(x) else x.astype(float)


def _wide(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == np.float16 else x
