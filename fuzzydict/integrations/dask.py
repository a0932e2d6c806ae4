"""Registers `FuzzyDict.__dask_tokenize__` with Dask, whenever Dask is imported.

Dask names a task by its arguments and computes tasks of the same name once. It ignores
``__dask_tokenize__`` of subclasses of dict, which get the token of a plain dict of the same items,
unless the class is registered. If Dask is not imported yet, an import hook registers the class
later, so that `fuzzydict` itself never imports Dask.
"""

import importlib
import operator
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["register"]

_MODULE = "dask.base"  # has normalize_token in every version of Dask
_token_of = operator.methodcaller("__dask_tokenize__")


def register(kind: type) -> None:
    """Let Dask use ``__dask_tokenize__`` of a subclass of dict, now or when Dask is imported."""
    if _MODULE in sys.modules:
        importlib.import_module(_MODULE).normalize_token.register(kind, _token_of)
    else:
        sys.meta_path.insert(0, _Hook(kind))


class _Hook:
    """Finds Dask's module like the path finder, and registers a class after its import."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:  # pragma: no branch
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                sys.meta_path.remove(self)
                module.normalize_token.register(self._kind, _token_of)

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec
