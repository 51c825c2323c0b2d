"""What NetworkPolicies open for what only some stacks have: a public API, no ingress, servers on ports of their own."""

import copy
from typing import Any

import pytest

from components.settings import load
from tests.program.network_policy import Pod, allowed
from tests.program.recording import Record, run, stack_file
from tests.program.test_network_policies import cluster, ends
from tests.unit.components.settings_cases import GOOD, without_network

STACK = "production-eu-frankfurt-1"
MAIL = {"by": "email", "key": "a-password", "to": "a@example.com", "from": "b@example.com", "username": "pixel"}
RFC2136 = {"solver": "rfc2136", "secret": "dns01", "tsig_key": "pixel"}
ACME_DNS = {"solver": "acme-dns", "secret": "dns01"}
INTERNET = "internet"


def passes(config: dict[str, Any], source: str, target: str, port: int) -> bool:
    record = run(STACK, config)
    found = ends(record, load(config))
    return allowed(cluster(record), found[source], found[target], "TCP", port)


def with_keys(**keys: Any) -> dict[str, Any]:
    return stack_file(STACK) | {f"pixel:{key}": value for key, value in keys.items()}


@pytest.mark.parametrize("public", [True, False])
def test_a_public_api_is_reached_through_the_ingress_and_no_other_is(public: bool) -> None:
    config = with_keys(api={"public": public})
    assert passes(config, "traefik", "matchmaker", 8080) is public
    assert not passes(config, "stranger", "matchmaker", 8080)


@pytest.mark.parametrize(
    ("dns01", "port", "others"),
    [
        (ACME_DNS | {"server": "https://acme.example.com"}, 443, [8443]),
        (ACME_DNS | {"server": "https://acme.example.com:8443"}, 8443, [5353]),
        (RFC2136 | {"server": "ns1.example.com"}, 53, [5353]),
        (RFC2136 | {"server": "ns1.example.com:5353"}, 5353, [8443]),
    ],
)
def test_who_proves_names_is_reached_on_its_port(dns01: dict[str, Any], port: int, others: list[int]) -> None:
    config = with_keys(certificates=stack_file(STACK)["pixel:certificates"] | {"dns01": dns01})
    assert passes(config, "cert-manager", INTERNET, port)
    assert not any(passes(config, "cert-manager", INTERNET, other) for other in others)
    assert not passes(config, "alertmanager", INTERNET, 5353)


@pytest.mark.parametrize(
    ("receiver", "port"),
    [
        (MAIL | {"smarthost": "smtp.example.com:2525"}, 2525),
        (MAIL | {"smarthost": "smtp.example.com:587"}, 587),
        ({"by": "webhook", "key": "https://hooks.example.com:8443/secret-path"}, 8443),
        ({"by": "webhook", "key": "http://somebody:pass-word@10.200.1.2:2000/"}, 2000),
        ({"by": "watchdog", "key": "https://alive.example.com/secret-path"}, 443),
        ({"by": "pagerduty", "key": "an-integration-key"}, 443),
    ],
)
def test_who_is_told_of_alerts_is_reached_on_its_port(receiver: dict[str, Any], port: int) -> None:
    config = copy.deepcopy(stack_file(STACK))
    config["pixel:monitoring"]["alerts"] = [{"name": "them", **receiver}]
    assert passes(config, "alertmanager", INTERNET, port)
    assert not passes(config, "alertmanager", INTERNET, 9999)
    assert not passes(config, "alertmanager", "metadata service", port)
    assert not passes(config, "cert-manager", INTERNET, 2525)


@pytest.fixture(scope="module")
def without_ingress() -> Record:
    """A cluster that exists already, to whose own ingress the matchmaker's Service is left."""
    return run(STACK, without_network(copy.deepcopy(GOOD)))


@pytest.mark.parametrize("blocks_match_pods", [True, False], ids=["blocks-find-pods", "blocks-do-not"])
def test_without_an_ingress_of_ours_another_may_stand_there(without_ingress: Record, blocks_match_pods: bool) -> None:
    its, matchmaker = load(without_network(copy.deepcopy(GOOD))), {"app.kubernetes.io/name": "matchmaker"}
    rules = cluster(without_ingress, blocks_match_pods=blocks_match_pods)
    theirs = Pod("ingress-nginx", {"app": "nginx"}, its.network.subnets.workers[77])
    door = Pod("pixel", matchmaker, its.network.subnets.workers[78], "default-1")
    assert allowed(rules, theirs, door, "TCP", 3000)
    assert not any(allowed(rules, theirs, door, "TCP", port) for port in (8080, 9000))
    instance = Pod("pixel-instances", {"app.pixel/app": "showroom", "app.pixel/pool": "session"}, door.address)
    assert not allowed(rules, instance, door, "TCP", 3000)
