"""Calls a provider's hooks in the engine's order, for one resource: check, diff, then what the difference asks for."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from local.provider import Difference, InitializationFailed, Provider


@dataclass
class Managed:
    """One resource with the state that the engine would keep of it."""

    provider: Provider
    token: str
    name: str
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    unready: bool = False
    """Whether it exists without having become ready."""
    difference: Difference = field(default_factory=Difference)
    """What the last diff answered."""

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::project::{self.token}::{self.name}"

    def check(self, news: dict[str, Any], fresh: bool = False) -> dict[str, Any]:
        olds = {} if fresh else self.inputs
        inputs, failures = self.provider.check(self.urn, self.token, olds, deepcopy(news))
        assert failures == []
        return inputs

    def diff(self, news: dict[str, Any]) -> Difference:
        self.difference = self.provider.diff(
            self.id, self.urn, self.token, old_inputs=self.inputs, old_outputs=self.outputs, news=self.check(news)
        )
        return self.difference

    def up(self, news: dict[str, Any], timeout: float = 20.0) -> str:
        """Bring the resource to ``news``; returns create, same, update or replace."""
        if not self.id:
            return self._create(self.check(news, fresh=True), timeout, "create")
        difference = self.diff(news)
        if any(change.replace for change in difference.changes.values()):
            checked = self.check(news, fresh=True)
            if difference.delete_before_replace:
                self.destroy()
                return self._create(checked, timeout, "replace")
            old = deepcopy(self)
            made = self._create(checked, timeout, "replace")
            old.destroy()
            return made
        if not difference.changes and not self.unready:
            return "same"
        return self._update(self.check(news), timeout)

    def preview(self, news: dict[str, Any]) -> dict[str, Any]:
        """What a preview of this resource's creation, or of an update of it, answers."""
        if not self.id:
            return self.provider.create(self.urn, self.token, self.check(news), timeout=0, preview=True)[1]
        return self.provider.update(
            self.id,
            self.urn,
            self.token,
            old_inputs=self.inputs,
            old_outputs=self.outputs,
            news=self.check(news),
            timeout=0,
            preview=True,
        )

    def refresh(self) -> bool:
        """Read the resource; False when it is gone."""
        found = self.provider.read(self.id, self.urn, self.token, self.inputs, self.outputs)
        if found is None:
            self.id, self.inputs, self.outputs = "", {}, {}
            return False
        self.inputs, self.outputs = found
        return True

    def destroy(self, timeout: float = 20.0) -> None:
        self.provider.delete(self.id, self.urn, self.token, inputs=self.inputs, outputs=self.outputs, timeout=timeout)
        self.id, self.inputs, self.outputs = "", {}, {}

    def _create(self, checked: dict[str, Any], timeout: float, did: str) -> str:
        try:
            self.id, self.outputs = self.provider.create(
                self.urn, self.token, deepcopy(checked), timeout=timeout, preview=False
            )
        except InitializationFailed as error:
            self.id, self.outputs, self.inputs, self.unready = error.id, error.outputs, checked, True
            raise
        self.inputs, self.unready = checked, False
        return did

    def _update(self, checked: dict[str, Any], timeout: float) -> str:
        try:
            self.outputs = self.provider.update(
                self.id,
                self.urn,
                self.token,
                old_inputs=self.inputs,
                old_outputs=self.outputs,
                news=deepcopy(checked),
                timeout=timeout,
                preview=False,
            )
        except InitializationFailed as error:
            self.outputs, self.inputs, self.unready = error.outputs, checked, True
            raise
        self.inputs, self.unready = checked, False
        return "update"
