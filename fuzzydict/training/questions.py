"""Dictionaries of long questions, many of which share most of their words."""

import random

from fuzzydict.training.rewriting import slipped
from fuzzydict.training.thesaurus import Thesaurus

__all__ = ["questions"]

_OPENERS = (
    "how do I", "how can I", "I need to", "I want to know how to", "can you please", "could you",
    "please tell me how to", "is it possible to", "what should I do to", "help me", "I'd like to",
    "why can't I", "where can I", "do I have to", "would you", "is there a way to",
)  # fmt: skip
_VERBS = (
    "change", "cancel", "check", "find", "update", "report", "order", "see", "transfer", "book",
    "buy", "return", "track", "get", "renew", "confirm", "replace", "share", "print", "delete",
)  # fmt: skip
_OWNERS = ("my", "the", "a", "this", "my new", "the old", "our")
_TAILS = (
    "", "", "right now", "please", "for my account", "from my phone", "before next month",
    "on the website", "as soon as possible", "without a card", "while I am abroad", "for today",
    "with a friend", "from here", "in the next 3 days", "because it is late", "at the airport",
)  # fmt: skip


def questions(
    thesaurus: Thesaurus, rng: random.Random
) -> tuple[list[str], list[tuple[str, int | None]]]:
    """Return a dictionary of questions, and queries that are one of them mistyped, or no one."""
    terms = rng.sample(thesaurus.terms, 6)
    verbs = rng.sample(_VERBS, 3)

    def question(term: str) -> str:
        words = rng.choice(_OPENERS), rng.choice(verbs), rng.choice(_OWNERS), term
        return " ".join([*words, rng.choice(_TAILS)]).strip()

    asked = [question(term) for term in terms[:4] for _ in range(rng.choice((1, 2, 4, 6)))]
    keys = list(dict.fromkeys(asked))
    lookups: list[tuple[str, int | None]] = []
    for position in rng.sample(range(len(keys)), min(len(keys), 10)):
        lookups.append((_mistyped(keys[position], rng), position))
    for _ in range(4):
        position = rng.randrange(len(keys))
        term = rng.choice([term for term in terms if term in keys[position]] or [terms[0]])
        lookups.append((keys[position].replace(term, rng.choice(terms[4:])), None))
    return keys, [(query, position) for query, position in lookups if query not in keys]


def _mistyped(question: str, rng: random.Random) -> str:
    """Mistype one or two words, which may become other ones: "from" is often typed "form"."""
    words = question.split()
    for _ in range(rng.choice((1, 1, 1, 2))):
        i = rng.choice([i for i, word in enumerate(words) if len(word) > 2])
        words[i] = slipped(words[i], rng)
    text = " ".join(words)
    return rng.choice((text, text, text.lower(), f"{text}?", text.capitalize()))
