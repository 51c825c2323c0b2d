"""Just enough of a client to see whether the local cluster is ready; standard library only."""

import http.client
import json
import secrets
import socket
import ssl
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from local.cluster import addresses

SECONDS = 3.0
SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class Api:
    """Reads objects of the cluster in ``directory`` with the administrator's certificate."""

    def __init__(self, directory: Path) -> None:
        keys = directory / "pki"
        self._context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
        self._context.load_cert_chain(keys / "admin.crt", keys / "admin.key")

    def get(self, path: str) -> dict[str, Any] | None:
        """An object, or None when it does not exist or nothing answers."""
        connection = http.client.HTTPSConnection(
            str(addresses.NODE), addresses.API_PORT, timeout=SECONDS, context=self._context
        )
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            found = json.loads(response.read())
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return None
        finally:
            connection.close()
        return found if response.status == http.HTTPStatus.OK and isinstance(found, dict) else None

    def missing(self) -> str | None:
        """What the cluster still lacks before it can be used, or None when it is ready."""
        for namespace in SYSTEM_NAMESPACES:
            if self.get(f"/api/v1/namespaces/{namespace}") is None:
                return f"namespace {namespace}"
        node = self.get(f"/api/v1/nodes/{addresses.NODE_NAME}")
        if node is None or not node_is_ready(node):
            return f"node {addresses.NODE_NAME}"
        if self.get("/api/v1/namespaces/default/serviceaccounts/default") is None:
            return "default service account"
        name = f"kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}"
        if resolve(name) != str(addresses.API_SERVICE):
            return "name service"
        return None


def node_is_ready(node: Mapping[str, Any]) -> bool:
    """Whether a node says it is ready and no longer carries the taint of one that is not."""
    conditions = {entry["type"]: entry["status"] for entry in node.get("status", {}).get("conditions", ())}
    taints = {entry["key"] for entry in node.get("spec", {}).get("taints", ())}
    return conditions.get("Ready") == "True" and "node.kubernetes.io/not-ready" not in taints


def question(name: str, identifier: int) -> bytes:
    """A DNS query for a name's IPv4 address (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", identifier, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def address_in(answer: bytes, query: bytes) -> str | None:
    """The first record's address in the answer to ``query``, or None where that is no IPv4 address."""
    if len(answer) < len(query) or answer[:2] != query[:2] or struct.unpack_from(">H", answer, 6)[0] == 0:
        return None
    place = len(query)
    while answer[place] not in {0, *range(0xC0, 0x100)}:
        place += 1 + answer[place]
    place += 2 if answer[place] else 1
    kind, _, _, length = struct.unpack_from(">HHIH", answer, place)
    return socket.inet_ntoa(answer[place + 10 : place + 14]) if (kind, length) == (1, 4) else None


def resolve(name: str) -> str | None:
    """The IPv4 address that the cluster's name service gives for a name, or None."""
    query = question(name, secrets.randbelow(1 << 16))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, suppress(OSError):
        client.settimeout(0.5)
        client.connect((str(addresses.NODE), addresses.DNS_PORT))
        client.send(query)
        return address_in(client.recv(512), query)
    return None
