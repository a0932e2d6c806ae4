"""The model of a program: that of dictionaries for which no embedder is chosen."""

import os

from fuzzydict.model.files import model_file

__all__ = ["VARIABLE", "program_model", "use_model"]

VARIABLE = "FUZZYDICT_MODEL"

_chosen: str | None = None  # by `use_model`


def use_model(name: str | os.PathLike[str]) -> None:
    """Choose the model of the program: that of new dictionaries for which no embedder is chosen.

    It takes precedence over the environment variable ``FUZZYDICT_MODEL``. Dictionaries that exist
    keep their model, and so do copies, pickles and saved files.

    Args:
        name: A shipped model ("default"; "open", for commercial use; "brown"), or the path of a
            model file.

    Raises:
        FileNotFoundError: There is no such model.

    >>> from fuzzydict import FuzzyDict, use_model
    >>> use_model("brown")
    >>> FuzzyDict(color="red").embedder.name
    'brown'
    >>> use_model("default")
    """
    global _chosen
    model_file(name)
    _chosen = os.fspath(name)


def program_model() -> str:
    """Return the name or path of the program's model.

    It is the one of the last `use_model`, or else that of ``FUZZYDICT_MODEL``, or else "default".
    ``FileNotFoundError`` if the variable names no model.
    """
    if _chosen is not None:
        return _chosen
    name = os.environ.get(VARIABLE)
    if not name:
        return "default"
    try:
        model_file(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{VARIABLE}: {error}") from None
    return name
