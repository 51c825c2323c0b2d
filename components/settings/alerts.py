"""Whom an alert reaches: the `alerts` key of a stack file's `monitoring`."""

import re
from dataclasses import dataclass
from enum import StrEnum

from components import ports
from components.settings.kept import Kept, read_kept
from components.settings.reading import PORT, Reader, Refusals

_NAME = r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?"
_MAIL = r"[^@\s,]+@[^@\s,]+\.[^@\s,]+"
_SMARTHOST = rf"[A-Za-z0-9.-]+:{PORT}"
_ADDRESS = re.compile(rf"(?P<scheme>https?)://([^\s/?#@]*@)?[^\s/:?#@]+(:(?P<port>{PORT}))?([/?#]\S*)?")
_CHANNEL = r"[#@]?[^\s#@]+"


class By(StrEnum):
    """What carries an alert; `key` is what opens the way."""

    WEBHOOK = "webhook"
    """The address of a program that takes Alertmanager's JSON."""
    SLACK = "slack"
    """The address of an incoming webhook of Slack, or of Mattermost, which takes the same."""
    PAGERDUTY = "pagerduty"
    """An integration key of PagerDuty's Events API, version 2."""
    EMAIL = "email"
    """The password of a user of a mail server."""
    WATCHDOG = "watchdog"
    """The address of a service that raises an alarm when it is not called for a while: a dead man's switch."""


class Severity(StrEnum):
    """What an alert's label `severity` may be, from the least."""

    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def and_worse(self) -> list[str]:
        """This and everything above it."""
        every = list(Severity)
        return [each.value for each in every[every.index(self) :]]


@dataclass(frozen=True)
class Mail:
    """Where mail goes, and through which server."""

    to: str
    """Whom the mail is for."""
    sender: str
    """Whom it is from."""
    smarthost: str
    """Host and port of a mail server that speaks TLS, such as OCI's Email Delivery on port 587."""
    username: str
    """Who signs in at the mail server; `key` is the password."""


@dataclass(frozen=True)
class Receiver:
    """One row of `alerts`."""

    name: str
    """What the receiver is called in Alertmanager."""
    by: By
    """What carries the alert."""
    key: Kept
    """What opens the way there; `by` says what it is. An address that a vault keeps has port 80 or 443: NetworkPolicies
    are made before it is read."""
    severity: Severity = Severity.WARNING
    """The least that it is told."""
    channel: str = ""
    """Slack's; the webhook has one of its own otherwise."""
    mail: Mail | None = None

    @property
    def port(self) -> int | None:
        """Where it is reached; None while its address is not known here, since a vault keeps it."""
        if self.mail is not None:
            return int(self.mail.smarthost.rpartition(":")[2])
        if self.by is By.PAGERDUTY:
            return ports.HTTPS
        address = _ADDRESS.fullmatch(self.key.value)
        if address is None:
            return None
        return int(address["port"] or {"http": ports.HTTP, "https": ports.HTTPS}[address["scheme"]])


def read_alerts(reader: Reader) -> tuple[Receiver, ...]:
    """Read the `alerts` key of `monitoring`; without it an alert is seen by who looks."""
    if not reader.has("alerts"):
        return ()
    receivers = tuple(_read_receiver(each) for each in reader.sections("alerts"))
    names = [receiver.name for receiver in receivers]
    for i, name in enumerate(names):
        if name and name in names[:i]:
            reader.refusals.add(f"{reader.key('alerts')}[{i}].name", name, "taken above", "Give each its own name")
    return receivers


def _read_receiver(reader: Reader) -> Receiver:
    by = reader.choice("by", By)
    known = reader.values.get("by") == by
    mail = by is By.EMAIL and known
    receiver = Receiver(
        name=reader.text("name", _NAME, 'a short name in small letters, such as "oncall"'),
        by=by,
        key=read_kept(reader, "key", "one word"),
        severity=reader.choice("severity", Severity, Severity.WARNING),
        channel=reader.text("channel", _CHANNEL, 'a channel such as "#pixel"', "") if by is By.SLACK else "",
        mail=_read_mail(reader) if mail else None,
    )
    if not known:
        # Refused: which of the other keys are right is not known.
        for key in ("channel", "to", "from", "smarthost", "username"):
            reader.has(key)
    reader.close()
    return receiver


def _read_mail(reader: Reader) -> Mail:
    return Mail(
        to=reader.text("to", _MAIL, 'an address such as "oncall@example.com"'),
        sender=reader.text("from", _MAIL, 'an address such as "pixel@example.com"'),
        smarthost=reader.text("smarthost", _SMARTHOST, 'a mail server such as "smtp.example.com:587"'),
        username=reader.text("username", r"\S+", "the name by which the mail server knows you"),
    )


def check_alerts(alerts: tuple[Receiver, ...], monitored: bool, refusals: Refusals) -> None:
    """Refuse receivers of what nothing raises, and addresses that are none."""
    if alerts and not monitored:
        remedy = "Set monitoring.enabled to true, or leave alerts out"
        refusals.add("pixel:monitoring.alerts", [each.name for each in alerts], "of no use without monitoring", remedy)
    for i, each in enumerate(alerts):
        if each.by in (By.WEBHOOK, By.SLACK, By.WATCHDOG) and each.key.value and not _ADDRESS.fullmatch(each.key.value):
            remedy = 'Use an address such as "https://hooks.example.com/abc"'
            refusals.add(f"pixel:monitoring.alerts[{i}].key", "(hidden)", "not an address", remedy)
