"""Reading a kubeconfig, finding one, and running its credential program."""

import base64
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.kubernetes.credentials import ExecCredentials, parse_credential
from local.kubernetes.kubeconfig import ExecPlugin, KubeconfigError, find_kubeconfig, parse_kubeconfig

PEM = "-----BEGIN CERTIFICATE-----\nhidden\n-----END CERTIFICATE-----\n"


def text64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def document(user: Any = None, **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "main",
        "contexts": [
            {"name": "main", "context": {"cluster": "one", "user": "me", "namespace": "mine"}},
            {"name": "other", "context": {"cluster": "two", "user": "me"}},
        ],
        "clusters": [
            {"name": "one", "cluster": {"server": "https://10.0.0.1:6443/", **cluster}},
            {"name": "two", "cluster": {"server": "https://10.0.0.2:6443"}},
        ],
        "users": [{"name": "me", "user": user or {"token": "hidden-token"}}],
    }


def test_the_current_context_is_taken() -> None:
    access = parse_kubeconfig(yaml.safe_dump(document(**{"certificate-authority-data": text64(PEM)})))
    assert (access.server, access.namespace, access.token, access.ca) == (
        "https://10.0.0.1:6443",
        "mine",
        "hidden-token",
        PEM,
    )


def test_another_context_and_cluster_can_be_named() -> None:
    content = json.dumps(document())
    assert parse_kubeconfig(content, context="other").server == "https://10.0.0.2:6443"
    assert parse_kubeconfig(content, context="other").namespace == "default"
    assert parse_kubeconfig(content, cluster="two").server == "https://10.0.0.2:6443"


def test_no_secret_shows_in_a_repr() -> None:
    user = {"client-certificate-data": text64(PEM), "client-key-data": text64(PEM), "token": "hidden-token"}
    access = parse_kubeconfig(yaml.safe_dump(document(user)))
    assert access.certificate == PEM and "hidden" not in repr(access)
    plugin = ExecPlugin("oci", (), (("TOKEN", "hidden"),), "v1", "")
    assert "hidden" not in repr(plugin)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in document().items() if name != key}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("a: [", "not YAML at line 1"),
        ("just text", "not a mapping"),
        (yaml.safe_dump(without("current-context")), "no 'current-context'"),
        (yaml.safe_dump(without("clusters")), "no cluster 'one'; there are: none"),
        (yaml.safe_dump({**document(), "current-context": "ghost"}), "no context 'ghost'; there are: main, other"),
        (yaml.safe_dump(document(server="10.0.0.1")), "'server' '10.0.0.1'; write a URL"),
        (yaml.safe_dump(document({"client-key-data": text64(PEM)})), "go together"),
        (yaml.safe_dump(document({"tokenFile": "/does/not/exist"})), "'tokenFile' is '/does/not/exist'"),
        (
            yaml.safe_dump(document(**{"certificate-authority-data": "%%"})),
            "'certificate-authority-data' is not base64",
        ),
        (yaml.safe_dump(document({"exec": {"args": ["x"]}})), "'exec' names no 'command'"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere(content: str, error: str) -> None:
    with pytest.raises(KubeconfigError, match=error):
        parse_kubeconfig(content)


def test_a_syntax_error_does_not_quote_the_content() -> None:
    with pytest.raises(KubeconfigError) as caught:
        parse_kubeconfig("token: hidden-token: [")
    assert "hidden" not in str(caught.value)


def test_where_a_kubeconfig_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(KubeconfigError, match="no kubeconfig"):
        find_kubeconfig(None, {"KUBECONFIG": f"{tmp_path}/ghost"})
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text("home: true")
    assert find_kubeconfig(None, {}) == "home: true"
    (tmp_path / "named").write_text("named: true")
    assert find_kubeconfig(None, {"KUBECONFIG": f"{tmp_path}/ghost:{tmp_path}/named"}) == "named: true"
    assert find_kubeconfig(str(tmp_path / "named"), {}) == "named: true"
    assert find_kubeconfig("given: true", {}) == "given: true"
    with pytest.raises(KubeconfigError, match="cannot be read"):
        find_kubeconfig(str(tmp_path / "ghost"), {})


def program(folder: Path, body: str) -> ExecPlugin:
    path = folder / "credentials"
    path.write_text(f"#!{sys.executable}\nimport json, os, pathlib, sys\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return ExecPlugin(str(path), ("--cluster", "one"), (("EXTRA", "x"),), "client.authentication.k8s.io/v1", "")


COUNTING = """
count = pathlib.Path(sys.argv[0]).with_name("count")
number = len(count.read_text()) if count.exists() else 0
count.write_text("x" * (number + 1))
info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
token = "-".join([str(number), sys.argv[2], os.environ["EXTRA"], info["kind"]])
print(json.dumps({"status": {"token": token, "expirationTimestamp": EXPIRES}}))
"""


def test_a_credential_is_kept_until_it_expires_or_is_rejected(tmp_path: Path) -> None:
    credentials = ExecCredentials(program(tmp_path, COUNTING.replace("EXPIRES", '"2999-01-01T00:00:00Z"')))
    first = credentials.get()
    assert first.token == "0-one-x-ExecCredential"
    assert credentials.get() is first
    assert credentials.get(rejected=first).token == "1-one-x-ExecCredential"


def test_an_expired_credential_is_fetched_anew(tmp_path: Path) -> None:
    credentials = ExecCredentials(program(tmp_path, COUNTING.replace("EXPIRES", '"2001-01-01T00:00:00Z"')))
    assert credentials.get().token != credentials.get().token


def test_a_credential_program_that_fails(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="ended with 3: not signed in"):
        ExecCredentials(program(tmp_path, 'sys.exit(print("not signed in", file=sys.stderr) or 3)')).get()
    with pytest.raises(KubeconfigError, match="did not print an ExecCredential"):
        ExecCredentials(program(tmp_path, 'print("hello")')).get()
    missing = ExecPlugin("no-such-program", (), (), "v1", "install the OCI CLI")
    with pytest.raises(KubeconfigError, match="'no-such-program' is not on PATH; add it: install the OCI CLI"):
        ExecCredentials(missing).get()


def test_a_credential_with_nothing_in_it() -> None:
    with pytest.raises(KubeconfigError, match="neither a token nor a client certificate"):
        parse_credential('{"status": {}}', "oci")
    assert parse_credential('{"status": {"token": "hidden"}}', "oci").expires is None
