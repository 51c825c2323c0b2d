"""When the node counts as ready, and what a name service's answer says."""

import struct
from typing import Any

import pytest

from local.cluster.api import address_in, node_is_ready, question

QUERY = question("kubernetes.default.svc.cluster.local", 0x1234)


def answer(*records: bytes, identifier: int = 0x1234) -> bytes:
    header = struct.pack(">6H", identifier, 0x8400, 1, len(records), 0, 0)
    return header + QUERY[12:] + b"".join(records)


def record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + struct.pack(">HHIH", kind, 1, 5, len(data)) + data


ADDRESS = b"\x0a\x59\x80\x01"
NAME = b"\x0akubernetes\x07default\x03svc\x07cluster\x05local\0"


def test_a_question_is_as_rfc_1035_has_it() -> None:
    assert QUERY == b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + NAME + b"\0\x01\0\x01"


@pytest.mark.parametrize(
    ("reply", "address"),
    [
        (answer(record(b"\xc0\x0c", 1, ADDRESS)), "10.89.128.1"),
        (answer(record(NAME, 1, ADDRESS)), "10.89.128.1"),
        (answer(record(b"\xc0\x0c", 1, ADDRESS), record(b"\xc0\x0c", 1, b"\x01\x02\x03\x04")), "10.89.128.1"),
        (answer(), None),
        (answer(record(b"\xc0\x0c", 28, bytes(16))), None),
        (answer(record(b"\xc0\x0c", 1, ADDRESS), identifier=1), None),
        (b"", None),
        (b"\x12\x34", None),
    ],
)
def test_the_first_address_of_an_answer(reply: bytes, address: str | None) -> None:
    assert address_in(reply, QUERY) == address


@pytest.mark.parametrize(
    ("node", "ready"),
    [
        ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, False),
        ({"status": {"conditions": [{"type": "DiskPressure", "status": "True"}]}}, False),
        ({}, False),
        (
            {
                "spec": {"taints": [{"key": "node.kubernetes.io/not-ready"}]},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            },
            False,
        ),
        (
            {
                "spec": {"taints": [{"key": "app.pixel/turn"}]},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            },
            True,
        ),
    ],
)
def test_a_node_is_ready_without_the_taint_of_one_that_is_not(node: dict[str, Any], ready: bool) -> None:
    assert node_is_ready(node) == ready
