"""Helm releases, made by their type token for the reason that `components.manifests` gives.

A release is a real one, with hooks and a history, and not a chart rendered into resources: kube-prometheus-stack,
cert-manager and KEDA count on their hooks, and one coarse diff for each chart keeps a preview short.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.mirrors import AS_PUBLISHED, chart_repository, chart_values
from components.settings.mirrors import MirrorsSettings
from components.versions import CHARTS

TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - the token of a type
_OCI = "oci://"


@dataclass
class ReleaseArgs:
    """One chart, and what it is told."""

    chart: str
    version: str
    repository: str
    """Address of a chart repository, or `oci://registry/path` of charts in a registry."""
    namespace: str
    values: Mapping[str, Any]
    timeout_seconds: int = 600
    skip_crds: bool = False
    """Leave out the chart's `crds` folder; what a chart renders as templates, its values decide."""


def pinned(
    chart: str, namespace: str, values: Mapping[str, Any], mirrors: MirrorsSettings = AS_PUBLISHED
) -> ReleaseArgs:
    """A release of the version that `components.versions` pins, it and its images taken from the stack's mirrors."""
    pin = CHARTS[chart]
    return ReleaseArgs(
        chart,
        pin.version,
        chart_repository(pin.repository, mirrors),
        namespace,
        chart_values(chart, values, mirrors),
    )


class Release(pulumi.CustomResource):
    """A Helm release that is installed as a whole or not at all."""

    def __init__(self, name: str, args: ReleaseArgs, opts: pulumi.ResourceOptions) -> None:
        """`name` is the release's own name too, since the names of its Services are made from it."""
        in_registry = args.repository.startswith(_OCI)
        inputs: dict[str, Any] = {
            "name": name,
            "chart": f"{args.repository.rstrip('/')}/{args.chart}" if in_registry else args.chart,
            "version": args.version,
            "namespace": args.namespace,
            "createNamespace": False,
            "values": dict(args.values),
            # A first installation that fails leaves nothing behind, an upgrade that fails goes back: both wait for
            # pods, so `skipAwait` has no place here.
            "atomic": True,
            "cleanupOnFail": True,
            "waitForJobs": True,
            "timeout": args.timeout_seconds,
            "skipCrds": args.skip_crds,
            "maxHistory": 5,
            # What the SDK sends with each release: values are taken as they are given.
            "compat": "true",
        }
        if not in_registry:
            inputs["repositoryOpts"] = {"repo": args.repository}
        super().__init__(TOKEN, name, inputs, opts)
