"""Fuzzy joins against peers: quality and time.

    python tests/benchmarks/joins.py [--repository DIR] [--companies DIR] [--tables N] [--rows N]
        [--autofj SECONDS]

The 34 tables of Auto-FuzzyJoin in ``$FUZZYDICT_EVAL/autofj``, with all partners and with a quarter
of them; with a clone of AI-team-UoA/pyJedAI also Abt-Buy, DBLP-ACM, Amazon-Google, and the
restaurants of Fodor's and Zagat's for deduplication; with one of JerBouma/FinanceDatabase also
names of companies, most of which have no partner. Peers: RapidFuzz, TF-IDF of character trigrams
(scikit-learn), skrub, dedupe and autofj; those that are not installed are left out. With
``--rows``, the time and memory of a large join.

hit@1 is the share of the queries with a partner whose best key is right. The recall at precision .9
is that at the best cutoff, which needs labels; ``precision=0.9`` chooses one without them.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from join_data import Task, autofj, companies, leipzig, restaurants
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from fuzzydict import FuzzyDict, dedupe
from fuzzydict.joins.solving import Options, Problem

Best = tuple[NDArray[np.int64], NDArray[np.float64]]  # best key of each query, -1 if none; score
Method = Callable[[Sequence[str], Sequence[str]], Best]


def problem_of(task: Task, options: Options) -> Problem:
    """Return a join of the texts of a task, without tables around them."""
    queries, keys = ([(text,) for text in texts] for texts in (task.queries, task.keys))
    return Problem(queries, keys, FuzzyDict(dict.fromkeys(task.keys)), options)


def fuzzydict(queries: Sequence[str], keys: Sequence[str]) -> Best:
    """Return the best pair of each query, however low its score."""
    problem = problem_of(Task("", list(queries), list(keys), set()), Options(cutoff=0.0))
    found = problem.solve([problem.pairs()])
    best, scores = np.full(len(queries), -1), np.zeros(len(queries))
    best[found.left], scores[found.left] = found.right, found.scores
    return best, scores


def rapidfuzz(scorer: Callable[..., float]) -> Method:
    """Return a method that takes the key of the highest score."""

    def method(queries: Sequence[str], keys: Sequence[str]) -> Best:
        best, scores = [], []
        for start in range(0, len(queries), 256):
            part = [text.lower() for text in queries[start : start + 256]]
            table = process.cdist(part, [key.lower() for key in keys], scorer=scorer, workers=2)
            best.append(table.argmax(axis=1))
            scores.append(table.max(axis=1))
        return np.concatenate(best), np.concatenate(scores)

    return method


def tfidf(queries: Sequence[str], keys: Sequence[str]) -> Best:
    """Return the key of the highest cosine of character trigrams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3)).fit_transform(
        [*keys, *queries]
    )
    table = (vectors[len(keys) :] @ vectors[: len(keys)].T).tocsr()
    best = np.asarray(table.argmax(axis=1)).ravel()
    return best, table.max(axis=1).toarray().ravel()


def skrub(queries: Sequence[str], keys: Sequence[str]) -> Best:
    """Return the pairs of skrub's `fuzzy_join`."""
    import pandas
    from skrub import fuzzy_join

    joined = fuzzy_join(
        pandas.DataFrame({"x": list(queries)}),
        pandas.DataFrame({"x": list(keys), "place": range(len(keys))}),
        on="x",
        suffix="_y",
        add_match_info=True,
    )
    distance = joined["skrub_Joiner_distance"].to_numpy(float)
    return joined["place_y"].to_numpy(np.int64), -distance


def hit_and_recall(task: Task, best: NDArray[np.int64], scores: NDArray[np.float64]) -> list[float]:
    """Return hit@1, the recall at precision .9, and the highest F1, at the best cutoffs."""
    right = np.array([(i, key) in task.pairs for i, key in enumerate(best.tolist())])
    order = np.argsort(-scores, kind="stable")
    order = order[best[order] >= 0]
    hits, counts = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    is_last = np.append(np.diff(scores[order]) != 0, True)
    partners = len({i for i, _ in task.pairs})
    good = (hits / counts >= 0.9) & is_last
    recall = hits[good].max(initial=0) / partners
    return [right.sum() / partners, recall, float((2 * hits / (counts + len(task.pairs))).max())]


def with_precision(task: Task, options: Options) -> list[float]:
    """Return precision, recall, and their estimates."""
    problem = problem_of(task, options)
    found = problem.solve([problem.pairs()])
    pairs = zip(found.left.tolist(), found.right.tolist(), strict=True)
    right = sum(pair in task.pairs for pair in pairs)
    precision = right / len(found.left) if len(found.left) else np.nan
    report = found.report
    return [precision, right / len(task.pairs), report.precision, report.recall]


def f1(precision: float, recall: float) -> float:
    """Return the harmonic mean of precision and recall."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


METHODS: dict[str, Method] = {
    "FuzzyDict": fuzzydict,
    "TF-IDF": tfidf,
    "RapidFuzz WRatio": rapidfuzz(fuzz.WRatio),
    "RapidFuzz token_set_ratio": rapidfuzz(fuzz.token_set_ratio),
    "skrub fuzzy_join": skrub,
}


def compare(tasks: Sequence[Task]) -> None:
    """Print the quality and the time of each method, the mean over the tasks."""
    seconds: dict[str, float] = {}
    for name, method in METHODS.items():
        try:
            method(["a warm up", "a cold start"], ["warm up", "cold start", "to warm up"])
        except ImportError as error:
            print(f"{name}: left out ({error})")
            continue
        start, found = time.perf_counter(), []
        for task in tasks:
            found.append(method(task.queries, task.keys))
        seconds[name] = time.perf_counter() - start
        rows = [hit_and_recall(task, *best) for task, best in zip(tasks, found, strict=True)]
        hit, recall, best_f1 = np.mean(rows, axis=0)
        print(
            f"{name:26} hit@1 {hit:.3f}, recall at precision .9 {recall:.3f}, best F1 {best_f1:.3f}"
            f", {seconds[name]:.1f} s",
            flush=True,
        )
    if "TF-IDF" in seconds:
        print(f"FuzzyDict takes {seconds['FuzzyDict'] / seconds['TF-IDF']:.1f} times TF-IDF's time")


def unsupervised(name: str, tasks: Iterable[Task], precision: float) -> None:
    """Print what ``precision=`` achieves, the mean over the tasks."""
    rows = [with_precision(task, Options(precision=precision)) for task in tasks if task.pairs]
    found = np.nanmean(rows, axis=0)
    print(
        f"{name}, precision={precision}: precision {found[0]:.3f} (estimated {found[2]:.3f}), "
        f"recall {found[1]:.3f} (estimated, of what could be found, {found[3]:.3f})",
        flush=True,
    )


def by_autofj(tasks: Iterable[Task], limit: float) -> None:
    """Print what the package `autofj` achieves on the tables that the time allows."""
    import pandas
    from autofj import AutoFJ

    rows, start = [], time.perf_counter()
    for task in tasks:
        left = pandas.DataFrame({"id": range(len(task.keys)), "title": task.keys})
        right = pandas.DataFrame({"id": range(len(task.queries)), "title": task.queries})
        joined = AutoFJ(precision_target=0.9, verbose=False).join(left, right, id_column="id")
        pairs = set(zip(joined["id_r"], joined["id_l"], strict=True))
        own = with_precision(task, Options(precision=0.9))
        rows.append([len(pairs & task.pairs) / max(len(pairs), 1),
                     len(pairs & task.pairs) / len(task.pairs), *own[:2]])  # fmt: skip
        if time.perf_counter() - start > limit:
            break
    p, r, ours_p, ours_r = np.mean(rows, axis=0)
    print(f"AutoFJ, {len(rows)} tables: precision {p:.3f}, recall {r:.3f}; "
          f"FuzzyDict on the same: {ours_p:.3f}, {ours_r:.3f}")  # fmt: skip


def with_options(tasks: Iterable[Task]) -> None:
    """Print the F1 scores of tasks, at the best cutoffs and with options."""
    for task in tasks:
        print(f"\n{task.name}: {len(task.queries):,} and {len(task.keys):,} names")
        compare([task])
        for options in (
            Options(), Options(precision=0.9), Options(precision=0.9, one_to_one=True),
            Options(precision=0.8, one_to_one=True), Options(cutoff=0.0, one_to_one=True),
        ):  # fmt: skip
            precision, recall, *_ = with_precision(task, options)
            shown = f"cutoff={options.cutoff}" if options.cutoff is not None else (
                f"precision={options.precision}"
            )  # fmt: skip
            score = f1(precision, recall)
            print(f"FuzzyDict, {shown}, one_to_one={options.one_to_one}: precision "
                  f"{precision:.3f}, recall {recall:.3f}, F1 {score:.3f}")  # fmt: skip


def deduplication(repository: Path) -> None:
    """Print the pairwise F1 of groups of restaurants, and that of TF-IDF's pairs."""
    import pandas

    texts, truth = restaurants(repository)
    print(f"\nRestaurants: {len(texts):,} rows, {len(truth)} pairs that are the same")
    for precision, cutoff in ((0.95, None), (0.9, None), (0.95, 0.5)):
        table = pandas.DataFrame({"x": texts})
        found = dedupe(table, "x", precision=precision, cutoff=cutoff)
        groups = found.groupby("group").groups.values()
        pairs = {frozenset(pair) for group in groups for pair in combinations(group, 2)}
        right = len(pairs & truth)
        exact, recall = right / max(len(pairs), 1), right / len(truth)
        shown = f"precision={precision}" if cutoff is None else f"cutoff={cutoff}"
        print(f"dedupe({shown}): precision {exact:.3f}, recall {recall:.3f}, "
              f"F1 {f1(exact, recall):.3f}")  # fmt: skip
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3)).fit_transform(texts)
    cosines = (vectors @ vectors.T).toarray()
    best = 0.0
    for cutoff in np.arange(0.3, 1, 0.02):
        pairs = {frozenset(pair) for pair in np.argwhere(np.triu(cosines > cutoff, 1)).tolist()}
        right = len(pairs & truth)
        best = max(best, f1(right / max(len(pairs), 1), right / len(truth)))
    print(f"pairs of TF-IDF at the best of 35 cutoffs: F1 {best:.3f}")
    try:
        by_dedupe(texts, truth)
    except ImportError as error:
        print(f"package dedupe: left out ({error})")


def by_dedupe(texts: Sequence[str], truth: set[frozenset[int]], n_labels: int = 50) -> None:
    """Print the pairwise F1 of the package `dedupe`, which learns from labelled pairs.

    It gets as many right pairs as ``n_labels``, and twice as many wrong ones of which half are
    similar, and sees the texts in lower case.
    """
    from dedupe import Dedupe, variables

    rng = np.random.default_rng(0)
    rows = {i: {"x": text.lower()} for i, text in enumerate(texts)}
    ordered = sorted(tuple(sorted(pair)) for pair in truth)
    right = [ordered[i] for i in rng.permutation(len(ordered))[:n_labels]]
    table = process.cdist(texts, texts, scorer=fuzz.token_set_ratio)
    similar = [(i, j) for i, j in np.argwhere(np.triu(table > 60, 1)).tolist()]
    drawn = [similar[i] for i in rng.permutation(len(similar))[: 2 * n_labels]]
    drawn += rng.integers(len(texts), size=(n_labels, 2)).tolist()
    wrong = [(i, j) for i, j in drawn if i != j and frozenset((i, j)) not in truth]
    model = Dedupe([variables.String("x"), variables.Text("x")], num_cores=1, in_memory=True)
    model.prepare_training(rows)
    model.mark_pairs(
        {
            "match": [(rows[i], rows[j]) for i, j in right],
            "distinct": [(rows[i], rows[j]) for i, j in wrong],
        }
    )
    model.train()
    for cutoff in (0.5, 0.9):
        groups = [group for group, _ in model.partition(rows, cutoff)]
        pairs = {frozenset(pair) for group in groups for pair in combinations(group, 2)}
        found = len(pairs & truth)
        precision, recall = found / max(len(pairs), 1), found / len(truth)
        print(f"package dedupe, {len(right)} right and {len(wrong)} wrong pairs as labels, "
              f"threshold {cutoff}: precision {precision:.3f}, recall {recall:.3f}, "
              f"F1 {f1(precision, recall):.3f}")  # fmt: skip


def large(rows: int, n_keys: int) -> None:
    """Print the time and memory of a join of so many rows, all different, with so many keys."""
    import pandas
    from speed_texts import Texts

    from fuzzydict import join

    texts = Texts.load(0)
    keys = texts.keys(n_keys)
    misspelled = texts.misspelled(keys, set(keys))
    left = pandas.DataFrame({"x": [text for text, _ in zip(misspelled, range(rows), strict=False)]})
    right = pandas.DataFrame({"x": keys, "n": range(n_keys)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    joined = join(left, right, "x", progress=False)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"\n{rows:,} rows, {n_keys:,} keys: {seconds:.0f} s, {(after - before) / 1e6:.2f} GB "
          f"beside the tables, {joined['score'].notna().mean():.1%} matched")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--repository", type=Path, help="a clone of AI-team-UoA/pyJedAI")
    parser.add_argument("--companies", type=Path, help="a clone of JerBouma/FinanceDatabase")
    parser.add_argument("--tables", type=int, default=34)
    parser.add_argument("--rows", type=int, default=0, help="of the large join; 0 leaves it out")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--autofj", type=float, default=0, metavar="SECONDS")
    given = parser.parse_args(arguments)
    tasks = list(autofj())[: given.tables]
    if tasks:
        print(f"{len(tasks)} tables of Auto-FuzzyJoin")
        compare(tasks)
        few = list(autofj(0.25))[: given.tables]
        for precision in (0.9, 0.95):
            unsupervised("all partners", tasks, precision)
            unsupervised("a quarter of the partners", few, precision)
    if given.autofj:
        by_autofj(tasks, given.autofj)
    if given.repository:
        with_options(leipzig(given.repository))
        deduplication(given.repository)
    if given.companies:
        with_options([companies(given.companies)])
    if given.rows:
        large(given.rows, given.keys)


if __name__ == "__main__":
    main()
