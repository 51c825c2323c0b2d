"""How each stack is reached: the load balancer, what leads where, and the certificates for it."""

import json
from typing import Any

import pytest

from components import ports
from components.security_rules import RULES, Direction, Place
from components.settings import Settings
from tests.program.recording import ADDRESS, Record, Registered, run, stack_file

LB = "service.beta.kubernetes.io/oci-load-balancer-"
OKE = "oci.oraclecloud.com/"


@pytest.fixture
def reachable(record: Record, its: Settings) -> Record:
    """The record of a stack that has an ingress."""
    if not its.ingress.enabled:
        pytest.skip("the stack has no ingress")
    return record


def release(record: Record, name: str) -> Registered:
    return record.one("kubernetes:helm.sh/v3:Release", name=name)


def hostnames(record: Record) -> dict[str, list[str]]:
    return {
        each.inputs["metadata"]["name"]: each.inputs["spec"].get("hostnames") for each in record.objects("HTTPRoute")
    }


def test_a_stack_has_what_it_switched_on_and_no_more(record: Record, its: Settings) -> None:
    names = {each.name for each in record.of("kubernetes:helm.sh/v3:Release")}
    assert ("traefik" in names) is its.ingress.enabled
    assert ("cert-manager" in names) is its.certificates.enabled
    assert ("external-dns" in names) is its.dns.enabled
    assert bool(record.objects("CustomResourceDefinition", "Gateway", "HTTPRoute")) is its.ingress.enabled
    assert bool(record.objects("Certificate", "ClusterIssuer")) is its.certificates.enabled
    assert bool(record.of("oci:Core/publicIp:PublicIp")) is its.ingress.enabled


def test_the_load_balancer_is_flexible_and_patient_and_has_its_own_address(reachable: Record, its: Settings) -> None:
    service = release(reachable, "traefik").inputs["values"]["service"]
    assert service["spec"] == {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "loadBalancerIP": ADDRESS,
    }
    annotations = service["annotations"]
    assert annotations[f"{OKE}load-balancer-type"] == "lb"
    assert annotations[f"{LB}shape"] == "flexible"
    assert annotations[f"{LB}shape-flex-min"] == str(its.ingress.min_mbps)
    assert annotations[f"{LB}shape-flex-max"] == str(its.ingress.max_mbps)
    assert annotations[f"{LB}backend-protocol"] == "TCP"
    assert int(annotations[f"{LB}connection-idle-timeout"]) >= 3600
    assert annotations[f"{LB}subnet1"] == "network-load-balancers-subnet-id"
    assert all(isinstance(value, str) for value in annotations.values())
    address = reachable.one("oci:Core/publicIp:PublicIp")
    assert address.inputs["lifetime"] == "RESERVED"
    assert address.ignore_changes == ("privateIpId",)


def test_only_the_default_pool_is_behind_it_and_the_program_owns_the_rules(reachable: Record) -> None:
    annotations = release(reachable, "traefik").inputs["values"]["service"]["annotations"]
    assert annotations[f"{OKE}node-label-selector"] == "app.pixel/default=true"
    assert annotations[f"{OKE}security-rule-management-mode"] == "None"
    labelled = [
        pool
        for pool in reachable.of("oci:ContainerEngine/nodePool:NodePool")
        if {"key": "app.pixel/default", "value": "true"} in pool.inputs["initialNodeLabels"]
    ]
    assert labelled
    assert all("default" in pool.name for pool in labelled)
    assert release(reachable, "traefik").inputs["values"]["nodeSelector"] == {"app.pixel/default": "true"}


def test_players_addresses_come_from_the_load_balancer_only(reachable: Record, its: Settings) -> None:
    values = release(reachable, "traefik").inputs["values"]
    assert values["service"]["annotations"][f"{LB}connection-proxy-protocol-version"] == "2"
    for entry_point in values["ports"].values():
        assert entry_point["proxyProtocol"] == {"trustedIPs": [str(its.network.subnets.load_balancers)]}
        assert "forwardedHeaders" not in entry_point


def test_traefik_survives_a_node_and_a_roll_out(reachable: Record, its: Settings) -> None:
    values = release(reachable, "traefik").inputs["values"]
    assert values["deployment"]["replicas"] == its.ingress.replicas >= 2
    budget = reachable.object("PodDisruptionBudget", "traefik")
    assert (budget["metadata"]["namespace"], budget["spec"]["maxUnavailable"]) == ("ingress", 1)
    spread = values["topologySpreadConstraints"]
    assert budget["spec"]["selector"] == spread[0]["labelSelector"]
    assert values["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    keys = [each["topologyKey"] for each in spread]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    for entry_point in values["ports"].values():
        life = entry_point["transport"]["lifeCycle"]
        seconds = [int(life[key].removesuffix("s")) for key in ("requestAcceptGraceTimeout", "graceTimeOut")]
        assert sum(seconds) < values["deployment"]["terminationGracePeriodSeconds"]


def test_nothing_of_traefiks_own_is_on(reachable: Record) -> None:
    its = release(reachable, "traefik").inputs
    assert its["skipCrds"] is True
    providers = {name: provider["enabled"] for name, provider in its["values"]["providers"].items()}
    assert providers == {"kubernetesGateway": True, "kubernetesIngress": False, "kubernetesCRD": False}
    assert its["values"]["api"] == {"dashboard": False}


def test_no_timeout_ends_a_websocket(reachable: Record) -> None:
    for entry_point in release(reachable, "traefik").inputs["values"]["ports"].values():
        timeouts = entry_point["transport"]["respondingTimeouts"]
        assert (timeouts["readTimeout"], timeouts["writeTimeout"]) == ("0s", "0s")
    for route in reachable.objects("HTTPRoute"):
        for rule in route.inputs["spec"]["rules"]:
            if "backendRefs" in rule:
                assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}


def test_page_and_signalling_lead_to_the_matchmaker(reachable: Record) -> None:
    route = reachable.object("HTTPRoute", "players")
    assert route["metadata"]["namespace"] == "pixel"
    assert [rule["matches"][0]["path"]["value"] for rule in route["spec"]["rules"]] == ["/ws", "/"]
    service = reachable.object("Service", "matchmaker")
    for rule in route["spec"]["rules"]:
        assert rule["backendRefs"] == [{"name": "matchmaker", "port": 3000}]
        assert 3000 in [port["port"] for port in service["spec"]["ports"]]


def test_grafana_is_reachable_where_there_is_one(reachable: Record, its: Settings) -> None:
    routes = hostnames(reachable)
    assert ("grafana" in routes) is its.monitoring.enabled
    if its.monitoring.enabled:
        route = reachable.object("HTTPRoute", "grafana")
        assert route["metadata"]["namespace"] == "monitoring"
        assert route["spec"]["rules"][0]["backendRefs"] == [{"name": "kube-prometheus-stack-grafana", "port": 80}]


def test_names_are_the_domains_or_carry_the_address(reachable: Record, its: Settings) -> None:
    domain = its.domain or "203-0-113-7.nip.io"
    routes = hostnames(reachable)
    assert routes.pop("https") is None
    assert routes.pop("players") == [domain]
    shared = routes.pop("players-of-all-regions", None)
    assert shared == ([its.regions.domain] if its.regions.domain else None)
    assert set(map(str, routes.values())) <= {str([f"grafana.{domain}"])}
    assert reachable.exports()["page"] == f"https://{domain}/"
    assert reachable.exports()["address"] == ADDRESS


def test_routes_attach_to_listeners_that_let_them(reachable: Record) -> None:
    gateway = reachable.object("Gateway", "pixel")
    assert (
        gateway["spec"]["gatewayClassName"]
        == reachable.one("kubernetes:gateway.networking.k8s.io/v1:GatewayClass").inputs["metadata"]["name"]
    )
    entry_points = release(reachable, "traefik").inputs["values"]["ports"]
    listeners = {each["name"]: each for each in gateway["spec"]["listeners"]}
    assert {name: each["port"] for name, each in listeners.items()} == {
        "http": entry_points["web"]["port"],
        "https": entry_points["websecure"]["port"],
    }
    for route in reachable.objects("HTTPRoute"):
        (parent,) = route.inputs["spec"]["parentRefs"]
        assert parent["name"] == "pixel"
        assert parent.get("namespace", "ingress") == "ingress"
        assert parent["sectionName"] == ("http" if route.inputs["metadata"]["name"] == "https" else "https")
        (allowed,) = listeners[parent["sectionName"]]["allowedRoutes"]["namespaces"]["selector"]["matchExpressions"]
        assert route.inputs["metadata"]["namespace"] in allowed["values"]


def test_http_leads_to_https_but_for_challenges(reachable: Record, its: Settings) -> None:
    redirect = reachable.object("HTTPRoute", "https")["spec"]
    # Without a host name and on every path, so that any other route on this listener goes before it.
    assert "hostnames" not in redirect
    (rule,) = redirect["rules"]
    assert "matches" not in rule
    assert rule["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}
    assert "redirections" not in str(release(reachable, "traefik").inputs["values"]["ports"])
    for issuer in reachable.objects("ClusterIssuer"):
        solver = issuer.inputs["spec"]["acme"]["solvers"][0]["http01"]["gatewayHTTPRoute"]
        assert solver["parentRefs"][0] | {"group": "", "kind": ""} == {
            "name": "pixel",
            "namespace": "ingress",
            "sectionName": "http",
            "group": "",
            "kind": "",
        }


def test_the_gateway_has_a_certificate_for_every_name(reachable: Record, its: Settings) -> None:
    certificate = reachable.object("Certificate", "gateway-tls")
    named = {name for names in hostnames(reachable).values() for name in names or []}
    assert set(certificate["spec"]["dnsNames"]) == named
    (https,) = (each for each in reachable.object("Gateway", "pixel")["spec"]["listeners"] if each["name"] == "https")
    assert https["tls"]["certificateRefs"] == [{"kind": "Secret", "name": certificate["spec"]["secretName"]}]
    assert certificate["metadata"]["namespace"] == "ingress"


def test_certificates_are_of_the_issuer_that_the_stack_names(reachable: Record, its: Settings) -> None:
    issuers = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["acme"] for each in reachable.objects("ClusterIssuer")
    }
    assert {name: "staging" in acme["server"] for name, acme in issuers.items()} == {
        "letsencrypt-staging": True,
        "letsencrypt-production": False,
    }
    assert {acme["email"] for acme in issuers.values()} == {its.certificates.email}
    for certificate in reachable.objects("Certificate"):
        assert certificate.inputs["spec"]["issuerRef"]["name"] == f"letsencrypt-{its.certificates.issuer}"


def test_turn_has_a_certificate_where_its_name_can_be_proved(reachable: Record, its: Settings) -> None:
    certificates = {each.inputs["metadata"]["name"]: each.inputs for each in reachable.objects("Certificate")}
    assert ("turn-tls" in certificates) is (its.certificates.dns01 is not None)
    if its.certificates.dns01:
        assert certificates["turn-tls"]["spec"]["dnsNames"] == [f"turn.{its.domain}"]
        assert certificates["turn-tls"]["metadata"]["namespace"] == "pixel"
        for issuer in reachable.objects("ClusterIssuer"):
            http01, dns01 = issuer.inputs["spec"]["acme"]["solvers"]
            assert "selector" not in http01
            proved = [f"turn.{its.domain}", *filter(None, [its.regions.domain])]
            assert dns01["selector"] == {"dnsNames": proved}


def test_turn_over_tls_is_where_its_certificate_is(record: Record, its: Settings) -> None:
    pod = record.object("DaemonSet", "turn")["spec"]["template"]["spec"]
    containers = {each["name"]: each for each in pod["initContainers"] + pod["containers"]}
    volumes = {each["name"]: each for each in pod["volumes"]}
    turn = json.loads(record.object("ConfigMap", "matchmaker")["data"]["matchmaker.json"])["turn"]
    mounts = {
        name: {mount["name"]: mount["mountPath"] for mount in each["volumeMounts"]} for name, each in containers.items()
    }
    if its.certificates.dns01 is None:
        assert "certificate" not in volumes
        assert "tls_host" not in turn
        assert "turn-tls" not in str(pod)
        return
    # Not signed before the nodes are up, so nothing may wait for it.
    assert volumes["certificate"]["secret"] == {"secretName": "turn-tls", "optional": True, "defaultMode": 0o440}
    folder = "/etc/pixel/turn-tls"
    assert {name for name, mounted in mounts.items() if mounted.get("certificate") == folder} == {"companion", "coturn"}
    for name in ("configure", "companion"):
        assert {"name": "TURN_CERTIFICATE_FOLDER", "value": folder} in containers[name]["env"]
    assert {"name": "turn-tls", "containerPort": 5349, "protocol": "TCP"} in containers["coturn"]["ports"]
    assert {"name": "TURN_TLS_PORT", "value": "5349"} in containers["configure"]["env"]
    assert (turn["tls_host"], turn["tls_port"]) == (f"turn.{its.domain}", 5349)
    # What sends signals to coturn sees its processes.
    assert pod["shareProcessNamespace"] is True
    assert (Place.TURN, Direction.INGRESS, Place.ANYWHERE, (5349, 5349)) in {
        (rule.at, rule.direction, rule.peer, rule.ports) for rule in RULES
    }


def test_nothing_starts_before_the_kinds_it_asks_for(reachable: Record, its: Settings) -> None:
    gateway_api = {
        each.urn
        for each in reachable.objects("CustomResourceDefinition")
        if each.inputs["metadata"]["name"].endswith("gateway.networking.k8s.io")
    }
    assert len(gateway_api) == 10
    for each in reachable.of("kubernetes:helm.sh/v3:Release"):
        if each.name in ("traefik", "cert-manager", "external-dns"):
            assert gateway_api <= each.dependencies, each.name
            if its.monitoring.enabled:
                assert release(reachable, "kube-prometheus-stack").urn in each.dependencies
    traefik, cert_manager = release(reachable, "traefik").urn, release(reachable, "cert-manager").urn
    gateway = reachable.one("kubernetes:gateway.networking.k8s.io/v1:Gateway")
    assert traefik in gateway.dependencies
    for route in reachable.objects("HTTPRoute"):
        assert {traefik, gateway.urn} & route.dependencies
    issuers = {each.urn for each in reachable.objects("ClusterIssuer")}
    for each in reachable.objects("ClusterIssuer"):
        assert cert_manager in each.dependencies
    for each in reachable.objects("Certificate"):
        assert issuers <= each.dependencies


def test_records_are_kept_in_the_zone_by_workload_identity(reachable: Record, its: Settings) -> None:
    if not its.dns.enabled:
        assert not [each for each in reachable.objects("ConfigMap") if each.name.endswith("external-dns-oci")]
        return
    dns = release(reachable, "external-dns")
    values = dns.inputs["values"]
    assert values["provider"] == {"name": "oci"}
    assert values["domainFilters"] == [its.dns.zone]
    assert values["sources"] == ["gateway-httproute", "service"]
    assert values["txtOwnerId"] == its.cluster.name
    file = reachable.object("ConfigMap", "external-dns-oci")["data"]["oci.yaml"]
    assert json.loads(file) == {
        "auth": {"region": its.region, "useWorkloadIdentity": True},
        "compartment": its.compartment,
    }
    (policy,) = (
        each
        for each in reachable.of("oci:Identity/policy:Policy")
        if "service_account='external-dns'" in str(each.inputs["statements"])
    )
    assert policy.urn in dns.dependencies
    account = (dns.inputs["namespace"], values["serviceAccount"]["name"])
    assert f"namespace='{account[0]}'" in str(policy.inputs["statements"])
    assert account == ("external-dns", "external-dns")
    turn = reachable.object("Service", "turn")
    prefix = values["annotationPrefix"]
    assert turn["metadata"]["annotations"][f"{prefix}hostname"] == f"turn.{its.domain}"
    assert turn["metadata"]["annotations"][f"{prefix}endpoints-type"] == "NodeExternalIP"
    assert turn["spec"]["clusterIP"] == "None"
    pods = reachable.object("DaemonSet", "turn")["spec"]["template"]["metadata"]["labels"]
    assert turn["spec"]["selector"].items() <= pods.items()


def with_keys(stack: str, **keys: Any) -> Record:
    return run(stack, stack_file(stack) | {f"pixel:{key}": value for key, value in keys.items()})


def test_without_certificates_everything_is_plain() -> None:
    record = with_keys("staging-eu-frankfurt-1", certificates={"enabled": False})
    assert {each["name"] for each in record.object("Gateway", "pixel")["spec"]["listeners"]} == {"http"}
    assert "https" not in hostnames(record)
    assert {each.inputs["spec"]["parentRefs"][0]["sectionName"] for each in record.objects("HTTPRoute")} == {"http"}
    assert record.exports()["page"] == "http://203-0-113-7.nip.io/"
    exposed = {
        name: each["expose"]["default"] for name, each in release(record, "traefik").inputs["values"]["ports"].items()
    }
    assert exposed == {"web": True, "websecure": False}


def test_the_other_wildcard_service_and_the_other_solver_are_used() -> None:
    record = with_keys(
        "staging-eu-frankfurt-1", ingress={"enabled": True, "wildcard_dns": "sslip.io", "grafana": False}
    )
    assert hostnames(record) == {"players": ["203-0-113-7.sslip.io"], "https": None}
    dns01 = {
        "solver": "rfc2136",
        "server": "ns1.example.com:53",
        "secret": "dns01",
        "tsig_key": "cert-manager",
        "tsig_algorithm": "HMACSHA512",
    }
    certificates = {"enabled": True, "email": "a@example.com", "dns01": dns01}
    record = with_keys("production-us-ashburn-1", certificates=certificates)
    solver = record.object("ClusterIssuer", "letsencrypt-staging")["spec"]["acme"]["solvers"][1]["dns01"]
    assert solver["rfc2136"] == {
        "nameserver": "ns1.example.com:53",
        "protocol": "TCP",
        "tsigKeyName": "cert-manager",
        "tsigAlgorithm": "HMACSHA512",
        "tsigSecretSecretRef": {"name": "dns01", "key": "credentials"},
    }


def test_traffic_reaches_node_ports_through_the_rules_of_the_program() -> None:
    rules = {(rule.at, rule.direction, rule.peer, rule.ports) for rule in RULES}
    for port in (ports.HTTP, ports.HTTPS):
        assert (Place.LOAD_BALANCERS, Direction.INGRESS, Place.ANYWHERE, (port, port)) in rules
    # The policy Local has its health check on a node port; other Services have kube-proxy's.
    for allowed in (ports.NODE_PORTS, (ports.KUBE_PROXY_HEALTH, ports.KUBE_PROXY_HEALTH)):
        assert (Place.LOAD_BALANCERS, Direction.EGRESS, Place.WORKERS, allowed) in rules
        assert (Place.WORKERS, Direction.INGRESS, Place.LOAD_BALANCERS, allowed) in rules
