"""The provider's own arguments: which are taken, which not, and when a change of them means another cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.kubernetes.kubeconfig import KubeconfigError, find_kubeconfig, parse_kubeconfig
from local.properties import UNKNOWN, Properties, Value
from local.provider import Change, Difference, Failure, ProviderError, compare

CONNECTION = ("kubeconfig", "context", "cluster")
NEEDS_OFFICIAL = frozenset({"alwaysRender", "renderYamlToDirectory", "skipUpdateUnreachable"})
"""Refused. What else the official plugin takes and is not read below changes nothing here."""


@dataclass(frozen=True)
class Configuration:
    """How the provider was configured; ``known`` is False in a preview of a cluster that does not exist yet."""

    known: bool = True
    kubeconfig: str | None = field(default=None, repr=False)
    context: str | None = None
    cluster: str | None = None
    namespace: str | None = None
    delete_unreachable: bool = False
    upsert: bool = False
    force: bool = False


def is_true(value: Value) -> bool:
    """A boolean of the provider's arguments, which travel as JSON text."""
    return value is True or str(value).lower() == "true"


def configuration(config: Mapping[str, Any], environment: Mapping[str, str]) -> Configuration:
    """The configuration that checked arguments give."""
    namespace = config.get("namespace")
    unreachable = config.get("deleteUnreachable", environment.get("PULUMI_K8S_DELETE_UNREACHABLE"))
    return Configuration(
        known=not any(config.get(key) is UNKNOWN for key in CONNECTION),
        kubeconfig=_text(config.get("kubeconfig")),
        context=_text(config.get("context")),
        cluster=_text(config.get("cluster")),
        namespace=_text(namespace),
        delete_unreachable=is_true(unreachable),
        upsert=is_true(config.get("upsertExistingObjects")),
        force=is_true(config.get("enablePatchForce")),
    )


def check(news: Mapping[str, Any]) -> list[Failure]:
    """What is wrong with the provider's arguments."""
    failures = []
    for key in sorted(NEEDS_OFFICIAL & news.keys()):
        if news[key] not in (None, False, "false", ""):
            failures.append(
                Failure(key, f"'{key}' needs the official Kubernetes plugin; install it, or leave '{key}' out")
            )
    if "enableServerSideApply" in news and str(news["enableServerSideApply"]).lower() == "false":
        reason = "'enableServerSideApply' is false, but this plugin knows server-side apply only; leave it out"
        failures.append(Failure("enableServerSideApply", reason))
    if any(news.get(key) is UNKNOWN for key in CONNECTION) or not news.get("kubeconfig"):
        return failures
    try:
        parse_kubeconfig(
            find_kubeconfig(_text(news["kubeconfig"])), _text(news.get("context")), _text(news.get("cluster"))
        )
    except ProviderError as error:
        failures.append(Failure("kubeconfig", str(error)))
    return failures


def difference(olds: Properties, news: Properties) -> Difference:
    """What changed, and whether the provider now means another cluster, so that all its resources are to be made anew.

    An unchanged ``clusterIdentifier`` says that it is the same one, whatever the kubeconfig looks like.
    """
    changes = compare(olds, news)
    identifiers = olds.get("clusterIdentifier"), news.get("clusterIdentifier")
    if identifiers[1] is not None and identifiers[0] == identifiers[1]:
        return Difference(changes)
    replaced = set()
    if identifiers[0] is not None and identifiers[1] is not None:
        replaced.add("clusterIdentifier")
    if any(news.get(key) is UNKNOWN for key in CONNECTION):
        replaced.update(key for key in CONNECTION if news.get(key) is UNKNOWN)
    elif _server(olds) != _server(news):
        replaced.update(key for key in CONNECTION if key in changes)
    return Difference({path: Change(change.kind, replace=path in replaced) for path, change in changes.items()})


def _server(config: Mapping[str, Any]) -> str | None:
    """The address of the cluster that a configuration means; None where it cannot be read."""
    try:
        content = find_kubeconfig(_text(config.get("kubeconfig")))
        return parse_kubeconfig(content, _text(config.get("context")), _text(config.get("cluster"))).server
    except KubeconfigError:
        return None


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None
