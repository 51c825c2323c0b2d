"""What happens to one object in a cluster: made, changed, read, removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.kubernetes.client import Manifest
from local.kubernetes.comparing import NOT_ASKED, Answer
from local.kubernetes.connection import Connection, namespace_missing
from local.kubernetes.errors import ApiError, NoSuchKindError
from local.kubernetes.objects import (
    PATCH_FORCE,
    PROPAGATION,
    SKIP_AWAIT,
    TIMEOUT_SECONDS,
    Kind,
    annotated,
    annotation,
    imported_inputs,
    metadata_of,
    to_wire,
)
from local.kubernetes.ownership import applied_fields, drifted, managers
from local.kubernetes.readiness import State
from local.kubernetes.waiting import NotReadyError, Target
from local.provider import ProviderError

DEFAULT_TIMEOUT = 600.0
"""Seconds to wait for an object, as the official plugin does."""

OWNERS = frozenset({"Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"})
"""Built-in kinds that own other objects, so that their deletion is over only when those are gone too."""

PROPAGATIONS = {"orphan": "Orphan", "background": "Background", "foreground": "Foreground"}


@dataclass(frozen=True)
class Order:
    """One resource of the program, as it is to be in the cluster."""

    kind: Kind
    inputs: Manifest
    manager: str
    force: bool = False
    """Take over fields of other managers."""
    upsert: bool = False
    """Take over an object that exists already."""

    @property
    def forced(self) -> bool:
        """Whether conflicts are to be won, by the provider's setting or the annotation."""
        return self.force or annotated(self.inputs, PATCH_FORCE)


def timeout_of(requested: float, inputs: Mapping[str, Any]) -> float:
    """Seconds to wait: the resource option's, else the annotation's, else the default."""
    if requested:
        return requested
    text = annotation(inputs, TIMEOUT_SECONDS)
    if text is None:
        return DEFAULT_TIMEOUT
    if not text.isdigit() or not int(text):
        raise ProviderError(
            f"annotation {TIMEOUT_SECONDS} is '{text}'; write a whole number of seconds such as \"300\""
        )
    return float(text)


def make(connection: Connection, order: Order, timeout: float, show: Callable[[str], None]) -> tuple[Target, Manifest]:
    """Create the object; raises ``NotReadyError`` where it exists but did not become ready."""
    target = connection.patiently(lambda: connection.target(order.kind, order.inputs))
    existing = connection.get(target)
    if existing is not None and metadata_of(existing).get("deletionTimestamp"):
        show(f"waiting for the old {target} to go")
        connection.waiter.until_gone(target, timeout, show)
        existing = None
    if existing is not None and not may_take(order, existing):
        raise ProviderError(exists_text(target, existing))
    live = connection.patiently(lambda: connection.apply(target, order.inputs, order.manager, force=order.forced))
    return target, live


def may_take(order: Order, existing: Manifest) -> bool:
    """Whether an object that exists may be taken for the one to make: it is, or the program says so."""
    return order.kind.patch or order.upsert or bool(applied_fields(existing, order.manager))


def exists_text(target: Target, existing: Manifest) -> str:
    """What to say of an object that exists and is not ours."""
    by = ", ".join(managers(existing)) or "nobody on record"
    return (
        f"{target} already exists in the cluster, managed by {by}. To adopt it run `pulumi import`, or set the "
        "resource option import_; to manage some of its fields only use the Patch resource; otherwise delete it or "
        "choose another name. A resource that was renamed in the program needs an alias."
    )


def preview_make(connection: Connection, order: Order, warn: Callable[[str], None]) -> None:
    """Let the API server check an object that an update would create; raises what it refuses.

    An object in a namespace, or of a kind, that the same update makes cannot be checked yet.
    """
    try:
        target = connection.target(order.kind, order.inputs)
    except NoSuchKindError:
        return
    existing = connection.get(target)
    if existing is not None:
        # It may be about to be replaced, which a preview of its creation does not tell.
        if not may_take(order, existing):
            warn(exists_text(target, existing))
        return
    try:
        connection.apply(target, order.inputs, order.manager, force=order.forced, dry_run=True)
    except ApiError as error:
        if not namespace_missing(error) and not _no_dry_run(error):
            raise


def ask(connection: Connection, resource_id: str, order: Order) -> Answer:
    """What the API server says of new inputs for an object."""
    try:
        target = connection.target_of(order.kind, resource_id)
        live = connection.get(target)
        if live is None:
            return NOT_ASKED
        # Forced, for the question is what would change; whether it may is asked when it is done.
        applied = connection.apply(target, order.inputs, order.manager, force=True, dry_run=True)
    except NoSuchKindError:
        return NOT_ASKED
    except ApiError as error:
        if error.invalid:
            return Answer(refusal=error)
        if _no_dry_run(error) or error.not_found:
            return NOT_ASKED
        raise
    return Answer(live, applied)


def existing_target(connection: Connection, kind: Kind, resource_id: str) -> Target | None:
    """Where an object is; None where its kind is gone, and it with it."""
    try:
        return connection.target_of(kind, resource_id)
    except NoSuchKindError:
        return None


def preview_change(connection: Connection, resource_id: str, order: Order) -> None:
    """Let the API server check a change that an update would make; raises what it refuses, conflicts included."""
    target = existing_target(connection, order.kind, resource_id)
    if target is None or connection.get(target) is None:
        return
    try:
        connection.apply(target, order.inputs, order.manager, force=order.forced, dry_run=True)
    except ApiError as error:
        if not _no_dry_run(error):
            raise


def refreshed_inputs(connection: Connection, target: Target, order: Order, live: Manifest) -> Manifest:
    """The inputs with what others changed since in them, so that the next comparison with the program finds it."""
    if not order.inputs:
        return imported_inputs(live)
    try:
        applied = connection.apply(target, order.inputs, order.manager, force=True, dry_run=True)
    except ApiError:
        # What was applied is no longer acceptable, so the server cannot tell its own spelling from a change.
        applied = to_wire(order.inputs, target.namespace, target.name)
    return spelled_as_inputs(order.inputs, applied, live)


def spelled_as_inputs(inputs: Manifest, applied: Manifest, live: Manifest) -> Manifest:
    """``drifted`` for inputs as a program writes them: ``stringData`` is looked up in the object's ``data``."""
    now: Manifest = drifted(inputs, applied, live)
    text = inputs.get("stringData")
    if text and inputs.get("kind") == "Secret":
        there, wanted = live.get("data") or {}, applied.get("data") or {}
        kept = {key: value for key, value in text.items() if there.get(key) == wanted.get(key)}
        changed = {key: there[key] for key in text if key not in kept and key in there}
        now = {**now, "stringData": kept, **({"data": {**now.get("data", {}), **changed}} if changed else {})}
    return now


def remove(
    connection: Connection,
    resource_id: str,
    order: Order,
    timeout: float,
    show: Callable[[str], None],
) -> None:
    """Delete the object and wait until it is gone; one that is gone already is no error."""
    try:
        target = connection.target_of(order.kind, resource_id)
    except NoSuchKindError:
        return
    if order.kind.patch:
        _let_go(connection, target, order)
        return
    try:
        connection.client.delete(target.path, propagation(order))
    except ApiError as error:
        if error.not_found:
            return
        raise
    if not annotated(order.inputs, SKIP_AWAIT):
        connection.waiter.until_gone(target, timeout, show)
    if order.kind.kind == "CustomResourceDefinition":
        _forget(connection, order.inputs)


def propagation(order: Order) -> str:
    """How a deletion treats what the object owns: as annotated, else with it gone before the object.

    What owns nothing goes at once: the garbage collector has no part in it.
    """
    text = annotation(order.inputs, PROPAGATION)
    if text is not None:
        if text.lower() not in PROPAGATIONS:
            choices = ", ".join(PROPAGATIONS)
            raise ProviderError(f"annotation {PROPAGATION} is '{text}'; write one of: {choices}")
        return PROPAGATIONS[text.lower()]
    return "Foreground" if order.kind.kind in OWNERS else "Background"


def unready(connection: Connection, target: Target, inputs: Manifest, live: Manifest) -> NotReadyError | None:
    """Why an object is not ready now, None where it is."""
    state = connection.waiter.state(target, inputs, live)
    if state.state is State.READY:
        return None
    return NotReadyError(live, [f"{target} is not ready: {state.message}", *connection.waiter.reasons(target, live)])


def _let_go(connection: Connection, target: Target, order: Order) -> None:
    """Give up the fields a Patch resource set; the object stays."""
    bare = {"apiVersion": order.kind.api_version, "kind": order.kind.kind}
    if connection.get(target) is not None:
        connection.apply(target, bare, order.manager, force=False)


def _forget(connection: Connection, definition: Manifest) -> None:
    spec = definition.get("spec") or {}
    kind = (spec.get("names") or {}).get("kind", "")
    for version in spec.get("versions") or ():
        connection.discovery.forget(f"{spec.get('group')}/{version.get('name')}", kind)


def _no_dry_run(error: ApiError) -> bool:
    """Whether an admission webhook with side effects keeps the server from trying."""
    return error.status == 400 and "dry run" in error.message
