"""The NetworkPolicies of every stack, by a table of who may and who may not; and what they are made from."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from components.settings import Settings, SettingsError, load
from components.settings.network import PODS_CIDR, SERVICES_CIDR
from components.settings.redis import RedisMode
from components.workloads.addon_network_policies import addon_openings
from components.workloads.namespaces import NAMESPACES
from components.workloads.network_policies import Way, openings, policies
from tests.program.network_policy import Cluster, End, Outside, Pod, allowed
from tests.program.recording import Record, run, stack_file
from tests.unit.components.settings_cases import GOOD, patched, without_network

NO_EGRESS, EGRESS = "other", "app"
ADDONS = {each.name for each in NAMESPACES if not each.always}

ROWS: list[tuple[str, str, str, int, bool]] = [
    # from, to, protocol, port, allowed
    ("traefik", "matchmaker", "TCP", 3000, True),
    ("traefik", "matchmaker", "TCP", 9000, False),
    ("traefik", "idle instance", "TCP", 3000, False),
    ("other pod of ingress", "matchmaker", "TCP", 3000, False),
    ("load balancer", "matchmaker", "TCP", 3000, False),
    ("internet", "matchmaker", "TCP", 3000, False),
    ("stranger", "matchmaker", "TCP", 3000, False),
    ("stranger", "matchmaker", "TCP", 9000, False),
    ("stranger", "idle instance", "TCP", 3000, False),
    ("stranger", "session instance", "TCP", 9000, False),
    ("prometheus", "matchmaker", "TCP", 9000, True),
    ("prometheus", "matchmaker", "TCP", 3000, False),
    ("prometheus", "controller", "TCP", 9000, True),
    ("grafana", "controller", "TCP", 9000, False),
    ("stranger", "controller", "TCP", 9000, False),
    ("matchmaker", "controller", "TCP", 9000, False),
    ("traefik", "controller", "TCP", 9000, False),
    ("session instance", "controller", "TCP", 9000, False),
    ("controller", "matchmaker", "TCP", 9000, True),
    ("controller", "matchmaker", "TCP", 3000, False),
    ("controller", "API server", "TCP", 6443, True),
    ("controller", "API server", "TCP", 12250, False),
    ("controller", "API Service", "TCP", 443, True),
    ("controller", "cluster DNS", "UDP", 53, True),
    ("controller", "TURN node", "TCP", 9641, True),
    ("controller", "TURN node", "TCP", 22, False),
    ("controller", "TURN node", "UDP", 3478, False),
    ("controller", "idle instance", "TCP", 9000, False),
    ("controller", "session instance", "TCP", 3000, False),
    ("controller", "prometheus", "TCP", 9090, False),
    ("controller", "metadata service", "TCP", 80, False),
    ("controller", "internet", "TCP", 443, False),
    ("prometheus", "idle instance", "TCP", 9000, True),
    ("prometheus", "session instance", "TCP", 9000, True),
    ("prometheus", "idle instance", "TCP", 9001, True),
    ("prometheus", "session instance", "TCP", 9001, True),
    ("matchmaker", "session instance", "TCP", 9001, False),
    ("prometheus", "idle instance", "TCP", 3000, False),
    ("prometheus", "idle instance", "TCP", 8888, False),
    ("grafana", "matchmaker", "TCP", 9000, False),
    ("grafana", "session instance", "TCP", 9000, False),
    ("matchmaker", "idle instance", "TCP", 3000, True),
    ("matchmaker", "session instance", "TCP", 3000, True),
    ("matchmaker", "session instance", "TCP", 9000, True),
    ("matchmaker", "idle instance", "TCP", 8888, False),
    ("matchmaker", "idle instance", "TCP", 22, False),
    ("matchmaker", "idle instance", "UDP", 3000, False),
    ("matchmaker", "cluster DNS", "UDP", 53, True),
    ("matchmaker", "cluster DNS", "TCP", 53, True),
    ("matchmaker", "cluster DNS", "TCP", 9153, False),
    ("matchmaker", "API server", "TCP", 6443, True),
    ("matchmaker", "API server", "TCP", 12250, False),
    ("matchmaker", "API server", "TCP", 22, False),
    ("matchmaker", "API Service", "TCP", 443, True),
    ("matchmaker", "other Service", "TCP", 443, False),
    ("matchmaker", "prometheus", "TCP", 9090, False),
    ("matchmaker", "traefik", "TCP", 8000, False),
    ("matchmaker", "metadata service", "TCP", 80, False),
    ("matchmaker", "internet", "TCP", 443, False),
    ("matchmaker", "worker node", "TCP", 10250, False),
    ("matchmaker", "TURN node", "TCP", 9641, True),
    ("matchmaker", "TURN node", "TCP", 9642, False),
    ("matchmaker", "TURN node", "UDP", 9641, False),
    ("idle instance", "API server", "TCP", 6443, False),
    ("session instance", "API server", "TCP", 6443, False),
    ("session instance", "API Service", "TCP", 443, False),
    ("idle instance", "metadata service", "TCP", 80, False),
    ("session instance", "metadata service", "TCP", 80, False),
    ("session instance", "metadata service", "UDP", 3478, False),
    ("session instance", "cluster DNS", "UDP", 53, False),
    ("session instance", "cluster DNS", "TCP", 53, False),
    ("session instance", "matchmaker", "TCP", 3000, False),
    ("session instance", "matchmaker", "TCP", 9000, False),
    ("session instance", "idle instance", "TCP", 3000, False),
    ("session instance", "idle instance", "UDP", 50000, False),
    ("idle instance", "session instance", "UDP", 50000, False),
    ("session instance", "prometheus", "TCP", 9090, False),
    ("session instance", "grafana", "TCP", 3000, False),
    ("session instance", "stranger", "TCP", 80, False),
    ("session instance", "other Service", "TCP", 443, False),
    ("session instance", "worker node", "TCP", 10250, False),
    ("session instance", "worker node", "UDP", 8472, False),
    ("session instance", "load balancer", "TCP", 443, False),
    ("session instance", "internet", "TCP", 443, False),
    ("session instance", "internet", "UDP", 53, False),
    ("session instance", "internet", "UDP", 50000, False),
    ("session instance", "TURN node", "UDP", 3478, True),
    ("session instance", "TURN node", "TCP", 3478, True),
    ("session instance", "TURN node", "TCP", 5349, True),
    ("session instance", "TURN node", "UDP", 49152, True),
    ("session instance", "TURN node", "UDP", 65535, True),
    ("session instance", "TURN node", "UDP", 49151, False),
    ("session instance", "TURN node", "TCP", 49152, False),
    ("session instance", "TURN node", "TCP", 10250, False),
    ("session instance", "TURN node", "TCP", 9641, False),
    ("session instance", "TURN node", "TCP", 22, False),
    ("TURN", "session instance", "UDP", 50000, True),
    ("TURN", "session instance", "UDP", 1024, True),
    ("TURN", "session instance", "TCP", 3000, False),
    ("TURN", "session instance", "TCP", 9000, False),
    ("TURN node in the overlay", "session instance", "UDP", 50000, True),
    ("TURN node in the overlay", "session instance", "TCP", 3000, False),
    ("TURN node in the overlay", "matchmaker", "TCP", 3000, False),
    ("TURN node in the overlay", "matchmaker", "UDP", 9000, False),
    ("TURN", "matchmaker", "TCP", 9000, False),
    # On its node's network no policy binds it: these it keeps by the security lists, and by its own denied peers.
    ("TURN", "internet", "UDP", 50000, True),
    ("TURN", "API server", "TCP", 6443, True),
    ("internet", "TURN", "UDP", 3478, True),
    # What holds images on nodes is no instance, and lives among them.
    ("image holder", "API server", "TCP", 6443, False),
    ("image holder", "internet", "TCP", 443, False),
    # Whatever else is started beside the matchmaker.
    ("other pod of pixel", "internet", "TCP", 443, False),
    ("other pod of pixel", "idle instance", "TCP", 3000, False),
    ("other pod of pixel", "API server", "TCP", 6443, False),
    ("stranger", "other pod of pixel", "TCP", 80, False),
    # A kubelet probes its own pods, and nobody else's.
    ("node of the instances", "session instance", "TCP", 9000, True),
    ("worker node", "session instance", "TCP", 9000, False),
    ("worker node", "matchmaker", "TCP", 3000, False),
    # The cluster's DNS answers pods and workers, and nothing that a player sends through a relay.
    ("stranger", "cluster DNS", "UDP", 53, True),
    ("worker node", "cluster DNS", "UDP", 53, True),
    ("prometheus", "cluster DNS", "TCP", 9153, True),
    ("stranger", "cluster DNS", "TCP", 9153, False),
    ("TURN", "cluster DNS", "UDP", 53, False),
    ("TURN node in the overlay", "cluster DNS", "UDP", 53, False),
    ("TURN node in the overlay", "cluster DNS", "TCP", 53, False),
    ("internet", "cluster DNS", "UDP", 53, False),
]

ADDON_ROWS: list[tuple[str, str, str, int, bool]] = [
    # Of the ends that a stack has.
    ("load balancer", "traefik", "TCP", 8000, True),
    ("load balancer", "traefik", "TCP", 8443, True),
    ("load balancer", "traefik", "TCP", 8080, False),
    ("load balancer", "traefik", "TCP", 9100, False),
    ("internet", "traefik", "TCP", 8443, False),
    ("stranger", "traefik", "TCP", 8443, False),
    ("TURN node in the overlay", "traefik", "TCP", 8443, False),
    ("prometheus", "traefik", "TCP", 9100, True),
    ("traefik", "grafana", "TCP", 3000, True),
    ("traefik", "prometheus", "TCP", 9090, False),
    ("traefik", "solver", "TCP", 8089, True),
    ("stranger", "solver", "TCP", 8089, False),
    ("traefik", "API server", "TCP", 6443, True),
    ("traefik", "API Service", "TCP", 443, True),
    ("traefik", "internet", "TCP", 443, False),
    ("traefik", "metadata service", "TCP", 80, False),
    ("solver", "internet", "TCP", 443, False),
    ("solver", "API server", "TCP", 6443, False),
    ("cert-manager", "traefik", "TCP", 8000, True),
    ("cert-manager", "internet", "TCP", 443, True),
    ("cert-manager", "internet", "TCP", 53, True),
    ("cert-manager", "internet", "TCP", 22, False),
    ("cert-manager", "internet", "UDP", 53, False),
    ("cert-manager", "metadata service", "TCP", 80, False),
    ("cert-manager", "worker node", "TCP", 443, False),
    ("cert-manager", "API server", "TCP", 6443, True),
    ("cert-manager", "API Service", "TCP", 443, True),
    ("cert-manager", "cluster DNS", "UDP", 53, True),
    ("cert-manager", "session instance", "TCP", 3000, False),
    ("API server", "cert-manager's webhook", "TCP", 10250, True),
    ("worker node", "cert-manager's webhook", "TCP", 10250, True),
    ("TURN", "cert-manager's webhook", "TCP", 10250, False),
    ("internet", "cert-manager's webhook", "TCP", 10250, False),
    ("prometheus", "cert-manager", "TCP", 9402, True),
    ("stranger", "cert-manager", "TCP", 9402, False),
    ("prometheus", "worker node", "TCP", 10250, True),
    ("prometheus", "TURN node", "TCP", 9100, True),
    ("prometheus", "TURN node", "UDP", 3478, False),
    ("prometheus", "internet", "TCP", 443, False),
    ("prometheus", "metadata service", "TCP", 80, False),
    ("prometheus", "API server", "TCP", 6443, True),
    ("prometheus", "API Service", "TCP", 443, True),
    ("prometheus", "alertmanager", "TCP", 9093, True),
    ("prometheus", "cluster DNS", "UDP", 53, True),
    ("grafana", "prometheus", "TCP", 9090, True),
    ("grafana", "internet", "TCP", 443, False),
    ("stranger", "grafana", "TCP", 3000, False),
    ("stranger", "prometheus", "TCP", 9090, False),
    ("API server", "prometheus", "TCP", 10250, True),
    ("alertmanager", "internet", "TCP", 443, True),
    ("alertmanager", "internet", "TCP", 587, True),
    ("alertmanager", "internet", "TCP", 22, False),
    ("alertmanager", "metadata service", "TCP", 80, False),
    ("alertmanager", "session instance", "TCP", 9000, False),
    ("keda", "prometheus", "TCP", 9090, True),
    ("keda", "alertmanager", "TCP", 9093, False),
    ("keda", "API server", "TCP", 6443, True),
    ("keda", "API Service", "TCP", 443, True),
    ("keda", "cluster DNS", "TCP", 53, True),
    ("keda", "internet", "TCP", 443, False),
    ("keda", "keda's metrics", "TCP", 9666, True),
    ("API server", "keda", "TCP", 9443, True),
    ("API server", "keda's metrics", "TCP", 6443, True),
    ("prometheus", "keda", "TCP", 8080, True),
    ("stranger", "keda", "TCP", 9666, False),
    ("external-dns", "internet", "TCP", 443, True),
    ("external-dns", "internet", "TCP", 80, False),
    ("external-dns", "API server", "TCP", 6443, True),
    ("external-dns", "API server", "TCP", 12250, True),
    ("external-dns", "API Service", "TCP", 12250, True),
    ("external-dns", "metadata service", "TCP", 80, False),
    ("external-dns", "cluster DNS", "UDP", 53, True),
    ("prometheus", "external-dns", "TCP", 7979, True),
    ("stranger", "external-dns", "TCP", 7979, False),
]


def ends(record: Record, its: Settings) -> dict[str, End]:
    """The ends of the table, with the labels that the program's own pods really carry."""
    pods = dict(record.pods())
    matchmaker = pods["deployment-pixel-matchmaker"]["metadata"]["labels"]
    controller = pods["deployment-pixel-fleet-controller"]["metadata"]["labels"]
    turn = pods["daemonset-pixel-turn"]
    app = its.apps[0]
    instance = pods[f"deployment-pixel-instances-{app.fleet_name(app.versions[0])}"]["metadata"]["labels"]
    session = {**instance, "app.pixel/pool": "session", "app.pixel/session": "s-1"}
    held = [template["metadata"]["labels"] for name, template in pods.items() if "prepull" in name]
    subnets = its.network.subnets
    overlay = iter(PODS_CIDR.subnets(new_prefix=24))

    def pod(namespace: str, labels: dict[str, str], node: str = "") -> Pod:
        return Pod(namespace, labels, next(overlay)[7], node)

    return {
        "matchmaker": pod("pixel", matchmaker, "default-1"),
        "controller": pod("pixel", controller, "default-1"),
        "idle instance": pod("pixel-instances", instance, "gpu-1"),
        "session instance": pod("pixel-instances", session, "gpu-1"),
        "image holder": pod("pixel-instances", held[0] if held else {"app.pixel/prepull": "none"}, "gpu-1"),
        "other pod of pixel": pod("pixel", {"app.kubernetes.io/name": "debug"}),
        "TURN": Pod(
            "pixel", turn["metadata"]["labels"], subnets.turn[5], "turn-1", turn["spec"].get("hostNetwork", False)
        ),
        "TURN node": Outside(subnets.turn[6], "turn-2"),
        "TURN node in the overlay": Outside(next(overlay)[0], "turn-2"),
        "traefik": pod("ingress", {"app.kubernetes.io/name": "traefik"}),
        "other pod of ingress": pod("ingress", {"app.kubernetes.io/name": "debug"}),
        "prometheus": pod("monitoring", {"app.kubernetes.io/name": "prometheus"}),
        "grafana": pod("monitoring", {"app.kubernetes.io/name": "grafana"}),
        "cluster DNS": pod("kube-system", {"k8s-app": "kube-dns"}),
        "solver": pod("ingress", {"acme.cert-manager.io/http01-solver": "true"}),
        "cert-manager": pod("cert-manager", {"app.kubernetes.io/name": "cert-manager"}),
        "cert-manager's webhook": pod("cert-manager", {"app.kubernetes.io/name": "webhook"}),
        "alertmanager": pod("monitoring", {"app.kubernetes.io/name": "alertmanager"}),
        "keda": pod("keda", {"app": "keda-operator"}),
        "keda's metrics": pod("keda", {"app": "keda-operator-metrics-apiserver"}),
        "external-dns": pod("external-dns", {"app.kubernetes.io/name": "external-dns"}),
        "stranger": pod("default", {"app.kubernetes.io/name": "traefik"}),
        "API server": Outside(subnets.api[2]),
        "API Service": Outside(SERVICES_CIDR[1]),
        "other Service": Outside(SERVICES_CIDR[99]),
        "load balancer": Outside(subnets.load_balancers[4]),
        "worker node": Outside(subnets.workers[9], "default-9"),
        "node of the instances": Outside(subnets.workers[8], "gpu-1"),
        "metadata service": Outside(IPv4Address("169.254.169.254")),
        "internet": Outside(IPv4Address("203.0.113.9")),
    }


def cluster(record: Record, *, blocks_match_pods: bool = True) -> Cluster:
    spaces = {
        each.inputs["metadata"]["name"]: each.inputs["metadata"]["labels"] for each in record.objects("Namespace")
    }
    return Cluster([each.inputs for each in record.objects("NetworkPolicy")], spaces, blocks_match_pods)


def rows(found: dict[str, End], policies_of: Cluster) -> list[tuple[str, str, str, int, bool]]:
    """The table, and of the add-ons' rows those whose pods' namespaces the stack has."""
    missing = {name for name, end in found.items() if isinstance(end, Pod) and end.namespace in ADDONS}
    missing = {name for name in missing if getattr(found[name], "namespace", "") not in policies_of.namespaces}
    return ROWS + [row for row in ADDON_ROWS if not missing & {row[0], row[1]}]


REGIONS = ("matchmaker", "internet", "TCP", 443)
"""Open where there are other regions, and for nothing else in these stacks."""
DOOR = ("matchmaker", "TCP", 3000)


def wrong(found: dict[str, End], policies_of: Cluster) -> list[tuple[str, str, str, int, bool]]:
    return [
        row
        for row in rows(found, policies_of)
        if allowed(policies_of, found[row[0]], found[row[1]], row[2], row[3]) is not row[4]
    ]


STRANGERS = (
    "other pod of ingress",
    "load balancer",
    "internet",
    "stranger",
    "prometheus",
    "TURN node in the overlay",
    "worker node",
)
"""Who may come to the matchmaker's door where no ingress of ours stands before it."""


def expected_wrong(its: Settings) -> list[tuple[str, str, str, int, bool]]:
    door = [] if its.ingress.enabled else [row for row in ROWS if row[0] in STRANGERS and row[1:4] == DOOR]
    return door + ([(*REGIONS, False)] if its.regions.peers else [])


@pytest.mark.parametrize("blocks_match_pods", [True, False], ids=["blocks-find-pods", "blocks-do-not"])
def test_who_may_talk_to_whom(record: Record, its: Settings, blocks_match_pods: bool) -> None:
    assert wrong(ends(record, its), cluster(record, blocks_match_pods=blocks_match_pods)) == expected_wrong(its)


def test_every_end_of_the_table_is_used(record: Record, its: Settings) -> None:
    every = ROWS + ADDON_ROWS
    assert set(ends(record, its)) == {end for source, target, *_ in every for end in (source, target)}
    assert len({row[:4] for row in every}) == len(every)


def test_no_policy_could_be_left_out(record: Record, its: Settings) -> None:
    """Each exception is what some row rests on, so the table covers them. Redis has a table of its own."""
    found, whole = ends(record, its), cluster(record)
    for i, policy in enumerate(whole.policies):
        if policy["metadata"]["name"] == "default-deny" or policy["metadata"]["name"] in of_redis(its, its.redis.mode):
            continue
        without = Cluster([*whole.policies[:i], *whole.policies[i + 1 :]], whole.namespaces)
        assert wrong(found, without) != expected_wrong(its), policy["metadata"]["name"]


def test_every_namespace_denies_what_is_not_allowed(record: Record) -> None:
    found = [each.inputs for each in record.objects("NetworkPolicy")]
    denied = {each["metadata"]["namespace"] for each in found if each["metadata"]["name"] == "default-deny"}
    assert denied == {each.inputs["metadata"]["name"] for each in record.objects("Namespace")}
    for each in found:
        assert each["metadata"]["annotations"]["app.pixel/reason"]
        if each["metadata"]["name"] == "default-deny":
            assert each["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_without_an_exception_nothing_passes(record: Record, its: Settings) -> None:
    denying = [each for each in cluster(record).policies if each["metadata"]["name"] == "default-deny"]
    found = ends(record, its)
    bound = {name: end for name, end in found.items() if isinstance(end, Pod) and end.namespace.startswith("pixel")}
    for name, one in bound.items():
        for other in (found["stranger"], found["internet"]):
            free = name == "TURN"
            assert allowed(Cluster(denying), one, other, "TCP", 443) is free
            assert allowed(Cluster(denying), other, one, "TCP", 443) is free


def test_a_stack_may_have_none() -> None:
    config = stack_file("local")
    config["pixel:network_policies"]["policies"] = False
    assert not run("local", config).objects("NetworkPolicy")
    with pytest.raises(SettingsError, match=r"network_policies\.policies is false: an engine without policies"):
        load(patched("pixel:network_policies", {"policies": False}))


def test_policies_are_there_before_pods(record: Record) -> None:
    of = {
        space: {each.urn for each in record.objects("NetworkPolicy") if each.inputs["metadata"]["namespace"] == space}
        for space in ("pixel", "pixel-instances")
    }
    for each in record.objects("Deployment", "DaemonSet", "StatefulSet", "Job"):
        assert of.get(each.inputs["metadata"]["namespace"], set()) <= each.dependencies


def with_egress(*cidrs: str) -> Settings:
    config = patched("pixel:pools/gpu/max", 20)
    app = config["pixel:apps"][0]
    config["pixel:apps"] = [{**app, "name": EGRESS, "egress": list(cidrs)}, {**app, "name": NO_EGRESS}]
    return load(config)


EGRESS_ROWS: list[tuple[str, str, str, int, bool]] = [
    (EGRESS, "203.0.113.9", "TCP", 443, True),
    (EGRESS, "203.0.113.9", "UDP", 7777, True),
    (EGRESS, "203.0.112.9", "TCP", 443, False),
    (EGRESS, "10.9.9.9", "TCP", 5432, True),
    (EGRESS, "10.0.0.2", "TCP", 6443, False),
    (EGRESS, "10.0.10.4", "TCP", 10250, False),
    (EGRESS, "10.0.30.4", "TCP", 22, False),
    (EGRESS, "10.0.30.4", "UDP", 3478, True),
    (EGRESS, "10.0.20.4", "TCP", 443, False),
    (EGRESS, "10.96.0.1", "TCP", 443, False),
    (EGRESS, "10.244.7.7", "TCP", 3000, False),
    (EGRESS, "169.254.169.254", "TCP", 80, False),
    (EGRESS, "dns", "UDP", 53, True),
    (EGRESS, "dns", "TCP", 8080, False),
    (NO_EGRESS, "203.0.113.9", "TCP", 443, False),
    (NO_EGRESS, "10.9.9.9", "TCP", 5432, False),
    (NO_EGRESS, "dns", "UDP", 53, False),
]


@pytest.mark.parametrize("row", EGRESS_ROWS, ids=lambda row: " ".join(map(str, row)))
def test_an_application_reaches_what_its_egress_names(row: tuple[str, str, str, int, bool]) -> None:
    its = with_egress("203.0.113.0/24", "10.0.0.0/8")
    rules = Cluster(policies(openings(its.network, its.apps)))
    source = Pod("pixel-instances", {"app.pixel/app": row[0]}, PODS_CIDR[300])
    dns = Pod("kube-system", {"k8s-app": "kube-dns"}, PODS_CIDR[77])
    target = dns if row[1] == "dns" else Outside(IPv4Address(row[1]))
    assert allowed(rules, source, target, row[2], row[3]) is row[4]


def test_the_whole_internet_is_without_what_is_never_open() -> None:
    its = with_egress("0.0.0.0/0")
    rules = Cluster(policies(openings(its.network, its.apps)))
    source = Pod("pixel-instances", {"app.pixel/app": EGRESS}, PODS_CIDR[300])
    for closed in ("169.254.169.254", "127.0.0.1", "224.0.0.251", "255.255.255.255", "10.0.0.2", "10.96.0.1"):
        assert not allowed(rules, source, Outside(IPv4Address(closed)), "TCP", 443), closed
    assert allowed(rules, source, Outside(IPv4Address("198.51.100.1")), "TCP", 443)


@pytest.mark.parametrize(
    ("cidr", "words"),
    [
        ("169.254.169.254/32", "the metadata service"),
        ("169.254.0.0/16", "the metadata service"),
        ("10.0.0.0/28", "the Kubernetes API"),
        ("10.0.10.16/28", "kubelets"),
        ("10.0.30.0/24", "the TURN pool"),
        ("10.244.3.0/24", "other pods"),
        ("10.96.0.10/32", "Services of the cluster"),
        ("127.0.0.0/8", "loopback"),
        ("239.1.2.0/24", "multicast"),
    ],
)
def test_egress_to_what_is_never_open_is_refused(cidr: str, words: str) -> None:
    with pytest.raises(SettingsError, match=rf'pixel:apps\[0\]\.egress\[0\] is "{cidr}": within .*{words}'):
        with_egress(cidr)


def test_what_a_block_leaves_out_lies_within_it() -> None:
    """The API server refuses any other."""
    its = with_egress("10.0.0.0/9", "0.0.0.0/0", "203.0.113.0/24")
    blocks: list[dict[str, Any]] = []
    for policy in policies(openings(its.network, its.apps)):
        for rule in policy["spec"].get("egress", []) + policy["spec"].get("ingress", []):
            blocks += [peer["ipBlock"] for peer in rule.get("to", []) + rule.get("from", []) if "ipBlock" in peer]
    assert any("except" in block for block in blocks)
    for block in blocks:
        for each in map(IPv4Network, block.get("except", [])):
            assert each.subnet_of(IPv4Network(block["cidr"]))
            assert each != IPv4Network(block["cidr"])


REDIS_ROWS: list[tuple[RedisMode, str, str, int, bool]] = [
    (RedisMode.NONE, "matchmaker", "valkey", 6379, False),
    (RedisMode.NONE, "matchmaker", "worker subnet", 6379, False),
    (RedisMode.IN_CLUSTER, "matchmaker", "valkey", 6379, True),
    (RedisMode.IN_CLUSTER, "matchmaker", "valkey", 9121, False),
    (RedisMode.IN_CLUSTER, "matchmaker", "worker subnet", 6379, False),
    (RedisMode.IN_CLUSTER, "prometheus", "valkey", 9121, True),
    (RedisMode.IN_CLUSTER, "prometheus", "valkey", 6379, False),
    (RedisMode.IN_CLUSTER, "instance", "valkey", 6379, False),
    (RedisMode.IN_CLUSTER, "valkey", "worker subnet", 443, False),
    (RedisMode.MANAGED, "matchmaker", "worker subnet", 6379, True),
    (RedisMode.MANAGED, "matchmaker", "worker subnet", 10250, False),
    (RedisMode.MANAGED, "instance", "worker subnet", 6379, False),
]


def of_redis(its: Settings, mode: RedisMode) -> set[str]:
    """The names of the policies that there are for Redis."""
    with_it, without = (openings(its.network, its.apps, each) for each in (mode, RedisMode.NONE))
    return {each.name for each in with_it} - {each.name for each in without}


def redis_answer(its: Settings, rules: Cluster, row: tuple[RedisMode, str, str, int, bool]) -> bool:
    found: dict[str, End] = {
        "matchmaker": Pod("pixel", {"app.kubernetes.io/name": "matchmaker"}, PODS_CIDR[300]),
        "valkey": Pod("pixel", {"app.kubernetes.io/name": "valkey"}, PODS_CIDR[301]),
        "prometheus": Pod("monitoring", {"app.kubernetes.io/name": "prometheus"}, PODS_CIDR[302]),
        "instance": Pod("pixel-instances", {"app.pixel/app": "showroom"}, PODS_CIDR[303]),
        "worker subnet": Outside(its.network.subnets.workers[40]),
    }
    return allowed(rules, found[row[1]], found[row[2]], "TCP", row[3])


@pytest.mark.parametrize("row", REDIS_ROWS, ids=lambda row: " ".join(map(str, row)))
def test_only_matchmakers_reach_redis(row: tuple[RedisMode, str, str, int, bool]) -> None:
    its = load(GOOD)
    rules = Cluster(policies(openings(its.network, its.apps, row[0])))
    assert redis_answer(its, rules, row) is row[4]


@pytest.mark.parametrize("mode", [RedisMode.IN_CLUSTER, RedisMode.MANAGED])
def test_no_policy_of_redis_could_be_left_out(mode: RedisMode) -> None:
    its = load(GOOD)
    table = openings(its.network, its.apps, mode)
    mine = [row for row in REDIS_ROWS if row[0] is mode]
    assert of_redis(its, mode)
    for name in of_redis(its, mode):
        without = Cluster(policies([each for each in table if each.name != name]))
        assert [row for row in mine if redis_answer(its, without, row) is not row[4]], name


ELSEWHERE = {"urls": ["turn:203.0.113.9:3478"], "secret": "s", "networks": ["203.0.113.0/28"]}
OWN_ICE = {"servers": [{"urls": ["stun:198.51.100.1:3478"]}], "networks": ["198.51.100.0/28"]}
MEDIA_ROWS: list[tuple[str, dict[str, Any], str, str, int, bool]] = [
    # the application, the `turn` key, to, protocol, port, allowed
    (EGRESS, {}, "203.0.113.9", "UDP", 3478, False),
    (EGRESS, {"external": [ELSEWHERE]}, "203.0.113.9", "UDP", 3478, True),
    (EGRESS, {"external": [ELSEWHERE]}, "203.0.113.9", "UDP", 60000, True),
    (EGRESS, {"external": [ELSEWHERE]}, "203.0.113.9", "TCP", 3478, False),
    (EGRESS, {"external": [ELSEWHERE]}, "203.0.113.99", "UDP", 3478, False),
    (EGRESS, {}, "198.51.100.1", "UDP", 3478, True),
    (NO_EGRESS, {}, "198.51.100.1", "UDP", 3478, False),
    (EGRESS, {}, "198.51.100.1", "TCP", 3478, False),
    (NO_EGRESS, {"transport_policy": "all"}, "192.0.2.77", "UDP", 40000, True),
    (NO_EGRESS, {"transport_policy": "all"}, "192.0.2.77", "TCP", 443, False),
    (NO_EGRESS, {"transport_policy": "all"}, "169.254.169.254", "UDP", 53, False),
    (NO_EGRESS, {"transport_policy": "all"}, "10.0.10.4", "UDP", 8472, False),
    (NO_EGRESS, {"transport_policy": "all"}, "10.244.7.7", "UDP", 53, False),
    (NO_EGRESS, {"transport_policy": "relay"}, "192.0.2.77", "UDP", 40000, False),
]


@pytest.mark.parametrize("row", MEDIA_ROWS, ids=lambda row: " ".join(map(str, row)))
def test_media_goes_where_relays_are(row: tuple[str, dict[str, Any], str, str, int, bool]) -> None:
    config = without_network(patched("pixel:pools/gpu/max", 20))
    app = config["pixel:apps"][0]
    config["pixel:apps"] = [{**app, "name": EGRESS, "ice": OWN_ICE}, {**app, "name": NO_EGRESS}]
    its = load(config | {"pixel:turn": row[1]})
    rules = Cluster(policies(openings(its.network, its.apps, turn=its.turn)))
    source = Pod("pixel-instances", {"app.pixel/app": row[0]}, PODS_CIDR[300])
    assert allowed(rules, source, Outside(IPv4Address(row[2])), row[3], row[4]) is row[5]


def test_every_row_of_the_table_has_its_own_name() -> None:
    its = with_egress("203.0.113.0/24")
    table = (*openings(its.network, its.apps), *addon_openings(its.network, frozenset(ADDONS)))
    names = [(row.pods.namespace, row.name) for row in table]
    assert len(set(names)) == len(names)
    assert {row.way for row in table} == set(Way)
