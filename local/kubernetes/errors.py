"""What the API server answers when it refuses, and what there is to say when it does not answer."""

import re
from dataclasses import dataclass
from typing import Any

from local.provider import ProviderError


@dataclass(frozen=True)
class Cause:
    """One cause of a refusal: ``reason`` as the API names it, the ``field`` in dotted form, the message."""

    reason: str
    field: str
    message: str


class ApiError(ProviderError):
    """A refusal by the API server (a Status object); its text is what a person reads."""

    def __init__(self, status: int, reason: str, message: str, causes: tuple[Cause, ...] = (), kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.kind = kind
        """The resource the refusal is about (``details.kind``), e.g. ``namespaces`` where a namespace is missing."""

    @property
    def not_found(self) -> bool:
        """The object, or something it stands in, does not exist."""
        return self.status == 404

    @property
    def invalid(self) -> bool:
        """The object was understood and refused by validation."""
        return self.status == 422

    @property
    def conflicts(self) -> tuple[Cause, ...]:
        """The fields that other managers own, where that is why an apply was refused."""
        return tuple(cause for cause in self.causes if cause.reason == "FieldManagerConflict")


class UnreachableError(ProviderError):
    """The API server gave no answer; the text names its address."""


class NoSuchKindError(ProviderError):
    """The API server serves no such kind, at least not yet."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            f"the cluster knows no kind '{kind}' in '{api_version}'; create its CustomResourceDefinition first, "
            "and let this resource depend on it"
        )


def error_from_status(status: int, body: dict[str, Any] | None, text: str, subject: str) -> ApiError:
    """The error for an answer of 400 and above; ``subject`` says what was being done."""
    if not body or body.get("kind") != "Status":
        return ApiError(status, "", f"{subject}: HTTP {status}: {text[:500].strip()}")
    details = body.get("details") or {}
    causes = tuple(
        Cause(str(cause.get("reason", "")), str(cause.get("field", "")), str(cause.get("message", "")))
        for cause in details.get("causes") or ()
    )
    message = f"{subject}: {body.get('message') or body.get('reason') or f'HTTP {status}'}"
    return ApiError(status, str(body.get("reason") or ""), message, causes, str(details.get("kind") or ""))


_MANAGER = re.compile(r'^conflict with "(?P<manager>[^"]+)"')


def conflict_text(error: ApiError, what: str) -> str:
    """One readable text for a field conflict: each field with its manager, then what can be done."""
    lines = []
    for cause in error.conflicts:
        found = _MANAGER.match(cause.message)
        lines.append(f"  {cause.field} is owned by '{found['manager'] if found else cause.message}'")
    return "\n".join(
        [
            f"{what}: fields that the program sets belong to other managers:",
            *lines,
            "Leave such a field out of the program to let its manager keep it; "
            'set the annotation pulumi.com/patchForce: "true" to take it over.',
        ]
    )
