"""Runs the whole program for a stack file against a monitor that records, and hands back what it registered.

Nothing is asserted while the program runs: tests read the record afterwards.
"""

import asyncio
import base64
import contextvars
import functools
import json
import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

ROOT = Path(__file__).resolve().parents[2]
STACKS = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in (ROOT / "stacks").glob("*.yaml"))

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"

SERVICES = [
    {"id": "ocid1.service.oc1.xxx.objects", "name": "OCI XXX Object Storage", "cidrBlock": "oci-xxx-objectstorage"},
    {
        "id": "ocid1.service.oc1.xxx.all",
        "name": "All XXX Services In Oracle Services Network",
        "cidrBlock": "all-xxx-services-in-oracle-services-network",
    },
]
ADDRESS = "203.0.113.7"
"""The address that OCI reserves."""
KUBECONFIG = "apiVersion: v1\nkind: Config\n"


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    token: str
    name: str
    urn: str
    custom: bool
    inputs: dict[str, Any]
    """Secrets are unwrapped here; `secrets` names the top-level inputs that hold one."""
    secrets: frozenset[str]
    provider: str
    parent: str
    protect: bool
    ignore_changes: tuple[str, ...]
    secret_outputs: tuple[str, ...]
    dependencies: frozenset[str]
    create_timeout: str
    deleted_first: bool
    """Whether it is gone before another takes its place."""


@dataclass
class Record(mocks.Mocks):
    """Everything that one run of the program registered, asked and exported."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each component, and the stack, registered as outputs; secrets as they went over the wire."""
    calls: list[mocks.MockCallArgs] = field(default_factory=list)

    def of(self, token: str) -> list[Registered]:
        """The resources of a type."""
        return [each for each in self.resources if each.token == token]

    def one(self, token: str, **inputs: object) -> Registered:
        """The one resource of a type whose inputs have these values."""
        found = [each for each in self.of(token) if all(each.inputs.get(k) == v for k, v in inputs.items())]
        assert len(found) == 1, f"{len(found)} of {token} with {inputs}"
        return found[0]

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """A Kubernetes object."""
        found = [each.inputs for each in self.objects(kind) if each.inputs["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name}"
        return found[0]

    def objects(self, *kinds: str) -> list[Registered]:
        """The Kubernetes objects of some kinds, or all."""
        return [
            each
            for each in self.resources
            if each.token.startswith("kubernetes:")
            and "kind" in each.inputs  # Not a release of a chart.
            and (not kinds or each.inputs["kind"] in kinds)
        ]

    def exports(self) -> dict[str, Any]:
        """What the stack exports."""
        (exports,) = (value for urn, value in self.outputs.items() if "::pulumi:pulumi:Stack::" in urn)
        return exports

    def pods(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and pod template of everything that starts pods."""
        for each in self.objects("Deployment", "DaemonSet", "StatefulSet", "Job"):
            yield each.name, each.inputs["spec"]["template"]

    def containers(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Name, container and the pod's specification, of every container."""
        for name, template in self.pods():
            spec = template["spec"]
            for container in spec.get("initContainers", []) + spec["containers"]:
                yield f"{name}/{container['name']}", container, spec

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "oci:Core/vcn:Vcn":
            outputs["defaultSecurityListId"] = f"{args.name}-default-security-list"
            outputs["vcnDomainName"] = "asmade.oraclevcn.com"
        elif args.typ == "oci:Kms/vault:Vault":
            outputs["managementEndpoint"] = f"https://{args.name}.kms.example.com"
        elif args.typ == "oci:Redis/redisCluster:RedisCluster":
            outputs["primaryFqdn"] = f"{args.name}.example.com"
        if args.typ == "oci:Core/publicIp:PublicIp":
            outputs["ipAddress"] = ADDRESS
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        self.calls.append(args)
        answers: dict[str, dict[str, Any]] = {
            "oci:Core/getServices:getServices": {"services": SERVICES},
            "oci:ContainerEngine/getClusterKubeConfig:getClusterKubeConfig": {"content": KUBECONFIG},
        }
        if args.token == "oci:Secrets/getSecretbundle:getSecretbundle":
            content = base64.b64encode(kept_in_vault(str(args.args["secretId"])).encode()).decode()
            answers[args.token] = {"secretBundleContents": [{"content": content, "contentType": "BASE64"}]}
        return answers[args.token], []


def kept_in_vault(secret: str) -> str:
    """What the vault's secret with this id holds."""
    return f"kept-in-vault-{secret}"


class _Monitor(mocks.MockMonitor):
    """Records registrations whole; the mocks themselves only see type, name, inputs and provider."""

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.record = record

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            wire = json_format.MessageToDict(request.object)
            self.record.resources.append(
                Registered(
                    token=request.type,
                    name=request.name,
                    urn=response.urn,
                    custom=request.custom,
                    inputs=_plain(wire),
                    secrets=frozenset(key for key, value in wire.items() if is_secret(value)),
                    provider=request.provider,
                    parent=request.parent,
                    protect=request.protect,
                    ignore_changes=tuple(request.ignoreChanges),
                    secret_outputs=tuple(request.additionalSecretOutputs),
                    dependencies=frozenset(request.dependencies),
                    create_timeout=request.customTimeouts.create,
                    deleted_first=request.deleteBeforeReplace,
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.record.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def is_secret(wire: object) -> bool:
    """Whether a value was marked as secret when it went over the wire, at its top or anywhere within."""
    if isinstance(wire, Mapping):
        return wire.get(_SIGNATURE) == _SECRET or any(is_secret(value) for value in wire.values())
    return isinstance(wire, list) and any(is_secret(value) for value in wire)


def _plain(wire: Any) -> Any:
    if isinstance(wire, Mapping):
        if wire.get(_SIGNATURE) == _SECRET:
            return _plain(wire["value"])
        return {key: _plain(value) for key, value in wire.items()}
    return [_plain(value) for value in wire] if isinstance(wire, list) else wire


def stack_file(stack: str) -> dict[str, Any]:
    """The configuration of a stack, as its file has it."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def run(stack: str, config: Mapping[str, Any], record: Record | None = None) -> Record:
    """Run the program with a configuration, as the engine would hand it over."""
    record = record or Record()

    def main() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    def program() -> None:
        monitor = _Monitor(record)
        features = monitor.GetDeploymentInfo(None)  # type: ignore[no-untyped-call]
        # Not `set_mocks`: it makes a stack resource of its own, on a loop of its own, beside the one that exports.
        configure(
            mocks.MockSettings(  # type: ignore[no-untyped-call]
                monitor=monitor,
                monitor_features=set(features.supportedFeatures),
                engine=mocks.MockEngine(None),
                project="pixel",
                stack=stack,
                dry_run=False,
                organization=None,
                callbacks=None,
            )
        )
        flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        pulumi.runtime.set_all_config(flat)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        # The monitor answers in worker threads, each on a loop of its own that nobody would close: so one, closed here.
        worker = ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop()))
        loop.set_default_executor(worker)
        try:
            loop.run_until_complete(run_in_stack(main))
        finally:
            worker.submit(lambda: asyncio.get_event_loop().close()).result()
            worker.shutdown()
            asyncio.set_event_loop(None)
            loop.close()

    contextvars.copy_context().run(program)
    return record


@functools.cache
def record_of(stack: str) -> Record:
    """The record of a stack as its file is; made once, since no test changes it."""
    return run(stack, stack_file(stack))
