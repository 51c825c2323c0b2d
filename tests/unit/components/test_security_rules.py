"""The table of rules, and what becomes of a row."""

from ipaddress import IPv4Network

import pytest

from components.security_rules import RULES, Direction, Place, Protocol, security_list
from components.settings.network import NetworkSettings, Subnets, derive

NETWORK = NetworkSettings(
    IPv4Network("10.0.0.0/16"),
    Subnets(**derive(IPv4Network("10.0.0.0/16"))),
    (IPv4Network("192.0.2.0/24"), IPv4Network("198.51.100.7/32")),
)
SUBNETS = (Place.API, Place.LOAD_BALANCERS, Place.WORKERS, Place.TURN)


def test_names_are_unique_within_list_and_direction() -> None:
    names = [(rule.at, rule.direction, rule.name) for rule in RULES]
    assert len(names) == len(set(names))


def test_no_two_rows_say_the_same() -> None:
    rows = [(rule.at, rule.direction, rule.peer, rule.protocol, rule.ports) for rule in RULES]
    assert len(rows) == len(set(rows))


def test_only_tcp_and_udp_have_ports_and_they_are_ordered() -> None:
    for rule in RULES:
        if rule.ports:
            assert rule.protocol in (Protocol.TCP, Protocol.UDP)
            assert 0 < rule.ports[0] <= rule.ports[1] < 65536


def test_the_internet_reaches_only_players_ports() -> None:
    reached = {
        (rule.at, rule.ports)
        for rule in RULES
        if rule.direction is Direction.INGRESS and rule.peer is Place.ANYWHERE and rule.protocol is not Protocol.ICMP
    }
    assert reached == {
        (Place.LOAD_BALANCERS, (80, 80)),
        (Place.LOAD_BALANCERS, (443, 443)),
        (Place.TURN, (3478, 3478)),
        (Place.TURN, (5349, 5349)),
        (Place.TURN, (49152, 65535)),
    }


def test_what_one_subnet_lets_out_the_other_lets_in() -> None:
    """A row between two subnets has its counterpart, at least as wide, in the other's list."""

    def covers(wide: tuple[Protocol, tuple[int, int] | None], narrow: tuple[Protocol, tuple[int, int] | None]) -> bool:
        if wide[0] is Protocol.ALL:
            return True
        if wide[0] is not narrow[0]:
            return False
        return wide[1] is None or (narrow[1] is not None and wide[1][0] <= narrow[1][0] and narrow[1][1] <= wide[1][1])

    for rule in RULES:
        if rule.direction is Direction.EGRESS and rule.peer in SUBNETS:
            answers = [
                (other.protocol, other.ports)
                for other in RULES
                if other.at is rule.peer
                and other.direction is Direction.INGRESS
                and other.peer in (rule.at, Place.ANYWHERE)
            ]
            assert any(covers(answer, (rule.protocol, rule.ports)) for answer in answers), rule


def test_every_admin_network_gets_its_rule() -> None:
    rules = security_list(Place.API, NETWORK, "services")["ingressSecurityRules"]
    admins = [rule["source"] for rule in rules if rule["description"] == "people and CI to Kubernetes API"]
    assert admins == ["192.0.2.0/24", "198.51.100.7/32"]


def test_a_row_becomes_the_providers_arguments() -> None:
    rules = security_list(Place.TURN, NETWORK, "all-services")
    by_name = {rule["description"]: rule for rules in rules.values() for rule in rules}
    assert by_name["relayed connections by UDP"] == {
        "description": "relayed connections by UDP",
        "protocol": "17",
        "source": "0.0.0.0/0",
        "sourceType": "CIDR_BLOCK",
        "stateless": False,
        "udpOptions": {"min": 49152, "max": 65535},
    }
    assert by_name["path discovery"]["icmpOptions"] == {"type": 3, "code": 4}
    services = by_name["TURN nodes to OKE and other Oracle services"]
    assert (services["destination"], services["destinationType"]) == ("all-services", "SERVICE_CIDR_BLOCK")
    assert "tcpOptions" not in services


def test_media_to_relays_elsewhere_leaves_the_workers_and_nothing_comes_in() -> None:
    elsewhere = (IPv4Network("203.0.113.0/28"), IPv4Network("198.51.100.0/28"))
    for at in SUBNETS:
        before, after = (security_list(at, NETWORK, "services", given) for given in ((), elsewhere))
        assert before["ingressSecurityRules"] == after["ingressSecurityRules"]
        more = [rule for rule in after["egressSecurityRules"] if rule not in before["egressSecurityRules"]]
        wanted = [str(cidr) for cidr in elsewhere] if at is Place.WORKERS else []
        assert [rule["destination"] for rule in more] == wanted
        assert all(rule["protocol"] == Protocol.UDP and "udpOptions" not in rule for rule in more)


def test_workers_reach_the_metrics_of_turn_nodes() -> None:
    """Prometheus and the matchmakers stand on workers; the node's own network is bound by no NetworkPolicy."""
    rows = {(rule.at, rule.direction, rule.peer) for rule in RULES if rule.protocol is Protocol.ALL}
    assert {
        (Place.TURN, Direction.INGRESS, Place.WORKERS),
        (Place.WORKERS, Direction.EGRESS, Place.TURN),
    } <= rows


@pytest.mark.parametrize("at", SUBNETS)
def test_a_list_holds_no_more_than_oci_takes(at: Place) -> None:
    for rules in security_list(at, NETWORK, "services").values():
        assert 0 < len(rules) <= 200
