"""What can go wrong with the local cluster, said so that a person can put it right."""

from collections.abc import Sequence
from dataclasses import dataclass


class ClusterError(RuntimeError):
    """The local cluster could not be started, reached or removed; the message names the key, value and remedy."""


@dataclass(frozen=True)
class Problem:
    """One thing of this machine that stands in the way: what it is, its value, and what to do about it."""

    key: str
    value: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value}; {self.remedy}"


class NotPossibleHereError(ClusterError):
    """Nothing was made, because this machine lacks something; carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"the local cluster cannot start on this machine (nothing was changed):\n{lines}")
