"""Pictures of lookups, by matplotlib, which comes with the extra ``plot``.

Each function draws on the axes ``ax``, or else on a new figure, and returns the axes. Colours are
those of matplotlib's style, so that ``plt.style.use("dark_background")`` is all that a dark page
needs; the ground shows through. ``ImportError`` where matplotlib is not installed.
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

_NUMBERED = 12  # columns of a heat map that still have room for numbers
_LABEL = 30  # characters of a text
_LABELLED = 80  # keys of a map that are tried to be named
_DARK = 0.7  # of the largest weight: a tint that numbers in the colour of text are not read on
_TITLE = 2  # keys that the title of a map names
_STEPS = 25  # places on a line that names keep away from
_SHOWN = 0.005  # the least weight that is drawn


def plot_attention(
    d: "FuzzyDict[Any, Any]",
    queries: Iterable[object],
    *,
    n: int = 12,
    temperature: float | None = None,
    ax: Any = None,
) -> Any:
    """Draw how much each query means each key, by `FuzzyDict.attend`, as a heat map.

    A row for each query, which sums to one. Columns are the ``n`` keys of the most weight, in the
    order of the dictionary; all other keys together, where they have any; and last the silence,
    that no key is meant. ``ValueError`` for no queries and an ``n`` below 1.
    """
    queries = [queries] if isinstance(queries, str) else list(queries)
    if not queries:
        raise ValueError("there are no queries to draw")
    n = check_count(n, "n")
    found = d.attend(queries, temperature=temperature)
    totals: dict[Any, float] = {}
    for attention in found:
        for key, weight in attention.weights.items():
            totals[key] = totals.get(key, 0.0) + weight
    most = set(sorted(totals, key=lambda key: -totals[key])[:n])
    keys = [key for key in d if key in most]
    weights = np.array(
        [
            [*(attention.weights.get(key, 0.0) for key in keys), 0.0, attention.no_match]
            for attention in found
        ]
    )
    weights[:, -2] = np.maximum(1 - weights.sum(axis=1), 0)
    columns = [*map(_short, keys), "other keys", "no key"]
    if weights[:, -2].max() < _SHOWN:
        weights, columns = np.delete(weights, -2, axis=1), [*columns[:-2], columns[-1]]
    ax = new_axes(len(columns), len(queries)) if ax is None else ax
    heat_map(ax, weights, list(map(_short, queries)), columns, most=1.0)
    ax.axvline(len(keys) - 0.5, color=ax.xaxis.label.get_color(), linewidth=1)
    ax.set(xlabel="key", ylabel="query", title="Attention")
    return ax


def plot_keys(d: "FuzzyDict[Any, Any]", query: str | None = None, *, ax: Any = None) -> Any:
    """Draw the keys as a map in two dimensions, with a query placed among them.

    The axes are the principal components of the keys' meanings (Pearson, 1901), of which spelling
    and what was learned are no part; the label of the axis says how much of their variance is
    left, as keys that look near may be apart in the others. Lines lead from the query to the keys
    that it means, as thick as their weights. These come first where names have no room for all;
    the others stay points. Keys that are not text have no place. ``ValueError`` where no key is
    text, ``TypeError`` for a query that is none. O(len(d) · dimension²).
    """
    if query is not None and not isinstance(query, str):
        raise TypeError(f"a query on the map is text, not {query!r}")
    keys = [key for key in d if isinstance(key, str)]
    if not keys:
        raise ValueError("there is no key of text to draw")
    texts = keys if query is None else [*keys, query]
    places, share = _principal(d.embedder.encode(texts), len(keys))  # (texts, 2)
    found = None if query is None else d.attend(query)
    weights = {} if found is None else found.weights
    weights = {key: weight for key, weight in weights.items() if weight >= _SHOWN}
    ax = new_axes(10, 8) if ax is None else ax
    size = 22 / max(1.0, len(keys) / 80) ** 0.5
    ax.scatter(*places[: len(keys)].T, s=size, color="C0", zorder=2)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.15)
    ax.set(xticks=[], yticks=[], title="Keys")
    ax.set_xlabel(f"the two main directions of the keys' meanings, {share:.0%} of their variance")
    for spine in ax.spines.values():
        spine.set_alpha(0.3)
    order = sorted(range(len(keys)), key=lambda i: -weights.get(keys[i], 0.0))[:_LABELLED]
    strong = {i for i in order if keys[i] in weights}
    lines = [np.linspace(places[-1], places[keys.index(key)], _STEPS) for key in weights]
    if found is not None:
        for line, weight in zip(lines, weights.values(), strict=True):
            ax.plot(*line.T, color="C1", linewidth=0.5 + 5 * weight, alpha=0.6, zorder=1)
        ax.scatter(*places[-1], s=90, color="C1", marker="*", zorder=3)
        most = [f"{_short(key)} {weight:.2f}" for key, weight in list(weights.items())[:_TITLE]]
        most.append(f"no key {found.no_match:.2f}")
        ax.set_title(f"{_short(query)}: {', '.join(most)}", parse_math=False)
        order, strong = [len(keys), *order], {len(keys), *strong}
    _name(ax, np.vstack([places, *lines]), texts, order, strong)
    return ax


def heat_map(
    ax: Any, weights: Array, rows: Sequence[str], columns: Sequence[str], most: float | None = None
) -> None:
    """Draw weights [n, m] from 0 to ``most``, by default the largest, in tints of one colour.

    With names of the rows and columns, a colour bar, and numbers where there is room.
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
    if m <= _NUMBERED:
        over = "black" if np.dot(accent, (0.299, 0.587, 0.114)) > 0.5 else "white"
        for (row, column), weight in np.ndenumerate(weights):
            if weight >= _SHOWN:
                color = over if weight > _DARK * top else ink
                ax.text(column, row, f"{weight:.2f}", ha="center", va="center", color=color)
    bar = ax.figure.colorbar(image, ax=ax, label="weight (each row sums to one)")
    bar.outline.set_visible(False)


def new_axes(columns: int, rows: int) -> Any:
    """Return axes on a new figure with room for so many cells and their names."""
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ImportError(
            "plots need matplotlib: pip install 'fuzzydict-attention[plot]'"
        ) from error
    width, height = (min(max(3.0, 1.5 + 0.5 * cells), 20.0) for cells in (columns, rows))
    return plt.figure(figsize=(width + 2, height), layout="compressed").add_subplot()


def _principal(vectors: Array, keys: int) -> tuple[Array, float]:
    """Return the first two components of vectors, [n, 2], and their share of the keys' variance.

    The components are those of the first rows alone, which are the keys.
    """
    centred = vectors - vectors[:keys].mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred[:keys], full_matrices=False)
    # A direction has no sign: let its largest coordinate be positive.
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    places = np.zeros((len(vectors), 2))
    places[:, : len(directions[:2])] = centred @ directions[:2].T
    total = float((lengths**2).sum())
    return places, float((lengths[:2] ** 2).sum()) / total if total > 0 else 1.0


def _name(
    ax: Any, places: Array, texts: Sequence[str], order: Sequence[int], strong: set[int]
) -> None:
    """Write texts in this order at their places, [n, 2], each where it lies over nothing.

    More places may follow, to keep away from. A text that has no room is left out; a strong one
    may lie over points, but over no other text.
    """
    ax.figure.draw_without_rendering()  # now the axes are where they will be
    point = ax.figure.dpi / 72  # in pixels
    frame = ax.get_window_extent().extents
    centres = ax.transData.transform(places)  # (n, 2)
    points = np.hstack([centres - 4 * point, centres + 4 * point])  # (n, 4): x0, y0, x1, y1
    names = np.empty((0, 4))
    for i in order:
        bold = i in strong
        text = ax.annotate(
            _short(texts[i]),
            places[i],
            (0, 0),
            textcoords="offset points",
            va="center",
            color=ax.xaxis.label.get_color(),
            alpha=1.0 if bold or not strong else 0.7,
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
    """Return a box of this size beside a centre, in the frame and over no other; None for none."""
    for reach in (5.0, 9.0, 14.0):  # points
        for turn in (0.0, 1.0, 0.5, 1.5, 0.25, 1.75, 0.75, 1.25):  # of π; to the right at best
            side = np.array([math.cos(turn * math.pi), math.sin(turn * math.pi)])
            middle = centre + side * (reach * point + size / 2)
            box: Array = np.hstack([middle - size / 2, middle + size / 2])
            inside = (box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all()
            if inside and not _overlaps(box, others):
                return box
    return None


def _overlaps(box: Array, others: Array) -> bool:
    """Does a box lie over any of the others, [n, 4]?"""
    return bool(((box[:2] < others[:, 2:]) & (box[2:] > others[:, :2])).all(axis=1).any())


def _short(text: object) -> str:
    """Return a text in one line that is not too long."""
    line = " ".join(str(text).split())
    return line if len(line) <= _LABEL else line[: _LABEL - 1] + "…"
