"""Explanations of lookups, as text for a terminal and as HTML for a notebook.

The scores come from `fuzzydict.ranking.evidence.ScoreBreakdown`; this module presents them.
"""

import html
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzydict.ranking.evidence import ScoreBreakdown
from fuzzydict.text.tokens import words

if TYPE_CHECKING:
    from fuzzydict.matches import Match

__all__ = ["Explanation", "explanation"]

_WIDTH = 100  # of a terminal, in columns
_KEY_WIDTH = 22  # of a key in a terminal
_TEXT_WIDTH = 40  # of a text in a sentence
_HTML_WIDTH = 120  # of a text in a notebook
_MIN_PROBABILITY = 0.5  # of aligned words that are shown
_MIN_WEIGHT = 0.5  # of their words: frequent words align with anything
_MIN_DIFFERENCE = 0.005  # visible in two digits

_COLUMNS = {
    "edit similarity": "of the spellings, 0 to 1: 1 minus edits per character (OSA distance)",
    "cosine": "of the embeddings, -1 to 1: lower where words are unknown",
    "spelling": "the probability of the key by spelling alone",
    "+meaning": "the probability by spelling and meaning",
    "+learned": "the probability after calibrate, fit and learn, before the guards",
    "score": "the final probability, as in match: 0 if a guard vetoes the key",
    "words": "aligned words of query and key, with probabilities of at least 0.5",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Explanation:
    """Why a query matches a key, or none. Printed, it is a table; in a notebook, an HTML table.

    Immutable.

    Attributes:
        query: The query.
        answer: What `FuzzyDict.match` returns; None without a match.
        verdict: One of

            - "exact": the query is a key;
            - "corrected": `learn` has set the answer of this query;
            - "found": the best score is at least the cutoff;
            - "vetoed": a guard vetoes a key that would reach the cutoff;
            - "below cutoff": the best score is below the cutoff;
            - "no match": that no key matches is more probable than the best key;
            - "no candidates": there was nothing to score;
            - "off": the cutoff is 1.
        reason: The verdict in one sentence.
        cutoff: The lowest score of a match.
        no_match: The probability that no key matches.
        candidates: The scored keys, each a `fuzzydict.ranking.evidence.ScoreBreakdown`, by their
            probability before the guards.

    The columns of the table ("+learned" is shown only if learning changed a probability):

    - key: the candidate; the last row, "(no match)", is the probability that no key matches;
    - edit similarity: of the spellings, 0 to 1: 1 minus edits per character (OSA distance);
    - cosine: of the embeddings, -1 to 1: lower where words are unknown;
    - spelling: the probability of the key by spelling alone;
    - +meaning: the probability by spelling and meaning;
    - +learned: the probability after calibrate, fit and learn, before the guards;
    - score: the final probability, as in match: 0 if a guard vetoes the key;
    - words: aligned words of query and key, with probabilities of at least 0.5; frequent words
      are left out. They follow the guards that veto the key, the correction that led to it, and
      the examples of `fit` that added most to its logit, with what they added.

    Each probability column is a softmax over all candidates and no match, computed with more of
    the evidence than the column before it.

    >>> from fuzzydict import FuzzyDict
    >>> FuzzyDict({"Q1 revenue": 10}).explain("Q2 revenue").verdict
    'vetoed'
    """

    query: object
    answer: "Match | None"
    verdict: str
    reason: str
    cutoff: float
    no_match: float
    candidates: tuple[ScoreBreakdown, ...]

    def __str__(self) -> str:
        lines = _wrapped(f"{self._headline(_TEXT_WIDTH)}: {self.reason}.")
        if not self.candidates:
            return "\n".join(lines)
        names, rows = self._table(_KEY_WIDTH)
        rows = [names, *rows]
        widths = [max(map(_display_width, column)) for column in zip(*rows, strict=True)]
        widths[-1] = _WIDTH - sum(widths[:-1]) - 2 * len(widths[:-1])
        lines.append("")
        for first, *middle, last in rows:
            numbers = "".join(map(str.rjust, middle, [width + 2 for width in widths[1:-1]]))
            line = f"{_padded(first, widths[0])}{numbers}  {_shortened(last, widths[-1])}"
            lines.append(line.rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table for a notebook, with inline styles that suit any background."""
        verdict = f"<b>{_escaped(self._headline(_HTML_WIDTH))}</b>: {_escaped(self.reason)}."
        title = f'<div style="overflow-wrap:anywhere">{verdict}</div>'
        if not self.candidates:
            return title
        names, rows = self._table(_HTML_WIDTH)
        head = "".join(
            f'<th style="{_TEXT_STYLE if name in ("key", "words") else _NUMBER_STYLE}'
            f'font-weight:600" title="{_escaped(_COLUMNS.get(name, ""))}">{_escaped(name)}</th>'
            for name in names
        )
        answered = [
            self.answer is not None and each.key == self.answer.key for each in self.candidates
        ]
        scores = [each.score for each in self.candidates]
        body = "".join(
            _html_row(row, score, bold)
            for row, score, bold in zip(
                rows, [*scores, self.no_match], [*answered, self.answer is None], strict=True
            )
        )
        style = "border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums"
        return (
            f'{title}<table style="{style}"><thead><tr style="background:none">{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

    def _headline(self, width: int) -> str:
        query = _quoted(self.query, width)
        if self.answer is None:
            return f"{query} has no match"
        return f"{query} matches {_quoted(self.answer.key, width)}"

    def _table(self, width: int) -> tuple[list[str], list[list[str]]]:
        """Return the names of the columns and the rows."""
        has_learned = self.verdict != "exact" and any(
            abs(each.by_learning - each.by_meaning) >= _MIN_DIFFERENCE for each in self.candidates
        )
        names = ["key", *(name for name in _COLUMNS if has_learned or name != "+learned")]
        rows = []
        for each in self.candidates:
            numbers = [each.letters, each.cosine, each.by_spelling, each.by_meaning]
            numbers += [each.by_learning, each.score] if has_learned else [each.score]
            cells = [f"{number:.2f}".replace("-0.00", "0.00") for number in numbers]
            rows.append([_quoted(each.key, width), *cells, _words_cell(each, width)])
        empty = [""] * (len(names) - 3)
        rows.append(["(no match)", *empty, f"{self.no_match:.2f}", ""])
        return names, rows


def explanation(
    query: object,
    answer: "Match | None",
    breakdowns: Sequence[ScoreBreakdown],
    null_correction: str | None,
    cutoff: float,
    n: int,
) -> Explanation:
    """Return the explanation of an answer, with at most ``n`` candidates.

    Args:
        query: The query.
        answer: The match; None without one.
        breakdowns: The scored candidates, in the order of their probability before the guards.
        null_correction: The corrected query similar to this one that has no match, if any.
        cutoff: The lowest score of a match.
        n: The number of candidates to show.
    """
    no_match = 1.0 - min(sum(each.score for each in breakdowns), 1.0)
    if answer is not None and answer.key is query:
        verdict, reason = "exact", "it is a key"
        breakdowns = [each._replace(score=1.0 if each.key == query else 0.0) for each in breakdowns]
        no_match = 0.0
    elif answer is not None:
        verdict, reason = _match_reason(query, answer, breakdowns, cutoff)
    else:
        verdict, reason = _no_match_reason(query, breakdowns, null_correction, cutoff, no_match)
    shown = list(breakdowns[:n])
    if answer is not None and answer.key not in [each.key for each in shown]:
        shown[n - 1 :] = [each for each in breakdowns if each.key == answer.key]
    return Explanation(query, answer, verdict, reason, cutoff, no_match, tuple(shown))


def _match_reason(
    query: object, answer: "Match", breakdowns: Iterable[ScoreBreakdown], cutoff: float
) -> tuple[str, str]:
    """Return the verdict and the reason of a match."""
    correction = next((each.correction for each in breakdowns if each.key == answer.key), None)
    if correction is not None and correction == query:
        return "corrected", "learn has set this answer"
    score, least = _distinct(answer.score, cutoff)
    reason = f"its score of {score} reaches the cutoff of {least}"
    if correction is not None:
        reason += f", through the correction of {_quoted(correction)}"
    else:
        found = next(each for each in breakdowns if each.key == answer.key)
        if found.examples and found.by_learning > found.by_meaning:
            reason += f", most of all by the example {_quoted(found.examples[0][0])}"
    return "found", reason


def _no_match_reason(
    query: object,
    breakdowns: Sequence[ScoreBreakdown],
    null_correction: str | None,
    cutoff: float,
    no_match: float,
) -> tuple[str, str]:
    """Return the verdict and the reason where there is no match."""
    if not isinstance(query, str):
        return "no candidates", "only strings match inexactly"
    if cutoff == 1.0:
        return "off", "a cutoff of 1 turns fuzzy lookups off"
    if null_correction == query:
        return "corrected", "learn has set that it matches no key"
    if null_correction is not None:
        similar = _quoted(null_correction)
        return "no match", f"it is similar to {similar}, which learn has set to match no key"
    if not breakdowns:
        return "no candidates", "no key is a string" if words(query) else "it contains no words"
    first, best = breakdowns[0], max(breakdowns, key=lambda each: each.score)
    veto = ""
    if first.guards:
        veto = f"{_quoted(first.key)} ({first.by_learning:.2f}) is {_veto(first)}"
        if first.by_learning >= cutoff:
            return "vetoed", veto
        veto = f"; {veto}"
    if no_match > best.score:
        score, none = _distinct(best.score, no_match)
        reason = f"that no key matches is most probable ({none})"
        return "no match", f"{reason}; the best, {_quoted(best.key)}, scores {score}{veto}"
    score, least = _distinct(best.score, cutoff)
    reason = f"the best, {_quoted(best.key)}, scores {score}, below the cutoff of {least}"
    return "below cutoff", reason + veto


def _veto(breakdown: ScoreBreakdown) -> str:
    return f"vetoed by guard {' and '.join(breakdown.guards)}"


def _words_cell(breakdown: ScoreBreakdown, width: int) -> str:
    """Return the guards, correction, examples and aligned words of a candidate."""
    parts = [_veto(breakdown)] if breakdown.guards else []
    if breakdown.correction is not None and breakdown.by_learning > breakdown.by_meaning:
        parts.append(f"correction of {_quoted(breakdown.correction, width)}")
    parts += [f"example {_quoted(text, width)} {added:+.1f}" for text, added in breakdown.examples]
    for in_query, in_key, probability, weight in breakdown.words:
        if probability >= _MIN_PROBABILITY and weight >= _MIN_WEIGHT:
            pair = in_query if in_query == in_key else f"{in_query} ~ {in_key}"
            parts.append(f"{_shortened(pair, _TEXT_WIDTH)} {probability:.2f}")
    return _shortened("; ".join(parts), 2 * width)


def _distinct(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with at least two digits, and as many as distinguish them."""
    pairs = [(f"{one:.{digits}f}", f"{other:.{digits}f}") for digits in range(2, 7)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])


# HTML. Styles are inline, because a notebook has style sheets of its own.

_CELL_STYLE = (
    "padding:.25em .7em;border:0;border-bottom:1px solid rgba(128,128,128,.3);"
    "vertical-align:baseline;"
)
_TEXT_STYLE = _CELL_STYLE + "text-align:left;overflow-wrap:anywhere;min-width:10em;"
_NUMBER_STYLE = _CELL_STYLE + "text-align:right;white-space:nowrap;"


def _html_row(row: Sequence[str], score: float, bold: bool) -> str:
    """Return a row of the table, with a bar behind its score."""
    key, *numbers, shown_score, last = row
    bar = f"linear-gradient(to right,rgba(64,128,255,.3) {score:.0%},transparent {score:.0%})"
    return (
        f'<tr style="background:none;font-weight:{600 if bold else 400}">'
        f'<td style="{_TEXT_STYLE}"><bdi>{_escaped(key)}</bdi></td>'
        + "".join(f'<td style="{_NUMBER_STYLE}">{number}</td>' for number in numbers)
        + f'<td style="{_NUMBER_STYLE}min-width:5em;background:{bar}">{shown_score}</td>'
        f'<td style="{_TEXT_STYLE}"><bdi>{_escaped(last)}</bdi></td></tr>'
    )


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)


# Text in a terminal.


def _quoted(text: object, width: int = _TEXT_WIDTH) -> str:
    """Return the repr of a text in one line, with control characters escaped, at most so wide."""
    return _shortened(" ".join(repr(text).split()), width)


def _display_width(text: str) -> int:
    """Return the width of a text in columns of a terminal (Unicode Standard Annex 11)."""
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(char) in "WF" for char in text)


def _shortened(text: str, width: int) -> str:
    if _display_width(text) <= width:
        return text
    end = next(end for end in range(len(text)) if _display_width(text[: end + 1]) >= width)
    return text[:end] + "…"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _display_width(text))


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if _display_width(longer) <= _WIDTH:
            lines[-1] = longer
        else:
            lines.append(_shortened(word, _WIDTH))
    return lines
