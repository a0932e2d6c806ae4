"""HTML tables for notebooks. Styles are inline and suit light and dark backgrounds."""

import html
from collections.abc import Iterable, Sequence

__all__ = ["matrix", "table"]

_WIDTH = 80  # characters of a text
_CELL = (
    "padding:.2em .7em;border:0;border-bottom:1px solid rgba(128,128,128,.3);"
    "vertical-align:baseline;"
)
_TEXT = _CELL + "text-align:left;overflow-wrap:anywhere;"
_NUMBER = _CELL + "text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;"
_PLAIN = "background:none"  # notebooks have striped rows


def table(names: Sequence[str], rows: Iterable[tuple[Sequence[object], float]]) -> str:
    """Return a table of which the last column is a number from 0 to 1, with a bar behind it.

    Args:
        names: The names of the columns.
        rows: The texts of each row, and its number. A text is shown shortened.

    >>> table(["key", "score"], [(["a < b"], 0.5)]).count("&lt;")
    1
    """
    *texts, last = names
    head = "".join(f'<th style="{_TEXT}">{_text(name)}</th>' for name in texts)
    head += f'<th style="{_NUMBER}">{_text(last)}</th>'
    body = "".join(
        f'<tr style="{_PLAIN}">'
        + "".join(f'<td style="{_TEXT}"><bdi>{_text(text)}</bdi></td>' for text in cells)
        + f'<td style="{_NUMBER}min-width:6em;background:{_bar(number)}">{number:.2f}</td></tr>'
        for cells, number in rows
    )
    return _table(head, body)


def matrix(rows: Sequence[str], columns: Sequence[str], numbers: Iterable[Iterable[float]]) -> str:
    """Return a table of numbers from 0 to 1 on backgrounds that are the stronger, the larger.

    >>> matrix(["a"], ["b"], [[0.25]]).count("0.25")
    1
    """
    head = f'<th style="{_TEXT}"></th>'
    head += "".join(f'<th style="{_NUMBER}">{_text(name)}</th>' for name in columns)
    body = "".join(
        f'<tr style="{_PLAIN}"><th style="{_TEXT}">{_text(name)}</th>'
        + "".join(
            f'<td style="{_NUMBER}background:rgba(64,128,255,{0.6 * number:.3f})">{number:.2f}</td>'
            for number in line
        )
        + "</tr>"
        for name, line in zip(rows, numbers, strict=True)
    )
    return f'<div style="overflow-x:auto">{_table(head, body)}</div>'


def _table(head: str, body: str) -> str:
    return (
        '<table style="border-collapse:collapse;margin:.5em 0;color:inherit"><thead>'
        f'<tr style="{_PLAIN}">{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _bar(number: float) -> str:
    share = f"{min(max(number, 0.0), 1.0):.0%}"
    return f"linear-gradient(to right,rgba(64,128,255,.3) {share},transparent {share})"


def _text(text: object) -> str:
    """Return a text in one line, shortened and escaped."""
    line = " ".join(str(text).split())
    return html.escape(line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…")
