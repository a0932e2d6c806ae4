"""Files of models: where they are, and their format."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fuzzydict.resources import data_file
from fuzzydict.storage.arrays import FileFormatError, read_arrays, read_header

__all__ = [
    "MODEL_FORMAT",
    "SHIPPED",
    "ModelInfo",
    "is_shipped",
    "model_file",
    "model_info",
    "read_model",
    "unpacked",
]

MODEL_FORMAT = "3"
SHIPPED = ("default", "open", "brown")
"""The names of the models that are shipped."""


class ModelInfo(NamedTuple):
    """What a model file says about itself."""

    name: str
    words: int
    dimension: int
    size: int  # bytes
    licence: str  # an SPDX expression
    sources: str


def model_file(name: str | os.PathLike[str]) -> Path:
    """Return the file of a model that is shipped, or of one that is in a file.

    ``FileNotFoundError`` where there is no such model.
    """
    for path in (data_file(f"{os.fspath(name)}.safetensors"), Path(name)):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"no model {os.fspath(name)!r}: neither shipped, as "
        f"{', '.join(SHIPPED[:-1])} and {SHIPPED[-1]} are, nor a file"
    )


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Return True for a file of the package."""
    return Path(path) == data_file(Path(path).name)


def model_info(name: str | os.PathLike[str]) -> ModelInfo:
    """Return what a model file says about itself; only its header is read.

    ``FileNotFoundError`` if there is no such model, `FileFormatError` if it is no model.
    """
    path = model_file(name)
    shapes, metadata = read_header(path)
    vectors, packed = shapes.get("vectors", ()), shapes.get("packed", (0, 0))
    if len(vectors) != 2 or len(packed) != 2:
        raise FileFormatError(f"{path}: not a model of words")
    words, dimension = vectors[0] + packed[0], vectors[1]
    sources = metadata.get("sources", "unknown")
    licence = metadata.get("licence", "unknown")  # of models from before they said so
    if licence == "unknown" and "non-commercial" in sources:
        licence = "non-commercial use"
    found = metadata.get("name", path.stem)
    return ModelInfo(found, words, dimension, path.stat().st_size, licence, sources)


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays and the name of a model file of any format so far.

    Format 3 may hold the vectors of rare words in 4 bits a number. Of a file of format 1 the scorer
    is left out, because it was fitted on other features: the model is used with the scorer of a
    shipped one. `FileFormatError` if the format is newer.
    """
    # A shipped file gets replaced, but is never changed in place.
    arrays, metadata = read_arrays(path, mapped=is_shipped(path))
    found = metadata.get("format", MODEL_FORMAT)  # of other programs' files there is none
    if found == "1":
        arrays = {name: each for name, each in arrays.items() if not name.startswith("score.")}
    elif found not in ("2", MODEL_FORMAT):
        raise FileFormatError(
            f"{os.fspath(path)}: a model of the format {found!r}; this version of FuzzyDict reads "
            f"formats up to {MODEL_FORMAT!r}: upgrade FuzzyDict, or train the model again"
        )
    try:
        return unpacked(arrays), metadata.get("name", os.fspath(path))
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"{os.fspath(path)}: not a model of words: {error}") from error


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a model with all vectors in one table, a byte a number.

    The array "packed", uint8 [m, d/2], holds the vectors of the last m words: two numbers from -7
    to 7 in a byte, each plus 8, the first in the higher bits. ``ValueError`` if it does not fit.
    """
    result = dict(arrays)
    packed = result.pop("packed", None)
    if packed is None:
        return result
    vectors = result["vectors"]
    if packed.dtype != np.uint8 or packed.ndim != 2 or vectors.dtype != np.int8:
        raise ValueError(f"packed vectors of {packed.dtype} {packed.shape}")
    rest = np.empty((len(packed), 2 * packed.shape[1]), np.int8)
    rest[:, 0::2] = packed >> 4
    rest[:, 1::2] = packed & 15
    rest -= 8
    result["vectors"] = np.concatenate([vectors, rest])
    return result
