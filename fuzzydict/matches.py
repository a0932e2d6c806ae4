"""What a lookup returns: `Match`, or the error `NoMatchError`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

__all__ = ["Match", "NoMatchError", "Ranking"]

_LIKELY = 0.05  # score of a key that a strict dictionary suggests

Ranking = Sequence[tuple[str, float]]  # keys with their scores, best first


if TYPE_CHECKING:  # a NamedTuple cannot be generic before Python 3.11
    K_co = TypeVarWithDefault("K_co", covariant=True, default=Any)
    V_co = TypeVarWithDefault("V_co", covariant=True, default=Any)

    class Match(NamedTuple, Generic[K_co, V_co]):
        """A key that matches a query, its value, and the probability that it was meant."""

        key: K_co
        value: V_co
        score: float

        def _repr_html_(self) -> str: ...

else:

    class Match(NamedTuple):
        """A key that matches a query, its value, and the probability that it was meant."""

        key: Any
        value: Any
        score: float

        def _repr_html_(self) -> str:
            """Return a table for a notebook."""
            from fuzzydict.notebook import table

            return table(
                ["key", "value", "score"], [([repr(self.key), repr(self.value)], self.score)]
            )


class NoMatchError(KeyError):
    """Raised when no key matches the query well enough.

    ``matches`` has up to three closest keys, best first, with the values and scores of the time of
    the lookup. ``query`` is also ``args[0]``, as in the `KeyError` of a dict. The error does not
    refer to the dictionary.

    If the error is of a ``strict`` dictionary, its message asks "did you mean …?" for the matches
    with a score of at least 0.05, which are often keys that a lookup would find if it was fuzzy.
    """

    def __init__(
        self,
        query: object,
        matches: Iterable[Match[Any, Any]] | Callable[[], Iterable[Match[Any, Any]]] = (),
        *,
        strict: bool = False,
    ) -> None:
        super().__init__(query)
        self.query, self.strict = query, strict
        self._matches = matches

    @property
    def matches(self) -> tuple[Match, ...]:
        """The closest keys with their values and scores, best first."""
        if not isinstance(self._matches, tuple):
            matches = self._matches() if callable(self._matches) else self._matches
            self._matches = tuple(matches)
        return self._matches

    def __str__(self) -> str:
        likely = [repr(match.key) for match in self.matches if match.score >= _LIKELY]
        if self.strict and likely:
            return f"{self.query!r}: did you mean {' or '.join(likely)}?"
        closest = ", ".join(f"{match.key!r} {match.score:.2f}" for match in self.matches)
        return f"{self.query!r}" + (f" (closest: {closest})" if closest else "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.query, self.matches), {"strict": self.strict}
