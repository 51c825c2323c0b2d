"""Whom alerts reach, as a stack file says it: read whole, and refused with key, value and remedy."""

from typing import Any

import pytest

from components.settings import SettingsError, load
from components.settings.alerts import By, Severity
from tests.unit.components.settings_cases import patched

HOOK = {"name": "ops", "by": "webhook", "key": "https://hooks.example.com/secret-path"}
MAIL = {
    "name": "mail",
    "by": "email",
    "key": "secret-password",
    "to": "oncall@example.com",
    "from": "pixel@example.com",
    "smarthost": "smtp.example.com:587",
    "username": "pixel",
}


def load_alerts(*alerts: dict[str, Any], enabled: bool = True) -> Any:
    return load(patched("pixel:monitoring", {"enabled": enabled, "alerts": list(alerts)})).monitoring.alerts


def test_receivers_are_read() -> None:
    hook, mail = load_alerts(HOOK, {**MAIL, "severity": "critical"})
    assert (hook.by, hook.severity, hook.key.value) == (By.WEBHOOK, Severity.WARNING, HOOK["key"])
    assert (mail.severity, mail.mail.smarthost, mail.mail.sender) == (
        Severity.CRITICAL,
        MAIL["smarthost"],
        MAIL["from"],
    )
    assert load(patched("pixel:monitoring", {"enabled": True})).monitoring.alerts == ()


def test_a_key_is_in_the_file_encrypted_or_in_a_vault() -> None:
    ocid = "ocid1.vaultsecret.oc1.fra.amaaaexample"
    (kept,) = load_alerts({**HOOK, "key": ocid})
    assert (kept.key.value, kept.key.ocid) == ("", ocid)
    (encrypted,) = load_alerts({**HOOK, "key": {"secure": "v1:abc"}})
    assert encrypted.key.value == ""


def test_where_a_receiver_is_reached_is_known_unless_a_vault_keeps_it() -> None:
    addresses = {
        "https://hooks.example.com/secret-path": 443,
        "http://hooks.example.com": 80,
        "https://user:secret-password@hooks.example.com:8443?a=b": 8443,
        "ocid1.vaultsecret.oc1.fra.amaaaexample": None,
    }
    for address, port in addresses.items():
        assert load_alerts({**HOOK, "key": address})[0].port == port
    assert load_alerts({**MAIL, "key": "ocid1.vaultsecret.oc1.fra.amaaaexample"})[0].port == 587


def test_a_severity_brings_what_is_worse() -> None:
    assert Severity.WARNING.and_worse == ["warning", "critical"]
    assert Severity.CRITICAL.and_worse == ["critical"]


BAD: list[tuple[list[dict[str, Any]], str, list[str]]] = [
    ([{**HOOK, "by": "pigeon"}], "[0].by", ["pigeon", "webhook"]),
    ([{**HOOK, "name": "On Call"}], "[0].name", ["On Call", "small letters"]),
    ([{**HOOK, "severity": "info"}], "[0].severity", ["info", "critical"]),
    ([{**HOOK, "channel": "#ops"}], "[0].channel", ["unknown"]),
    ([{**HOOK, "key": "two words"}], "[0].key", ["(hidden)", "not one word", "--secret --path"]),
    ([{**HOOK, "key": "hooks.example.com"}], "[0].key", ["(hidden)", "not an address", "https://"]),
    ([{**HOOK, "key": "ftp://hooks.example.com/"}], "[0].key", ["(hidden)", "not an address"]),
    ([{**HOOK, "key": "https://hooks.example.com:70000/"}], "[0].key", ["(hidden)", "not an address"]),
    ([{**MAIL, "smarthost": "smtp.example.com:70000"}], "[0].smarthost", [":70000", "smtp.example.com:587"]),
    ([{**HOOK, "key": ""}], "[0].key", ["missing", "--secret --path pixel:monitoring.alerts[0].key"]),
    ([HOOK, HOOK], "[1].name", ["taken above"]),
    ([{**MAIL, "smarthost": "smtp"}], "[0].smarthost", ["smtp.example.com:587"]),
    ([{**MAIL, "to": "everybody"}], "[0].to", ["everybody", "oncall@example.com"]),
    ([{key: MAIL[key] for key in MAIL if key != "from"}], "[0].from", ["missing", "pixel@example.com"]),
    ([], "", ["empty"]),
]


@pytest.mark.parametrize(("alerts", "key", "words"), BAD, ids=[f"{key} {words[0]}" for _, key, words in BAD])
def test_a_wrong_receiver_is_refused_once(alerts: list[dict[str, Any]], key: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as refused:
        load_alerts(*alerts)
    (line,) = refused.value.refusals
    assert line.startswith(f"pixel:monitoring.alerts{key} is ")
    assert all(word in line for word in words), line
    assert not any(kept in line for kept in ("secret-path", "secret-password", "two words", 'hooks.example.com"'))


def test_receivers_need_monitoring() -> None:
    with pytest.raises(SettingsError, match=r"pixel:monitoring\.alerts is .*without monitoring"):
        load_alerts(HOOK, enabled=False)
