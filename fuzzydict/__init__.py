"""A `dict` whose lookups tolerate typos, naming styles and synonyms."""

from typing import TYPE_CHECKING, Any

from fuzzydict.mapping import FuzzyDict, Match, NoMatchError
from fuzzydict.model.choice import use_model

if TYPE_CHECKING:
    __version__: str
    from fuzzydict.integrations.tool_calls import resolve
    from fuzzydict.joins.columns import match_columns
    from fuzzydict.joins.dedupe import dedupe
    from fuzzydict.joins.join import join
    from fuzzydict.storage.archive import ModelChangedWarning

__all__ = [
    "FuzzyDict", "Match", "ModelChangedWarning", "NoMatchError", "dedupe", "join", "match_columns",
    "resolve", "use_model",
]  # fmt: skip

# Modules of names that are imported on first use.
_LAZY = {
    "ModelChangedWarning": "fuzzydict.storage.archive",
    "dedupe": "fuzzydict.joins.dedupe",
    "join": "fuzzydict.joins.join",
    "match_columns": "fuzzydict.joins.columns",
    "resolve": "fuzzydict.integrations.tool_calls",
}

# Tracebacks, help and pickles show the names that users import.
for _public in (FuzzyDict, Match, NoMatchError, use_model):
    _public.__module__ = __name__
del _public


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("fuzzydict-attention")
    if name not in _LAZY:
        raise AttributeError(f"module 'fuzzydict' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
