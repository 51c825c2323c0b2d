"""When an object is ready, kind by kind: pure functions of the object and of a few facts beside it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from local.kubernetes.objects import SKIP_AWAIT, WAIT_FOR, Kind, annotated, annotation
from local.provider import ProviderError


class State(Enum):
    """How far an object is."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True)
class Readiness:
    """How far an object is, and what it waits for or failed at."""

    state: State
    message: str = ""


@dataclass(frozen=True)
class Facts:
    """What an object's own fields do not tell."""

    ready_endpoints: int = 0
    """Ready addresses behind a Service."""
    waits_for_consumer: bool = False
    """Whether a claim's storage class binds it only once a pod uses it."""


READY = Readiness(State.READY)
Rule = Callable[[Mapping[str, Any], Facts], Readiness]


def waiting(message: str) -> Readiness:
    """Not there yet."""
    return Readiness(State.WAITING, message)


def failed(message: str) -> Readiness:
    """It will not become ready without a change."""
    return Readiness(State.FAILED, message)


def readiness(kind: Kind, inputs: Mapping[str, Any], live: Mapping[str, Any], facts: Facts) -> Readiness:
    """How far ``live`` is; the annotations of the program's ``inputs`` can ask for no wait or for one of their own."""
    if kind.patch or annotated(inputs, SKIP_AWAIT):
        return READY
    own = annotation(inputs, WAIT_FOR)
    if own:
        return _as_annotated(own, live)
    rule = RULES.get((kind.group, kind.kind))
    return rule(live, facts) if rule else READY


def _conditions(live: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(item.get("type")): item for item in _status(live).get("conditions") or ()}


def _status(live: Mapping[str, Any]) -> Mapping[str, Any]:
    status = live.get("status")
    return status if isinstance(status, dict) else {}


def _spec(live: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = live.get("spec")
    return spec if isinstance(spec, dict) else {}


def _text(condition: Mapping[str, Any]) -> str:
    return ": ".join(str(condition[key]) for key in ("reason", "message") if condition.get(key))


def _unseen(live: Mapping[str, Any]) -> bool:
    return int(_status(live).get("observedGeneration", 0)) < int(live["metadata"].get("generation", 0))


def _deployment(live: Mapping[str, Any], _: Facts) -> Readiness:
    spec, status, conditions = _spec(live), _status(live), _conditions(live)
    if spec.get("paused"):
        return READY
    if _unseen(live):
        return waiting("the deployment controller has not seen it yet")
    progressing = conditions.get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(_text(progressing))
    wanted = int(spec.get("replicas", 1))
    updated, total, available = (
        int(status.get(key, 0)) for key in ("updatedReplicas", "replicas", "availableReplicas")
    )
    failure = conditions.get("ReplicaFailure", {})
    note = f" ({_text(failure)})" if failure.get("status") == "True" else ""
    lacks = (
        (updated < wanted, f"{updated} of {wanted} pods updated"),
        (total > updated, f"{total - updated} old pods still to go"),
        (available < updated, f"{available} of {updated} pods available"),
    )
    lack = next((text for lacking, text in lacks if lacking), None)
    return waiting(f"{lack}{note}") if lack else READY


def _daemon_set(live: Mapping[str, Any], _: Facts) -> Readiness:
    status = _status(live)
    if _unseen(live):
        return waiting("the daemon set controller has not seen it yet")
    wanted = int(status.get("desiredNumberScheduled", 0))
    updated, available = int(status.get("updatedNumberScheduled", 0)), int(status.get("numberAvailable", 0))
    on_delete = (_spec(live).get("updateStrategy") or {}).get("type") == "OnDelete"
    if updated < wanted and not on_delete:
        return waiting(f"{updated} of {wanted} nodes have an updated pod")
    return READY if available >= wanted else waiting(f"{available} of {wanted} nodes have an available pod")


def _stateful_set(live: Mapping[str, Any], _: Facts) -> Readiness:
    spec, status = _spec(live), _status(live)
    if _unseen(live):
        return waiting("the stateful set controller has not seen it yet")
    wanted = int(spec.get("replicas", 1))
    strategy = spec.get("updateStrategy") or {}
    partition = int((strategy.get("rollingUpdate") or {}).get("partition", 0))
    updated, ready = int(status.get("updatedReplicas", 0)), int(status.get("readyReplicas", 0))
    if strategy.get("type") != "OnDelete" and updated < wanted - partition:
        return waiting(f"{updated} of {wanted - partition} pods updated")
    return READY if ready >= wanted else waiting(f"{ready} of {wanted} pods ready")


def _replica_set(live: Mapping[str, Any], _: Facts) -> Readiness:
    wanted, ready = int(_spec(live).get("replicas", 1)), int(_status(live).get("readyReplicas", 0))
    if _unseen(live):
        return waiting("its controller has not seen it yet")
    return READY if ready >= wanted else waiting(f"{ready} of {wanted} pods ready")


def _job(live: Mapping[str, Any], _: Facts) -> Readiness:
    conditions = _conditions(live)
    if conditions.get("Failed", {}).get("status") == "True":
        return failed(_text(conditions["Failed"]))
    done = any(conditions.get(name, {}).get("status") == "True" for name in ("Complete", "SuccessCriteriaMet"))
    if done or _spec(live).get("suspend"):
        return READY
    status = _status(live)
    return waiting(f"{status.get('succeeded', 0)} pods succeeded, {status.get('active', 0)} active")


def _pod(live: Mapping[str, Any], _: Facts) -> Readiness:
    phase, ready = _status(live).get("phase"), _conditions(live).get("Ready", {})
    if phase == "Failed":
        return failed(f"the pod failed: {_text(_status(live)) or 'see its containers'}")
    if phase == "Succeeded" or ready.get("status") == "True":
        return READY
    return waiting(f"the pod is {phase or 'not scheduled'}{f': {_text(ready)}' if ready else ''}")


def _claim(live: Mapping[str, Any], facts: Facts) -> Readiness:
    phase = _status(live).get("phase")
    if phase == "Lost":
        return failed("its volume is lost")
    if phase == "Bound" or facts.waits_for_consumer:
        return READY
    return waiting(f"the claim is {phase or 'not seen yet'}; it waits for a volume")


def _volume(live: Mapping[str, Any], _: Facts) -> Readiness:
    phase = _status(live).get("phase")
    if phase == "Failed":
        return failed(_text(_status(live)) or "the volume failed")
    return READY if phase in {"Available", "Bound", "Released"} else waiting(f"the volume is {phase or 'not seen yet'}")


def needs_endpoints(live: Mapping[str, Any]) -> bool:
    """Whether a Service is of use only with pods behind it."""
    spec = _spec(live)
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"


def _service(live: Mapping[str, Any], facts: Facts) -> Readiness:
    if _spec(live).get("type") == "LoadBalancer" and not (_status(live).get("loadBalancer") or {}).get("ingress"):
        return waiting("the load balancer has no address yet")
    if needs_endpoints(live) and not facts.ready_endpoints:
        return waiting("no ready pod matches its selector yet")
    return READY


def _ingress(live: Mapping[str, Any], _: Facts) -> Readiness:
    has_address = bool((_status(live).get("loadBalancer") or {}).get("ingress"))
    return READY if has_address else waiting("no ingress controller has given it an address yet")


def _definition(live: Mapping[str, Any], _: Facts) -> Readiness:
    conditions = _conditions(live)
    names = conditions.get("NamesAccepted", {})
    if names.get("status") == "False":
        return failed(_text(names))
    return READY if conditions.get("Established", {}).get("status") == "True" else waiting("it is not established yet")


def _namespace(live: Mapping[str, Any], _: Facts) -> Readiness:
    phase = _status(live).get("phase")
    return READY if phase == "Active" else waiting(f"the namespace is {phase or 'not active yet'}")


def _api_service(live: Mapping[str, Any], _: Facts) -> Readiness:
    available = _conditions(live).get("Available", {})
    return READY if available.get("status") == "True" else waiting(_text(available) or "it is not available yet")


def _secret(live: Mapping[str, Any], _: Facts) -> Readiness:
    needs_token = live.get("type") == "kubernetes.io/service-account-token"
    has_token = bool((live.get("data") or {}).get("token"))
    return waiting("it has no token yet") if needs_token and not has_token else READY


RULES: Mapping[tuple[str, str], Rule] = {
    ("", "Namespace"): _namespace,
    ("", "PersistentVolume"): _volume,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "ReplicationController"): _replica_set,
    ("", "Secret"): _secret,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("batch", "Job"): _job,
    ("networking.k8s.io", "Ingress"): _ingress,
}
"""The kinds that are not ready as soon as they exist, as the official plugin has them, and how to tell."""

_CONDITION = re.compile(r"^condition=(?P<name>[^=]+)(=(?P<value>.+))?$")
_FIELD = re.compile(r"^jsonpath=\{\.(?P<path>[A-Za-z0-9_.-]+)\}(=(?P<value>.*))?$")


def _as_annotated(text: str, live: Mapping[str, Any]) -> Readiness:
    """Waits of the ``pulumi.com/waitFor`` annotation: ``condition=Type[=Value]`` or ``jsonpath={.a.b}[=value]``."""
    condition, field = _CONDITION.match(text), _FIELD.match(text)
    if condition:
        wanted = condition["value"] or "True"
        now = _conditions(live).get(condition["name"], {}).get("status")
        met = str(now).lower() == wanted.lower()
        return READY if met else waiting(f"condition {condition['name']} is {now or 'missing'}, not {wanted}")
    if field:
        value: Any = live
        for step in field["path"].split("."):
            value = value.get(step) if isinstance(value, dict) else None
        met = value is not None and (field["value"] is None or str(value) == field["value"])
        return READY if met else waiting(f"{field['path']} is {value!r}, not {field['value'] or 'set'}")
    raise ProviderError(
        f"annotation {WAIT_FOR} is '{text}'; write condition=Type, condition=Type=Value or jsonpath={{.a.b}}=value"
    )
