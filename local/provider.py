"""The hooks of a provider plugin, and the words they answer in: errors, failures, differences."""

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc  # type: ignore[import-untyped]

from local.properties import UNKNOWN, Properties
from local.protocol import engine


class ProviderError(Exception):
    """A refusal or failure with a sentence for a person; reaches the engine as it stands."""


class InitializationFailed(ProviderError):
    """The resource exists but is not ready; the engine keeps ``id`` and ``outputs`` and reports ``reasons``."""

    def __init__(
        self, resource_id: str, outputs: Properties, reasons: list[str], inputs: Properties | None = None
    ) -> None:
        super().__init__("; ".join(reasons))
        self.id = resource_id
        self.outputs = outputs
        self.reasons = reasons
        self.inputs = inputs


@dataclass(frozen=True)
class Failure:
    """One input that a check refuses: the property's path and what is wrong with it."""

    property: str
    reason: str


@dataclass(frozen=True)
class Change:
    """How one property differs: ``add``, ``delete`` or ``update``, and whether that needs a new resource."""

    kind: str
    replace: bool = False


@dataclass(frozen=True)
class Difference:
    """What separates a resource from its new inputs, by property path; empty when nothing does."""

    changes: Mapping[str, Change] = field(default_factory=dict)
    delete_before_replace: bool = False


def compare(old: object, new: object, path: str = "") -> dict[str, Change]:
    """Every property path at which ``new`` differs from ``old``, in Pulumi's path syntax; an unknown always differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: dict[str, Change] = {}
        for key in sorted({*old, *new}):
            step = _join(path, key)
            if key not in old:
                found[step] = Change("add")
            elif key not in new:
                found[step] = Change("delete")
            else:
                found.update(compare(old[key], new[key], step))
        return found
    if isinstance(old, list) and isinstance(new, list):
        found = {}
        for index in range(max(len(old), len(new))):
            step = f"{path}[{index}]"
            if index >= len(old):
                found[step] = Change("add")
            elif index >= len(new):
                found[step] = Change("delete")
            else:
                found.update(compare(old[index], new[index], step))
        return found
    same = new is not UNKNOWN and old == new and isinstance(old, bool) == isinstance(new, bool)
    return {} if same else {path: Change("update")}


def _join(path: str, key: str) -> str:
    if key and all(letter not in key for letter in '.[]"/'):
        return f"{path}.{key}" if path else key
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{quoted}"]'


class Provider:
    """The hooks of a plugin; every one has a default but those that change something.

    Arguments hold no secrets' wrappers: inputs that were secret are marked so again in whatever a hook returns.
    A hook may return ``Secret(value)`` to add one, and, in a preview, ``UNKNOWN`` for a value not known yet.
    Times are in seconds; 0 means no limit was given. Hooks run in several threads at once.
    """

    name = "provider"
    version = "0.0.1"

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        """Set when the engine wants operations in flight to give up; a hook that waits must look at it."""
        self.engine_address = ""
        """Where the engine's own service answers; empty until it has shaken hands."""
        self._engine_channel: grpc.Channel | None = None

    def check_config(self, urn: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        """The provider's own configuration, checked; values that are not strings may arrive as JSON text."""
        del urn, olds
        return news, []

    def diff_config(self, urn: str, olds: Properties, news: Properties) -> Difference:
        """What changed in the provider's own configuration; a replacement replaces all its resources too."""
        del urn
        return Difference(compare(olds, news))

    def configure(self, config: Properties) -> None:
        """Called once before anything else, with the checked configuration."""

    def check(self, urn: str, kind: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        """The new inputs of a resource of type token ``kind``, with defaults filled in, and what is wrong with them."""
        del urn, kind, olds
        return news, []

    def diff(
        self,
        resource_id: str,
        urn: str,
        kind: str,
        *,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> Difference:
        """What separates the resource from ``news``, where ignored properties already hold their old values."""
        del resource_id, urn, kind, old_outputs
        return Difference(compare(old_inputs, news))

    def create(
        self, urn: str, kind: str, inputs: Properties, *, timeout: float, preview: bool
    ) -> tuple[str, Properties]:
        """Make the resource; returns its id (empty in a preview) and outputs."""
        raise ProviderError(f"{self.name} cannot create {kind}")

    def read(
        self, resource_id: str, urn: str, kind: str, inputs: Properties, outputs: Properties
    ) -> tuple[Properties, Properties] | None:
        """Current inputs and outputs, None when the resource is gone; ``outputs`` is empty on an import."""
        raise ProviderError(f"{self.name} cannot read {kind} {resource_id}")

    def update(
        self,
        resource_id: str,
        urn: str,
        kind: str,
        *,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout: float,
        preview: bool,
    ) -> Properties:
        """Change the resource in place; returns its outputs."""
        raise ProviderError(f"{self.name} cannot update {kind} {resource_id}")

    def delete(
        self, resource_id: str, urn: str, kind: str, *, inputs: Properties, outputs: Properties, timeout: float
    ) -> None:
        """Remove the resource; one that is gone already is no error."""
        raise ProviderError(f"{self.name} cannot delete {kind} {resource_id}")

    def invoke(self, token: str, args: Properties, preview: bool) -> Properties:
        """Answer a function of the provider."""
        raise ProviderError(f"{self.name} has no function {token}")

    def log(self, message: str, urn: str = "", severity: str = "info", ephemeral: bool = False) -> None:
        """Show a line beside the resource; severity debug, info, warning or error; an ephemeral line is status only."""
        if not self.engine_address:
            print(f"{severity}: {message}", file=sys.stderr)
            return
        messages, stubs = engine()
        if self._engine_channel is None:
            self._engine_channel = grpc.insecure_channel(self.engine_address)
        request = messages.LogRequest(
            severity=messages.LogSeverity.Value(severity.upper()), message=message, urn=urn, ephemeral=ephemeral
        )
        try:
            stubs.EngineStub(self._engine_channel).Log(request, timeout=10)
        except grpc.RpcError as error:
            print(f"{severity}: {message} (the engine did not take this line: {error.code()})", file=sys.stderr)
