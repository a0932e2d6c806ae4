"""Values as text: what JSON holds, and NumPy arrays; never pickle, nothing executed on reading.

`dumps` refuses what it could not give back as it was, so that nothing is lost unseen: a tuple, a
number as the key of a nested dict, an instance of a class.
"""

import base64
import re
from typing import Any

import numpy as np

__all__ = ["dumps", "loads"]

_TAG = "$fuzzydict"  # the one key of a dict that stands for something else
_DTYPE = re.compile(r"[<>|=]([biufc]\d{1,2}|[SU]\d{1,9}|[mM]8(\[\w+\])?)")


def dumps(value: Any) -> str:
    """Return a value as JSON, in ASCII.

    None, bool, int, float (NaN and infinity too), str, and lists and dicts with text as keys of
    them; arrays and numbers of NumPy, of any shape and any dtype but objects and records.
    ``TypeError`` for anything else, ``ValueError`` for what nests too deep or within itself.

    >>> dumps({"tags": ["red", None], "size": 1.5})
    '{"tags": ["red", null], "size": 1.5}'
    """
    import json

    try:
        return json.dumps(_plain(value))
    except RecursionError:
        raise ValueError("it nests too deep, or holds itself") from None


def loads(text: str | bytes) -> Any:
    """Return the value that `dumps` made a text of; ``ValueError`` where it made no such text.

    >>> loads(dumps({"size": 1.5, "speeds": np.array([1, 2])}))
    {'size': 1.5, 'speeds': array([1, 2])}
    """
    import json

    try:
        return json.loads(text, object_hook=_meant)
    except (RecursionError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(f"not a value that was written here: {error}") from error


def _plain(value: Any) -> Any:
    """Return the value in what JSON has."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_plain(each) for each in value]
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise TypeError(f"JSON has text alone as keys, not {key!r}")
        plain = {key: _plain(each) for key, each in value.items()}
        return {_TAG: "dict", "items": list(plain.items())} if _TAG in plain else plain
    if isinstance(value, np.generic) or kind is np.ndarray:
        dtype = value.dtype.str
        if not _DTYPE.fullmatch(dtype):
            raise TypeError(f"arrays of {value.dtype} have no place in JSON")
        data = base64.b64encode(value.tobytes()).decode()
        found = {_TAG: dtype, "data": data}
        return found if isinstance(value, np.generic) else found | {"shape": list(value.shape)}
    raise TypeError(f"JSON has no place for {kind.__module__}.{kind.__qualname__}")


def _meant(read: dict[str, Any]) -> Any:
    """Return what a dict that was read stands for."""
    kind = read.get(_TAG)
    if kind is None:
        return read
    if kind == "dict":
        return dict(read["items"])
    if not _DTYPE.fullmatch(kind):
        raise ValueError(f"no array has the dtype {kind!r}")
    shape = read.get("shape", [])
    data = np.frombuffer(base64.b64decode(read["data"], validate=True), np.dtype(kind))
    array = data.reshape(shape).copy()
    return array if "shape" in read else array[()]
