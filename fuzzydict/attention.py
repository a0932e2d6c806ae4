"""Attention in NumPy: a lookup whose keys need not equal the query.

A dict returns the value of the key that equals q. Attention returns the mean of all values, each
weighted by the similarity of its key to q (Vaswani et al., 2017):

    attention(q, k, v) = softmax(q kᵀ · scale + mask) v

Self-attention is ``attention(x, x, x)``: each row attends to all rows of its own sequence. In
cross-attention, ``attention(x, context, context)``, it attends to the rows of another sequence.
With ``mask=causal_mask(n)`` a row attends to itself and to earlier rows. `MultiHeadAttention` runs
several attentions in parallel, each through its own linear maps.

Comments at line ends give shapes: n queries, m keys, d columns of both, e columns of values, h
heads; "..." are any leading dimensions, which broadcast. The precision is that of the input;
float16 is computed in float32, integers in float64.
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
    """The ``output`` [..., n, e] of attention and its ``weights`` [..., n, m]."""

    output: Array
    weights: Array


def softmax(x: ArrayLike) -> Array:
    """Return exp(x) / sum(exp(x)) along the last axis: numbers from 0 to 1 that sum to one.

    The largest x is subtracted first to prevent overflow. -inf becomes 0; a row of -inf becomes all
    zeros. ``ValueError`` for NaN and +inf. O(size of x).

    >>> softmax([0.0, np.log(3.0), -np.inf]).tolist()
    [0.25, 0.75, 0.0]
    """
    x = _floats(x)
    if not x.max(initial=-np.inf) < np.inf:
        raise ValueError("softmax takes finite numbers and -inf, got NaN or +inf")
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
    """Return the mean of the values, weighted by softmax(q kᵀ · scale + mask).

    Scaled dot-product attention (Vaswani et al., 2017). Leading dimensions broadcast. A query
    without visible keys gives zeros. O(n · m · (d + e)).

    Args:
        q: Queries [..., n, d].
        k: Keys [..., m, d].
        v: Values [..., m, e].
        mask: Broadcasts to [..., n, m]. Booleans: True makes a key visible. Floats: added to the
            logits; -inf hides a key.
        scale: A positive number, 1/√d by default.

    Raises:
        ValueError: Shapes do not fit, an input is not finite, or the mask has integers, which could
            mean either.

    >>> output, weights = attention([[1.0]], [[0.0], [1.0]], [[0.0], [1.0]])
    >>> bool(np.isclose(weights[0, 1], np.e / (1 + np.e)))
    True
    """
    q, k, v = _checked(q, k, v)
    mask = _checked_mask(mask, _logit_shape(q, k, v))
    logits = _apply_mask(_logits(q, k, scale), mask)  # (..., n, m)
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
    """Return the output [n, e] of `attention` without storing all weights.

    The arguments and errors are those of `attention` for one sequence: ``q`` [n, d], ``k`` [m, d],
    ``v`` [m, e]. Queries and keys are processed in blocks; the sums of a row are rescaled whenever
    a larger logit appears (Milakov and Gimelshein, 2018; Rabe and Staats, 2021), which is exact up
    to rounding. Time O(n · m · (d + e)); memory beyond the output is constant: a few blocks of a
    million numbers.
    """
    q, k, v = _checked(q, k, v)
    if not q.ndim == k.ndim == v.ndim == 2:
        raise ValueError(f"blocks need one sequence, got q {q.shape}, k {k.shape}, v {v.shape}")
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
            logits = _apply_mask(logits, _block(mask, rows, columns))  # (height, width)
            higher = np.maximum(top, logits.max(axis=1, keepdims=True))
            safe = np.where(np.isfinite(higher), higher, 0)
            shrink, powers = np.exp(top - safe), np.exp(logits - safe)
            sums = sums * shrink + powers @ _wide(v[columns])  # (height, e)
            total = total * shrink + powers.sum(axis=1, keepdims=True)
            top = higher
        output[rows] = sums / np.where(total > 0, total, 1)
    return output


def causal_mask(n: int) -> NDArray[np.bool_]:
    """Return the mask [n, n] in which row i sees rows 0 to i.

    >>> causal_mask(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return np.tri(n, dtype=bool)


class MultiHeadAttention:
    """Multi-head attention (Vaswani et al., 2017): each head has linear maps W_Q, W_K and W_V.

    Head i computes ``attention(q @ w_q[:, i], k @ w_k[:, i], v @ w_v[:, i])``; ``w_o`` combines the
    outputs. Weights and biases are attributes and may be set:

    - ``w_q`` [dim, h, key_dim], ``b_q`` [h, key_dim];
    - ``w_k`` [dim of k, h, key_dim], ``b_k`` [h, key_dim];
    - ``w_v`` [dim of v, h, value_dim], ``b_v`` [h, value_dim];
    - ``w_o`` [h, value_dim, output_dim], ``b_o`` [output_dim].

    Initial weights are Glorot uniform (Glorot and Bengio, 2010), biases zero.

    Args:
        num_heads: The number of heads h.
        key_dim: The columns of queries and keys in a head.
        dim: The columns of the input.
        value_dim: The columns of values in a head, by default ``key_dim``.
        output_dim: The columns of the output, by default ``dim``.
        seed: The seed of the initial weights.

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
                raise ValueError(f"{name} must be at least 1, got {size!r}")
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
        """Return the output [..., n, output_dim] and the weights of each head [..., h, n, m].

        ``k`` is ``q`` by default (self-attention), and ``v`` is ``k``. ``mask`` is that of
        `attention`, and the same for all heads.
        """
        q = np.asarray(q)
        k = q if k is None else np.asarray(k)
        v = k if v is None else np.asarray(v)
        heads_q = _project("q", q, self.w_q, self.b_q)  # (..., h, n, key_dim)
        heads_k = _project("k", k, self.w_k, self.b_k)  # (..., h, m, key_dim)
        heads_v = _project("v", v, self.w_v, self.b_v)  # (..., h, m, value_dim)
        if mask is not None and np.ndim(mask) > 2:
            mask = np.expand_dims(np.asarray(mask), -3)  # one mask for all heads
        outputs, weights = attention(heads_q, heads_k, heads_v, mask)
        output = np.einsum("...hne,heo->...no", outputs, self.w_o) + self.b_o
        return AttentionOutput(output, weights)

    @classmethod
    def from_torch(cls, state: Mapping[str, ArrayLike], num_heads: int) -> "MultiHeadAttention":
        """Return a layer with the weights of a ``torch.nn.MultiheadAttention``.

        Args:
            state: Arrays by their names in its ``state_dict``: ``in_proj_weight`` [3E, E], or
                ``q_proj_weight`` [E, E], ``k_proj_weight`` [E, kdim] and ``v_proj_weight``
                [E, vdim]; ``out_proj.weight`` [E, E]; and, with biases, ``in_proj_bias`` [3E] and
                ``out_proj.bias`` [E].
            num_heads: The number of heads.

        Raises:
            KeyError: An array is missing.
            ValueError: E is not divisible by ``num_heads``, or the layer has ``add_bias_kv``.
        """
        arrays = {name: np.asarray(array) for name, array in state.items()}
        if "bias_k" in arrays:
            raise ValueError("layers with add_bias_kv (bias_k, bias_v) are not supported")
        if "in_proj_weight" in arrays:
            inputs = np.split(arrays["in_proj_weight"], 3)
        else:
            inputs = [arrays[f"{name}_proj_weight"] for name in "qkv"]
        size = len(inputs[0])
        if num_heads < 1 or size % num_heads:
            raise ValueError(f"{size} columns are not divisible into {num_heads} heads")
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
        """Return a layer with the weights of a ``keras.layers.MultiHeadAttention``.

        Args:
            weights: The result of its ``get_weights()``: the kernels of query and key
                [D, h, key_dim], value [D, h, value_dim] and output [h, value_dim, D_out], each
                followed by its bias if it has biases.

        Raises:
            ValueError: There are not 4 or 8 arrays.
        """
        arrays = [np.asarray(array) for array in weights]
        if len(arrays) not in (4, 8):
            raise ValueError(
                f"expected 4 kernels, or 4 kernels and 4 biases, got {len(arrays)} arrays"
            )
        kernels = arrays if len(arrays) == 4 else arrays[::2]
        dim, heads, width = kernels[0].shape
        values, outputs = kernels[3].shape[1:]
        layer = cls(heads, width, dim, value_dim=values, output_dim=outputs)
        layer.w_q, layer.w_k, layer.w_v, layer.w_o = kernels
        if len(arrays) == 8:
            layer.b_q, layer.b_k, layer.b_v, layer.b_o = arrays[1::2]
        return layer


# Input checks and helpers.


def _checked(q: ArrayLike, k: ArrayLike, v: ArrayLike) -> tuple[Array, Array, Array]:
    q, k, v = (x if _is_floating(x) else x.astype(float) for x in map(np.asarray, (q, k, v)))
    for name, array in zip("qkv", (q, k, v), strict=True):
        if array.ndim < 2:
            raise ValueError(f"{name} must have the shape (..., rows, columns), got {array.shape}")
        # min and max propagate NaN; isfinite of the whole array would need more memory.
        if not np.isfinite([array.min(initial=0), array.max(initial=0)]).all():
            raise ValueError(f"{name} must be finite, got NaN or infinity")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"q and k must have the same columns, got {q.shape} and {k.shape}")
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(f"k and v must have the same rows, got {k.shape} and {v.shape}")
    return q, k, v


def _logit_shape(q: Array, k: Array, v: Array) -> tuple[int, ...]:
    try:
        leading = np.broadcast_shapes(q.shape[:-2], k.shape[:-2])
        np.broadcast_shapes(leading, v.shape[:-2])
    except ValueError:
        shapes = f"q {q.shape}, k {k.shape}, v {v.shape}"
        raise ValueError(f"leading dimensions do not broadcast: {shapes}") from None
    return (*leading, q.shape[-2], k.shape[-2])


def _logits(q: Array, k: Array, scale: float | None) -> Array:
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be a positive finite number, got {scale!r}")
    factor = 1 / np.sqrt(max(q.shape[-1], 1)) if scale is None else scale
    q, k = _wide(q), _wide(k)
    with np.errstate(over="ignore", invalid="ignore"):
        logits: Array = (q * q.dtype.type(factor)) @ np.swapaxes(k, -1, -2)
    if not np.isfinite([logits.min(initial=0), logits.max(initial=0)]).all():
        raise ValueError(f"q kᵀ · scale overflows {logits.dtype}: scale q, k or scale down")
    return logits


def _checked_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> Array | None:
    """Return the mask with at least two dimensions; it must broadcast to ``shape``."""
    if mask is None:
        return None
    mask = np.asarray(mask)
    try:
        fits = np.broadcast_shapes(mask.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"mask must broadcast to the shape {shape} of the logits, got {mask.shape}"
        )
    if mask.dtype != bool and not _is_floating(mask):
        raise ValueError(
            f"mask must be boolean (True makes a key visible) or float (added to the logits), "
            f"got {mask.dtype}"
        )
    if mask.dtype != bool and not mask.max(initial=-np.inf) < np.inf:
        raise ValueError("mask must be finite or -inf, got NaN or +inf")
    return mask.reshape((1,) * (2 - mask.ndim) + mask.shape)


def _apply_mask(logits: Array, mask: Array | None) -> Array:
    """Return the masked logits, -inf for hidden keys."""
    if mask is None:
        return logits
    if mask.dtype == bool:
        return np.where(mask, logits, logits.dtype.type(-np.inf))
    return logits + _wide(mask)


def _block(mask: Array | None, rows: slice, columns: slice) -> Array | None:
    """Return the block of a mask [n or 1, m or 1]."""
    if mask is None:
        return None
    mask = mask[rows] if len(mask) > 1 else mask
    return mask[:, columns] if mask.shape[1] > 1 else mask


def _project(name: str, x: Array, weights: Array, bias: Array) -> Array:
    if x.ndim < 2 or x.shape[-1] != len(weights):
        raise ValueError(f"{name} must have {len(weights)} columns, got the shape {x.shape}")
    projected = np.einsum("...nd,dhk->...nhk", x, weights) + bias
    return np.swapaxes(projected, -2, -3)  # (..., h, n, k)


def _glorot(rng: "np.random.Generator", shape: tuple[int, int, int]) -> Array:
    limit = np.sqrt(6 / (shape[0] + shape[1] * shape[2]))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def _is_floating(x: Array) -> bool:
    return bool(np.issubdtype(x.dtype, np.floating))


def _floats(x: ArrayLike) -> Array:
    """Return an array of the floating type that computations use."""
    x = np.asarray(x)
    return _wide(x) if _is_floating(x) else x.astype(float)


def _wide(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == np.float16 else x
