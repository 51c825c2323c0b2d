"""What every Pulumi provider plugin in Python needs, whatever it provides: a server, hooks, and clean errors.

The engine starts a plugin as a process, reads one line with a port from its stdout and calls it by gRPC
(https://www.pulumi.com/docs/iac/extending-pulumi/develop/). A plugin is a subclass of ``Provider`` and one call
of ``serve``. Hooks get and give plain Python dictionaries, see ``local.properties``.

This module does not import the ``pulumi`` package, which costs 0.4 s at every start: see ``local.protocol``.
"""

import os
import signal
import stat
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2

from local.properties import (
    UNKNOWN,
    Path,
    Properties,
    PropertyError,
    Secret,
    decode,
    encode,
    mark_secrets,
    split_secrets,
)
from local.protocol import plugin, provider, provider_grpc, resource_init_failed
from local.provider import Change, Difference, Failure, InitializationFailed, Provider, ProviderError, compare

__all__ = [
    "UNKNOWN",
    "Change",
    "Difference",
    "Failure",
    "InitializationFailed",
    "Properties",
    "Provider",
    "ProviderError",
    "Secret",
    "compare",
    "serve",
    "start",
]

MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""What the engine itself allows for one message."""

STOP_SECONDS = 2.0
"""How long calls in flight may finish after a stop; the engine kills the plugin after five."""

Answer = TypeVar("Answer")


def _inputs(struct: struct_pb2.Struct) -> tuple[Properties, frozenset[Path]]:
    return split_secrets(decode(struct))


def _plain(struct: struct_pb2.Struct) -> Properties:
    return _inputs(struct)[0]


def _diff_kind(change: Change) -> provider.PropertyDiff.Kind.ValueType:
    return provider.PropertyDiff.Kind.Value(change.kind.upper() + ("_REPLACE" if change.replace else ""))


def _difference(difference: Difference) -> provider.DiffResponse:
    changes = difference.changes
    return provider.DiffResponse(
        changes=provider.DiffResponse.DIFF_SOME if changes else provider.DiffResponse.DIFF_NONE,
        diffs=sorted({_top(path) for path in changes}),
        replaces=sorted({_top(path) for path, change in changes.items() if change.replace}),
        deleteBeforeReplace=difference.delete_before_replace,
        hasDetailedDiff=True,
        detailedDiff={
            path: provider.PropertyDiff(kind=_diff_kind(change), inputDiff=True) for path, change in changes.items()
        },
    )


def _top(path: str) -> str:
    """The property at the root of a path such as ``metadata.labels["app.pixel/app"]``."""
    if path.startswith('["'):
        return path[2 : path.index('"]')]
    return path.replace("[", ".").split(".", 1)[0]


class Servicer(provider_grpc.ResourceProviderServicer):
    """The gRPC face of a ``Provider``: messages to dictionaries and back, exceptions to statuses."""

    def __init__(self, hooks: Provider) -> None:
        self.hooks = hooks

    def _answer(self, context: grpc.ServicerContext, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except InitializationFailed as error:
            code, message, details = grpc.StatusCode.UNKNOWN, str(error), resource_init_failed(error)
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
        except (ProviderError, PropertyError) as error:
            code, message = grpc.StatusCode.UNKNOWN, str(error)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            code, message = (
                grpc.StatusCode.INTERNAL,
                f"{self.hooks.name} plugin failed: {type(error).__name__}: {error}",
            )
        context.abort(code, message)
        raise AssertionError("abort always raises")

    def Handshake(
        self, request: provider.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider.ProviderHandshakeResponse:
        """The engine's address, and what this plugin can take."""
        self.hooks.engine_address = request.engine_address
        return provider.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin.PluginInfo:
        """The version the engine shows."""
        return plugin.PluginInfo(version=self.hooks.version)

    def Attach(self, request: plugin.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """The engine's address when it attaches to a plugin that somebody else started."""
        self.hooks.engine_address = request.address
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Tell hooks that wait to give up; the engine stops the process itself when they have answered."""
        self.hooks.cancelled.set()
        return empty_pb2.Empty()

    def CheckConfig(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        """See ``Provider.check_config``."""
        return self._answer(context, lambda: self._check(request, None))

    def Check(self, request: provider.CheckRequest, context: grpc.ServicerContext) -> provider.CheckResponse:
        """See ``Provider.check``."""
        return self._answer(context, lambda: self._check(request, request.type or _kind(request.urn)))

    def _check(self, request: provider.CheckRequest, kind: str | None) -> provider.CheckResponse:
        news, secrets = _inputs(request.news)
        olds = _plain(request.olds)
        if kind is None:
            inputs, failures = self.hooks.check_config(request.urn, olds, news)
        else:
            inputs, failures = self.hooks.check(request.urn, kind, olds, news)
        return provider.CheckResponse(
            inputs=encode(mark_secrets(inputs, secrets)),
            failures=[provider.CheckFailure(property=each.property, reason=each.reason) for each in failures],
        )

    def DiffConfig(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        """See ``Provider.diff_config``."""

        def work() -> provider.DiffResponse:
            return _difference(self.hooks.diff_config(request.urn, _plain(request.old_inputs), _plain(request.news)))

        return self._answer(context, work)

    def Configure(
        self, request: provider.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider.ConfigureResponse:
        """See ``Provider.configure``."""
        self._answer(context, lambda: self.hooks.configure(_plain(request.args)))
        return provider.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Diff(self, request: provider.DiffRequest, context: grpc.ServicerContext) -> provider.DiffResponse:
        """See ``Provider.diff``."""

        def work() -> provider.DiffResponse:
            kind = request.type or _kind(request.urn)
            olds, outputs, news = _plain(request.old_inputs), _plain(request.olds), _plain(request.news)
            return _difference(
                self.hooks.diff(request.id, request.urn, kind, old_inputs=olds, old_outputs=outputs, news=news)
            )

        return self._answer(context, work)

    def Create(self, request: provider.CreateRequest, context: grpc.ServicerContext) -> provider.CreateResponse:
        """See ``Provider.create``."""

        def work() -> provider.CreateResponse:
            inputs, secrets = _inputs(request.properties)
            kind = request.type or _kind(request.urn)
            try:
                made, outputs = self.hooks.create(
                    request.urn, kind, inputs, timeout=request.timeout, preview=request.preview
                )
            except InitializationFailed as error:
                error.outputs = mark_secrets(error.outputs, secrets)
                raise
            return provider.CreateResponse(id=made, properties=encode(mark_secrets(outputs, secrets)))

        return self._answer(context, work)

    def Read(self, request: provider.ReadRequest, context: grpc.ServicerContext) -> provider.ReadResponse:
        """See ``Provider.read``."""

        def work() -> provider.ReadResponse:
            inputs, input_secrets = _inputs(request.inputs)
            outputs, output_secrets = _inputs(request.properties)
            kind = request.type or _kind(request.urn)
            try:
                found = self.hooks.read(request.id, request.urn, kind, inputs, outputs)
            except InitializationFailed as error:
                error.outputs = mark_secrets(error.outputs, input_secrets | output_secrets)
                error.inputs = None if error.inputs is None else mark_secrets(error.inputs, input_secrets)
                raise
            if found is None:
                return provider.ReadResponse()
            return provider.ReadResponse(
                id=request.id,
                inputs=encode(mark_secrets(found[0], input_secrets)),
                properties=encode(mark_secrets(found[1], input_secrets | output_secrets)),
            )

        return self._answer(context, work)

    def Update(self, request: provider.UpdateRequest, context: grpc.ServicerContext) -> provider.UpdateResponse:
        """See ``Provider.update``."""

        def work() -> provider.UpdateResponse:
            news, secrets = _inputs(request.news)
            outputs, output_secrets = _inputs(request.olds)
            kind = request.type or _kind(request.urn)
            olds = _plain(request.old_inputs)
            try:
                made = self.hooks.update(
                    request.id,
                    request.urn,
                    kind,
                    old_inputs=olds,
                    old_outputs=outputs,
                    news=news,
                    timeout=request.timeout,
                    preview=request.preview,
                )
            except InitializationFailed as error:
                error.outputs = mark_secrets(error.outputs, secrets | output_secrets)
                raise
            return provider.UpdateResponse(properties=encode(mark_secrets(made, secrets | output_secrets)))

        return self._answer(context, work)

    def Delete(self, request: provider.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """See ``Provider.delete``."""

        def work() -> None:
            kind = request.type or _kind(request.urn)
            inputs, outputs = _plain(request.old_inputs), _plain(request.properties)
            self.hooks.delete(request.id, request.urn, kind, inputs=inputs, outputs=outputs, timeout=request.timeout)

        self._answer(context, work)
        return empty_pb2.Empty()

    def Invoke(self, request: provider.InvokeRequest, context: grpc.ServicerContext) -> provider.InvokeResponse:
        """See ``Provider.invoke``."""

        def work() -> provider.InvokeResponse:
            # ``return`` is a keyword of Python, so the field cannot be named in a call.
            response = provider.InvokeResponse()
            answer = self.hooks.invoke(request.tok, _plain(request.args), request.preview)
            getattr(response, "return").CopyFrom(encode(answer))
            return response

        return self._answer(context, work)


def _kind(urn: str) -> str:
    """The type token in a URN, ``urn:pulumi:stack::project::parent$type::name``."""
    return urn.split("::")[2].rsplit("$", maxsplit=1)[-1]


def start(hooks: Provider) -> tuple[grpc.Server, int]:
    """Serve ``hooks`` on a free port of 127.0.0.1; returns the server and its port."""
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.so_reuseport", 0),
    ]
    # The engine has as many operations in flight as it likes, and a hook may wait minutes for its resource.
    server = grpc.server(ThreadPoolExecutor(max_workers=256, thread_name_prefix=hooks.name), options=options)
    provider_grpc.add_ResourceProviderServicer_to_server(Servicer(hooks), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(hooks: Provider) -> None:
    """Be a plugin: serve, print the port, and end the process on SIGINT, SIGTERM or when the engine is gone."""
    server, port = start(hooks)
    wake_read, wake_write = os.pipe()

    def stop(*_: object) -> None:
        os.write(wake_write, b"x")

    # The engine ends its plugins by SIGINT to the plugin's own process group.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_watch_stdin, args=(stop,), daemon=True).start()
    print(port, flush=True)
    # The engine reads stdout no further; whatever a library prints belongs with the diagnostics.
    sys.stdout = sys.stderr
    os.read(wake_read, 1)
    hooks.cancelled.set()
    server.stop(STOP_SECONDS).wait(STOP_SECONDS + 0.5)
    sys.stderr.flush()
    # Threads of hooks that did not answer in time would keep the interpreter alive.
    os._exit(0)


def _watch_stdin(stop: Callable[[], None]) -> None:
    """The engine holds the other end of stdin for as long as it lives, also when it is killed."""
    while os.read(0, 4096):
        pass
    stop()
