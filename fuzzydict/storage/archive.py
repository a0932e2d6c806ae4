"""A dictionary as one file: its items, what it was taught, and the rows of its keys.

`plain` and `learned` turn what was taught into what `fuzzydict.storage.codec` holds, and back.
"""

import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.model.choice import program_model
from fuzzydict.model.embedders import Embedder, WordEmbedder, as_embedder, fingerprint
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.entries import IndexSnapshot
from fuzzydict.ranking.learned import LearnedState
from fuzzydict.ranking.projected import meaning_features
from fuzzydict.ranking.projection import Projection
from fuzzydict.resources import data_file
from fuzzydict.storage import codec
from fuzzydict.storage.arrays import (
    CHECKSUM,
    FileFormatError,
    MappedFile,
    mapped_file,
    read_arrays,
    write_arrays,
)
from fuzzydict.text import spelling

__all__ = ["Archive", "ModelChangedWarning", "learned", "plain", "read", "reopened", "write"]

_FORMAT = "fuzzydict dictionary"
# Version 1 had the counts of words, and vectors with a learned part; both follow from the rest.
_VERSIONS = ("1", "2")
_PROBES = ("colour", "top speed")  # what another embedder would place elsewhere
_MOST = 1e6  # a scale of rows, far above that of any projection
_ALIKE = 1e-3  # the most by which an embedder may differ from itself in a number of a unit vector


class ModelChangedWarning(UserWarning):
    """A dictionary was saved with another embedder, or another version of its model."""


ModelChangedWarning.__module__ = "fuzzydict"  # users import it from there


class Archive(NamedTuple):
    """All that a file holds of a dictionary."""

    items: dict[Any, Any]
    options: dict[str, Any]  # the cutoff, the kind of index, the names of guards of the user's
    learned: LearnedState
    known: IndexSnapshot | None  # None if the embedder is another one
    embedder: Any
    attributes: dict[str, Any]  # of an instance of a subclass
    mapped: MappedFile | None = None  # the file that the rows are in, unless they were copied
    change: str | None = None  # what another embedder means for the dictionary, for a warning


def write(
    path: str | os.PathLike[str], archive: Archive, encode: Callable[[Any], Any] | None = None
) -> str:
    """Write a dictionary to ``path``, whole or not at all; return the checksum of the file.

    ``encode`` turns each value into what JSON holds. ``TypeError`` or ``ValueError`` that names
    the key, or the attribute, where it does not.
    """
    items, options, taught, known, embedder, attributes, *_ = archive
    assert known is not None
    for name, value in attributes.items():
        try:
            codec.dumps(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the attribute {name!r} cannot be saved: {error}") from error
    about = {
        "options": options,
        "embedder": described(embedder),
        "encoded": encode is not None,
        "learned": plain(taught),
        "attributes": attributes,
    }
    values = [_dumped(key, value, encode) for key, value in items.items()]
    place = {key: i for i, key in enumerate(items)}
    told = {query: i for i, query in enumerate(taught.corrections)}
    arrays: dict[str, NDArray[Any]] = {
        "about": _bytes(codec.dumps(about)),
        "keys": _bytes(_listed(_plain_key(key, key) for key in items)),
        "values": _bytes(_listed(values)),
        "entries.keys": _whole(place[key] for key in known.keys),
        "entries.corrections": _whole(told[query] for query in known.corrections),
        "rows.numbers": known.vectors.numbers,
        "rows.scales": known.vectors.scales,
    }
    metadata = {"format": _FORMAT, "version": _VERSIONS[-1]}
    return write_arrays(path, arrays, metadata, checked=True)


def read(
    path: str | os.PathLike[str], embedder: Any = None, decode: Callable[[Any], Any] | None = None
) -> tuple[Archive, str]:
    """Return the dictionary of a file and the checksum of that.

    Its embedder is that which was given, or else the name of a model. If the dictionary was saved
    with another one, there are no vectors, and ``change`` says so. ``FileFormatError`` where it is
    no such file, or was saved with an embedder that must be given.
    """
    name = os.fspath(path)
    mapped = mapped_file(path)
    arrays, version, checksum = _read(path)
    try:
        about, items = _items(arrays)
        options = _options(**about["options"])
        described, encoded = about["embedder"], about["encoded"]
        taught, attributes = learned(about["learned"]), dict(about.get("attributes", {}))
        fitted = about["learned"]["projection"] if version == "1" else None
        tail = 0 if fitted is None else fitted["query"].shape[1] + 1
        vectors = _rows(arrays["rows.numbers"], arrays["rows.scales"], tail).plain()
        known = IndexSnapshot(
            _chosen(list(items), arrays["entries.keys"]),
            _chosen(list(taught.corrections), arrays["entries.corrections"]),
            vectors,
        )
        entries = len(known.keys) + len(known.corrections)
        if entries != len(vectors):
            raise ValueError(f"{len(vectors)} rows of {entries} keys")
        made_by = str(described["name"])
        is_model = described["shipped"] and made_by.isidentifier()  # which is no path to any file
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise FileFormatError(f"{name}: not a dictionary: {error!r}") from error
    _check_decoder(name, encoded, decode)
    if embedder is None and not is_model:
        raise FileFormatError(
            f"{name}: pass the embedder it was written with, {made_by!r}, as embedder=, or another "
            'one, such as "default", which embeds its keys again'
        )
    if embedder is None:
        embedder = made_by if data_file(f"{made_by}.safetensors").is_file() else program_model()
    width, change = dimension(embedder, described), None
    if width is None:
        taught, change = _with_other_model(taught, embedder, described)
        change = f"{name} was saved with {change}; save it again with the new one"
    elif entries and vectors.numbers.shape[1] != width + spelling.DIMENSION:
        raise FileFormatError(f"{name}: its rows have another width than those of {made_by!r}")
    if decode is not None:
        items = {key: decode(value) for key, value in items.items()}
    vectors_of = known if change is None else None
    found = Archive(items, options, taught, vectors_of, embedder, attributes, mapped, change)
    return found, checksum


def suited(taught: LearnedState, embedder: Any, described: dict[str, Any] | None) -> LearnedState:
    """Return what a dictionary in a pickle was taught, as far as it suits the embedder.

    ``described`` describes the embedder with which it was fitted, None if it was not. Warns if
    something is lost.
    """
    if described is None or dimension(embedder, described) is not None:
        return taught
    taught, change = _with_other_model(taught, embedder, described)
    warnings.warn(f"the pickle was made with {change}", ModelChangedWarning, stacklevel=2)
    return taught


def _with_other_model(
    taught: LearnedState, embedder: Any, described: dict[str, Any]
) -> tuple[LearnedState, str]:
    """Return what remains of what was taught with another embedder, and what changes.

    Corrections and guard exemptions remain. A calibration remains between models of words, whose
    scores are probabilities alike. Of what `fit` learned, what it learned of words and of each key
    remains, but not what it learned of the directions of the vectors.
    """
    new = as_embedder(embedder)
    if not (isinstance(new, WordEmbedder) and "words" in described):
        taught = taught._replace(calibration=Calibration())
    change = (
        f"the embedder {described['name']!r}, which is another one or has changed: with "
        f"{new.name!r} its keys are embedded again"
    )
    if taught.projection is not None:
        d = meaning_features(new, new.encode([""]), [()]).shape[1]
        taught = taught._replace(projection=_without_meanings(taught.projection, d))
        change += ", and fit should be repeated"
    return taught, change


def _without_meanings(projection: Projection, d: int) -> Projection:
    """Return what a projection learned of words and of each key, for d features of meaning."""
    before, rank = projection.key.shape
    nothing = np.zeros((d, rank), np.float32)
    query = np.vstack([nothing, projection.query[before:]])
    return dataclasses.replace(projection, query=query, key=nothing)


def read_items(
    path: str | os.PathLike[str], decode: Callable[[Any], Any] | None = None
) -> dict[Any, Any]:
    """Return the items of a file, which needs no model. Errors are those of `read`."""
    name = os.fspath(path)
    arrays, _, _ = _read(path)
    try:
        about, items = _items(arrays)
        encoded = about["encoded"]
    except (KeyError, ValueError, TypeError) as error:
        raise FileFormatError(f"{name}: not a dictionary: {error!r}") from error
    _check_decoder(name, encoded, decode)
    return items if decode is None else {key: decode(value) for key, value in items.items()}


def _read(
    path: str | os.PathLike[str],
) -> tuple[dict[str, NDArray[Any]], str, str]:
    """Return the arrays of a dictionary's file, the version of its format, and its checksum."""
    arrays, metadata = read_arrays(path, checked=True)
    checksum = metadata.pop(CHECKSUM)
    version = metadata.get("version", "")
    if metadata != {"format": _FORMAT, "version": version}:
        raise FileFormatError(f"{os.fspath(path)}: not a dictionary of this format: {metadata}")
    if version not in _VERSIONS:
        raise FileFormatError(
            f"{os.fspath(path)}: a dictionary of version {version!r}; this version of FuzzyDict "
            f"reads versions up to {_VERSIONS[-1]!r}: upgrade FuzzyDict"
        )
    return arrays, version, checksum


def _items(arrays: dict[str, NDArray[Any]]) -> tuple[Any, dict[Any, Any]]:
    """Return what a file says about its dictionary, and the items."""
    about, keys, values = (
        codec.loads(arrays[part].tobytes()) for part in ("about", "keys", "values")
    )
    if list in set(map(type, keys)):  # to look is faster than to make the list anew
        keys = list(map(_key, keys))
    items = dict(zip(keys, values, strict=True))
    if len(items) < len(keys):
        raise ValueError("keys repeat")
    return about, items


def _check_decoder(name: str, encoded: bool, decode: Callable[[Any], Any] | None) -> None:
    if encoded and decode is None:
        raise FileFormatError(f"{name}: its values were encoded; pass what decodes them as decode=")


def reopened(path: str, checksum: str, embedder: Any) -> Archive | None:
    """Return the dictionary of a file, or None where that is no longer the one of this checksum."""
    try:
        found, there = read(path, embedder, decode=lambda value: value)
    except (OSError, FileFormatError):
        return None
    return found if there == checksum and found.known is not None else None


def plain(taught: LearnedState) -> dict[str, Any]:
    """Return what a dictionary was taught as a value that `fuzzydict.storage.codec` holds."""
    fitted = taught.projection
    return {
        "calibration": [*taught.calibration[:2], *taught.calibration.scale],
        "lifted": {key: sorted(words) for key, words in taught.guard_exemptions.items()},
        "lifted_guards": {key: sorted(names) for key, names in taught.lifted_guards.items()},
        "corrections": dict(taught.corrections),
        "projection": fitted
        and {
            "grams": fitted.grams,
            "weights": fitted.weights,
            "query": fitted.query,
            "key": fitted.key,
            "keys": list(fitted.residuals),
            "residuals": np.stack([*fitted.residuals.values(), fitted.null]),
            "slopes": list(fitted.slopes),
            "examples": {key: dict(found) for key, found in fitted.examples.items()},
        },
    }


def learned(value: Any) -> LearnedState:
    """Return what `plain` made a value of; ``ValueError`` or a kin of it for anything else."""
    slope, shift, scale, offset = (float(number) for number in value["calibration"])
    guard_exemptions, lifted_guards = (
        {str(key): frozenset(map(str, names)) for key, names in value.get(part, {}).items()}
        for part in ("lifted", "lifted_guards")
    )
    projection = value["projection"]
    if projection is not None and ("lifted_guards" not in value or "slope" in projection):
        warnings.warn(
            "what fit learned was written by an older version, and is left out: fit again",
            stacklevel=2,
        )
        projection, guard_exemptions = None, {}
    corrections = dict(value["corrections"])
    if not all(key is None or isinstance(key, str) for key in corrections.values()):
        raise ValueError("a correction names a key or None")
    return LearnedState(
        Calibration(slope, shift, Scale(scale, offset)),
        None if projection is None else _projection(**projection),
        guard_exemptions,
        corrections,
        lifted_guards,
    )


def _projection(
    grams: Any,
    weights: Any,
    query: Any,
    key: Any,
    keys: Any,
    residuals: Any,
    slopes: Any,
    examples: Any,
) -> Projection:
    rank, known = query.shape[1], len(grams)
    for array, shape, dtype in (
        (grams, (known,), np.uint32),
        (weights, (known,), np.float32),
        (query, (len(key) + known, rank), np.float32),
        (key, (len(key), rank), np.float32),
        (residuals, (len(keys) + 1, rank + 1), np.float32),
    ):
        if array.shape != shape or array.dtype != dtype or not np.isfinite(array).all():
            raise ValueError(f"a projection has {array.dtype} {array.shape} in place of {shape}")
    *each, null = residuals
    own = dict(zip(map(str, keys), each, strict=True))
    low, high = map(float, slopes)
    explained = {
        str(key): {str(text): float(weight) for text, weight in found.items()}
        for key, found in examples.items()
    }
    return Projection(grams, weights, query, key, own, null, (low, high), explained)


def _options(
    cutoff: Any, index: Any, guards: Any, prior: Any = None, strict: Any = False
) -> dict[str, Any]:
    if not (cutoff is None or (isinstance(cutoff, (int, float)) and 0 <= cutoff <= 1)):
        raise ValueError(f"a cutoff of {cutoff!r}")
    if index not in ("auto", "exact", "approximate"):
        raise ValueError(f"an index of the kind {index!r}")
    if not (prior is None or (isinstance(prior, (int, float)) and 0 < prior < 1)):
        raise ValueError(f"a prior of {prior!r}")
    if not isinstance(strict, bool) or (strict and cutoff != 1):
        raise ValueError(f"strict is {strict!r} with a cutoff of {cutoff!r}")
    return {"cutoff": cutoff, "index": index, "guards": guards, "prior": prior, "strict": strict}


def _listed(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def _dumped(key: Any, value: Any, encode: Callable[[Any], Any] | None) -> str:
    try:
        return codec.dumps(value if encode is None else encode(value))
    except (TypeError, ValueError) as error:
        hint = "" if encode else "; encode= may turn values into what JSON holds"
        raise type(error)(f"the value of {key!r} cannot be saved: {error}{hint}") from error


def _plain_key(key: Any, whole: Any) -> str:
    """Return a key as JSON: tuples, which may be keys, as lists, which may not."""
    if type(key) is tuple:
        return _listed(_plain_key(part, whole) for part in key)
    if key is not None and type(key) not in (bool, int, float, str):
        raise TypeError(f"the key {whole!r} cannot be saved: JSON has no place for {type(key)}")
    return codec.dumps(key)


def _key(key: Any) -> Any:
    return tuple(map(_key, key)) if isinstance(key, list) else key


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def _whole(numbers: Iterable[int]) -> NDArray[np.uint32]:
    return np.fromiter(numbers, np.uint32)


def _chosen(texts: Sequence[Any], places: NDArray[Any]) -> list[str]:
    """Return the texts at these places, which must be different ones."""
    if np.bincount(places).max(initial=0) > 1:
        raise ValueError("a key has two rows")
    chosen = list(map(texts.__getitem__, places.tolist()))
    if not set(map(type, chosen)) <= {str}:
        raise ValueError("a key that is no text has a row")
    return chosen


def _rows(numbers: NDArray[Any], scales: NDArray[Any], tail: int) -> QuantizedVectors:
    shape = (len(numbers), 2 if tail else 1)
    narrow = numbers.ndim != 2 or (len(numbers) > 0 and tail > numbers.shape[1])
    if numbers.dtype != np.int8 or narrow:
        raise ValueError(f"rows of {numbers.dtype} {numbers.shape}")
    likely = (scales >= 0) & (scales < _MOST)
    if scales.dtype != np.float32 or scales.shape != shape or not likely.all():
        raise ValueError(f"scales of {scales.dtype} {scales.shape} in place of {shape}")
    return QuantizedVectors(numbers, scales, tail)


def described(embedder: Embedder) -> dict[str, Any]:
    """Return what tells an embedder from others."""
    if isinstance(embedder, WordEmbedder):
        words, _ = embedder.fingerprint()
        return {"name": embedder.name, "shipped": embedder.shipped, "words": words}
    return {"name": embedder.name, "shipped": False, "probes": embedder.encode(_PROBES)}


def dimension(embedder: Any, described: Any) -> int | None:
    """Return the dimension of the embedder if it is the one that was described."""
    if isinstance(embedder, str | os.PathLike):
        words, dimension = fingerprint(embedder)
    elif isinstance(embedder := as_embedder(embedder), WordEmbedder):
        words, dimension = embedder.fingerprint()
    elif "probes" in described:
        found, expected = embedder.encode(_PROBES), described["probes"]
        same = found.shape == expected.shape and np.allclose(found, expected, atol=_ALIKE)
        return found.shape[1] if same else None
    else:
        return None
    return dimension if words == described.get("words") else None
