"""A plugin as the engine sees it: a process, a port, and gRPC."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2

from local.paths import CHECKOUT
from local.plugin import (
    MAX_MESSAGE_BYTES,
    UNKNOWN,
    Change,
    Difference,
    Failure,
    InitializationFailed,
    Properties,
    Provider,
    ProviderError,
    Secret,
    compare,
    start,
)
from local.properties import decode, encode
from local.protocol import provider, provider_grpc

URN = "urn:pulumi:dev::pixel::pixel:a:B$x:y/z:Z::name"


class Sample(Provider):
    """Hooks that show what they were given."""

    name = "sample"
    version = "1.2.3"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def check(self, urn: str, kind: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        self.seen.append((kind, olds, news))
        return {**news, "default": 1}, [Failure("a", "is wrong")]

    def diff(self, resource_id: str, urn: str, kind: str, **given: Properties) -> Difference:
        changes = {'a["b.c"][0]': Change("add", replace=True), "d": Change("delete"), "d.e": Change("update")}
        return Difference(changes, delete_before_replace=True)

    def create(
        self, urn: str, kind: str, inputs: Properties, *, timeout: float, preview: bool
    ) -> tuple[str, Properties]:
        self.seen.append((inputs, timeout, preview))
        match inputs.get("fail"):
            case "refused":
                raise ProviderError("400: a sentence")
            case "bug":
                raise KeyError("hidden")
            case "half":
                raise InitializationFailed("half-made", inputs, ["the first reason", "the second"])
        return "made", {**inputs, "token": Secret("t"), "late": UNKNOWN}

    def update(self, resource_id: str, urn: str, kind: str, **given: Any) -> Properties:
        self.seen.append(given)
        return {**given["old_outputs"], **given["news"]}

    def read(
        self, resource_id: str, urn: str, kind: str, inputs: Properties, outputs: Properties
    ) -> tuple[Properties, Properties] | None:
        return None if resource_id == "gone" else (inputs, {**outputs, "x": 1})

    def delete(self, resource_id: str, urn: str, kind: str, **given: Any) -> None:
        self.seen.append((resource_id, given))

    def invoke(self, token: str, args: Properties, preview: bool) -> Properties:
        return {"token": token, **args}


@pytest.fixture
def sample() -> Sample:
    return Sample()


@pytest.fixture
def stub(sample: Sample) -> Iterator[Any]:
    server, port = start(sample)
    # As much as the engine itself takes.
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options) as channel:
        yield provider_grpc.ResourceProviderStub(channel)
    server.stop(None).wait()


def test_the_engine_and_the_plugin_shake_hands(stub: Any, sample: Sample):
    answer = stub.Handshake(provider.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    assert (answer.accept_secrets, answer.accept_outputs, answer.accept_resources) == (True, False, False)
    assert sample.engine_address == "127.0.0.1:1"
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == "1.2.3"
    configured = stub.Configure(provider.ConfigureRequest(args=encode({"a": "b"})))
    assert (configured.supportsPreview, configured.acceptSecrets) == (True, True)


def test_a_check_gives_plain_values_and_keeps_secrets(stub: Any, sample: Sample):
    request = provider.CheckRequest(urn=URN, olds=encode({}), news=encode({"a": {"b": Secret("s")}, "n": 1}))
    answer = stub.Check(request)
    assert sample.seen == [("x:y/z:Z", {}, {"a": {"b": "s"}, "n": 1})]
    assert decode(answer.inputs) == {"a": {"b": Secret("s")}, "n": 1, "default": 1}
    assert [(each.property, each.reason) for each in answer.failures] == [("a", "is wrong")]


def test_a_difference_names_paths_and_their_roots(stub: Any):
    answer = stub.Diff(provider.DiffRequest(id="i", urn=URN, olds=encode({}), news=encode({})))
    assert answer.changes == provider.DiffResponse.DIFF_SOME
    assert (list(answer.diffs), list(answer.replaces)) == (["a", "d"], ["a"])
    assert answer.deleteBeforeReplace
    kinds = {path: provider.PropertyDiff.Kind.Name(each.kind) for path, each in answer.detailedDiff.items()}
    assert kinds == {'a["b.c"][0]': "ADD_REPLACE", "d": "DELETE", "d.e": "UPDATE"}


def test_a_resource_is_made_and_changed(stub: Any, sample: Sample):
    made = stub.Create(
        provider.CreateRequest(urn=URN, properties=encode({"key": Secret("k")}), timeout=5, preview=True)
    )
    assert made.id == "made"
    assert decode(made.properties) == {"key": Secret("k"), "token": Secret("t"), "late": UNKNOWN}
    assert sample.seen == [({"key": "k"}, 5.0, True)]
    olds = encode({"token": Secret("t"), "key": Secret("k")})
    request = provider.UpdateRequest(id="made", urn=URN, olds=olds, old_inputs=encode({}), news=encode({"key": "open"}))
    assert decode(stub.Update(request).properties) == {"token": Secret("t"), "key": Secret("open")}
    stub.Delete(provider.DeleteRequest(id="made", urn=URN, properties=olds, old_inputs=encode({"a": 1})))
    assert sample.seen[-1] == ("made", {"inputs": {"a": 1}, "outputs": {"token": "t", "key": "k"}, "timeout": 0.0})


def test_a_resource_is_read_or_gone(stub: Any):
    found = stub.Read(provider.ReadRequest(id="made", urn=URN, properties=encode({"s": Secret(1)}), inputs=encode({})))
    assert (found.id, decode(found.properties)) == ("made", {"s": Secret(1), "x": 1})
    assert stub.Read(provider.ReadRequest(id="gone", urn=URN)).id == ""


def test_a_function_is_answered(stub: Any):
    answer = stub.Invoke(provider.InvokeRequest(tok="x:y:z", args=encode({"a": [1]})))
    assert decode(getattr(answer, "return")) == {"token": "x:y:z", "a": [1]}


def failure(stub: Any, how: str) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as failed:
        stub.Create(provider.CreateRequest(urn=URN, properties=encode({"fail": how, "s": Secret("hunter2")})))
    return failed.value


def test_a_refusal_is_its_sentence(stub: Any, capfd: pytest.CaptureFixture[str]):
    assert failure(stub, "refused").details() == "400: a sentence"
    assert capfd.readouterr().err == ""


def test_a_bug_is_named_and_traced(stub: Any, capfd: pytest.CaptureFixture[str]):
    error = failure(stub, "bug")
    assert error.code() == grpc.StatusCode.INTERNAL
    assert error.details() == "sample plugin failed: KeyError: 'hidden'"
    assert 'raise KeyError("hidden")' in capfd.readouterr().err


def test_a_half_made_resource_is_kept(stub: Any):
    error = failure(stub, "half")
    assert error.details() == "the first reason; the second"
    (details,) = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    kept = provider.ErrorResourceInitFailed()
    assert b"pulumirpc.ErrorResourceInitFailed" in details
    # google.rpc.Status: code, message, then one Any whose value is the last field.
    kept.ParseFromString(details[details.index(b"\n\thalf-made") :])
    assert (kept.id, list(kept.reasons)) == ("half-made", ["the first reason", "the second"])
    assert decode(kept.properties)["s"] == Secret("hunter2")


def test_an_asset_is_a_sentence_and_no_bug(stub: Any, capfd: pytest.CaptureFixture[str]):
    asset = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "x"}
    with pytest.raises(grpc.RpcError, match="a is an asset"):
        stub.Create(provider.CreateRequest(urn=URN, properties=encode({"a": asset})))
    assert capfd.readouterr().err == ""


def test_large_messages_pass(stub: Any):
    text = "x" * (8 * 1024 * 1024)
    answer = stub.Invoke(provider.InvokeRequest(tok="t", args=encode({"a": text})))
    assert len(decode(getattr(answer, "return"))["a"]) == len(text)


def test_what_is_not_provided_is_said(stub: Any):
    bare, port = start(Provider())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        plain = provider_grpc.ResourceProviderStub(channel)
        with pytest.raises(grpc.RpcError, match="provider cannot create x:y/z:Z"):
            plain.Create(provider.CreateRequest(urn=URN, properties=encode({})))
    bare.stop(None).wait()


def test_cancel_is_passed_on(stub: Any, sample: Sample):
    assert not sample.cancelled.is_set()
    stub.Cancel(empty_pb2.Empty())
    assert sample.cancelled.is_set()


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": UNKNOWN}, {"a": UNKNOWN}, {"a": "update"}),
        ({"a": True}, {"a": 1}, {"a": "update"}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}}, {"a.b[1]": "update", "a.b[2]": "add"}),
        ({"a": [1, 2]}, {"a": [1]}, {"a[1]": "delete"}),
        ({"app.pixel/x": 1}, {}, {'["app.pixel/x"]': "delete"}),
        ({"a": {"": 1}}, {"a": {}}, {'a[""]': "delete"}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": "update"}),
    ],
)
def test_compare(old: Any, new: Any, paths: dict[str, str]):
    assert {path: change.kind for path, change in compare(old, new).items()} == paths


class Process:
    """``python -m local.oci`` as the engine starts it."""

    def __init__(self, state: Path, *command: str) -> None:
        environment = {**os.environ, "PIXEL_OCI_STATE": str(state), "PIXEL_PYTHON": sys.executable}
        self.popen = subprocess.Popen(
            command or (sys.executable, "-m", "local.oci"),
            cwd=state if command else CHECKOUT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout is not None
        self.port = int(self.popen.stdout.readline())

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            assert stream is not None
            stream.close()


def test_the_executable_serves_from_anywhere(tmp_path: Path):
    executable = str(CHECKOUT / "local" / "oci" / "pulumi-resource-oci")
    with (
        Process(tmp_path, executable, "127.0.0.1:1") as process,
        grpc.insecure_channel(f"127.0.0.1:{process.port}") as channel,
    ):
        stub = provider_grpc.ResourceProviderStub(channel)
        assert stub.GetPluginInfo(empty_pb2.Empty()).version == "5.5.0"
        stub.Configure(provider.ConfigureRequest(args=encode({"region": "eu-frankfurt-1"})))
        answer = stub.Invoke(provider.InvokeRequest(tok="oci:ObjectStorage/getNamespace:getNamespace"))
        assert decode(getattr(answer, "return"))["namespace"] == "simulated"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, None])
def test_it_ends_when_it_is_told_or_left_alone(tmp_path: Path, how: signal.Signals | None):
    with Process(tmp_path) as process:
        if how is None:
            assert process.popen.stdin is not None
            process.popen.stdin.close()
        else:
            process.popen.send_signal(how)
        assert process.popen.wait(30) == 0
        assert process.popen.stderr is not None
        assert process.popen.stderr.read() == ""


def test_it_does_not_load_what_it_does_not_need(tmp_path: Path):
    program = "import sys, local.oci.simulation, local.plugin; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert not {"pulumi", "pulumi_oci", "lightkube", "httpx", "yaml", "rich"} & set(loaded)


def test_an_engine_that_was_never_met_logs_to_stderr(capsys: pytest.CaptureFixture[str]):
    Sample().log("waiting", severity="warning")
    assert capsys.readouterr().err == "warning: waiting\n"


def test_lines_reach_the_engine(sample: Sample):
    from concurrent.futures import ThreadPoolExecutor

    from local.protocol import engine

    messages, stubs = engine()
    received: list[Any] = []
    arrived = threading.Event()

    class Engine(stubs.EngineServicer):  # type: ignore[misc, name-defined]
        def Log(self, request: Any, context: Any) -> Any:
            received.append(
                (messages.LogSeverity.Name(request.severity), request.message, request.urn, request.ephemeral)
            )
            arrived.set()
            return empty_pb2.Empty()

    server = grpc.server(ThreadPoolExecutor(2))
    stubs.add_EngineServicer_to_server(Engine(), server)
    sample.engine_address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    sample.log("rolling out", URN, ephemeral=True)
    assert arrived.wait(30)
    assert received == [("INFO", "rolling out", URN, True)]
    server.stop(None).wait()
    sample.log("too late", severity="error")
