"""Pulumi's protocol messages, loaded without the ``pulumi`` package around them.

``import pulumi.runtime.proto`` runs ``pulumi/__init__.py``, which takes 0.4 s and is of no use to a plugin. The
generated modules import each other relatively, so they load as well under a package of another name whose path is
their folder. Where ``pulumi`` is loaded already, as in a test, its own modules are taken.
"""

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi.runtime.proto import plugin_pb2 as plugin
    from pulumi.runtime.proto import provider_pb2 as provider
    from pulumi.runtime.proto import provider_pb2_grpc as provider_grpc

    from local.provider import InitializationFailed

__all__ = ["engine", "plugin", "provider", "provider_grpc", "resource_init_failed"]

Module = Any
"""A generated module that is loaded by name only."""

_ALIAS = "local._pulumi_protocol"


def _package() -> str:
    if "pulumi.runtime.proto" in sys.modules:
        return "pulumi.runtime.proto"
    if _ALIAS not in sys.modules:
        spec = importlib.util.find_spec("pulumi")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("the Python package pulumi is not installed: run `uv sync`, or set PIXEL_PYTHON")
        package = types.ModuleType(_ALIAS)
        package.__path__ = [str(Path(spec.submodule_search_locations[0]) / "runtime" / "proto")]
        sys.modules[_ALIAS] = package
    return _ALIAS


def _load(name: str) -> Module:
    return importlib.import_module(f"{_package()}.{name}")


if not TYPE_CHECKING:
    plugin = _load("plugin_pb2")
    provider = _load("provider_pb2")
    provider_grpc = _load("provider_pb2_grpc")


def engine() -> tuple[Module, Module]:
    """Messages and stubs of the engine's own service, needed only to log."""
    return _load("engine_pb2"), _load("engine_pb2_grpc")


def resource_init_failed(error: "InitializationFailed") -> bytes:
    """The status detail by which the engine keeps a resource that exists but did not become ready."""
    from local.properties import encode  # noqa: PLC0415 (only needed for failures)

    status = _load("status_pb2").Status(code=2, message=str(error))
    detail = provider.ErrorResourceInitFailed(
        id=error.id,
        properties=encode(error.outputs),
        reasons=error.reasons,
        inputs=None if error.inputs is None else encode(error.inputs),
    )
    status.details.add().Pack(detail)
    serialized: bytes = status.SerializeToString()
    return serialized
