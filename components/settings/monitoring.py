"""Monitoring: whether Prometheus and Grafana are installed, what they keep, and what a GPU hour costs."""

import re
from dataclasses import dataclass

from components.settings.alerts import Receiver, check_alerts, read_alerts
from components.settings.pools import PoolsSettings
from components.settings.reading import Reader, Refusals

RUNBOOKS = "docs/alerts.md"
"""Where the repository describes each alert; a stack names the address at which its people can read that file."""
GBITS_PER_OCPU = 1
MOST_GBITS = 40
"""A Flex shape has 1 Gbit/s for each OCPU, and 40 at most.

https://docs.oracle.com/iaas/Content/Compute/References/computeshapes.htm
"""

_TIMEZONE = r"utc|browser|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+)+"
_RUNBOOKS = r"docs/alerts\.md|https://[^\s#]+"
_PRICE = re.compile(r"\d{1,4}(\.\d{1,4})?")


@dataclass(frozen=True)
class MonitoringSettings:
    """The `monitoring` key of a stack file."""

    enabled: bool = False
    """Whether there are Prometheus, Grafana and Alertmanager."""
    retention_days: int = 15
    """How long Prometheus keeps what it has measured."""
    storage_gb: int = 50
    """Prometheus' volume: block volumes of Oracle Cloud have 50 GB at least."""
    gpu_exporter: bool = True
    """Whether the GPUs' own sensors and counters are measured (DCGM)."""
    gpu_hour_price: float = 0.0
    """What one GPU costs for one hour, in `currency`; 0 shows no costs."""
    currency: str = "USD"
    """Of the price, as the dashboards show it."""
    timezone: str = "utc"
    """Of Grafana's dashboards: utc, browser, or a name such as Europe/Berlin."""
    runbooks: str = RUNBOOKS
    """Address of the page that describes the alerts."""
    turn_node_gbits: int | None = None
    """What a TURN node can send in Gbit/s, from Oracle's table of shapes; left out for Flex shapes, whose OCPUs decide
    it."""
    alerts: tuple[Receiver, ...] = ()
    """Whom alerts reach."""


def read_monitoring(reader: Reader) -> MonitoringSettings:
    """Read the `monitoring` key; without it there is no monitoring."""
    its = MonitoringSettings
    settings = MonitoringSettings(
        enabled=reader.has("enabled") and reader.flag("enabled"),
        retention_days=reader.whole("retention_days", 1, 730, its.retention_days),
        storage_gb=reader.whole("storage_gb", 50, 32768, its.storage_gb),
        gpu_exporter=reader.flag("gpu_exporter") if reader.has("gpu_exporter") else its.gpu_exporter,
        gpu_hour_price=_price(reader),
        currency=reader.text("currency", r"[A-Z]{3}", 'a currency such as "USD"', its.currency),
        timezone=reader.text("timezone", _TIMEZONE, '"utc", "browser" or a name such as "Europe/Berlin"', its.timezone),
        runbooks=reader.text(
            "runbooks", _RUNBOOKS, f'the https address of {RUNBOOKS} for your people, without a "#"', its.runbooks
        ),
        turn_node_gbits=reader.whole("turn_node_gbits", 1, 400) if reader.has("turn_node_gbits") else None,
        alerts=read_alerts(reader),
    )
    reader.close()
    return settings


def _price(reader: Reader) -> float:
    if not reader.has("gpu_hour_price"):
        return MonitoringSettings.gpu_hour_price
    value = reader.values["gpu_hour_price"]
    if isinstance(value, bool) or not _PRICE.fullmatch(str(value)):
        remedy = "Use an amount such as 2.00, at most four digits before and after the point"
        reader.refusals.add(reader.key("gpu_hour_price"), value, "not an amount", remedy)
        return 0.0
    return float(value)


def check_monitoring(monitoring: MonitoringSettings, pools: PoolsSettings, refusals: Refusals) -> None:
    """Check that the limit of a TURN node is known, once, and that alerts can reach somebody."""
    check_alerts(monitoring.alerts, monitoring.enabled, refusals)
    key = "pixel:monitoring.turn_node_gbits"
    given = monitoring.turn_node_gbits
    if pools.turn.flexible and given is not None:
        refusals.add(key, given, f"set for {pools.turn.shape}, whose OCPUs decide it", "Leave the key out")
    if monitoring.enabled and not pools.turn.flexible and given is None:
        refusals.missing(key, f"Set it to the network bandwidth of {pools.turn.shape}, from Oracle's table of shapes")


def turn_node_gbits(monitoring: MonitoringSettings, pools: PoolsSettings) -> int:
    """What one TURN node can send, in Gbit/s.

    Raises:
        ValueError: settings that `check_monitoring` refuses.
    """
    if pools.turn.ocpus:
        return min(GBITS_PER_OCPU * pools.turn.ocpus, MOST_GBITS)
    if monitoring.turn_node_gbits is None:
        raise ValueError("unchecked settings: nothing says what a TURN node can send")
    return monitoring.turn_node_gbits
