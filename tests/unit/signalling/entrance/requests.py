"""Requests for a connection, read as the port reads them."""

from multidict import CIMultiDict
from picows import WSUpgradeRequest

from signalling.shell.handshake import UpgradeRequest, _asked


def asked(target: str = "/", *headers: tuple[str, str], peer: str = "203.0.113.1") -> UpgradeRequest:
    request = WSUpgradeRequest()
    request.method, request.version = b"GET", b"HTTP/1.1"
    request.path = target.encode("utf-8", "surrogatepass")
    request.headers = CIMultiDict(headers)
    found = _asked(request, peer)
    assert found is not None
    return found
