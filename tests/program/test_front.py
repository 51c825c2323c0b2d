"""The matchmaker's front in every stack: its secrets are files, its ways out named, its API where it should be."""

import base64
import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from components.dns_steering import GEO_KEYS, Answer, nearest_first, rules
from components.settings import Settings
from components.settings.regions import Continent
from components.workloads.front import NOT_PUBLIC
from tests.program.recording import Record, run, stack_file

SHARED = "a-shared-token-that-is-long-enough"
FULL: dict[str, Any] = {
    "pixel:login": {"mode": "shared", "token": SHARED, "previous_token": f"{SHARED}-before"},
    "pixel:limits": {"sessions_per_subject": 2},
    "pixel:origins": ["https://shop.example.com"],
    "pixel:api": {"public": True, "public_status": True},
    "pixel:webhooks": {"endpoints": [{"url": "https://hooks.example.com:8443/x"}], "networks": ["192.0.2.0/24"]},
}
PRODUCTION = "production-us-ashburn-1"


def with_keys(**keys: Any) -> Record:
    return run(PRODUCTION, stack_file(PRODUCTION) | FULL | {f"pixel:{key}": value for key, value in keys.items()})


@pytest.fixture(scope="module")
def full() -> Record:
    return with_keys()


def settings(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.object("ConfigMap", "matchmaker")["data"]["matchmaker.json"])
    return found


def projected(record: Record) -> dict[str, tuple[str, str, bool]]:
    pod = record.object("Deployment", "matchmaker")["spec"]["template"]["spec"]
    (volume,) = (each for each in pod["volumes"] if each["name"] == "settings")
    return {
        item["path"]: (source["secret"]["name"], item["key"], source["secret"].get("optional", False))
        for source in volume["projected"]["sources"]
        if "secret" in source
        for item in source["secret"]["items"]
    }


def data(record: Record, name: str) -> dict[str, str]:
    found = record.object("Secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in found.items()}


def policy(record: Record, name: str) -> dict[str, Any]:
    found: dict[str, Any] = record.object("NetworkPolicy", name)["spec"]
    return found


def test_every_stack_has_an_admin_key_as_a_file(record: Record) -> None:
    files = projected(record)
    assert files["admin/key"] == ("admin-key", "key", False)
    assert files["admin/previous"] == ("admin-key", "previous", True)
    assert len(data(record, "admin-key")["key"]) == 64
    assert [port["port"] for port in record.object("Service", "matchmaker")["spec"]["ports"]] == [3000, 8080, 9000]


def test_a_stack_that_names_none_of_it_has_none_of_it(record: Record, its: Settings) -> None:
    found = settings(record)
    assert found["login"]["mode"] == its.login.mode == "none"
    assert "login/secret" not in projected(record) and "webhooks/key" not in projected(record)
    names = {each.inputs["metadata"]["name"] for each in record.objects("NetworkPolicy")}
    assert not names & {"matchmaker-to-webhooks", "matchmaker-to-issuer", "operators-through-ingress"}
    assert ("matchmaker-to-regions" in names) is bool(its.regions.peers)
    assert not [each for each in record.objects("HTTPRoute") if each.inputs["metadata"]["name"] == "operations"]
    proxies = ["10.244.0.0/16"] if its.ingress.enabled else []
    assert found["limits"]["trusted_proxies"] == proxies


def test_secrets_are_files_and_nowhere_else(full: Record) -> None:
    files = projected(full)
    assert {path: files[path][0] for path in ("login/secret", "webhooks/key")} == {
        "login/secret": "login-secret",
        "webhooks/key": "webhook-key",
    }
    assert data(full, "login-secret") == {"secret": SHARED, "previous": f"{SHARED}-before"}
    others = [each.inputs for each in full.resources if not each.token.endswith(":Secret")]
    for text in (SHARED, data(full, "admin-key")["key"], data(full, "webhook-key")["key"]):
        assert text not in json.dumps(others)
        assert base64.b64encode(text.encode()).decode() not in json.dumps(others)


def test_the_settings_are_what_the_stack_file_says(full: Record) -> None:
    found = settings(full)
    assert found["login"]["mode"] == "shared"
    assert found["limits"]["sessions_per_subject"] == 2
    assert found["origins"] == ["https://shop.example.com"]
    assert found["api"] == {"public_status": True, "origins": []}
    (endpoint,) = found["webhooks"]["endpoints"]
    assert (endpoint["url"], len(endpoint["events"])) == ("https://hooks.example.com:8443/x", 4)
    assert found["page"] == "https://play.example.com/"
    assert found["player_page"] == {"configuration": {"region": found["regions"]["name"]}, "allowed": {}}
    assert found["regions"]["place"] == {"latitude": 39, "longitude": -77}
    assert [peer["name"] for peer in found["regions"]["peers"]] == ["frankfurt", "tokyo"]


def test_the_matchmaker_reads_what_the_program_writes(full: Record, record: Record, tmp_path: Any) -> None:
    from signalling.matchmaker.settings import read_stack

    for number, each in enumerate((full, record)):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(settings(each)))
        assert read_stack(file).applications


def test_ways_out_are_to_the_networks_that_are_named_and_to_the_internet_else(full: Record) -> None:
    (hooks,) = policy(full, "matchmaker-to-webhooks")["egress"]
    assert hooks["to"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
    assert hooks["ports"] == [{"protocol": "TCP", "port": 8443}]
    (regions,) = policy(full, "matchmaker-to-regions")["egress"]
    (block,) = (peer["ipBlock"] for peer in regions["to"])
    assert block["cidr"] == "0.0.0.0/0"
    assert regions["ports"] == [{"protocol": "TCP", "port": 443}]
    without = [IPv4Network(each) for each in block["except"]]
    for inner in ("10.16.0.9", "10.244.0.7", "10.96.0.1", "169.254.169.254", "127.0.0.1", "192.168.1.1", "224.0.0.1"):
        assert any(IPv4Address(inner) in network for network in without), inner
    assert not any(IPv4Address("1.1.1.1") in network for network in without)
    assert list(NOT_PUBLIC) == without
    login = {"mode": "signed", "algorithms": ["RS256"], "issuer": "https://id.example.com/", "audience": "pixel"}
    signed = with_keys(login=login | {"jwks": "https://id.example.com:9443/keys"})
    (issuer,) = policy(signed, "matchmaker-to-issuer")["egress"]
    assert issuer["ports"] == [{"protocol": "TCP", "port": 9443}]


def test_a_public_api_is_led_to_its_own_port(full: Record) -> None:
    route = full.object("HTTPRoute", "operations")["spec"]
    paths = {rule["matches"][0]["path"]["value"]: rule["backendRefs"] for rule in route["rules"]}
    assert paths == {path: [{"name": "matchmaker", "port": 8080}] for path in ("/api", "/operator")}
    assert route["hostnames"] == full.object("HTTPRoute", "players")["spec"]["hostnames"] == ["play.example.com"]
    (rule,) = policy(full, "operators-through-ingress")["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]


def test_all_regions_answer_to_the_shared_name_and_one_steers_it(record: Record, its: Settings, stack: str) -> None:
    steering = record.of("oci:Dns/steeringPolicy:SteeringPolicy")
    assert bool(steering) is (stack == PRODUCTION)
    if its.regions.domain is None:
        return
    route = record.object("HTTPRoute", "players-of-all-regions")
    assert route["spec"]["hostnames"] == [its.regions.domain]
    assert route["metadata"]["annotations"] == {"external-dns.alpha.kubernetes.io/controller": "none"}
    assert its.regions.domain in record.object("Certificate", "gateway-tls")["spec"]["dnsNames"]
    for issuer in record.objects("ClusterIssuer"):
        assert its.regions.domain in issuer.inputs["spec"]["acme"]["solvers"][1]["selector"]["dnsNames"]
    for each in steering:
        answers = {answer["name"]: answer["rdata"] for answer in each.inputs["answers"]}
        assert answers == {
            "ashburn": "play.example.com",
            "frankfurt": "play-eu.example.com",
            "tokyo": "play-jp.example.com",
        }
        attachment = record.one("oci:Dns/steeringPolicyAttachment:SteeringPolicyAttachment")
        attached = attachment.inputs
        assert (attached["domainName"], attached["steeringPolicyId"]) == (its.regions.domain, f"{each.name}-id")
        assert attachment.deleted_first, "a name is attached to one policy, and another region makes another policy"
        monitor = record.one("oci:HealthChecks/httpMonitor:HttpMonitor").inputs
        assert set(monitor["targets"]) == set(answers.values())
        assert (monitor["protocol"], monitor["path"]) == ("HTTPS", "/region")


def test_who_is_led_where() -> None:
    america = Answer("us", "us.example.com", (Continent.NORTH_AMERICA,))
    europe = Answer("eu", "eu.example.com", (Continent.EUROPE, Continent.AFRICA))
    assert nearest_first([america, europe], Continent.EUROPE) == [europe, america]
    assert nearest_first([america, europe], Continent.ASIA) == [america, europe]
    kinds = rules([america, europe])
    assert [rule["ruleType"] for rule in kinds] == ["FILTER", "HEALTH", "PRIORITY", "LIMIT"]
    *cases, default = kinds[2]["cases"]
    assert "caseCondition" not in default
    order = {case["caseCondition"]: case["answerDatas"][0]["answerCondition"] for case in cases}
    assert order[f"query.client.geoKey in (geoKey '{GEO_KEYS[Continent.AFRICA]}')"] == "answer.pool == 'eu'"
    assert default["answerDatas"][0] == {"answerCondition": "answer.pool == 'us'", "value": 1}
    assert kinds[3] == {"ruleType": "LIMIT", "defaultCount": 1}
    assert GEO_KEYS.keys() == set(Continent)
