"""The content of plots: labels, weights, positions and colours."""

import itertools
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from fuzzydict import FuzzyDict
from fuzzydict.integrations.learned_plots import plot_projections
from fuzzydict.integrations.plots import plot_attention, plot_keys
from fuzzydict.self_attention import self_attention

KEYS = ["color", "top speed", "range", "mileage", "price", "brand", "horse power", "battery"]


@pytest.fixture(autouse=True)
def plt():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def car():
    return FuzzyDict.fromkeys(KEYS, 0)


def names(labels):
    return [label.get_text() for label in labels]


# Attention.


def test_rows_are_attention_weights_beside_the_probability_of_no_match(car):
    queries = ["hue", "distance", "parliament"]
    ax = plot_attention(car, queries)
    shown = np.asarray(ax.images[0].get_array())
    assert names(ax.get_yticklabels()) == queries
    assert names(ax.get_xticklabels()) == [*KEYS, "no match"]
    for row, attention in zip(shown, car.attend(queries), strict=True):
        assert row[:-1] == pytest.approx([attention.weights.get(key, 0.0) for key in KEYS])
        assert row[-1] == pytest.approx(attention.no_match)
    assert shown[:, :-1].sum(axis=1) == pytest.approx(1)
    assert f"{shown[0, 0]:.2f}" in names(ax.texts)
    assert "0.00" not in names(ax.texts)


def test_other_keys_share_a_column(car):
    ax = plot_attention(car, ["distance", "cost of it"], n=1)
    columns = names(ax.get_xticklabels())
    assert columns[1:] == ["other keys", "no match"]
    shown = np.asarray(ax.images[0].get_array())
    assert shown[:, :-1].sum(axis=1) == pytest.approx(1)
    assert shown[0, 1] > 0.2


def test_one_query_and_any_key_can_be_drawn():
    d = FuzzyDict({7: 1, ("a", 1): 2, "": 3, "$x$ and $y$": 4, "two\nlines " * 9: 5, "color": 6})
    ax = plot_attention(d, "colour")
    assert names(ax.get_yticklabels()) == ["colour"]
    ax = plot_attention(d, [7, "", "$x$ and $y$", "two lines", ("a", 1), 8])
    assert {"7", "$x$ and $y$", "('a', 1)"} <= set(names(ax.get_xticklabels()))
    assert all("\n" not in name and len(name) <= 30 for name in names(ax.get_xticklabels()))
    ax.figure.draw_without_rendering()  # dollar signs are not parsed as mathematics
    assert names(plot_attention(FuzzyDict(), ["a"]).get_xticklabels()) == ["no match"]


def test_many_keys_are_drawn_without_numbers():
    d = FuzzyDict.fromkeys((f"top speed {word}" for word in "abcdefghijklmnop"), 0)
    assert not plot_attention(d, ["speed"], n=20).texts


def test_temperature_is_that_of_attend(car):
    cold = plot_attention(car, ["distance"], temperature=0.01).images[0].get_array()
    assert np.asarray(cold).max() == pytest.approx(1, abs=1e-4)


def test_invalid_arguments_raise(car):
    with pytest.raises(ValueError, match="at least one query"):
        plot_attention(car, [])
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        plot_attention(car, ["a"], n=0)
    with pytest.raises(ValueError, match="at least one string key"):
        plot_keys(FuzzyDict({1: 2}))
    with pytest.raises(TypeError, match="must be a string, got 7"):
        plot_keys(car, 7)


# Keys in two dimensions.


def boxes(ax):
    ax.figure.draw_without_rendering()
    return {text.get_text(): text.get_window_extent() for text in ax.texts}


def test_every_key_is_a_point_near_similar_keys(car):
    ax = plot_keys(car)
    points = dict(zip(KEYS, np.asarray(ax.collections[0].get_offsets()), strict=True))
    pairs = [("top speed", "horse power"), ("mileage", "price")]
    apart = {pair: np.linalg.norm(points[pair[0]] - points[pair[1]]) for pair in pairs}
    assert apart["top speed", "horse power"] < apart["mileage", "price"]
    assert set(boxes(ax)) == set(KEYS)
    assert "% of the variance)" in ax.get_xlabel()


def test_lines_lead_from_the_query_to_its_keys(car):
    ax = plot_keys(car, "distance")
    points = dict(zip(KEYS, np.asarray(ax.collections[0].get_offsets()), strict=True))
    star = np.asarray(ax.collections[1].get_offsets())[0]
    weights = {k: w for k, w in car.attend("distance").weights.items() if w >= 0.005}
    assert len(ax.lines) == len(weights) > 1
    for line, key in zip(ax.lines, weights, strict=True):
        assert line.get_xydata()[0] == pytest.approx(star)
        assert line.get_xydata()[-1] == pytest.approx(points[key])
    widths = [line.get_linewidth() for line in ax.lines]
    assert widths == sorted(widths, reverse=True)
    no_match = car.attend("distance").no_match
    assert ax.get_title().startswith("distance: range 0.")
    assert ax.get_title().endswith(f", no match {no_match:.2f}")
    assert "distance" in boxes(ax)


def test_labels_do_not_overlap():
    words = ["speed", "rate", "pace", "price", "cost", "fee", "car", "bus", "train", "x" * 90]
    d = FuzzyDict.fromkeys((f"{a} {b}" for a, b in itertools.product(words, words)), 0)
    ax = plot_keys(d, "velocity")
    found = list(boxes(ax).values())
    assert 20 < len(found) <= 81
    for one, other in itertools.combinations(found, 2):
        assert not one.shrunk(0.98, 0.9).overlaps(other.shrunk(0.98, 0.9))
    frame = ax.get_window_extent().padded(1)
    for box in found:
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_keys_are_drawn_too(count):
    ax = plot_keys(FuzzyDict.fromkeys(KEYS[:count], 0), "colour of the car")
    assert len(ax.collections[0].get_offsets()) == count
    assert "100%" in ax.get_xlabel() or count == 3


def test_keys_of_large_weight_are_labelled_among_many():
    d = FuzzyDict.fromkeys((f"speed {word}" for word in "abcdefghijklmnopqrstuvwxyz" * 2), 0)
    crowd = FuzzyDict({**d, **{f"speed {i}": 0 for i in range(300)}, "color": 0})
    assert {"colour of it", "color"} <= set(boxes(plot_keys(crowd, "colour of it")))


def test_labels_without_room_are_left_out(plt):
    figure = plt.figure(figsize=(0.4, 0.4))
    assert not boxes(plot_keys(FuzzyDict.fromkeys(KEYS, 0), "velocity", ax=figure.add_subplot()))


def test_any_embedder_can_be_drawn(letters):
    d = FuzzyDict({"cabbage": 1, "bread": 2, "": 3, "$x$": 4, 5: 6}, embedder=letters)
    assert "cabbage" in boxes(plot_keys(d, "cabage"))
    narrow = FuzzyDict({"a": 1, "bb": 2}, embedder=lambda texts: np.ones((len(texts), 1)))
    plot_keys(narrow, "a b")


# All plots.


def drawings(car):
    return [
        lambda ax=None: plot_attention(car, ["hue", "distance"], ax=ax),
        lambda ax=None: plot_keys(car, "distance", ax=ax),
        lambda ax=None: self_attention("default", "the river bank").plot(ax),
    ]


def test_axes_are_taken_and_returned(car, plt):
    for draw in drawings(car):
        figure, ax = plt.subplots()
        assert draw(ax) is ax
        assert plt.get_fignums() == [figure.number]
        plt.close("all")
        assert draw().figure.number in plt.get_fignums()
        plt.close("all")


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_text_is_read_on_a_light_and_a_dark_ground(car, plt, style):
    from matplotlib.colors import to_rgb

    with plt.style.context(style):
        ground = to_rgb(plt.rcParams["figure.facecolor"])
        for draw in drawings(car):
            ax = draw()
            ax.figure.canvas.draw()
            pixels = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3] / 255
            assert (np.abs(pixels - ground).sum(axis=2) < 0.1).mean() > 0.4
            away = np.abs(pixels.mean(axis=2) - np.mean(ground))
            assert away.max() > 0.9  # the largest contrast to the background
            tints = ax.images[0].get_array() if ax.images else None
            for text in ax.texts if tints is not None else ():
                column, row = (round(place) for place in text.get_position())
                share = tints[row, column] / ax.images[0].norm.vmax
                cell = share * np.array(to_rgb("C0")) + (1 - share) * np.array(ground)
                assert contrast(cell, to_rgb(text.get_color())) > 2.9


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21 (WCAG 2)."""
    lights = []
    for color in (one, other):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        lights.append(0.05 + float(np.dot(linear, (0.2126, 0.7152, 0.0722))))
    return max(lights) / min(lights)


def test_without_matplotlib_a_plot_says_how_to_install_it(car, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for draw in drawings(car):
        with pytest.raises(ImportError, match=r"pip install 'fuzzydict-attention\[plot\]'"):
            draw()


def test_projections_are_shown_for_queries_and_keys_with_their_products():
    keys = ["falcon", "otter"]
    d = FuzzyDict.fromkeys(keys)
    with pytest.raises(ValueError, match="not fitted"):
        plot_projections(d, ["money"])
    money, crash = (
        ("refund money", "money back", "my money"),
        ("app crash", "it crashes", "a crash"),
    )
    assert d.fit([*((q, "falcon") for q in money), *((q, "otter") for q in crash)]).fitted
    with pytest.raises(ValueError, match="at least one query"):
        plot_projections(d, [])
    of_queries, of_keys, products = plot_projections(d, ["the money", "crash"]).axes
    assert names(of_queries.get_yticklabels()) == ["the money", "crash"]
    assert names(of_keys.get_yticklabels()) == names(products.get_xticklabels()) == keys
    shown = products.images[0].get_array()
    assert shown[0, 0] > shown[0, 1]
    assert shown[1, 1] > shown[1, 0]


def test_the_pictures_of_the_readme_are_drawn_by_one_command(tmp_path, monkeypatch):
    script = Path(__file__).parents[1] / "docs" / "pictures.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    for name in ("attention", "keys", "self_attention", "projections"):
        assert 10_000 < (tmp_path / f"{name}.png").stat().st_size < 100_000
