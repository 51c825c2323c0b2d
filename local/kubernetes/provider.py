"""The plugin's hooks: Pulumi's words on one side, the life of an object in a cluster on the other."""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from local.kubernetes import configuration as settings
from local.kubernetes import lifecycle
from local.kubernetes.comparing import NOT_ASKED, decide, moved
from local.kubernetes.configuration import Configuration
from local.kubernetes.connection import Connection
from local.kubernetes.discovery import builtin_scope
from local.kubernetes.errors import UnreachableError
from local.kubernetes.kubeconfig import find_kubeconfig, parse_kubeconfig
from local.kubernetes.lifecycle import Order
from local.kubernetes.objects import (
    INITIAL_VERSION_KEY,
    MANAGER_KEY,
    Kind,
    Manifest,
    field_manager,
    from_wire,
    has_unknown,
    kind_of,
    make_id,
    metadata_of,
    overlay,
    preview_outputs,
    with_name,
)
from local.kubernetes.waiting import NotReadyError, Target
from local.properties import UNKNOWN, Properties, Secret
from local.provider import (
    Difference,
    Failure,
    InitializationFailed,
    Provider,
    ProviderError,
    compare,
)

FOREIGN = ("kubernetes:helm.sh/", "kubernetes:yaml/", "kubernetes:yaml:", "kubernetes:kustomize")
"""Token prefixes of what only the official plugin can do; a preview shows such a resource as its inputs."""


class KubernetesProvider(Provider):
    """Objects of any kind in one cluster, by server-side apply."""

    name = "kubernetes"
    version = "4.34.2"

    def __init__(self) -> None:
        super().__init__()
        self._configuration = Configuration()
        self._lock = threading.Lock()
        self._opened: Connection | None = None

    def check_config(self, urn: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        """The provider's arguments; a kubeconfig that is known already must say how to reach a cluster."""
        return news, settings.check(news)

    def diff_config(self, urn: str, olds: Properties, news: Properties) -> Difference:
        """A change of the cluster, not of the way to it, replaces every resource."""
        return settings.difference(olds, news)

    def configure(self, config: Properties) -> None:
        """Take the arguments; nothing is asked of the cluster yet."""
        self._configuration = settings.configuration(config, os.environ)

    def check(self, urn: str, kind: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs with apiVersion, kind, name and, where the provider has one, its namespace."""
        if kind.startswith(FOREIGN):
            return news, []
        what = kind_of(kind, news)
        inputs = {"apiVersion": what.api_version, "kind": what.kind, **news}
        if not isinstance(inputs.get("metadata"), dict) and inputs.get("metadata") is not None:
            return inputs, [] if inputs["metadata"] is UNKNOWN else [
                Failure("metadata", "'metadata' must be a mapping")
            ]
        failures = _check(what, kind, inputs)
        if failures:
            return inputs, failures
        inputs = with_name(urn, inputs, olds)
        return self._with_namespace(what, inputs), []

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
        """Nothing where the inputs are equal; else what the API server says an apply would do."""
        changes = compare(old_inputs, news)
        if not changes or kind.startswith(FOREIGN):
            return Difference(changes)
        what = kind_of(kind, news)
        order = self._order(urn, what, news, old_outputs)
        moves = moved(resource_id, kind_of(kind, old_inputs), what, news, self._default_namespace())
        answer = NOT_ASKED
        if not moves and self._configuration.known and not has_unknown(news):
            answer = lifecycle.ask(self._connection(), resource_id, order)
        return decide(what, old_inputs, news, moves, manager=order.manager, answer=answer)

    def create(
        self, urn: str, kind: str, inputs: Properties, *, timeout: float, preview: bool
    ) -> tuple[str, Properties]:
        """Apply, then wait until ready; a preview lets the API server check without doing anything."""
        if kind.startswith(FOREIGN):
            return _foreign(kind, inputs, preview)
        what = kind_of(kind, inputs)
        order = self._order(urn, what, inputs, {})
        if preview:
            if self._configuration.known and not has_unknown(inputs):
                lifecycle.preview_make(self._connection(), order, lambda text: self.log(text, urn, severity="warning"))
            return "", _outputs(what, preview_outputs(inputs), order.manager, what.api_version)
        connection, show = self._connection(), self._show(urn)
        limit = lifecycle.timeout_of(timeout, inputs)
        target, live = lifecycle.make(connection, order, limit, show)
        made = self._ready(target, order, live, show=show, limit=limit, first=what.api_version)
        return make_id(target.namespace, target.name), made

    def read(
        self, resource_id: str, urn: str, kind: str, inputs: Properties, outputs: Properties
    ) -> tuple[Properties, Properties] | None:
        """The live object, and the inputs with what others changed in it."""
        if kind.startswith(FOREIGN):
            raise ProviderError(_foreign_text(kind))
        what = kind_of(kind, inputs or outputs)
        order = self._order(urn, what, inputs, outputs)
        connection = self._connection()
        try:
            target = lifecycle.existing_target(connection, what, resource_id)
            live = connection.get(target) if target else None
        except UnreachableError as error:
            if not self._configuration.delete_unreachable:
                raise
            self.log(f"{error}; forgotten, as deleteUnreachable says", urn, severity="warning")
            return None
        if target is None or live is None:
            return None
        now = lifecycle.refreshed_inputs(connection, target, order, live)
        made = _outputs(what, from_wire(live), order.manager, _initial_version(outputs, what))
        trouble = lifecycle.unready(connection, target, now, live) if inputs else None
        if trouble is not None:
            raise InitializationFailed(resource_id, made, trouble.reasons, now)
        return now, made

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
        """Apply the new inputs, then wait until ready; a preview asks for conflicts."""
        if kind.startswith(FOREIGN):
            return _foreign(kind, news, preview)[1]
        what = kind_of(kind, news)
        order = self._order(urn, what, news, old_outputs)
        first = _initial_version(old_outputs, what)
        if preview:
            if self._configuration.known and not has_unknown(news):
                lifecycle.preview_change(self._connection(), resource_id, order)
            return _outputs(what, overlay(old_outputs, news), order.manager, first)
        connection, limit = self._connection(), lifecycle.timeout_of(timeout, news)
        target = connection.target_of(what, resource_id)
        live = connection.apply(target, news, order.manager, force=order.forced)
        return self._ready(target, order, live, show=self._show(urn), limit=limit, first=first)

    def delete(
        self, resource_id: str, urn: str, kind: str, *, inputs: Properties, outputs: Properties, timeout: float
    ) -> None:
        """Delete and wait until gone."""
        if kind.startswith(FOREIGN):
            raise ProviderError(_foreign_text(kind))
        order = self._order(urn, kind_of(kind, inputs or outputs), inputs, outputs)
        limit = lifecycle.timeout_of(timeout, inputs)
        try:
            lifecycle.remove(self._connection(), resource_id, order, limit, self._show(urn))
        except UnreachableError as error:
            if not self._configuration.delete_unreachable:
                raise ProviderError(
                    f"{error}. If the cluster is gone for good, set the provider's deleteUnreachable, "
                    "or PULUMI_K8S_DELETE_UNREACHABLE=true, to forget its objects"
                ) from error
            self.log(f"{error}; forgotten, as deleteUnreachable says", urn, severity="warning")

    def invoke(self, token: str, args: Properties, preview: bool) -> Properties:
        """``yaml:decode`` for ConfigFile and ConfigGroup; charts and kustomizations need the official plugin."""
        if token == "kubernetes:yaml:decode":  # noqa: S105 (a type token)
            import yaml  # noqa: PLC0415 (needed by few programs)

            documents = yaml.safe_load_all(str(args.get("text") or ""))
            return {"result": [document for document in documents if document]}
        raise ProviderError(_foreign_text(token))

    def close(self) -> None:
        """Close the connections to the cluster."""
        with self._lock:
            if self._opened is not None:
                self._opened.client.close()
                self._opened = None

    def _with_namespace(self, what: Kind, inputs: Manifest) -> Manifest:
        namespace = self._configuration.namespace
        if namespace is None or metadata_of(inputs).get("namespace"):
            return inputs
        return inputs if not self._in_namespace(what) else overlay(inputs, {"metadata": {"namespace": namespace}})

    def _in_namespace(self, what: Kind) -> bool:
        """Whether a kind lives in namespaces; one that no cluster can be asked about is taken to."""
        scope = builtin_scope(what.api_version, what.kind)
        if scope is None and self._configuration.known:
            scope = self._connection().namespaced(what)
        return scope is not False

    def _order(self, urn: str, what: Kind, inputs: Manifest, outputs: Mapping[str, Any]) -> Order:
        manager = field_manager(urn, inputs, outputs)
        return Order(what, inputs, manager, self._configuration.force, self._configuration.upsert)

    def _default_namespace(self) -> str | None:
        return self._connection().default_namespace if self._configuration.known else self._configuration.namespace

    def _connection(self) -> Connection:
        with self._lock:
            if self._opened is None:
                config = self._configuration
                if not config.known:
                    raise ProviderError(
                        "the cluster's kubeconfig is not known, so nothing can be done in it; run an update of the "
                        "resources that it comes from first"
                    )
                access = parse_kubeconfig(find_kubeconfig(config.kubeconfig), config.context, config.cluster)
                self._opened = Connection(access, config.namespace or access.namespace, self.cancelled)
            return self._opened

    def _show(self, urn: str) -> Callable[[str], None]:
        return lambda text: self.log(text, urn, ephemeral=True)

    def _ready(
        self, target: Target, order: Order, live: Manifest, *, show: Callable[[str], None], limit: float, first: str
    ) -> Properties:
        """Outputs of an object once it is ready; raises ``InitializationFailed``, so that the engine keeps it."""
        try:
            live = self._connection().waiter.until_ready(target, order.inputs, live, limit, show)
        except NotReadyError as error:
            outputs = _outputs(order.kind, from_wire(error.live), order.manager, first)
            raise InitializationFailed(make_id(target.namespace, target.name), outputs, error.reasons) from error
        return _outputs(order.kind, from_wire(live), order.manager, first)


def _check(what: Kind, token: str, inputs: Manifest) -> list[Failure]:
    metadata = metadata_of(inputs)
    failures = [
        Failure(f"metadata.{key}", f"'metadata.{key}' is {metadata[key]!r}, but it must be text")
        for key in ("name", "namespace", "generateName")
        if metadata.get(key) is not None and metadata[key] is not UNKNOWN and not isinstance(metadata[key], str)
    ]
    if what.kind.endswith("List") and token.endswith("List"):
        failures.append(Failure("kind", f"'{what.kind}' is a list; declare each of its items as a resource"))
    if what.patch and not metadata.get("name"):
        failures.append(Failure("metadata.name", "a Patch resource needs 'metadata.name': the object it changes"))
    return failures


def _outputs(what: Kind, live: Manifest, manager: str, initial_version: str) -> Properties:
    outputs = {**live, MANAGER_KEY: manager, INITIAL_VERSION_KEY: initial_version}
    if what == Kind("v1", "Secret", what.patch):
        outputs.update({key: Secret(outputs[key]) for key in ("data", "stringData") if key in outputs})
    return outputs


def _initial_version(outputs: Mapping[str, Any], what: Kind) -> str:
    return str(outputs.get(INITIAL_VERSION_KEY) or what.api_version)


def _foreign(token: str, inputs: Properties, preview: bool) -> tuple[str, Properties]:
    if preview:
        return "", {**inputs, "status": UNKNOWN}
    raise ProviderError(_foreign_text(token))


def _foreign_text(token: str) -> str:
    return (
        f"{token} needs the official Kubernetes plugin, which this machine does not have: run "
        "`pulumi plugin install resource kubernetes`. The plugin in its place knows single objects only"
    )
