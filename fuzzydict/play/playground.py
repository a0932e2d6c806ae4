"""What the interactive page shows: each method answers one kind of request with JSON data."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fuzzydict.cli.files import parse
from fuzzydict.mapping import FuzzyDict
from fuzzydict.options import check_positive, check_probability
from fuzzydict.play.lines import as_lines, parse_lines
from fuzzydict.ranking.candidates import Candidates
from fuzzydict.ranking.guards import DEFAULT
from fuzzydict.results import Attention, null_logit
from fuzzydict.self_attention import self_attention
from fuzzydict.text.spelling import DIMENSION as SPELLING_WIDTH

__all__ = ["EXAMPLE", "Playground", "UnknownKeysError"]

EXAMPLE = {
    "color": 0.1, "battery": 0.7, "top speed": 0.9, "horse power": 0.8, "price": 0.4,
    "seat 1": 0.2, "seat 2": 0.3, "lights on": 0.5,
}  # fmt: skip

_STORED = 8  # dictionaries, the ones that were used last
_COLUMNS = 256  # of an array that are shown
_MAX_WORDS = 40  # of a sentence
_MISSPELLED = "perfo"  # the first such query loads tables, which takes too long while typing
_GUARDS = {guard.__name__: guard for guard in DEFAULT}


class UnknownKeysError(KeyError):
    """The keys of this id are not stored (any more); the page sends them again."""


class Playground:
    """The dictionaries of all open pages, by a checksum of their keys and values.

    A page keeps its own state and names its keys by their checksum, so pages do not disturb each
    other, and a page survives a restart of the server. Any number of threads may call the methods.
    """

    def __init__(self, d: "FuzzyDict[Any, Any] | None" = None) -> None:
        self._first = FuzzyDict(EXAMPLE) if d is None else d
        self._text = as_lines(self._first.items())
        self._cutoff = self._first.cutoff
        self._stored: OrderedDict[str, FuzzyDict[Any, Any]] = OrderedDict()
        self._variants: OrderedDict[tuple[str, tuple[str, ...]], FuzzyDict[Any, Any]]
        self._variants = OrderedDict()
        self._lock = threading.Lock()

    def start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the first keys, the cutoff and the names of the guards."""
        with self._lock:
            checksum = self._store(self._text, self._first)
            self._variant(checksum, _GUARDS).explain(_MISSPELLED)
            return {
                "id": checksum,
                "text": self._text,
                "cutoff": self._cutoff,
                "guards": [[name, name.replace("_", " ")] for name in _GUARDS],
            }

    def keys(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Store the edited ``text`` of the keys; return its id."""
        text = _text(request, "text")
        if text == self._text:
            return self.start(request)
        items = parse_lines(text)
        with self._lock:
            return {"id": self._store(text, self._first._like(items))}

    def file(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Store the keys of a file with a ``name`` and a ``text``; return their text and id."""
        name, content = _text(request, "name"), _text(request, "text")
        text = as_lines(parse(name, content.encode()).items())
        return {"text": text, **self.keys({"text": text})}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return all that the page shows of a ``query``.

        The request has the ``id`` of the keys, a ``temperature``, a ``cutoff``, the names of the
        ``guards`` that are switched on, ``hidden`` keys, and ``null_key`` as in
        `FuzzyDict.attend`. `UnknownKeysError` for an unknown id.
        """
        query = _text(request, "query")
        temperature = check_positive(request.get("temperature"), "temperature")
        cutoff = check_probability(request.get("cutoff"), "cutoff")
        hidden = {key for key in request.get("hidden", ()) if isinstance(key, str)}
        with self._lock:
            d = self._variant(_text(request, "id"), request.get("guards", ()))
            d.cutoff = cutoff
            shown = (key for key in d if isinstance(key, str) and key not in hidden)
            mask = list(shown) if hidden else None
            attention = d.attend(
                query, temperature=temperature, mask=mask, null_key=bool(request.get("null_key"))
            )
            vector, found = _candidates(d, query, mask)
            explanation = d.explain(query, 16)
        vetoed = {each.key: list(each.guards) for each in explanation.candidates}
        order = sorted(found.order(), key=lambda i: -attention.weights.get(found.keys[i], 0.0))
        least = 0.0 if query in found.keys else cutoff
        answer = explanation.answer
        return {
            "rows": [
                {
                    "key": found.keys[i],
                    "weight": attention.weights.get(found.keys[i], 0.0),
                    "logit": _finite(found.logits[i]),
                    "guards": vetoed.get(found.keys[i], []),
                }
                for i in order
            ],
            "no_match": attention.no_match,
            "null_logit": _finite(null_logit(found.logits, least, temperature)),
            "blend": _blend(attention),
            "answer": None if answer is None else [repr(answer.key), repr(answer.value)],
            "explanation": explanation._repr_html_(),
            "arrays": _arrays(d, vector, [found.keys[i] for i in order], attention),
        }

    def sentence(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the words of a ``text`` and their self-attention at a ``temperature``.

        The scale of the cosines is 2 divided by the temperature.
        """
        temperature = check_positive(request.get("temperature"), "temperature")
        with self._lock:
            found = self_attention(
                self._first.embedder, _text(request, "text"), scale=2 / temperature
            )
        if len(found.words) > _MAX_WORDS:
            raise ValueError(f"at most {_MAX_WORDS} words fit here, got {len(found.words)}")
        return {"words": found.words, "weights": _rounded(found.weights)}

    def _store(self, text: str, d: "FuzzyDict[Any, Any]") -> str:
        checksum = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        _put(self._stored, checksum, self._stored.get(checksum, d))
        return checksum

    def _variant(self, checksum: str, guards: Any) -> "FuzzyDict[Any, Any]":
        """Return the dictionary with these guards only."""
        if checksum not in self._stored:
            raise UnknownKeysError(checksum)
        names = tuple(name for name in _GUARDS if name in guards)
        d = self._variants.get((checksum, names))
        if d is None:
            d = self._stored[checksum].copy()
            guards = tuple(_GUARDS[name] for name in names)
            d._configure(d._options() | {"guards": guards, "strict": False}, d._learned)
        _put(self._stored, checksum, self._stored[checksum])
        _put(self._variants, (checksum, names), d)
        return d


def _put(stored: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    """Store a value as the one that was used last; drop the one that was used first."""
    stored[key] = value
    stored.move_to_end(key)
    if len(stored) > _STORED:
        stored.popitem(last=False)


def _candidates(
    d: "FuzzyDict[Any, Any]", query: str, mask: list[str] | None
) -> tuple[NDArray[np.float32], Candidates]:
    """Return the vector of the query, without its spelling, and the scored keys."""
    if not d._is_fuzzy(query):
        return np.empty(0, np.float32), Candidates([], np.empty(0, np.float32))
    with d._lock:
        ranker = d._synced_ranker()
        (scored,) = ranker.score([query], among=mask)
        (found,) = ranker.candidates([query], None, mask)
    return scored.vector[:-SPELLING_WIDTH], found


def _arrays(
    d: "FuzzyDict[Any, Any]", vector: NDArray[Any], keys: list[str], attention: Attention
) -> list[dict[str, Any]]:
    """Return Q, K and V of attention, and its output."""
    if not keys:
        return []
    arrays = [("Q", "the query", vector[None], [""])]
    with d._lock:
        arrays.append(("K", "the keys", d._synced_ranker().entries.meanings(keys), keys))
    values = _value_rows(d, keys)
    if values is not None:
        weights = np.array([[attention.weights.get(key, 0.0) for key in keys]])
        arrays.append(("V", "the values", values, keys))
        arrays.append(("weights · V", "the output", weights @ values, [""]))
    return [
        {
            "name": name,
            "about": about,
            "shape": list(array.shape),
            "labels": labels,
            "numbers": _rounded(array[:, :_COLUMNS]),
        }
        for name, about, array, labels in arrays
    ]


def _value_rows(d: "FuzzyDict[Any, Any]", keys: list[str]) -> NDArray[Any] | None:
    """Return the values as rows, vectors for texts; None if they are neither numbers nor texts."""
    values = [dict.get(d, key) for key in keys]
    if all(isinstance(value, str) for value in values):
        return d.embedder.encode(values)  # type: ignore[arg-type]
    try:
        rows = np.array(values, float).reshape(len(values), -1)
    except (TypeError, ValueError):
        return None
    return rows if np.isfinite(rows).all() and rows.shape[1] else None


def _blend(attention: Attention) -> str:
    """Return the blended value in words."""
    try:
        return f"Σ weight · value = {np.round(attention.value, 3)}"
    except TypeError:
        pass
    try:
        return f"the value nearest to Σ weight · vector is {attention.nearest()!r}"
    except TypeError:
        return "values that are neither all numbers nor all texts cannot be blended"


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    return value


def _finite(number: Any) -> float | None:
    """Return a number for JSON, which has no infinity."""
    return float(number) if np.isfinite(number) else None


def _rounded(array: NDArray[Any]) -> list[list[float]]:
    rows: list[list[float]] = np.round(array.astype(float), 4).tolist()
    return rows
