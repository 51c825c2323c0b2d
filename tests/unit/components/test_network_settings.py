"""Derived subnets lie in their VCN and apart, whatever the VCN."""

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import load
from components.settings.network import derive, usable
from tests.unit.components.settings_cases import patched


@st.composite
def vcns(draw: st.DrawFn) -> IPv4Network:
    prefix = draw(st.integers(16, 20))
    return IPv4Network((draw(st.integers(0, 2**32 - 1)) >> (32 - prefix) << (32 - prefix), prefix))


@given(vcns())
def test_derived_subnets_lie_in_the_vcn_and_apart(vcn: IPv4Network) -> None:
    subnets = list(derive(vcn).values())
    assert len(subnets) == 4
    assert all(subnet.subnet_of(vcn) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[:i])
    assert all(usable(subnet) >= 13 for subnet in subnets)


@given(vcns())
def test_positions_are_the_same_part_of_every_vcn(vcn: IPv4Network) -> None:
    part = vcn.num_addresses // 256
    offsets = {name: (int(net.network_address) - int(vcn.network_address)) // part for name, net in derive(vcn).items()}
    assert offsets == {"api": 0, "workers": 10, "load_balancers": 20, "turn": 30}


def test_the_originals_vcn_gives_the_originals_subnets() -> None:
    assert {name: str(net) for name, net in derive(IPv4Network("10.0.0.0/16")).items()} == {
        "api": "10.0.0.0/28",
        "workers": "10.0.10.0/24",
        "load_balancers": "10.0.20.0/24",
        "turn": "10.0.30.0/24",
    }


@pytest.mark.parametrize("name", ["api", "workers", "load_balancers", "turn"])
def test_each_subnet_can_be_overridden_alone(name: str) -> None:
    network = load(patched("pixel:network/subnets", {name: "10.0.200.0/22"})).network
    derived = derive(network.cidr)
    for each, subnet in network.subnets.items():
        assert str(subnet) == "10.0.200.0/22" if each == name else subnet == derived[each]
