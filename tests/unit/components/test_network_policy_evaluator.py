"""The evaluator of NetworkPolicies: its semantics by example, and the laws that hold for any policies."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program.network_policy import Cluster, End, Outside, Pod, allowed, enters, leaves, matches

HERE = Pod("here", {"app": "a"}, IPv4Address("10.244.1.5"), node="n1", ports={"web": 8080})
MATE = Pod("here", {"app": "b"}, IPv4Address("10.244.1.6"), node="n1")
THERE = Pod("there", {"app": "a"}, IPv4Address("10.244.2.5"), node="n2")
ON_HOST = Pod("here", {"app": "a"}, IPv4Address("10.0.1.1"), node="n1", host_network=True)
ON_HOST_2 = Pod("there", {"app": "a"}, IPv4Address("10.0.1.2"), node="n2", host_network=True)
ABROAD = Outside(IPv4Address("203.0.113.7"))
N1, N2 = Outside(IPv4Address("10.0.1.1"), "n1"), Outside(IPv4Address("10.0.1.2"), "n2")


def policy(namespace: str = "here", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def ingress(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    rule: dict[str, Any] = {"from": list(peers)} if peers else {}
    return policy(ingress=[rule | ({"ports": ports} if ports else {})], **spec)


def egress(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"to": list(peers)} if peers else {}
    return policy(egress=[rule | ({"ports": ports} if ports else {})], policyTypes=["Egress"])


DENY = policy(policyTypes=["Ingress", "Egress"])
TO_A = {"podSelector": {"matchLabels": {"app": "a"}}}
IN_THERE = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "there"}}}
STAFF = {"namespaceSelector": {"matchLabels": {"team": "staff"}}}

CASES: list[tuple[str, list[dict[str, Any]], End, End, str, int, bool]] = [
    ("no policy allows all", [], ABROAD, HERE, "TCP", 1, True),
    ("a policy elsewhere binds nobody here", [policy("there")], ABROAD, HERE, "TCP", 1, True),
    ("no types and no egress bind ingress", [policy()], ABROAD, HERE, "TCP", 1, False),
    ("no types and no egress leave egress alone", [policy()], HERE, ABROAD, "TCP", 1, True),
    ("no types and an egress bind both", [policy(egress=[{}])], ABROAD, HERE, "TCP", 1, False),
    (
        "a pod that no selector takes is free",
        [ingress(TO_A, podSelector=TO_A["podSelector"])],
        ABROAD,
        MATE,
        "TCP",
        1,
        True,
    ),
    ("an empty rule allows every peer", [policy(ingress=[{}])], ABROAD, HERE, "SCTP", 9, True),
    ("an empty list of rules allows none", [policy(ingress=[])], THERE, HERE, "TCP", 1, False),
    ("a pod selector alone means the policy's namespace", [ingress(TO_A)], THERE, HERE, "TCP", 1, False),
    ("a pod selector alone finds its own", [ingress({"podSelector": {}})], MATE, HERE, "TCP", 1, True),
    ("an empty namespace selector means all", [ingress({"namespaceSelector": {}})], THERE, HERE, "TCP", 1, True),
    ("a namespace by its name", [ingress(IN_THERE)], THERE, HERE, "TCP", 1, True),
    ("a namespace by a label", [ingress(STAFF)], THERE, HERE, "TCP", 1, True),
    ("a namespace without the label", [ingress(STAFF)], MATE, HERE, "TCP", 1, False),
    (
        "both selectors of one peer must hold",
        [ingress({**IN_THERE, "podSelector": {"matchLabels": {"app": "b"}}})],
        THERE,
        HERE,
        "TCP",
        1,
        False,
    ),
    (
        "one of two peers is enough",
        [ingress({"podSelector": {"matchLabels": {"app": "z"}}}, IN_THERE)],
        THERE,
        HERE,
        "TCP",
        1,
        True,
    ),
    ("selectors find nothing outside", [ingress({"namespaceSelector": {}})], ABROAD, HERE, "TCP", 1, False),
    (
        "selectors do not find pods on a host's network",
        [ingress({"namespaceSelector": {}})],
        ON_HOST_2,
        HERE,
        "TCP",
        1,
        False,
    ),
    ("a block finds the address", [ingress({"ipBlock": {"cidr": "203.0.113.0/24"}})], ABROAD, HERE, "TCP", 1, True),
    (
        "a block spares what it excepts",
        [ingress({"ipBlock": {"cidr": "203.0.113.0/24", "except": ["203.0.113.7/32"]}})],
        ABROAD,
        HERE,
        "TCP",
        1,
        False,
    ),
    (
        "a block finds a pod on a host's network",
        [egress({"ipBlock": {"cidr": "10.0.1.1/32"}})],
        HERE,
        ON_HOST,
        "UDP",
        3,
        True,
    ),
    ("a protocol is TCP unless it is named", [ingress(ports=[{"port": 80}])], ABROAD, HERE, "UDP", 80, False),
    (
        "a protocol without a port is all its ports",
        [ingress(ports=[{"protocol": "UDP"}])],
        ABROAD,
        HERE,
        "UDP",
        80,
        True,
    ),
    ("a range includes its ends", [ingress(ports=[{"port": 80, "endPort": 90}])], ABROAD, HERE, "TCP", 90, True),
    ("a range ends", [ingress(ports=[{"port": 80, "endPort": 90}])], ABROAD, HERE, "TCP", 91, False),
    ("a named port is the target's", [ingress(ports=[{"port": "web"}])], ABROAD, HERE, "TCP", 8080, True),
    ("a named port that the target has not", [ingress(ports=[{"port": "web"}])], ABROAD, MATE, "TCP", 8080, False),
    ("a node reaches its own pods", [DENY], N1, HERE, "TCP", 1, True),
    ("a node does not reach another's", [DENY], N2, HERE, "TCP", 1, False),
    ("a pod does not reach its node", [DENY], HERE, N1, "TCP", 1, False),
    ("a pod on its host's network is bound by nothing", [DENY], ON_HOST, ABROAD, "TCP", 1, True),
    ("nor is what comes to it", [DENY], ABROAD, ON_HOST, "TCP", 1, True),
    ("being let out is not being let in", [DENY, egress({"podSelector": {}})], HERE, MATE, "TCP", 1, False),
    (
        "let out and let in",
        [DENY, egress({"podSelector": {}}), ingress({"podSelector": {}})],
        HERE,
        MATE,
        "TCP",
        1,
        True,
    ),
]


@pytest.mark.parametrize(
    ("policies", "source", "target", "protocol", "port", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_semantics(
    policies: list[dict[str, Any]], source: End, target: End, protocol: str, port: int, expected: bool
) -> None:
    assert allowed(Cluster(policies, {"there": {"team": "staff"}}), source, target, protocol, port) is expected


def test_whether_a_block_finds_a_pod_is_the_engines_choice() -> None:
    policies = [ingress({"ipBlock": {"cidr": "10.244.0.0/16"}})]
    assert allowed(Cluster(policies), THERE, HERE, "TCP", 1)
    assert not allowed(Cluster(policies, blocks_match_pods=False), THERE, HERE, "TCP", 1)
    assert not allowed(Cluster(policies), ABROAD, HERE, "TCP", 1)


@pytest.mark.parametrize(
    ("operator", "values", "of_a", "of_none"),
    [("In", ["a"], True, False), ("NotIn", ["a"], False, True), ("Exists", [], True, False),
     ("DoesNotExist", [], False, True)],
)  # fmt: skip
def test_expressions(operator: str, values: list[str], of_a: bool, of_none: bool) -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}
    assert matches(selector, {"app": "a"}) is of_a
    assert matches(selector, {}) is of_none


LABELS = st.dictionaries(st.sampled_from(["app", "team"]), st.sampled_from(["a", "b"]), max_size=2)
SELECTORS = st.builds(lambda labels: {"matchLabels": labels} if labels else {}, LABELS)
ADDRESSES = st.sampled_from(["10.244.1.5", "10.244.2.5", "10.0.1.2", "203.0.113.7", "169.254.169.254"]).map(IPv4Address)
BLOCKS = st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.244.0.0/16", "203.0.113.0/24"])
PEERS = st.one_of(
    st.builds(lambda pods: {"podSelector": pods}, SELECTORS),
    st.builds(lambda spaces: {"namespaceSelector": spaces}, SELECTORS),
    st.builds(lambda pods, spaces: {"podSelector": pods, "namespaceSelector": spaces}, SELECTORS, SELECTORS),
    st.builds(lambda cidr: {"ipBlock": {"cidr": cidr}}, BLOCKS),
)
PROTOCOLS = st.sampled_from(["TCP", "UDP"])
PORTS = st.builds(
    lambda protocol, first, more: {"protocol": protocol, "port": first, "endPort": first + more},
    PROTOCOLS,
    st.integers(1, 60),
    st.integers(0, 40),
)
RULES = st.builds(lambda peers, ports: (peers, ports), st.lists(PEERS, max_size=2), st.lists(PORTS, max_size=2))
NAMES = st.sampled_from(["here", "there"])


def _made(
    namespace: str, selector: dict[str, Any], inward: list[Any], outward: list[Any], both: bool
) -> dict[str, Any]:
    spec = {
        "podSelector": selector,
        "policyTypes": ["Ingress", "Egress"] if both else ["Ingress"],
        "ingress": [{"from": peers, "ports": ports} for peers, ports in inward],
        "egress": [{"to": peers, "ports": ports} for peers, ports in outward],
    }
    return {"metadata": {"namespace": namespace}, "spec": spec}


POLICIES = st.builds(_made, NAMES, SELECTORS, st.lists(RULES, max_size=2), st.lists(RULES, max_size=2), st.booleans())
SETS = st.lists(POLICIES, max_size=4)
PODS = st.builds(Pod, NAMES, LABELS, ADDRESSES, st.sampled_from(["n1", "n2"]))
ANY_END = st.one_of(PODS, st.builds(Outside, ADDRESSES))
NUMBERS = st.integers(1, 110)


@given(SETS, ANY_END, ANY_END, PROTOCOLS, NUMBERS)
def test_a_connection_needs_both_sides(policies: Any, source: End, target: End, protocol: str, port: int) -> None:
    cluster = Cluster(policies)
    both = leaves(cluster, source, target, protocol, port) and enters(cluster, source, target, protocol, port)
    assert allowed(cluster, source, target, protocol, port) is both


@given(SETS, ANY_END, ANY_END, PROTOCOLS, NUMBERS, st.randoms())
def test_order_and_repetition_say_nothing(
    policies: Any, source: End, target: End, protocol: str, port: int, random: Any
) -> None:
    shuffled = [*policies, *policies]
    random.shuffle(shuffled)
    one, other = Cluster(policies), Cluster(shuffled)
    assert allowed(one, source, target, protocol, port) is allowed(other, source, target, protocol, port)


@given(SETS, ANY_END, PODS, PROTOCOLS, NUMBERS, POLICIES)
def test_among_bound_pods_a_further_policy_only_adds(
    policies: Any, source: End, target: Pod, protocol: str, port: int, further: Any
) -> None:
    denied = [_made(name, {}, [], [], True) for name in ("here", "there")]
    if allowed(Cluster([*denied, *policies]), source, target, protocol, port):
        assert allowed(Cluster([*denied, *policies, further]), source, target, protocol, port)


@given(SETS, ANY_END, ANY_END, PROTOCOLS, NUMBERS)
def test_allow_all_beside_anything_allows_all(
    policies: Any, source: End, target: End, protocol: str, port: int
) -> None:
    opened = [_made(name, {}, [([], [])], [([], [])], True) for name in ("here", "there")]
    assert allowed(Cluster([*policies, *opened]), source, target, protocol, port)


@given(ANY_END, PODS, PROTOCOLS, NUMBERS)
def test_deny_alone_denies_all_but_a_node_its_pods(source: End, target: Pod, protocol: str, port: int) -> None:
    cluster = Cluster([_made(target.namespace, {}, [], [], True)])
    assert not allowed(cluster, source, target, protocol, port)
    assert allowed(cluster, Outside(IPv4Address("10.0.9.9"), target.node), target, protocol, port)


@given(BLOCKS, st.lists(BLOCKS, max_size=2), ADDRESSES)
def test_a_block_is_a_difference_of_sets(cidr: str, without: list[str], address: IPv4Address) -> None:
    cluster = Cluster([ingress({"ipBlock": {"cidr": cidr, "except": without}})])
    inside = address in IPv4Network(cidr) and all(address not in IPv4Network(each) for each in without)
    assert allowed(cluster, Outside(address), HERE, "TCP", 1) is inside


@given(st.integers(1, 100), st.integers(0, 50), NUMBERS)
def test_a_range_is_an_interval(first: int, more: int, port: int) -> None:
    cluster = Cluster([ingress(ports=[{"port": first, "endPort": first + more}])])
    assert allowed(cluster, ABROAD, HERE, "TCP", port) is (first <= port <= first + more)
