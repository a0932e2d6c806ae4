"""Naming styles: snake_case, kebab-case, camelCase and so on."""

import random

__all__ = ["STYLES", "joined", "restyled", "spaced"]


def spaced(key: str) -> str:
    return key


def _snake(key: str) -> str:
    return key.replace(" ", "_")


def _kebab(key: str) -> str:
    return key.replace(" ", "-")


def _camel(key: str) -> str:
    first, *rest = key.split()
    return first + "".join(part.capitalize() for part in rest)


def _pascal(key: str) -> str:
    return "".join(part.capitalize() for part in key.split())


def _upper(key: str) -> str:
    return key.replace(" ", "_").upper()


def _title(key: str) -> str:
    return key.title()


def joined(key: str) -> str:
    return key.replace(" ", "")


STYLES = (spaced, spaced, _snake, _kebab, _camel, _pascal, _upper, _title)


def restyled(query: str, rng: random.Random) -> str:
    return rng.choice(STYLES)(query) if rng.random() < 0.4 else query
