"""Plots of lookups with matplotlib (the extra ``plot``).

Each function draws on the axes ``ax``, or on a new figure, and returns the axes. Colours follow the
matplotlib style and the background is transparent, so ``plt.style.use("dark_background")`` suffices
for a dark page. ``ImportError`` if matplotlib is not installed.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.options import check_count

if TYPE_CHECKING:
    from fuzzydict.mapping import FuzzyDict

__all__ = ["heat_map", "new_axes", "plot_attention", "plot_keys"]

Array = NDArray[Any]

_MAX_NUMBERED = 12  # columns of a heat map with numbers in its cells
_LABEL = 30  # characters of a label
_MAX_LABELS = 80  # keys of a map
_DARK = 0.7  # of the largest weight: numbers on darker cells need another colour
_TITLE = 2  # keys in the title of a map
_STEPS = 25  # points of a line that labels avoid
_MIN_WEIGHT = 0.005  # visible in two digits


def plot_attention(
    d: "FuzzyDict[Any, Any]",
    queries: Iterable[object],
    *,
    n: int = 12,
    temperature: float | None = None,
    ax: Any = None,
) -> Any:
    """Draw the attention weights of queries over keys (`FuzzyDict.attend`) as a heat map.

    Each query is a row. The columns are the ``n`` keys with the largest weights, in the order of
    the dictionary, and the sum of the other keys, if visible: these sum to one. The last column,
    beyond a line, is the probability that no key matches.
    ``ValueError`` without queries, or for an ``n`` below 1.
    """
    queries = [queries] if isinstance(queries, str) else list(queries)
    if not queries:
        raise ValueError("pass at least one query")
    n = check_count(n, "n")
    attentions = d.attend(queries, temperature=temperature)
    totals: dict[Any, float] = {}
    for attention in attentions:
        for key, weight in attention.weights.items():
            totals[key] = totals.get(key, 0.0) + weight
    most = set(sorted(totals, key=lambda key: -totals[key])[:n])
    keys = [key for key in d if key in most]
    weights = np.array(
        [
            [
                *(attention.weights.get(key, 0.0) for key in keys),
                sum(weight for key, weight in attention.weights.items() if key not in most),
                attention.no_match,
            ]
            for attention in attentions
        ]
    )
    columns = [*map(_short, keys), "other keys", "no match"]
    if weights[:, -2].max() < _MIN_WEIGHT:
        weights, columns = np.delete(weights, -2, axis=1), [*columns[:-2], columns[-1]]
    ax = new_axes(len(columns), len(queries)) if ax is None else ax
    heat_map(ax, weights, list(map(_short, queries)), columns, most=1.0)
    ax.axvline(len(columns) - 1.5, color=ax.xaxis.label.get_color(), linewidth=1)
    ax.set(xlabel="key", ylabel="query", title="Attention")
    return ax


def plot_keys(d: "FuzzyDict[Any, Any]", query: str | None = None, *, ax: Any = None) -> Any:
    """Draw the keys, and optionally a query, in two dimensions.

    The axes are the first two principal components of the keys' embeddings (Pearson, 1901), without
    spelling and learned projections; the axis label states their share of the variance. Lines from
    the query to keys are as wide as their attention weights. Where labels would overlap, keys with
    larger weights are labelled. Keys that are not strings are left out. O(len(d) · dimension²).

    Raises:
        ValueError: No key is a string.
        TypeError: The query is not a string.
    """
    if query is not None and not isinstance(query, str):
        raise TypeError(f"the query must be a string, got {query!r}")
    keys = [key for key in d if isinstance(key, str)]
    if not keys:
        raise ValueError("plot_keys needs at least one string key")
    texts = keys if query is None else [*keys, query]
    places, share = _principal(d.embedder.encode(texts), len(keys))  # (texts, 2)
    attention = None if query is None else d.attend(query)
    weights = {} if attention is None else attention.weights
    weights = {key: weight for key, weight in weights.items() if weight >= _MIN_WEIGHT}
    ax = new_axes(10, 8) if ax is None else ax
    size = 22 / max(1.0, len(keys) / 80) ** 0.5
    ax.scatter(*places[: len(keys)].T, s=size, color="C0", zorder=2)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.15)
    ax.set(xticks=[], yticks=[], title="Keys")
    ax.set_xlabel(f"first two principal components of the keys ({share:.0%} of the variance)")
    for spine in ax.spines.values():
        spine.set_alpha(0.3)
    order = sorted(range(len(keys)), key=lambda i: -weights.get(keys[i], 0.0))[:_MAX_LABELS]
    important = {i for i in order if keys[i] in weights}
    lines = [np.linspace(places[-1], places[keys.index(key)], _STEPS) for key in weights]
    if attention is not None:
        for line, weight in zip(lines, weights.values(), strict=True):
            ax.plot(*line.T, color="C1", linewidth=0.5 + 5 * weight, alpha=0.6, zorder=1)
        ax.scatter(*places[-1], s=90, color="C1", marker="*", zorder=3)
        most = [f"{_short(key)} {weight:.2f}" for key, weight in list(weights.items())[:_TITLE]]
        most.append(f"no match {attention.no_match:.2f}")
        ax.set_title(f"{_short(query)}: {', '.join(most)}", parse_math=False)
        order, important = [len(keys), *order], {len(keys), *important}
    _label(ax, np.vstack([places, *lines]), texts, order, important)
    return ax


def heat_map(
    ax: Any, weights: Array, rows: Sequence[str], columns: Sequence[str], most: float | None = None
) -> None:
    """Draw weights [n, m] from 0 to ``most``, by default the largest, in shades of one colour.

    With labels of rows and columns, a colour bar, and numbers if there are few columns.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    accent = to_rgb("C0")
    tints = LinearSegmentedColormap.from_list("tints", [(*accent, 0.0), (*accent, 1.0)])
    top = float(weights.max()) if most is None else most
    image = ax.imshow(weights, vmin=0, vmax=top, cmap=tints, aspect="equal")
    n, m = weights.shape
    ax.set_xticks(range(m), columns, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(n), rows)
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_parse_math(False)
    ink = ax.xaxis.label.get_color()
    ax.set_xticks(np.arange(m + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(False, which="major")
    ax.grid(True, which="minor", color=ink, alpha=0.15, linewidth=0.8, linestyle="-")
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    if m <= _MAX_NUMBERED:
        over = "black" if np.dot(accent, (0.299, 0.587, 0.114)) > 0.5 else "white"
        for (row, column), weight in np.ndenumerate(weights):
            if weight >= _MIN_WEIGHT:
                color = over if weight > _DARK * top else ink
                ax.text(column, row, f"{weight:.2f}", ha="center", va="center", color=color)
    bar = ax.figure.colorbar(image, ax=ax, label="weight (each row sums to one)")
    bar.outline.set_visible(False)


def new_axes(columns: int, rows: int) -> Any:
    """Return axes on a new figure with room for the cells and their labels."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ImportError(
            "plots need matplotlib: pip install 'fuzzydict-attention[plot]'"
        ) from error
    width, height = (min(max(3.0, 1.5 + 0.5 * cells), 20.0) for cells in (columns, rows))
    return plt.figure(figsize=(width + 2, height), layout="compressed").add_subplot()


def _principal(vectors: Array, keys: int) -> tuple[Array, float]:
    """Return vectors [n, 2] in the principal components of the keys, and the share of variance.

    The keys are the first rows of ``vectors``.
    """
    centred = vectors - vectors[:keys].mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred[:keys], full_matrices=False)
    # The sign of a component is arbitrary: make its largest coordinate positive.
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    places = np.zeros((len(vectors), 2))
    places[:, : len(directions[:2])] = centred @ directions[:2].T
    total = float((lengths**2).sum())
    return places, float((lengths[:2] ** 2).sum()) / total if total > 0 else 1.0


def _label(
    ax: Any, places: Array, texts: Sequence[str], order: Sequence[int], important: set[int]
) -> None:
    """Label the points ``places`` [n, 2] in this order, without overlaps.

    ``places`` may have more points than ``texts``, which labels avoid, too. A label without room is
    left out; an important one may cover points, but no other label.
    """
    ax.figure.draw_without_rendering()  # fixes the position of the axes
    point = ax.figure.dpi / 72  # in pixels
    frame = ax.get_window_extent().extents
    centres = ax.transData.transform(places)  # (n, 2)
    points = np.hstack([centres - 4 * point, centres + 4 * point])  # (n, 4): x0, y0, x1, y1
    names = np.empty((0, 4))
    for i in order:
        bold = i in important
        text = ax.annotate(
            _short(texts[i]),
            places[i],
            (0, 0),
            textcoords="offset points",
            va="center",
            color=ax.xaxis.label.get_color(),
            alpha=1.0 if bold or not important else 0.7,
            fontweight="bold" if bold else "normal",
            parse_math=False,
            zorder=4,
        )
        size, others = text.get_window_extent().size, np.delete(points, i, axis=0)
        box = _room(centres[i], size, point, frame, np.vstack([names, others]))
        if box is None and bold:
            box = _room(centres[i], size, point, frame, names)
            ground = {"facecolor": ax.get_facecolor(), "edgecolor": "none", "alpha": 0.7, "pad": 1}
            text.set_bbox(ground)
        if box is None:
            text.remove()
        else:
            text.set_position(((box[0], (box[1] + box[3]) / 2) - centres[i]) / point)
            names = np.vstack([names, box])


def _room(centre: Array, size: Array, point: float, frame: Array, others: Array) -> Array | None:
    """Return a free box of this size next to a centre and inside the frame, or None."""
    for reach in (5.0, 9.0, 14.0):  # points
        for turn in (0.0, 1.0, 0.5, 1.5, 0.25, 1.75, 0.75, 1.25):  # of π; preferably to the right
            side = np.array([math.cos(turn * math.pi), math.sin(turn * math.pi)])
            middle = centre + side * (reach * point + size / 2)
            box: Array = np.hstack([middle - size / 2, middle + size / 2])
            inside = (box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all()
            if inside and not _overlaps(box, others):
                return box
    return None


def _overlaps(box: Array, others: Array) -> bool:
    """Return True if a box overlaps one of the others [n, 4]."""
    return bool(((box[:2] < others[:, 2:]) & (box[2:] > others[:, :2])).all(axis=1).any())


def _short(text: object) -> str:
    """Return a text in one line, shortened."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LABEL else line[: _LABEL - 1] + "…"
