"""Which of a machine's addresses and routes stand in the cluster's way, and which it may answer."""

from typing import Any

import pytest

from local.cluster import network


def interface(name: str, *addresses: str, family: str = "inet") -> dict[str, Any]:
    return {"ifname": name, "addr_info": [{"family": family, "local": address} for address in addresses]}


LOOPBACK = interface("lo", "127.0.0.1")


def test_an_ordinary_machine_has_no_problem() -> None:
    routes = [{"dst": "default", "dev": "eth0"}, {"dst": "192.0.2.0/24", "dev": "eth0"}]
    assert list(network.problems([LOOPBACK, interface("eth0", "192.0.2.2")], routes)) == []


@pytest.mark.parametrize("address", ["10.89.0.1", "10.89.255.254", "10.89.128.1"])
def test_an_address_in_the_range_is_named(address: str) -> None:
    (problem,) = network.problems([interface("docker0", address)], [])
    assert address in problem.value
    assert "docker0" in problem.value
    assert "local/cluster/addresses.py" in problem.remedy


@pytest.mark.parametrize(
    ("destination", "in_the_way"),
    [
        ("default", False),
        ("10.0.0.0/8", False),
        ("10.88.0.0/15", False),
        ("10.89.0.0/16", True),
        ("10.89.64.0/24", True),
        ("10.89.1.1", True),
        ("10.88.0.0/16", False),
        ("10.90.0.0/16", False),
    ],
)
def test_only_a_route_as_precise_as_ours_is_in_the_way(destination: str, in_the_way: bool) -> None:
    found = list(network.problems([], [{"dst": destination, "dev": "tun0"}]))
    assert bool(found) == in_the_way
    assert all("tun0" in problem.value for problem in found)


def test_a_route_without_a_device_is_named_too() -> None:
    (problem,) = network.problems([], [{"type": "blackhole", "dst": "10.89.0.0/16"}])
    assert "no interface" in problem.value


def test_an_interface_of_our_name_is_named_with_its_remedy() -> None:
    (problem,) = network.problems([interface("pixel-local")], [])
    assert problem.remedy == "remove it: ip link delete pixel-local"


def test_the_cluster_answers_this_machines_own_addresses() -> None:
    found = network.host_addresses(
        [
            LOOPBACK,
            interface("eth0", "192.0.2.2", "203.0.113.9"),
            interface("eth1", "169.254.7.7"),
            interface("pixel-local", "10.89.0.1"),
            interface("eth0", "2001:db8::1", family="inet6"),
            {"ifname": "down"},
        ]
    )
    assert found == ("192.0.2.2", "203.0.113.9")


def test_an_address_on_two_interfaces_is_one_route() -> None:
    assert network.host_addresses([interface("a", "192.0.2.2"), interface("b", "192.0.2.2")]) == ("192.0.2.2",)
