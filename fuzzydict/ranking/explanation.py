"""Why a lookup was answered as it was: the verdict and its evidence, for a terminal and a notebook.

What the evidence is, `fuzzydict.ranking.ranker.ScoreBreakdown` says; here it is judged and shown.
"""

import html
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzydict.ranking.ranker import ScoreBreakdown
from fuzzydict.text.tokens import words

if TYPE_CHECKING:
    from fuzzydict.results import Match

__all__ = ["Explanation", "explanation"]

_WIDTH = 100  # columns of a terminal
_KEY = 26  # of them for a key
_NAME = 40  # for a text in a sentence
_CELL = 120  # for a text in a notebook
_COUNTERPART = 0.5  # the least probability of words that are shown to stand for each other,
_COUNTS = 0.5  # and the least weight of a word: usual ones stand for anything
_SEEN = 0.005  # the least difference that is seen in two digits

_COLUMNS = {
    "letters": "how alike query and key are written, 0 to 1: 1 less the share of edits",
    "cosine": "of the meanings, -1 to 1, as the score takes it: less where words are unknown",
    "spelling": "the probability that the key was meant by the spelling alone",
    "+meaning": "the probability by spelling and meaning",
    "+learned": "the probability with what calibrate, fit and learn were told, before the guards",
    "score": "the probability in the end: that of match, 0 where a guard forbids the key",
    "words": "what words of the query stand for in the key, and how probably, from 0.5",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Explanation:
    """Why a query found its key, or none. ``str`` of it is a table, as is its view in a notebook.

    Immutable, with

    - ``query``; ``answer``: what `FuzzyDict.match` returns, None for silence;
    - ``verdict``: "exact", the query is a key; "corrected", `learn` was told of this very query;
      "found", the best score reaches the cutoff; "forbidden", a guard keeps from what would reach
      it; "below", the best does not reach it; "null", that none was meant is likelier than the
      best; "nothing", there was nothing to weigh; "off", the cutoff is 1;
    - ``reason``: the same in a sentence;
    - ``cutoff``; ``no_match``: the probability that no key was meant;
    - ``candidates``: the keys that were weighed, the likeliest first but for the guards, each a
      `fuzzydict.ranking.ranker.ScoreBreakdown`.

    The table's columns, of which "+learned" is there only where something was:

    - key: the candidate; "(no key)" is that none was meant;
    - letters: how alike query and key are written, 0 to 1: 1 less the share of edits;
    - cosine: of the meanings, -1 to 1, as the score takes it: less where words are unknown;
    - spelling: the probability that the key was meant by the spelling alone;
    - +meaning: the probability by spelling and meaning;
    - +learned: the probability with what calibrate, fit and learn were told, before the guards;
    - score: the probability in the end: that of match, 0 where a guard forbids the key;
    - words: what words of the query stand for in the key, and how probably, from 0.5; usual words
      are left out. Before them the guards that forbid the key, or the corrected query through
      which it was found.

    The probabilities are those of all candidates beside each other: each column is the whole score
    with a part of it left out, and not a sum of parts.

    >>> from fuzzydict import FuzzyDict
    >>> FuzzyDict({"Q1 revenue": 10}).explain("Q2 revenue").verdict
    'forbidden'
    """

    query: object
    answer: "Match | None"
    verdict: str
    reason: str
    cutoff: float
    no_match: float
    candidates: tuple[ScoreBreakdown, ...]

    def __str__(self) -> str:
        lines = _wrapped(f"{self._headline(_NAME)}: {self.reason}.")
        if not self.candidates:
            return "\n".join(lines)
        names, rows = self._table(_KEY)
        rows = [names, *rows]
        widths = [max(map(_columns, column)) for column in zip(*rows, strict=True)]
        widths[-1] = _WIDTH - sum(widths[:-1]) - 2 * len(widths[:-1])
        lines.append("")
        for first, *middle, last in rows:
            numbers = "".join(map(str.rjust, middle, [width + 2 for width in widths[1:-1]]))
            lines.append(f"{_padded(first, widths[0])}{numbers}  {_cut(last, widths[-1])}".rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table for a notebook: inline styles, no colour of its own but for a tint."""
        verdict = f"<b>{_escaped(self._headline(_CELL))}</b>: {_escaped(self.reason)}."
        title = f'<div style="overflow-wrap:anywhere">{verdict}</div>'
        if not self.candidates:
            return title
        names, rows = self._table(_CELL)
        head = "".join(
            f'<th style="{_TEXT if name in ("key", "words") else _NUMBER}font-weight:600" '
            f'title="{_escaped(_COLUMNS.get(name, ""))}">{_escaped(name)}</th>'
            for name in names
        )
        meant = [
            self.answer is not None and each.key == self.answer.key for each in self.candidates
        ]
        shares = [each.score for each in self.candidates]
        marked = zip(rows, [*shares, self.no_match], [*meant, self.answer is None], strict=True)
        body = "".join(_html_row(*each) for each in marked)
        style = "border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums"
        return (
            f'{title}<table style="{style}"><thead><tr style="background:none">{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

    def _headline(self, width: int) -> str:
        found = "nothing" if self.answer is None else _named(self.answer.key, width)
        return f"{_named(self.query, width)} finds {found}"

    def _table(self, width: int) -> tuple[list[str], list[list[str]]]:
        """Return the names of the columns and the rows."""
        taught = self.verdict != "exact" and any(
            abs(each.by_learning - each.by_meaning) >= _SEEN for each in self.candidates
        )
        names = ["key", *(name for name in _COLUMNS if taught or name != "+learned")]
        rows = []
        for each in self.candidates:
            numbers = [each.letters, each.cosine, each.by_spelling, each.by_meaning]
            numbers += [each.by_learning, each.score] if taught else [each.score]
            shown = [f"{number:.2f}".replace("-0.00", "0.00") for number in numbers]
            rows.append([_named(each.key, width), *shown, _said(each, width)])
        empty = [""] * (len(names) - 3)
        rows.append(["(no key)", *empty, f"{self.no_match:.2f}", ""])
        return names, rows


def explanation(
    query: object,
    answer: "Match | None",
    evidence: Sequence[ScoreBreakdown],
    against: str | None,
    cutoff: float,
    n: int,
) -> Explanation:
    """Return the explanation of an answer, with the ``n`` likeliest keys that were weighed.

    ``against`` is the corrected query, if any, for whose sake no key may be meant.
    """
    no_match = 1.0 - min(sum(each.score for each in evidence), 1.0)
    if answer is not None and answer.key is query:
        verdict, reason = "exact", "it is a key itself"
        evidence = [each._replace(score=1.0 if each.key == query else 0.0) for each in evidence]
        no_match = 0.0
    elif answer is not None:
        verdict, reason = _found(query, answer, evidence, cutoff)
    else:
        verdict, reason = _silent(query, evidence, against, cutoff, no_match)
    shown = list(evidence[:n])
    if answer is not None and answer.key not in [each.key for each in shown]:
        shown[n - 1 :] = [each for each in evidence if each.key == answer.key]
    return Explanation(query, answer, verdict, reason, cutoff, no_match, tuple(shown))


def _found(
    query: object, answer: "Match", evidence: Iterable[ScoreBreakdown], cutoff: float
) -> tuple[str, str]:
    told = next((each.correction for each in evidence if each.key == answer.key), None)
    if told is not None and told == query:
        return "corrected", "learn was told that it means this key"
    score, least = _apart(answer.score, cutoff)
    reason = f"its score of {score} reaches the cutoff of {least}"
    if told is not None:
        reason += f", by way of {_named(told)}, of which learn was told"
    return "found", reason


def _silent(
    query: object,
    evidence: Sequence[ScoreBreakdown],
    against: str | None,
    cutoff: float,
    no_match: float,
) -> tuple[str, str]:
    if not isinstance(query, str):
        return "nothing", "it is no text, and what is no text is found exactly or not at all"
    if cutoff == 1.0:
        return "off", "the cutoff is 1, which turns fuzzy reads off"
    if against == query:
        return "corrected", "learn was told that it means no key"
    if against is not None:
        return "null", f"it is like {_named(against)}, of which learn was told that it means no key"
    if not evidence:
        return "nothing", "there is no key of text" if words(query) else "it has no words"
    best = max(evidence, key=lambda each: each.score)
    first = evidence[0]
    would = ""
    if first.guards:
        guards = " and ".join(first.guards)
        would = f"{_named(first.key)}, which would have {first.by_learning:.2f}"
        would = f"the guard {guards} forbids {would}"
        if first.by_learning >= cutoff:
            return "forbidden", would
        would = f"; {would}"
    if no_match > best.score:
        score, none = _apart(best.score, no_match)
        reason = (
            f"most probably no key is meant ({none}); the best, {_named(best.key)}, has {score}"
        )
        return "null", reason + would
    score, least = _apart(best.score, cutoff)
    reason = f"the best, {_named(best.key)}, has {score}, below the cutoff of {least}"
    return "below", reason + would


def _said(evidence: ScoreBreakdown, width: int) -> str:
    """Return what carried a key, or kept from it."""
    said = [f"forbidden: {', '.join(evidence.guards)}"] if evidence.guards else []
    if evidence.correction is not None and evidence.by_learning > evidence.by_meaning:
        said.append(f"through {_named(evidence.correction, width)}")
    for asked, held, probability, weight in evidence.words:
        if probability >= _COUNTERPART and weight >= _COUNTS:
            pair = _cut(asked if asked == held else f"{asked} ~ {held}", _NAME)
            said.append(f"{pair} {probability:.2f}")
    return _cut("; ".join(said), 2 * width)


def _apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with as many digits as tell them apart."""
    shown = [(f"{one:.{digits}f}", f"{other:.{digits}f}") for digits in range(2, 7)]
    return next((pair for pair in shown if pair[0] != pair[1]), shown[0])


# A row of the table in a notebook, whose own styles it must not depend on.

_EACH = "padding:.25em .7em;border:0;border-bottom:1px solid rgba(128,128,128,.3);"
_TEXT = _EACH + "vertical-align:baseline;text-align:left;overflow-wrap:anywhere;min-width:10em;"
_NUMBER = _EACH + "vertical-align:baseline;text-align:right;white-space:nowrap;"


def _html_row(row: Sequence[str], share: float, meant: bool) -> str:
    """Return a row, with a bar behind its score, in bold type where it is what was meant."""
    first, *numbers, score, last = row
    bar = f"linear-gradient(to right,rgba(64,128,255,.3) {share:.0%},transparent {share:.0%})"
    return (
        f'<tr style="background:none;font-weight:{600 if meant else 400}">'
        f'<td style="{_TEXT}"><bdi>{_escaped(first)}</bdi></td>'
        + "".join(f'<td style="{_NUMBER}">{number}</td>' for number in numbers)
        + f'<td style="{_NUMBER}min-width:5em;background:{bar}">{score}</td>'
        f'<td style="{_TEXT}"><bdi>{_escaped(last)}</bdi></td></tr>'
    )


# Text on a screen: what is written in it, and how wide it is.


def _named(text: object, width: int = _NAME) -> str:
    """Return the repr of a text, in one line and cut to a width. Control characters are escaped."""
    return _cut(" ".join(repr(text).split()), width)


def _columns(text: str) -> int:
    """Return the columns of a terminal that a text takes, by Unicode's Annex 11."""
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(char) in "WF" for char in text)


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    end = next(end for end in range(len(text)) if _columns(text[: end + 1]) >= width)
    return text[:end] + "…"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _columns(longer) <= _WIDTH:
            lines[-1] = longer
        else:
            lines.append(_cut(word, _WIDTH))
    return lines


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)
