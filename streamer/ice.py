"""ICE servers as the sidecar's ``config`` message gives them, made fit for a peer connection here."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy
from aiortc.rtcicetransport import parse_stun_turn_uri

_LOG = logging.getLogger(__name__)


def configuration(options: Mapping[str, Any]) -> RTCConfiguration:
    """A peer connection's configuration from ``peerConnectionOptions``; servers that cannot be used are left out."""
    rows = options.get("iceServers")
    servers = [server for row in (rows if isinstance(rows, list) else []) for server in _servers(row)]
    relay = options.get("iceTransportPolicy") == "relay"
    return RTCConfiguration(
        iceServers=servers,
        iceTransportPolicy=RTCIceTransportPolicy.RELAY if relay else RTCIceTransportPolicy.ALL,
    )


def _servers(row: object) -> Iterator[RTCIceServer]:
    fields = row if isinstance(row, Mapping) else {}
    urls = fields.get("urls")
    user, credential = fields.get("username"), fields.get("credential")
    for url in [urls] if isinstance(urls, str) else urls if isinstance(urls, list) else []:
        try:
            parse_stun_turn_uri(url)
        except (ValueError, AttributeError, TypeError):
            _LOG.warning("ICE server %.80r is left out: not a stun: or turn: address", url)
            continue
        yield RTCIceServer(
            urls=[url],
            username=user if isinstance(user, str) else None,
            credential=credential if isinstance(credential, str) else None,
        )
