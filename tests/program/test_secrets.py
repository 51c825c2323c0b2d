"""Keys and passwords in every stack: who makes them, where they stand, and that they stand nowhere else."""

import base64
import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.identity import WORKLOADS
from components.settings import Settings
from components.settings.registry import Repositories
from components.settings.secrets import Secret, Vault
from tests.program.recording import Record, Registered, is_secret, kept_in_vault, run, stack_file

VAULT_SECRET = "oci:Vault/secret:Secret"
CLUSTER = "cluster-id"

IN_ENVIRONMENT: frozenset[str] = frozenset()
"""Containers that take a secret from their environment, with the reason beside each; none does."""


def decoded(secret: Registered) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret.inputs["data"].items()}


def secret_named(record: Record, name: str, namespace: str = "pixel") -> Registered:
    wanted = {"name": name, "namespace": namespace}
    (found,) = [each for each in record.objects("Secret") if each.inputs["metadata"] == wanted]
    return found


def values(record: Record) -> Iterator[str]:
    """Every secret text of the stack, and every part of one that would do harm alone."""
    for each in record.objects("Secret"):
        for key, text in decoded(each).items():
            if key == ".dockerconfigjson":
                yield from (login["password"] for login in json.loads(text)["auths"].values())
            elif key != "admin-user":
                yield text
    for each in record.of(VAULT_SECRET):
        yield kept_in_vault(f"{each.name}-id")


def test_no_secret_is_anywhere_but_in_secrets(record: Record) -> None:
    others = [each for each in record.resources if not each.token.endswith(":Secret") or each.token == VAULT_SECRET]
    everything = json.dumps([each.inputs for each in others]) + json.dumps(record.outputs)
    found = list(values(record))
    assert found
    for text in found:
        assert len(text) >= 16
        assert text not in everything
        assert base64.b64encode(text.encode()).decode() not in everything


def test_the_search_for_secrets_can_fail(record: Record) -> None:
    text = next(values(record))
    leaking = Registered(**{**vars(record.objects("ConfigMap")[0]), "inputs": {"data": {"key": text}}})
    with pytest.raises(AssertionError):
        test_no_secret_is_anywhere_but_in_secrets(Record([*record.resources, leaking], record.outputs, record.calls))


def test_secrets_are_marked_as_such_in_the_state(record: Record) -> None:
    for each in record.objects("Secret"):
        assert each.secrets == {"data"}, each.name
        assert each.secret_outputs == ("data",), each.name


def test_no_secret_is_in_an_environment(record: Record) -> None:
    for path, container, _ in record.containers():
        if path in IN_ENVIRONMENT:
            continue
        assert "envFrom" not in container, path
        for variable in container.get("env", []):
            assert "secretKeyRef" not in str(variable), f"{path} {variable['name']}"


def test_a_vault_makes_the_values_or_the_first_run_does(record: Record, its: Settings) -> None:
    secret = secret_named(record, "turn-secret")
    if its.secrets.vault is Vault.NONE:
        assert secret.ignore_changes == ("data",)
        assert len(bytes.fromhex(decoded(secret)["secret"])) == 32
        assert not record.of("oci:Kms/vault:Vault") and not record.of(VAULT_SECRET)
        return
    assert secret.ignore_changes == ()
    assert decoded(secret) == {"secret": text_of_vault("secrets-turn-1-id")}
    kept = {each.name: each.inputs for each in record.of(VAULT_SECRET)}
    assert set(kept) == {f"secrets-{each}-1" for each in its.wanted_secrets}
    for inputs in kept.values():
        assert (inputs["vaultId"], inputs["keyId"]) == ("secrets-vault-id", "secrets-key-id")
        assert inputs["enableAutoGeneration"] is True
        assert "secretContent" not in inputs
    # Another name of the cluster would be another value of each, without the one before.
    assert all(each.ignore_changes == ("secretName",) for each in record.of(VAULT_SECRET))


def text_of_vault(secret: str) -> str:
    return hashlib.sha256(kept_in_vault(secret).encode()).hexdigest()


def with_config(stack: str, **keys: Any) -> Record:
    """The program's record with some keys of the stack file set."""
    return run(stack, stack_file(stack) | {f"pixel:{key}": value for key, value in keys.items()})


def test_a_rotation_makes_one_value_and_keeps_the_one_before(stack: str) -> None:
    record = with_config(stack, secrets={"vault": "managed", "rotation": {"turn": 3}})
    turn = sorted(each.inputs["secretName"] for each in record.of(VAULT_SECRET) if "turn" in each.name)
    assert [name.rpartition("-")[2] for name in turn] == ["2", "3"]
    assert decoded(secret_named(record, "turn-secret")) == {
        "secret": text_of_vault("secrets-turn-3-id"),
        "previous": text_of_vault("secrets-turn-2-id"),
    }


def test_a_rotation_restarts_nothing(stack: str) -> None:
    before, after = (
        {each.name: each.inputs for each in with_config(stack, secrets=secrets).objects("Deployment", "DaemonSet")}
        for secrets in ({"vault": "managed"}, {"vault": "managed", "rotation": {"turn": 2}})
    )
    assert before == after


def test_an_existing_vault_is_used_and_none_is_made(stack: str) -> None:
    vault, key = "ocid1.vault.oc1.fra.a.example", "ocid1.key.oc1.fra.a.example"
    record = with_config(stack, secrets={"vault": vault, "key": key})
    assert not record.of("oci:Kms/vault:Vault") and not record.of("oci:Kms/key:Key")
    assert {(each.inputs["vaultId"], each.inputs["keyId"]) for each in record.of(VAULT_SECRET)} == {(vault, key)}


def test_consumers_find_both_secrets_where_they_look(record: Record) -> None:
    (matchmaker,) = (path_pod for path_pod in record.pods() if path_pod[0] == "deployment-pixel-matchmaker")
    (settings,) = (each for each in matchmaker[1]["spec"]["volumes"] if each["name"] == "settings")
    mounted = {
        (item["key"], item["path"]): source["secret"].get("optional", False)
        for source in settings["projected"]["sources"]
        if "secret" in source
        for item in source["secret"]["items"]
    }
    turn = {item: optional for item, optional in mounted.items() if item[1].startswith(("turn/", "ice/"))}
    assert turn == {
        ("secret", "turn/secret"): False,
        ("previous", "turn/previous"): True,
        ("ice-servers.json", "ice/ice-servers.json"): True,
    }
    (follower,) = (each for path, each, _ in record.containers() if path == "daemonset-pixel-turn/companion")
    assert follower["command"] == ["python3", "-m", "signalling.turn.companion"]
    assert follower["restartPolicy"] == "Always"
    assert {"name": "secret", "mountPath": "/etc/pixel/turn", "readOnly": True} in follower["volumeMounts"]
    assert "token" not in [mount["name"] for mount in follower["volumeMounts"]]


def test_repositories_are_private_and_those_of_the_images(record: Record, its: Settings) -> None:
    made = record.of("oci:Artifacts/containerRepository:ContainerRepository")
    if its.registry.repositories is Repositories.EXISTING:
        assert made == []
        return
    wanted = {"pixel/signalling", "pixel/turn", "pixel/capacity", *(app.image.split("/", 2)[2] for app in its.apps)}
    assert {each.inputs["displayName"] for each in made} == wanted
    assert all(each.inputs["isPublic"] is False and each.inputs["isImmutable"] is True for each in made)


def test_repositories_that_differ_in_a_slash_are_two() -> None:
    stack = "production-us-ashburn-1"
    apps = copy.deepcopy(stack_file(stack)["pixel:apps"])
    apps[0]["image"] = "iad.ocir.io/acme/pixel-signalling"
    made = with_config(stack, apps=apps).of("oci:Artifacts/containerRepository:ContainerRepository")
    assert {"pixel-signalling", "pixel/signalling"} <= {each.inputs["displayName"] for each in made}
    assert len({each.urn for each in made}) == len(made)


def test_pods_of_private_images_pull_with_the_secret_of_their_namespace(record: Record, its: Settings) -> None:
    secrets = [each for each in record.objects("Secret") if each.inputs["metadata"]["name"] == "registry-pull"]
    ours = [template for name, template in record.pods() if "-pixel-" in name]
    names = [template["spec"].get("imagePullSecrets") for template in ours if "pixel" in str(template["spec"])]
    if its.registry.pull is None:
        assert secrets == [] and set(map(str, names)) == {"None"}
        return
    assert {each.inputs["metadata"]["namespace"] for each in secrets} == {"pixel", "pixel-instances"}
    assert all(each == [{"name": "registry-pull"}] for each in names)
    for each in secrets:
        assert each.inputs["type"] == "kubernetes.io/dockerconfigjson"
        (server,) = {image.host for image in its.own_images}
        assert json.loads(decoded(each)[".dockerconfigjson"]) == {
            "auths": {
                server: {
                    "username": "acme/pixel-pull",
                    "password": kept_in_vault(its.registry.pull.auth_token.ocid or ""),
                }
            }
        }


def test_a_token_of_the_stack_itself_reaches_the_secret_only(stack: str) -> None:
    pull = {"username": "robot", "auth_token": "token-of-the-stack", "servers": ["registry.example.com"]}
    images = {name: f"registry.example.com/pixel/{name}:1.0" for name in ("signalling", "turn", "capacity")}
    record = with_config(stack, registry={"pull": pull}, images=images)
    content = json.loads(decoded(secret_named(record, "registry-pull"))[".dockerconfigjson"])
    assert content == {"auths": {"registry.example.com": {"username": "robot", "password": "token-of-the-stack"}}}
    test_no_secret_is_anywhere_but_in_secrets(record)


def test_policies_are_of_one_service_account_of_this_cluster(record: Record, its: Settings) -> None:
    wanted = {"autoscaler": its.cluster.autoscaler, "dns": its.dns.enabled}
    policies = {each.name: each for each in record.of("oci:Identity/policy:Policy")}
    assert set(policies) == {f"identity-{feature}" for feature, needed in wanted.items() if needed}
    accounts = {workload.feature: (workload.namespace, workload.service_account) for workload in WORKLOADS}
    for name, policy in policies.items():
        namespace, account = accounts[name.removeprefix("identity-")]  # type: ignore[index]
        for statement in policy.inputs["statements"]:
            assert statement.startswith("Allow any-user to ")
            assert f" in compartment id {its.compartment} where ALL {{" in statement
            assert "request.principal.type='workload'" in statement
            assert f"request.principal.namespace='{namespace}'" in statement
            assert f"request.principal.service_account='{account}'" in statement
            assert f"request.principal.cluster_id='{CLUSTER}'" in statement
        assert policy.inputs["name"].startswith(its.cluster.name)
    assert not record.of("oci:Identity/dynamicGroup:DynamicGroup"), "no right belongs to nodes"


def test_the_way_to_records_is_open_in_the_stacks_own_zone_only(record: Record, its: Settings) -> None:
    for policy in record.of("oci:Identity/policy:Policy"):
        for statement in policy.inputs["statements"]:
            writes = "dns-records" in statement or "use dns-zones" in statement
            assert (f"target.dns-zone.name='{its.dns.zone}'" in statement) is writes


def test_what_uses_a_right_comes_after_its_policy(record: Record, its: Settings) -> None:
    policies = {each.name: each.urn for each in record.of("oci:Identity/policy:Policy")}
    if its.cluster.autoscaler:
        addon = record.one("oci:ContainerEngine/addon:Addon", addonName="ClusterAutoscaler")
        assert policies["identity-autoscaler"] in addon.dependencies
    if its.dns.enabled:
        release = record.one("kubernetes:helm.sh/v3:Release", chart="external-dns")
        assert policies["identity-dns"] in release.dependencies


def test_the_password_of_grafana_is_the_vaults(record: Record, its: Settings) -> None:
    if Secret.GRAFANA not in its.wanted_secrets:
        pytest.skip("this stack has no Grafana")
    secret = secret_named(record, "grafana-admin", "monitoring")
    assert decoded(secret) == {"admin-user": "admin", "admin-password": text_of_vault("secrets-grafana-1-id")}


def test_no_output_of_a_component_shows_a_secret(record: Record) -> None:
    shown = [outputs for urn, outputs in record.outputs.items() if "pixel:secrets:" in urn or "pixel:turn:" in urn]
    assert shown and not any(is_secret(outputs) for outputs in shown)
