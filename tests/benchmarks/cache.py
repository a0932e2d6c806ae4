"""A semantic cache with 50,000 queries: hits, wrong hits and time, next to a cosine threshold.

The cache holds questions of BANKING77 and CLINC150. Queries are paraphrases by rules, near misses
in which one word is replaced by another of its kind (a city, a month, a number, an opposite), and
other questions of the data sets. A hit of a paraphrase is right if it is its question. A hit of a
near miss is wrong. A hit of another question is wrong if it has another label.

    python tests/benchmarks/cache.py [--queries N] [--peer minilm|tfidf]
"""

import argparse
import csv
import doctest
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PAGE = Path(__file__).resolve().parents[2] / "docs" / "semantic_cache.md"
KINDS = [
    "january february march april may june july august september october november december",
    "monday tuesday wednesday thursday friday saturday sunday",
    "paris london tokyo berlin rome madrid chicago boston dallas texas florida france spain "
    "germany italy china japan mexico canada brazil india russia europe america",
    "one two three four five six seven eight nine ten twenty thirty hundred thousand",
    "dollars euros pounds yen pesos rupees",
    "french spanish german italian chinese japanese english portuguese",
    "on off", "increase decrease", "first last", "before after", "open close", "add remove",
    "apple google samsung", "visa mastercard amex", "breakfast lunch dinner",
    "mom dad brother sister", "rent mortgage salary", "car bus train plane",
]  # fmt: skip
OTHERS = {word: kind.split() for kind in KINDS for word in kind.split()}
BEFORE = ("please tell me, ", "hi, ", "could you tell me ", "i want to know ", "")
AFTER = ("", "?", " please", ", thanks", " ??")
SHORT = {"what is": "what's", "i am": "i'm", "do not": "don't", "how is": "how's", "i would": "i'd",
         "cannot": "can't", "where is": "where's", "i have": "i've"}  # fmt: skip


class Query(NamedTuple):
    """A query, the question that it paraphrases or None, and its label or None."""

    text: str
    question: str | None
    label: str | None


def labelled(folder: Path) -> dict[str, str]:
    """Return the questions of both data sets with their labels."""
    with (folder / "banking77_train.csv").open(encoding="utf-8", newline="") as file:
        found = {row["text"].strip(): row["category"] for row in csv.DictReader(file)}
    clinc = json.loads((folder / "clinc150.json").read_text("utf-8"))
    found.update((text, label) for part in ("train", "val") for text, label in clinc[part])
    return found


def paraphrased(text: str, random_: random.Random) -> str:
    """Return the question in other words: greetings, short forms and a typo."""
    for long, short in SHORT.items():
        text = re.sub(rf"\b{long}\b", short, text)
    words = text.split()
    long_words = [i for i, word in enumerate(words) if len(word) > 6 and word.isalpha()]
    if long_words and random_.random() < 0.5:
        i = random_.choice(long_words)
        at = random_.randrange(1, len(words[i]) - 2)
        words[i] = words[i][:at] + words[i][at + 1] + words[i][at] + words[i][at + 2 :]
    return random_.choice(BEFORE) + " ".join(words) + random_.choice(AFTER)


def near_misses(text: str) -> Iterator[str]:
    """Yield the question with one word replaced by another of its kind."""
    words = text.split()
    for i, word in enumerate(words):
        for other in OTHERS.get(word.lower(), ()):
            if other != word.lower():
                yield " ".join([*words[:i], other, *words[i + 1 :]])


def workload(folder: Path, n: int, seed: int = 0) -> tuple[dict[str, str], list[Query]]:
    """Return the cached questions with their labels, and n queries."""
    random_ = random.Random(seed)
    known = labelled(folder)
    questions = sorted(known)
    random_.shuffle(questions)
    half = len(questions) // 2
    cached, rest = questions[:half], questions[half:]
    paraphrases = [
        Query(paraphrased(each, random_), each, None)
        for each in random_.choices(cached, k=n * 2 // 5)
    ]
    missed = sorted({each for text in cached for each in near_misses(text)} - set(known))
    random_.shuffle(missed)
    queries = paraphrases + [Query(each, None, None) for each in missed[: n * 3 // 10]]
    others = [Query(each, None, known[each]) for each in rest]
    while len(queries) + len(others) < n:
        others += [
            Query(paraphrased(each, random_), None, known[each])
            for each in random_.choices(rest, k=n - len(queries) - len(others))
        ]
    queries += others[: n - len(queries)]
    random_.shuffle(queries)
    return {each: known[each] for each in cached}, queries


def cache_of_page() -> dict[str, Any]:
    """Return the names that the page of the cache defines."""
    scope: dict[str, Any] = {}
    for example in doctest.DocTestParser().get_examples(PAGE.read_text("utf-8")):
        if example.source.startswith(("import", "from", "STOP_WORDS", "def topics", "class")):
            exec(example.source, scope)
    return scope


def figures(
    cached: dict[str, str], queries: Sequence[Query], answers: Sequence[str | None]
) -> dict[str, str]:
    """Return the shares of hits and wrong hits."""
    counts: Counter[str] = Counter()
    for query, hit in zip(queries, answers, strict=True):
        if query.question is not None:
            kind, wrong = "paraphrases", hit is not None and cached[hit] != cached[query.question]
        elif query.label is None:
            kind, wrong = "near misses", hit is not None
        else:
            kind, wrong = "other questions", hit is not None and cached[hit] != query.label
        counts[kind] += 1
        counts[f"{kind} hit"] += hit is not None
        counts[f"{kind} wrong"] += wrong
    return {
        kind: f"{counts[f'{kind} hit'] / counts[kind]:.1%} hit, "
        f"{counts[f'{kind} wrong'] / counts[kind]:.1%} wrong of {counts[kind]}"
        for kind in ("paraphrases", "near misses", "other questions")
    }


def by_fuzzydict(guarded: bool) -> Callable[[Sequence[str], Sequence[str]], list[str | None]]:
    """Return the lookup of the page, with or without its guard."""
    from fuzzydict import FuzzyDict

    scope = cache_of_page()
    guards = (*scope["DEFAULT"], scope["topics_differ"]) if guarded else scope["DEFAULT"]

    def answered(keys: Sequence[str], queries: Sequence[str]) -> list[str | None]:
        d = FuzzyDict(dict.fromkeys(keys, 0), guards=guards)
        d.get("warm up")
        return [found and found.key for found in map(d.match, queries)]

    return answered


def embedded(peer: str) -> Callable[[Sequence[str]], Any]:
    """Return a function from texts to vectors of length one."""
    if peer == "tfidf":
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
        return lambda texts: (
            vectorizer.transform(texts)
            if hasattr(vectorizer, "vocabulary_")
            else vectorizer.fit_transform(texts)
        )
    from quality import _minilm

    model = _minilm()
    return lambda texts: model.encode(
        list(texts), batch_size=256, normalize_embeddings=True, show_progress_bar=False
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--queries", type=int, default=50_000)
    parser.add_argument("--peer", choices=["minilm", "tfidf"], default="minilm")
    options = parser.parse_args(arguments)
    cached, queries = workload(Path(os.environ["FUZZYDICT_EVAL"]), options.queries)
    keys, texts = list(cached), [query.text for query in queries]
    print(f"{len(keys):,} cached questions, {len(texts):,} queries")
    for name, guarded in (("FuzzyDict with the guard", True), ("FuzzyDict", False)):
        start = time.perf_counter()
        answers = by_fuzzydict(guarded)(keys, texts)
        spent = (time.perf_counter() - start) / len(texts)
        print(f"{name}: {figures(cached, queries, answers)}, {spent * 1000:.2f} ms", flush=True)
    embed = embedded(options.peer)
    rows = embed(keys)
    start = time.perf_counter()
    vectors = embed(texts)
    best, scores = [], []
    for at in range(0, len(texts), 500):
        cosines = vectors[at : at + 500] @ rows.T
        cosines = cosines if isinstance(cosines, np.ndarray) else cosines.toarray()
        best += cosines.argmax(axis=1).tolist()
        scores += cosines.max(axis=1).tolist()
    spent = (time.perf_counter() - start) / len(texts)
    for threshold in (0.8, 0.85, 0.9, 0.95):
        hits = [keys[i] if s >= threshold else None for i, s in zip(best, scores, strict=True)]
        print(f"{options.peer} from {threshold}: {figures(cached, queries, hits)}, "
              f"{spent * 1000:.2f} ms", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
