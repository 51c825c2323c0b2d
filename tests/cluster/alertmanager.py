"""A real Alertmanager of a test's own, configured as its operator would from an AlertmanagerConfig, and its receivers.

https://github.com/prometheus-operator/prometheus-operator/blob/main/pkg/alertmanager/amcfg.go says what it writes.
"""

import asyncio
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, web

from components.addons.alerts import SECRET
from tests.ports import free_port

NEEDS_ALERTMANAGER = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None or shutil.which("amtool") is None,
    reason="Alertmanager is not installed: python -m local.tools.packages monitoring",
)
_NAMES = {
    "webhookConfigs": "webhook_configs",
    "slackConfigs": "slack_configs",
    "pagerdutyConfigs": "pagerduty_configs",
    "emailConfigs": "email_configs",
    "urlSecret": "url",
    "apiURL": "api_url",
    "requireTLS": "require_tls",
    "inhibitRules": "inhibit_rules",
}
_MAPS = ("details", "headers")
"""Lists of key and value that Alertmanager's own file has as maps."""
_MATCHERS = {"matchers": "matchers", "sourceMatch": "source_matchers", "targetMatch": "target_matchers"}


def written(resource: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """Alertmanager's configuration: the resource as a route below the chart's own, which tells nobody."""
    own = _translated(resource["spec"], keys)
    return {
        "route": {"receiver": "null", "routes": [own.pop("route") | {"continue": True}]},
        "receivers": [{"name": "null"}, *own.pop("receivers")],
        **own,
    }


def _translated(value: Any, keys: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_translated(each, keys) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"name", "key"} and value["name"] == SECRET:
        return keys[value["key"]]
    result: dict[str, Any] = {}
    for key, each in value.items():
        if key in _MATCHERS:
            result[_MATCHERS[key]] = [f"{m['name']}{m['matchType']}{_quoted(m['value'])}" for m in each]
        elif key in _MAPS:
            result[key] = {entry["key"]: entry["value"] for entry in each}
        else:
            result[_NAMES.get(key) or re.sub(r"[A-Z]", lambda m: f"_{m[0].lower()}", key)] = _translated(each, keys)
    return result


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def write(folder: Path, configuration: Mapping[str, Any]) -> Path:
    """The configuration as a file."""
    path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(dict(configuration)))
    return path


def command(folder: Path, port: int) -> list[str]:
    """How to start it; alone, as one of a cluster of none."""
    return [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'alertmanager-data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


class Receivers:
    """Takes what Alertmanager sends to anybody: the body of each message, by the path that it came to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: dict[str, list[dict[str, Any]]] = {}
        self._runner: web.AppRunner

    def url(self, name: str) -> str:
        """Where a receiver is."""
        return f"http://127.0.0.1:{self.port}/{name}"

    async def __aenter__(self) -> "Receivers":
        app = web.Application()
        app.router.add_post("/{name}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.setdefault(request.match_info["name"], []).append(await request.json())
        # PagerDuty's events are accepted, the others' are done.
        return web.json_response(
            {"status": "success"}, status=202 if request.match_info["name"] == "pagerduty" else 200
        )

    def alerts(self, name: str) -> set[str]:
        """The alerts that a webhook was told of."""
        return {each["labels"]["alertname"] for message in self.taken.get(name, []) for each in message["alerts"]}


async def raise_alerts(http: ClientSession, port: int, *labels: Mapping[str, str]) -> None:
    """Tell Alertmanager of alerts as Prometheus would; again until it listens."""
    alerts = [
        {
            "labels": {"cluster": "pixel-test", "region": "eu-frankfurt-1", **each},
            "annotations": {
                "summary": f"summary of {each['alertname']}",
                "description": f"description of {each['alertname']}",
                "runbook_url": f"https://runbooks.example.com/#{each['alertname'].lower()}",
            },
        }
        for each in labels
    ]
    for _ in range(100):
        try:
            async with http.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=alerts) as answer:
                assert answer.status == 200, await answer.text()
                return
        except OSError:
            await asyncio.sleep(0.1)
    raise AssertionError("Alertmanager does not listen")
