"""Prometheus' HTTP API, as far as learning needs it: https://prometheus.io/docs/prometheus/latest/querying/api/"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

_MOST_POINTS: Final = 10_000
"""Of one series in one answer; the API gives no more than 11,000."""


class PrometheusError(ValueError):
    """Prometheus does not answer, or refuses; the text names address, question and remedy."""


@dataclass(frozen=True)
class Series:
    """One series."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    """Seconds of the Unix epoch."""
    values: tuple[float, ...]


class Prometheus:
    """Asks one server; use it as a context."""

    def __init__(self, address: str, seconds: float = 60.0) -> None:
        self._address: Final = address.rstrip("/")
        self._client: Final = httpx.Client(timeout=seconds)

    def __enter__(self) -> "Prometheus":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def at(self, expression: str, time: float) -> list[Series]:
        """What an expression is at one time."""
        found = self._ask("query", {"query": expression, "time": str(time)})
        return [_series(each["metric"], [each["value"]]) for each in found]

    def during(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """What an expression is from `start` to `end`, every `step` seconds; long times are asked for in parts."""
        joined: dict[frozenset[tuple[str, str]], list[Any]] = {}
        part = step * _MOST_POINTS
        while start <= end:
            until = min(start + part, end)
            parameters = {"query": expression, "start": str(start), "end": str(until), "step": str(step)}
            for each in self._ask("query_range", parameters):
                joined.setdefault(frozenset(each["metric"].items()), []).extend(each["values"])
            start = until + step
        return [_series(dict(labels), values) for labels, values in joined.items()]

    def _ask(self, call: str, parameters: Mapping[str, str]) -> list[Any]:
        where = f"{self._address}/api/v1/{call}"
        try:
            answer = self._client.post(where, data=dict(parameters))
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise PrometheusError(
                f"{where} does not answer as Prometheus would ({error}); give --prometheus its address, such as "
                "http://127.0.0.1:9090 of kubectl -n monitoring port-forward svc/prometheus-operated 9090"
            ) from error
        if body.get("status") != "success":
            raise PrometheusError(f"{where}: {body.get('error', body)}: {parameters['query']}")
        result: list[Any] = body["data"]["result"]
        return result


def _series(labels: Mapping[str, str], values: Sequence[Sequence[Any]]) -> Series:
    return Series(labels, tuple(float(time) for time, _ in values), tuple(float(value) for _, value in values))
