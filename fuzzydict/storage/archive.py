"""A dictionary as one file: its items, what was learned, and the vectors of its keys.

`plain` and `learned` convert what was learned to and from the data of `fuzzydict.storage.codec`.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.index.quantized import QuantizedVectors
from fuzzydict.learning.projection import Projection
from fuzzydict.model.embedders import Embedder, WordEmbedder, as_embedder, fingerprint
from fuzzydict.ranking.calibration import Calibration, Scale
from fuzzydict.ranking.guards import Guard
from fuzzydict.ranking.ranker import Correction, IndexEntry, IndexSnapshot, LearnedState
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

__all__ = ["Archive", "guard_names", "learned", "plain", "read", "reopened", "write"]

_FORMAT = {"format": "fuzzydict dictionary", "version": "1"}
_PROBES = ("colour", "top speed")  # texts whose vectors identify an embedder
_TOLERANCE = 1e-3  # of the numbers of a unit vector that an embedder returns again
_MAX_SCALE = 1e6  # of a quantised vector, far above that of any projection

Arrays = Mapping[str, NDArray[Any]]


class Archive(NamedTuple):
    """The content of a file."""

    items: dict[Any, Any]
    options: dict[str, Any]  # the cutoff, the kind of index, the names of the user's guards
    learned: LearnedState
    snapshot: IndexSnapshot
    embedder: Any
    attributes: dict[str, Any]  # of an instance of a subclass
    mapped: MappedFile | None = None  # the file that the vectors are in, unless they were copied


def write(
    path: str | os.PathLike[str], archive: Archive, encode: Callable[[Any], Any] | None = None
) -> str:
    """Write a dictionary to a file, atomically, and return the checksum of the file.

    ``encode`` turns each value into JSON data. ``TypeError`` or ``ValueError`` names the key or
    the attribute that cannot be saved.
    """
    for name, value in archive.attributes.items():
        try:
            codec.dumps(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the attribute {name!r} cannot be saved: {error}") from error
    about = {
        "options": archive.options,
        "embedder": described(archive.embedder),
        "encoded": encode is not None,
        "learned": plain(archive.learned),
        "attributes": archive.attributes,
    }
    items = archive.items
    values = [_value_json(key, value, encode) for key, value in items.items()]
    arrays = {
        "about": _bytes(codec.dumps(about)),
        "keys": _bytes(_json_list(_key_json(key, key) for key in items)),
        "values": _bytes(_json_list(values)),
        **_index_arrays(archive.snapshot, items, archive.learned.corrections),
    }
    return write_arrays(path, arrays, _FORMAT, checked=True)


def read(
    path: str | os.PathLike[str], embedder: Any = None, decode: Callable[[Any], Any] | None = None
) -> tuple[Archive, str]:
    """Return the dictionary of a file and the checksum of the file.

    The embedder of the result is the given one, or the name of a model. ``FileFormatError`` for
    any other file, and for an embedder that is missing or not the one it was written with.
    """
    name = os.fspath(path)
    mapped = mapped_file(path)
    arrays, metadata = read_arrays(path, checked=True)
    checksum = metadata.pop(CHECKSUM)
    if metadata != _FORMAT:
        raise FileFormatError(f"{name}: not a dictionary of this version: {metadata}")
    try:
        about, keys, values = (
            codec.loads(arrays[part].tobytes()) for part in ("about", "keys", "values")
        )
        if list in set(map(type, keys)):  # much faster than to convert every key
            keys = list(map(_key, keys))
        options = _options(**about["options"])
        described, encoded = about["embedder"], about["encoded"]
        state, attributes = learned(about["learned"]), dict(about.get("attributes", {}))
        snapshot = _index_snapshot(arrays, keys, state)
        items = dict(zip(keys, values, strict=True))
        if len(items) < len(keys):
            raise ValueError("duplicate keys")
        shipped, model = described["shipped"], str(described["name"])
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise FileFormatError(
            f"{name}: the file is corrupt or has a different format: {error!r}"
        ) from error
    if encoded and decode is None:
        raise FileFormatError(f"{name}: its values were encoded; pass a function as decode=")
    if embedder is None:
        is_name = shipped and model.isidentifier()  # not a path to any file
        if not (is_name and data_file(f"{model}.safetensors").is_file()):
            raise FileFormatError(f"{name}: pass the embedder it was written with, {model!r}")
        embedder = model
    width = dimension(embedder, described)
    if width is None:
        raise FileFormatError(f"{name}: written with the embedder {model!r}, not with this one")
    tail = state.projection.width if state.projection else 0
    if snapshot.entries and snapshot.rows.numbers.shape[1] != width + spelling.DIMENSION + tail:
        raise FileFormatError(f"{name}: the dimension of its vectors is not that of {model!r}")
    if decode is not None:
        items = {key: decode(value) for key, value in items.items()}
    return Archive(items, options, state, snapshot, embedder, attributes, mapped), checksum


def reopened(path: str, checksum: str, embedder: Any) -> Archive | None:
    """Return the dictionary of a file, or None if the file now has a different checksum."""
    try:
        archive, current = read(path, embedder, decode=lambda value: value)
    except (OSError, FileFormatError):
        return None
    return archive if current == checksum else None


# What was learned, and options.


def plain(state: LearnedState) -> dict[str, Any]:
    """Return what was learned as a value that `fuzzydict.storage.codec` can write."""
    projection = state.projection
    return {
        "calibration": [*state.calibration[:2], *state.calibration.scale],
        "lifted": {key: sorted(words) for key, words in state.guard_exemptions.items()},
        "corrections": dict(state.corrections),
        "projection": projection
        and {
            "grams": projection.grams,
            "weights": projection.weights,
            "query": projection.query,
            "key": projection.key,
            "keys": list(projection.residuals),
            "residuals": np.stack([*projection.residuals.values(), projection.null]),
            "slope": projection.slope,
        },
    }


def learned(value: Any) -> LearnedState:
    """Return the state that `plain` returned as a value.

    Raises `ValueError`, `TypeError` or `KeyError` for any other value.
    """
    slope, shift, scale, offset = (float(number) for number in value["calibration"])
    guard_exemptions = {
        str(key): frozenset(map(str, words)) for key, words in value["lifted"].items()
    }
    corrections = dict(value["corrections"])
    if not all(key is None or isinstance(key, str) for key in corrections.values()):
        raise ValueError("the key of a correction must be text or None")
    return LearnedState(
        Calibration(slope, shift, Scale(scale, offset)),
        None if value["projection"] is None else _projection(**value["projection"]),
        guard_exemptions,
        corrections,
    )


def _projection(
    grams: Any, weights: Any, query: Any, key: Any, keys: Any, residuals: Any, slope: Any
) -> Projection:
    rank, n_grams = query.shape[1], len(grams)
    for array, shape, dtype in (
        (grams, (n_grams,), np.uint32),
        (weights, (n_grams,), np.float32),
        (query, (len(key) + n_grams, rank), np.float32),
        (key, (len(key), rank), np.float32),
        (residuals, (len(keys) + 1, rank + 1), np.float32),
    ):
        if array.shape != shape or array.dtype != dtype or not np.isfinite(array).all():
            raise ValueError(
                f"a projection has {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}"
            )
    *rows, null = residuals
    by_key = dict(zip(map(str, keys), rows, strict=True))
    return Projection(grams, weights, query, key, by_key, null, float(slope))


def guard_names(guards: Iterable[Guard]) -> list[str]:
    """Return the names of guards, or those of their classes."""
    return [getattr(guard, "__name__", type(guard).__name__) for guard in guards]


def _options(cutoff: Any, index: Any, guards: Any) -> dict[str, Any]:
    if not (cutoff is None or (isinstance(cutoff, (int, float)) and 0 <= cutoff <= 1)):
        raise ValueError(f"cutoff {cutoff!r}")
    if index not in ("auto", "exact", "approximate"):
        raise ValueError(f"index {index!r}")
    return {"cutoff": cutoff, "index": index, "guards": guards}


# Keys and values as JSON.


def _json_list(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def _value_json(key: Any, value: Any, encode: Callable[[Any], Any] | None) -> str:
    try:
        return codec.dumps(value if encode is None else encode(value))
    except (TypeError, ValueError) as error:
        hint = "" if encode else "; pass encode= to turn values into JSON data"
        raise type(error)(f"the value of {key!r} cannot be saved: {error}{hint}") from error


def _key_json(key: Any, whole: Any) -> str:
    """Return a key as JSON: a tuple as a list, because a list cannot be a key."""
    if type(key) is tuple:
        return _json_list(_key_json(part, whole) for part in key)
    if key is not None and type(key) not in (bool, int, float, str):
        raise TypeError(
            f"the key {whole!r} cannot be saved: {type(key).__name__} is not a JSON type"
        )
    return codec.dumps(key)


def _key(key: Any) -> Any:
    return tuple(map(_key, key)) if isinstance(key, list) else key


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


# The snapshot of the index: keys and corrections by their positions, vectors, word counts.


def _index_arrays(
    snapshot: IndexSnapshot, keys: Iterable[Any], corrections: Iterable[str]
) -> dict[str, NDArray[Any]]:
    key_positions = {key: i for i, key in enumerate(keys)}
    positions = {query: i for i, query in enumerate(corrections)}
    entries = snapshot.entries
    return {
        "words": _bytes("\n".join(snapshot.usage)),
        "counts": _whole(snapshot.usage.values()),
        "entries.keys": _whole(key_positions[each] for each in entries if isinstance(each, str)),
        "entries.corrections": _whole(
            positions[each.query] for each in entries if not isinstance(each, str)
        ),
        "rows.numbers": snapshot.rows.numbers,
        "rows.scales": snapshot.rows.scales,
    }


def _index_snapshot(arrays: Arrays, keys: Sequence[Any], state: LearnedState) -> IndexSnapshot:
    tail = state.projection.width if state.projection else 0
    entries = _entries(keys, state, arrays["entries.keys"], arrays["entries.corrections"])
    vectors = _vectors(arrays["rows.numbers"], arrays["rows.scales"], tail)
    if len(entries) != len(vectors):
        raise ValueError(f"{len(vectors)} vectors for {len(entries)} keys and corrections")
    return IndexSnapshot(entries, vectors, _word_counts(arrays["words"], arrays["counts"]))


def _whole(numbers: Iterable[int]) -> NDArray[np.uint32]:
    return np.fromiter(numbers, np.uint32)


def _entries(
    keys: Sequence[Any],
    state: LearnedState,
    key_positions: NDArray[Any],
    correction_positions: NDArray[Any],
) -> list[IndexEntry]:
    corrections = list(itertools.starmap(Correction, state.corrections.items()))
    entries: list[IndexEntry] = list(
        keys
        if np.array_equal(key_positions, np.arange(len(keys)))
        else map(keys.__getitem__, key_positions.tolist())
    )
    if not set(map(type, entries)) <= {str}:
        raise ValueError("a key that is not text has a vector")
    entries += map(corrections.__getitem__, correction_positions.tolist())
    for positions in (key_positions, correction_positions):
        if np.bincount(positions).max(initial=0) > 1:
            raise ValueError("a key has two vectors")
    return entries


def _vectors(numbers: NDArray[Any], scales: NDArray[Any], tail: int) -> QuantizedVectors:
    shape = (len(numbers), 2 if tail else 1)
    is_narrow = numbers.ndim != 2 or (len(numbers) > 0 and tail > numbers.shape[1])
    if numbers.dtype != np.int8 or is_narrow:
        raise ValueError(f"vectors are {numbers.dtype} {numbers.shape}")
    is_valid = (scales >= 0) & (scales < _MAX_SCALE)
    if scales.dtype != np.float32 or scales.shape != shape or not is_valid.all():
        raise ValueError(f"scales are {scales.dtype} {scales.shape}, expected float32 {shape}")
    return QuantizedVectors(numbers, scales, tail)


def _word_counts(words: NDArray[Any], counts: NDArray[Any]) -> dict[str, int]:
    text = words.tobytes().decode("utf-8", "surrogatepass")
    result = dict(zip(text.split("\n") if text else [], counts.tolist(), strict=True))
    if len(result) < len(counts) or not counts.all():
        raise ValueError("words are duplicates, or in no key")
    return result


# Embedders.


def described(embedder: Embedder) -> dict[str, Any]:
    """Return what identifies an embedder."""
    if isinstance(embedder, WordEmbedder):
        words, _ = embedder.fingerprint()
        return {"name": embedder.name, "shipped": embedder.shipped, "words": words}
    return {"name": embedder.name, "shipped": False, "probes": embedder.encode(_PROBES)}


def dimension(embedder: Any, described: Any) -> int | None:
    """Return the dimension of the embedder, or None if it is not the one that was described."""
    if isinstance(embedder, str | os.PathLike):
        words, dimension = fingerprint(embedder)
    elif isinstance(embedder := as_embedder(embedder), WordEmbedder):
        words, dimension = embedder.fingerprint()
    elif "probes" in described:
        vectors, expected = embedder.encode(_PROBES), described["probes"]
        is_same = vectors.shape == expected.shape and np.allclose(
            vectors, expected, atol=_TOLERANCE
        )
        return vectors.shape[1] if is_same else None
    else:
        return None
    return dimension if words == described.get("words") else None
