"""A refusal of the simulated cloud, in the cloud's own terms: code, service, field, value, and what to do about it."""

from dataclasses import dataclass

INVALID = "400-InvalidParameter"
MISSING = "400-MissingParameter"
LIMIT = "400-LimitExceeded"
NOT_ALLOWED = "403-NotAllowed"
NOT_FOUND = "404-NotAuthorizedOrNotFound"
CONFLICT = "409-Conflict"

_SHOWN = 120
"""Longest value quoted in full, in characters."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused."""

    code: str
    field: str
    """Path of the input at fault, in Pulumi's syntax; empty when it is none in particular."""
    value: object
    problem: str
    """What is wrong, as a sentence without a full stop."""
    remedy: str

    def text(self, kind: str, operation: str) -> str:
        """The error as the provider shows it."""
        service = kind.split(":")[1].split("/", maxsplit=1)[0]
        name = kind.rsplit(":", maxsplit=1)[-1]
        quoted = "" if self.value is None else f" = {_quote(self.value)}"
        where = f" {self.field}{quoted}" if self.field else ""
        return f"{self.code}: {service} {operation}{name}{where}: {self.problem}. {self.remedy}."


def _quote(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
