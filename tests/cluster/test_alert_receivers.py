"""A real Alertmanager tells each receiver of a stack what is meant for it, and nobody twice of one cause."""

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from components.addons.alerts import INHIBITIONS, configuration
from components.addons.monitoring import alert_rules
from components.settings import load
from components.settings.alerts import Receiver
from tests.cluster.alertmanager import NEEDS_ALERTMANAGER, Receivers, command, raise_alerts, write, written
from tests.cluster.prometheus import process, until
from tests.ports import free_port
from tests.unit.components.settings_cases import patched

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120), NEEDS_ALERTMANAGER]

ALERTS = [
    {"name": "everything", "by": "webhook", "key": "https://hooks.example.com/a"},
    {"name": "worst", "by": "webhook", "key": "https://hooks.example.com/b", "severity": "critical"},
    {"name": "team", "by": "slack", "key": "https://hooks.example.com/c", "channel": "#pixel"},
    {"name": "oncall", "by": "pagerduty", "key": "0123456789abcdef", "severity": "critical"},
    {
        "name": "mail",
        "by": "email",
        "key": "password",
        "to": "oncall@example.com",
        "from": "pixel@example.com",
        "smarthost": "smtp.example.com:587",
        "username": "pixel",
    },
    {"name": "heartbeat", "by": "watchdog", "key": "https://hooks.example.com/d"},
]


def receivers() -> tuple[Receiver, ...]:
    return load(patched("pixel:monitoring", {"enabled": True, "alerts": ALERTS})).monitoring.alerts


def configured(keys: Mapping[str, str]) -> dict[str, Any]:
    return written(configuration(receivers()), keys)


@dataclass
class Service:
    http: ClientSession
    port: int
    receivers: Receivers

    async def raised(self, *labels: Mapping[str, str]) -> None:
        await raise_alerts(self.http, self.port, *labels)

    async def told(self, name: str, alert: str) -> None:
        async def missing() -> bool:
            return alert not in self.receivers.alerts(name)

        assert not await until(missing, 20), f"{name}: {self.receivers.taken}"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        them = await stack.enter_async_context(Receivers())
        keys = {each.name: them.url(each.name) for each in receivers()}
        file = configured(keys)
        # Everything happens sooner than in a cluster, and nothing leaves this machine.
        own = file["route"]["routes"][0]
        own |= {"group_wait": "1s", "group_interval": "1s"}
        for each in file["receivers"]:
            each.pop("email_configs", None)
            for pager in each.get("pagerduty_configs", []):
                pager["url"] = them.url("pagerduty")
        write(tmp_path, file)
        port = free_port()
        stack.enter_context(process(command(tmp_path, port), tmp_path / "alertmanager.log"))
        yield Service(http, port, them)


async def test_each_receiver_is_told_what_is_meant_for_it(service: Service) -> None:
    await service.raised(
        {"alertname": "PixelQueueGrowing", "severity": "warning", "application": "showroom"},
        {"alertname": "PixelGpuFault", "severity": "critical", "node": "gpu-1"},
        {"alertname": "Watchdog", "severity": "none"},
    )
    await service.told("everything", "PixelQueueGrowing")
    await service.told("everything", "PixelGpuFault")
    await service.told("worst", "PixelGpuFault")
    await service.told("heartbeat", "Watchdog")
    assert "PixelQueueGrowing" not in service.receivers.alerts("worst")
    assert "Watchdog" not in service.receivers.alerts("everything") | service.receivers.alerts("worst")
    assert service.receivers.alerts("heartbeat") == {"Watchdog"}

    async def unsaid() -> bool:
        return len(service.receivers.taken.get("team", [])) < 2 or "pagerduty" not in service.receivers.taken

    assert not await until(unsaid, 20), service.receivers.taken
    said = {each["attachments"][0]["title"]: each for each in service.receivers.taken["team"]}
    assert set(said) == {
        "[FIRING] pixel-test: summary of PixelQueueGrowing",
        "[FIRING] pixel-test: summary of PixelGpuFault",
    }
    text = said["[FIRING] pixel-test: summary of PixelGpuFault"]["attachments"][0]["text"]
    assert text == "description of PixelGpuFault\nhttps://runbooks.example.com/#pixelgpufault\n"
    (event,) = service.receivers.taken["pagerduty"]
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["summary"] == "[FIRING] pixel-test: summary of PixelGpuFault"


async def test_an_effect_is_not_told_while_its_cause_is(service: Service) -> None:
    await service.raised({"alertname": "PixelVersionFailing", "severity": "critical", "application": "showroom"})
    await service.told("everything", "PixelVersionFailing")
    await service.raised(
        {"alertname": "PixelSessionsFailing", "severity": "critical", "application": "showroom"},
        {"alertname": "PixelSessionsFailing", "severity": "critical", "application": "configurator"},
    )
    await service.told("everything", "PixelSessionsFailing")
    told = [each["labels"] for message in service.receivers.taken["everything"] for each in message["alerts"]]
    failing = {each["application"] for each in told if each["alertname"] == "PixelSessionsFailing"}
    assert failing == {"configurator"}


def test_amtool_finds_nothing_wrong(tmp_path: Path) -> None:
    keys = {each["name"]: str(each["key"]) for each in ALERTS}
    path = write(tmp_path, configured(keys))
    done = subprocess.run(["amtool", "check-config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for labels, expected in {
        ("alertname=PixelBufferEmpty", "severity=warning"): "everything,team,mail",
        ("alertname=PixelGpuFault", "severity=critical"): "everything,worst,team,oncall,mail",
        ("alertname=Watchdog", "severity=none"): "heartbeat",
        ("alertname=InfoInhibitor", "severity=none"): "nobody",
        ("alertname=CPUThrottlingHigh", "severity=info"): "nobody",
    }.items():
        asked = ["amtool", "config", "routes", "test", f"--config.file={path}", *labels]
        found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        assert found == expected, labels


def test_inhibitions_name_alerts_that_there_are() -> None:
    its = load(patched("pixel:monitoring", {"enabled": True}))
    own = {rule["alert"] for group in alert_rules(its)["spec"]["groups"] for rule in group["rules"]}
    of_the_chart = {"KubeNodeNotReady"}
    for cause, effects, _ in INHIBITIONS:
        assert {cause, *effects} <= own | of_the_chart
        assert cause not in effects
