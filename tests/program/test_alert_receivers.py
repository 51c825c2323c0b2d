"""The receivers of alerts as the program makes them: their keys are in one Secret, and nowhere else."""

import base64
from typing import Any

from components.addons.alerts import SECRET
from tests.program.recording import Record, kept_in_vault, record_of, run, stack_file

STACK = "production-us-ashburn-1"
HOOK = "https://hooks.example.com/path-that-nobody-may-see"


def with_alerts(*alerts: dict[str, Any]) -> Record:
    config = stack_file(STACK)
    config["pixel:monitoring"]["alerts"] = list(alerts)
    return run(STACK, config)


def keys(record: Record) -> dict[str, str]:
    secret = record.object("Secret", SECRET)
    assert secret["metadata"]["namespace"] == "monitoring"
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


def test_keys_are_in_the_secret_only() -> None:
    record = with_alerts({"name": "ops", "by": "webhook", "key": HOOK})
    assert keys(record) == {"ops": HOOK}
    holders = [each for each in record.resources if base64.b64encode(HOOK.encode()).decode() in str(each.inputs)]
    assert [each.inputs["metadata"]["name"] for each in holders] == [SECRET]
    assert "data" in holders[0].secrets
    assert not [each for each in record.resources if HOOK in str(each.inputs)]
    assert HOOK not in str(record.outputs)


def test_keys_come_from_the_vault_where_the_file_says_so() -> None:
    alerts = {each["name"]: each["key"] for each in stack_file(STACK)["pixel:monitoring"]["alerts"]}
    assert keys(record_of(STACK)) == {name: kept_in_vault(ocid) for name, ocid in alerts.items()}


def test_alertmanager_picks_the_receivers_up() -> None:
    record = with_alerts({"name": "ops", "by": "webhook", "key": HOOK})
    made = record.object("AlertmanagerConfig", "pixel")
    (release,) = (each for each in record.resources if each.name == "kube-prometheus-stack")
    spec = release.inputs["values"]["alertmanager"]["alertmanagerSpec"]
    assert made["metadata"]["labels"] == spec["alertmanagerConfigSelector"]["matchLabels"]
    assert made["metadata"]["namespace"] == release.inputs["namespace"]
    (registered,) = record.objects("AlertmanagerConfig")
    assert release.urn in registered.dependencies


def test_a_stack_without_receivers_makes_none() -> None:
    config = stack_file(STACK)
    del config["pixel:monitoring"]["alerts"]
    assert not run(STACK, config).objects("AlertmanagerConfig")
