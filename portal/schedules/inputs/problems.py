"""What is wrong with an input: gathered as a whole, each problem named by its field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """`field` is the name of the form's field; `sentence` says what to do."""

    field: str
    sentence: str


class NotAccepted(Exception):  # noqa: N818  # what the person typed was not accepted; nothing went wrong
    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problem.sentence for problem in self.problems))


@dataclass
class Check:
    """The problems found so far."""

    problems: list[Problem] = field(default_factory=list)

    def refuse(self, name: str, sentence: str) -> None:
        self.problems.append(Problem(name, sentence))

    def read(self, name: str, read: Callable[[], T], *errors: type[Exception]) -> T | None:
        """What `read` gives; None and a problem where it raises one of `errors`."""
        try:
            return read()
        except errors as error:
            self.refuse(name, str(error))
            return None

    def choose(self, name: str, value: object, allowed: Iterable[str], sentence: str) -> str:
        """The value as text; a problem where it is none of `allowed`."""
        if value not in tuple(allowed):
            self.refuse(name, sentence)
        return str(value)

    def found_at(self, *names: str) -> bool:
        return any(problem.field in names for problem in self.problems)
