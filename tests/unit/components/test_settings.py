"""Bad stack files: each has one fault, and gives one refusal that names key, value and remedy."""

import json
from typing import Any

import pytest

from components.settings import SettingsError, load, stack_config
from components.settings.isolation import Engine
from components.settings.sessions import SessionSettings, Sharing
from components.settings.turn import TurnSettings
from tests.unit.components.settings_cases import DELETED, GOOD, patched, without_network

EXAMPLE_APP = GOOD["pixel:apps"][0]
TOKEN = "token-of-a-user"
VAULT = "ocid1.vault.oc1.eu-frankfurt-1.b.example"
RELAY = "turn:turn.example.net:3478?transport=udp"
KEY = "ocid1.key.oc1.eu-frankfurt-1.b.example"

BAD: list[tuple[str, Any, str, list[str]]] = [
    # what is changed, to what, the key in the refusal, what else it says
    ("oci:region", DELETED, "oci:region", ["missing", "eu-frankfurt-1"]),
    ("oci:region", "Frankfurt", "oci:region", ['"Frankfurt"', "eu-frankfurt-1"]),
    ("oci:tenancyOcid", "ocid1.tenancy", "oci:tenancyOcid", ["unknown", "Known: oci:region"]),
    ("kubernetes:context", "mine", "kubernetes:context", ["unknown"]),
    ("pixel:home_region", "Frankfurt", "pixel:home_region", ['"Frankfurt"', "eu-frankfurt-1"]),
    ("pixel:compartment", DELETED, "pixel:compartment", ["missing", "ocid1.compartment"]),
    ("pixel:compartment", "acme", "pixel:compartment", ['"acme"', "ocid1.compartment"]),
    ("pixel:compartment", 7, "pixel:compartment", ["7", "not a text"]),
    ("pixel:domain", "https://play.example.com", "pixel:domain", ["https://", 'such as "play.example.com"']),
    ("pixel:netwrok", {"cidr": "10.0.0.0/16"}, "pixel:netwrok", ["unknown", "Did you mean network?"]),
    ("pixel:network", DELETED, "pixel:network", ["missing", "mapping"]),
    ("pixel:network", "10.0.0.0/16", "pixel:network", ['"10.0.0.0/16"', "not a mapping"]),
    ("pixel:network/cidr", DELETED, "pixel:network.cidr", ["missing", '"10.0.0.0/16"']),
    ("pixel:network/cidr", "10.0.0.0/33", "pixel:network.cidr", ["10.0.0.0/33", "not a network"]),
    ("pixel:network/cidr", "10.0.0.1/16", "pixel:network.cidr", ["10.0.0.1/16", "host bits"]),
    ("pixel:network/cidr", "10.0.0.0/8", "pixel:network.cidr", ["10.0.0.0/8", "from /16 to /30"]),
    ("pixel:network/cidr", "10.0.0.0/24", "pixel:network.cidr", ["10.0.0.0/24", "/20 or larger", "subnets.workers"]),
    ("pixel:network/cidr", "9.9.0.0/16", "pixel:network.cidr", ["9.9.0.0/16", "not a private network", "10/8"]),
    ("pixel:network/cidr", "10.244.0.0/16", "pixel:network.cidr", ["pods", "10.244.0.0/16", "does not overlap"]),
    ("pixel:network/cidr", "10.96.0.0/16", "pixel:network.cidr", ["Services", "10.96.0.0/16"]),
    ("pixel:network/subnets", {"worker": "10.0.50.0/24"}, "pixel:network.subnets.worker", ["Did you mean workers?"]),
    ("pixel:network/subnets", {"turn": "10.1.30.0/24"}, "pixel:network.subnets.turn", ["10.1.30.0/24", "outside"]),
    ("pixel:network/subnets", {"turn": "10.0.10.128/25"}, "pixel:network.subnets.turn", ["overlapping workers"]),
    ("pixel:network/subnets", {"api": "10.0.40.0/31"}, "pixel:network.subnets.api", ["10.0.40.0/31", "/30"]),
    ("pixel:network/subnets", {"workers": "10.0.40.0/28"}, "pixel:network.subnets.workers", ["18 nodes", "holds 13"]),
    ("pixel:network/subnets", {"turn": "10.0.40.0/30"}, "pixel:network.subnets.turn", ["4 nodes", "holds 1"]),
    ("pixel:network/admin_cidrs", DELETED, "pixel:network.admin_cidrs", ["missing", "endpoint to private"]),
    ("pixel:network/admin_cidrs", "192.0.2.0/24", "pixel:network.admin_cidrs", ["not a list", '["192.0.2.0/24"]']),
    ("pixel:network/admin_cidrs/0", "0.0.0.0/0", "pixel:network.admin_cidrs[0]", ["whole internet", "your people"]),
    ("pixel:network/admin_cidrs/0", "office", "pixel:network.admin_cidrs[0]", ['"office"', "not a network"]),
    ("pixel:cluster/name", "Pixel Prod", "pixel:cluster.name", ['"Pixel Prod"', "lower-case"]),
    ("pixel:cluster/kubernetes_version", "1.36.1", "pixel:cluster.kubernetes_version", ['"1.36.1"', '"v1.36.1"']),
    (
        "pixel:cluster/kubernetes_version",
        "v1.29.1",
        "pixel:cluster.kubernetes_version",
        ["v1.29.1", "1.34, 1.35, 1.36"],
    ),
    ("pixel:cluster/endpoint", "pubic", "pixel:cluster.endpoint", ['"pubic"', "Did you mean public?"]),
    ("pixel:cluster/protect", "yes", "pixel:cluster.protect", ['"yes"', "true or false"]),
    ("pixel:cluster/autoscaler", DELETED, "pixel:cluster.autoscaler", ["missing", "true or false"]),
    ("pixel:cluster/autoscaler", False, "pixel:pools.gpu.min", ["is 0", "autoscaler off", "autoscaler to true"]),
    ("pixel:cluster/version", "v1.36.1", "pixel:cluster.version", ["unknown", "kubernetes_version"]),
    ("pixel:pools/gpu", DELETED, "pixel:pools.gpu", ["missing"]),
    ("pixel:pools/spot", {}, "pixel:pools.spot", ["unknown", "default, gpu, turn"]),
    ("pixel:pools/default/shape", "E4", "pixel:pools.default.shape", ['"E4"', "VM.Standard.E4.Flex"]),
    ("pixel:pools/default/shape", "VM.GPU.A10.Flex", "pixel:pools.default.shape", ["GPU shape", "VM.Standard.E4.Flex"]),
    ("pixel:pools/default/ocpus", DELETED, "pixel:pools.default.ocpus", ["missing", "whole number from 1"]),
    ("pixel:pools/default/ocpus", 2.5, "pixel:pools.default.ocpus", ["2.5", "not a whole number"]),
    ("pixel:pools/default/ocpus", True, "pixel:pools.default.ocpus", ["true", "not a whole number"]),
    ("pixel:pools/default/memory_gb", 256, "pixel:pools.default.memory_gb", ["256", "2 to 128"]),
    ("pixel:pools/default/min", 2, "pixel:pools.default.min", ["is 2", "at least 3"]),
    ("pixel:pools/default/min", 11, "pixel:pools.default.min", ["is 11", "above max, 10", "raise max"]),
    ("pixel:pools/default/max", 0, "pixel:pools.default.max", ["is 0", "from 1 to 1000"]),
    ("pixel:pools/default/boot_volume_gb", 20, "pixel:pools.default.boot_volume_gb", ["is 20", "from 50"]),
    ("pixel:pools/default/image_id", "Oracle-Linux-8", "pixel:pools.default.image_id", ["eu-frankfurt-1", "oci ce"]),
    (
        "pixel:pools/gpu/image_id",
        "ocid1.image.oc1.iad.example",
        "pixel:pools.gpu.image_id",
        ["ocid1.image.oc1.iad.example", "eu-frankfurt-1"],
    ),
    ("pixel:pools/turn/min", 0, "pixel:pools.turn.min", ["is 0", "no TURN node", "at least 1"]),
    ("pixel:pools/turn/availability_domains", [], "pixel:pools.turn.availability_domains", ["empty", "AD-1"]),
    (
        "pixel:pools/turn/availability_domains",
        ["AD-1"],
        "pixel:pools.turn.availability_domains[0]",
        ['"AD-1"', "Uocm:EU-FRANKFURT-1-AD-1"],
    ),
    (
        "pixel:pools/turn/availability_domains",
        ["Uocm:US-ASHBURN-AD-1"],
        "pixel:pools.turn.availability_domains[0]",
        ["US-ASHBURN", "EU-FRANKFURT-1"],
    ),
    (
        "pixel:pools/turn/availability_domains",
        ["Uocm:EU-FRANKFURT-1-AD-1", "Uocm:EU-FRANKFURT-1-AD-1"],
        "pixel:pools.turn.availability_domains",
        ["twice", "once"],
    ),
    ("pixel:pools/gpu/shape", "VM.Standard2.4", "pixel:pools.gpu.shape", ["without a GPU", "VM.GPU.A10.1"]),
    ("pixel:pools/gpu/shape", "BM.GPU.H100.8", "pixel:pools.gpu.shape", ["video encoder", "L40S"]),
    ("pixel:pools/gpu/shape", "BM.GPU4.8", "pixel:pools.gpu.shape", ["video encoder"]),
    ("pixel:pools/gpu/shape", "BM.GPU.A100-v2.8", "pixel:pools.gpu.shape", ["video encoder"]),
    ("pixel:pools/gpu/ocpus", 15, "pixel:pools.gpu.ocpus", ["not a Flex shape", "Leave the key out"]),
    ("pixel:pools/gpu/memory_gb", 240, "pixel:pools.gpu.memory_gb", ["not a Flex shape"]),
    ("pixel:pools/gpu/max", 3, "pixel:pools.gpu.max", ["room for 3", "ask for 4", "share GPUs"]),
    (
        "pixel:pools/gpu/sharing",
        {"mode": "mps"},
        "pixel:pools.gpu.sharing.mode",
        ['"mps"', "exclusive, time-slicing, mig, cpu"],
    ),
    ("pixel:pools/gpu/sharing", {"mode": "time-slicing"}, "pixel:pools.gpu.sharing.slots", ["missing", "from 2 to 48"]),
    (
        "pixel:pools/gpu/sharing",
        {"mode": "time-slicing", "slots": 1},
        "pixel:pools.gpu.sharing.slots",
        ["is 1", "from 2 to 48"],
    ),
    (
        "pixel:pools/gpu/sharing",
        {"mode": "exclusive", "slots": 2},
        "pixel:pools.gpu.sharing.slots",
        ["is 2", "nothing to the mode exclusive", "use time-slicing"],
    ),
    (
        "pixel:pools/gpu/sharing",
        {"mode": "time-slicing", "slots": 13},
        "pixel:pools.gpu.sharing.slots",
        ["is 13", "instances of showroom", "one A10 bears (memory: 24 GB)", "at most 12", "gpu_memory"],
    ),
    ("pixel:pools/gpu/sharing", {"mode": "mig"}, "pixel:pools.gpu.sharing.profile", ["missing", "1g.24gb+gfx"]),
    (
        "pixel:pools/gpu/sharing",
        {"mode": "mig", "profile": "1g.10gb"},
        "pixel:pools.gpu.sharing.mode",
        ['"mig"', "A10 of VM.GPU.A10.1", "exclusive or time-slicing", "RTXPRO"],
    ),
    ("pixel:pools/gpu/preemptible", True, "pixel:pools.gpu.preemptible", ["true", "VM.GPU.A10.1", "VM.GPU3"]),
    ("pixel:pools/gpu/prepull", "yes", "pixel:pools.gpu.prepull", ['"yes"', "true or false"]),
    ("pixel:pools/default/prepull", True, "pixel:pools.default.prepull", ["unknown"]),
    ("pixel:autoscaling", {"keda": 1}, "pixel:autoscaling.keda", ["is 1", "true or false"]),
    ("pixel:autoscaling", {"prometheus_adapter": True}, "pixel:autoscaling.prometheus_adapter", ["unknown"]),
    ("pixel:apps/0/resources/gpu_memory", "2GB", "pixel:apps[0].resources.gpu_memory", ['"2GB"', '"6Gi"']),
    (
        "pixel:apps/0/resources/gpu_memory",
        "25Gi",
        "pixel:apps[0].resources.gpu_memory",
        ['"25Gi"', "more than the A10 has (memory: 24 GB)", "larger GPU"],
    ),
    (
        "pixel:apps/0/resolution",
        {"width": 7680, "height": 4320, "frame_rate": 60},
        "pixel:apps[0].resolution.frame_rate",
        ["is 60", "more than the A10 encodes (video encoders: 1)"],
    ),
    ("pixel:pools/default/sharing", {"mode": "cpu"}, "pixel:pools.default.sharing", ["unknown"]),
    ("pixel:registry", {"repositories": "private"}, "pixel:registry.repositories", ['"private"', "managed"]),
    ("pixel:registry", {"pull": {"auth_token": TOKEN}}, "pixel:registry.pull.username", ["missing", "namespace/user"]),
    ("pixel:registry", {"pull": {"username": "a/b"}}, "pixel:registry.pull.auth_token", ["missing", "--secret --path"]),
    (
        "pixel:registry",
        {"pull": {"username": "a/b", "auth_token": "two words"}},
        "pixel:registry.pull.auth_token",
        ["(hidden)", "ocid1.vaultsecret"],
    ),
    (
        "pixel:registry",
        {"pull": {"username": "a:b", "auth_token": TOKEN}},
        "pixel:registry.pull.username",
        ['"a:b"', "without colons"],
    ),
    (
        "pixel:registry",
        {"pull": {"username": "a/b", "auth_token": TOKEN, "servers": ["iad.ocir.io"]}},
        "pixel:registry.pull.servers[0]",
        ["none of the images", "fra.ocir.io"],
    ),
    (
        "pixel:registry",
        {"pull": {"username": "a/b", "auth_token": TOKEN, "server": "fra.ocir.io"}},
        "pixel:registry.pull.server",
        ["Did you mean servers?"],
    ),
    ("pixel:secrets", {"vault": "mine"}, "pixel:secrets.vault", ['"mine"', "none, managed"]),
    ("pixel:secrets", {"vault": False}, "pixel:secrets.vault", ["not a text"]),
    ("pixel:secrets", {"vault": VAULT}, "pixel:secrets.key", ["missing", "ocid1.key"]),
    ("pixel:secrets", {"vault": VAULT, "key": VAULT}, "pixel:secrets.key", ["of the wrong form", "ocid1.key"]),
    ("pixel:secrets", {"vault": "managed", "key": KEY}, "pixel:secrets.key", ["of no use", "the key's vault"]),
    ("pixel:secrets", {"rotation": {"turn": 2}}, "pixel:secrets.rotation.turn", ["without a vault", "managed"]),
    (
        "pixel:secrets",
        {"vault": "managed", "rotation": {"redis": 2}},
        "pixel:secrets.rotation.redis",
        ["this stack does not have", "Leave it out"],
    ),
    (
        "pixel:secrets",
        {"vault": "managed", "rotation": {"turn": 0}},
        "pixel:secrets.rotation.turn",
        ["out of range", "from 1"],
    ),
    (
        "pixel:secrets",
        {"vault": "managed", "rotation": {"tickets": 2}},
        "pixel:secrets.rotation.tickets",
        ["unknown", "admin, grafana, redis, ticket, turn"],
    ),
    ("pixel:redis", {"mode": "cluster"}, "pixel:redis.mode", ["in-cluster", "managed"]),
    ("pixel:redis", {"mode": "managed", "nodes": 6}, "pixel:redis.nodes", ["is 6", "1 to 5"]),
    ("pixel:redis", {"mode": "managed", "storage_gb": 50}, "pixel:redis.storage_gb", ["unknown"]),
    ("pixel:redis", {"mode": "in-cluster", "nodes": 2}, "pixel:redis.nodes", ["unknown"]),
    ("pixel:redis", {"mode": "in-cluster", "storage_gb": 8}, "pixel:redis.storage_gb", ["is 8", "from 50"]),
    ("pixel:redis", {"memory_gb": 2}, "pixel:redis.memory_gb", ["unknown"]),
    ("pixel:matchmaker", {"replicas": 2}, "pixel:matchmaker.replicas", ["is 2", "redis.mode", "or use 1"]),
    ("pixel:matchmaker", {"replicas": 0}, "pixel:matchmaker.replicas", ["is 0", "1 to 50"]),
    ("pixel:matchmaker", {"count": 1}, "pixel:matchmaker.count", ["unknown", "replicas"]),
    ("pixel:images/signalling", "signalling:1.0.0", "pixel:images.signalling", ["full reference", "fra.ocir.io"]),
    ("pixel:images/signalling", "fra.ocir.io/acme/signalling", "pixel:images.signalling", ["tag or digest"]),
    ("pixel:images/turn", "fra.ocir.io/acme/turn:latest", "pixel:images.turn", ['"latest" moves', "tag of a release"]),
    ("pixel:images/player", "fra.ocir.io/acme/player:1", "pixel:images.player", ["unknown", "signalling, turn"]),
    ("pixel:turn/transport_policy", "relays", "pixel:turn.transport_policy", ["Did you mean relay?"]),
    ("pixel:turn/transport_policy", "all", "pixel:turn.transport_policy", ["no public address", "Use relay"]),
    ("pixel:turn", {"user_quota": 0}, "pixel:turn.user_quota", ["is 0", "from 1 to 1000"]),
    ("pixel:turn", {"total_quota": 20000}, "pixel:turn.total_quota", ["is 20000", "to 16384"]),
    ("pixel:turn", {"user_quota": 20, "total_quota": 10}, "pixel:turn.user_quota", ["above total_quota, 10"]),
    ("pixel:turn", {"capacity_mbps": 50}, "pixel:turn.capacity_mbps", ["below max_mbps, 100", "reserves"]),
    ("pixel:turn", {"max_mbps": 0, "capacity_mbps": 50}, "pixel:turn.capacity_mbps", ["max_mbps 0"]),
    ("pixel:turn", {"drain_minutes": "an hour"}, "pixel:turn.drain_minutes", ["not a whole number"]),
    ("pixel:turn", {"peers": ["10.244.0.0/16"]}, "pixel:turn.peers[0]", ["10.244.0.0/16", "other pods"]),
    ("pixel:turn", {"peers": ["0.0.0.0/0"]}, "pixel:turn.peers[0]", ["in the way of", "TURN servers alone"]),
    ("pixel:turn", {"peers": ["10.0.0.0/28"]}, "pixel:turn.peers[0]", ["the Kubernetes API"]),
    ("pixel:turn", {"external": [{"urls": [RELAY]}]}, "pixel:turn.external[0].secret", ["missing", "--secret"]),
    ("pixel:turn", {"external": [{"urls": [], "secret": "s"}]}, "pixel:turn.external[0].urls", ["empty"]),
    (
        "pixel:turn",
        {"external": [{"urls": ["stun:stun.example.net"], "secret": "s"}]},
        "pixel:turn.external[0].urls[0]",
        ["stun:stun.example.net", "transport=udp"],
    ),
    (
        "pixel:turn",
        {"external": [{"urls": [RELAY] * 5, "secret": "s"}]},
        "pixel:turn.external[0].urls",
        ["5 addresses", "at most 4"],
    ),
    (
        "pixel:turn",
        {"external": [{"urls": [RELAY], "secret": "two words"}]},
        "pixel:turn.external[0].secret",
        ["(hidden)", "without blanks"],
    ),
    (
        "pixel:turn",
        {"external": [{"urls": [RELAY], "secret": "s", "networks": ["10.0.10.0/24"]}]},
        "pixel:turn.external[0].networks[0]",
        ["kubelets", "TURN servers alone"],
    ),
    ("pixel:apps/0/ice", {"server": []}, "pixel:apps[0].ice.server", ["Did you mean servers?"]),
    ("pixel:apps/0/ice", {"transport_policy": "all"}, "pixel:apps[0].ice.transport_policy", ["no public address"]),
    ("pixel:apps/0/ice", {"networks": ["127.0.0.0/8"]}, "pixel:apps[0].ice.networks[0]", ["loopback"]),
    (
        "pixel:apps/0/ice",
        {"servers": [{"urls": ["turn.example.net"]}]},
        "pixel:apps[0].ice.servers[0].urls[0]",
        ['"turn.example.net"', "stun:stun.example.com:3478"],
    ),
    (
        "pixel:apps/0/ice",
        {"servers": [{"urls": [RELAY], "credential": "secret"}]},
        "pixel:apps[0].ice.servers[0].username",
        ["missing"],
    ),
    (
        "pixel:apps/0/ice",
        {"servers": [{"urls": [RELAY], "username": "acme"}]},
        "pixel:apps[0].ice.servers[0].credential",
        ["missing", "--secret"],
    ),
    ("pixel:pools/turn/min", 0, "pixel:pools.turn.min", ["no TURN node", "turn.external"]),
    (
        "pixel:network_policies",
        {"engine": "calico"},
        "pixel:network_policies.engine",
        ['"calico"', "none, kube-network-policies"],
    ),
    ("pixel:network_policies", {"enforce": True}, "pixel:network_policies.enforce", ["unknown", "Known: engine"]),
    ("pixel:network_policies", "none", "pixel:network_policies", ["not a mapping"]),
    ("pixel:apps/0/egress", "203.0.113.0/24", "pixel:apps[0].egress", ["not a list"]),
    ("pixel:apps/0/egress", ["db.example.com"], "pixel:apps[0].egress[0]", ["db.example.com", "not a network"]),
    ("pixel:apps/0/egress", ["169.254.0.0/16"], "pixel:apps[0].egress[0]", ["metadata service", "leave it out"]),
    ("pixel:monitoring", {"enable": True}, "pixel:monitoring.enable", ["unknown", "Did you mean enabled?"]),
    ("pixel:monitoring", {"enabled": "yes"}, "pixel:monitoring.enabled", ['"yes"', "true or false"]),
    ("pixel:monitoring", {"storage_gb": 20}, "pixel:monitoring.storage_gb", ["is 20", "from 50"]),
    ("pixel:monitoring", {"retention_days": 0}, "pixel:monitoring.retention_days", ["is 0", "from 1 to 730"]),
    ("pixel:monitoring", {"gpu_hour_price": -1}, "pixel:monitoring.gpu_hour_price", ["-1", "such as 2.00"]),
    ("pixel:monitoring", {"currency": "$"}, "pixel:monitoring.currency", ['"$"', '"USD"']),
    ("pixel:monitoring", {"timezone": "CET+1"}, "pixel:monitoring.timezone", ['"CET+1"', "Europe/Berlin"]),
    ("pixel:monitoring", {"runbooks": "wiki"}, "pixel:monitoring.runbooks", ['"wiki"', "docs/alerts.md"]),
    ("pixel:monitoring", {"turn_node_gbits": 4}, "pixel:monitoring.turn_node_gbits", ["OCPUs", "Leave the key out"]),
    ("pixel:apps", [], "pixel:apps", ["empty", "list of mappings"]),
    ("pixel:apps", {"name": "showroom"}, "pixel:apps", ["not a list"]),
    ("pixel:apps/0", "showroom", "pixel:apps[0]", ['"showroom"', "not a mapping"]),
    ("pixel:apps/0/name", "Show Room", "pixel:apps[0].name", ['"Show Room"', "lower-case"]),
    ("pixel:apps/0/name", "s" * 45, "pixel:apps[0].name", ["51 characters", "46"]),
    ("pixel:apps/0/image", "fra.ocir.io/acme/showroom:1.4.2", "pixel:apps[0].image", ["without a tag"]),
    ("pixel:apps/0/image", "acme/showroom", "pixel:apps[0].image", ["with its registry"]),
    ("pixel:apps/0/versions", DELETED, "pixel:apps[0].versions", ["missing"]),
    ("pixel:apps/0/versions/0/tag", 1.4, "pixel:apps[0].versions[0].tag", ["1.4", "quotation marks"]),
    ("pixel:apps/0/versions/0/tag", "latest", "pixel:apps[0].versions[0].tag", ["moves"]),
    ("pixel:apps/0/versions/1/tag", "1_4_2", "pixel:apps[0].versions[1].tag", ['"1-4-2"', "once"]),
    ("pixel:apps/0/versions/1/weight", 10, "pixel:apps[0].versions", ["[95, 10]", "105", "100"]),
    ("pixel:apps/0/versions/1/weight", -5, "pixel:apps[0].versions[1].weight", ["-5", "from 0 to 100"]),
    ("pixel:apps/0/versions/0/weigth", 95, "pixel:apps[0].versions[0].weigth", ["Did you mean weight?"]),
    ("pixel:apps/0/resources/cpu", "4 cores", "pixel:apps[0].resources.cpu", ['"4 cores"', '"3750m"']),
    ("pixel:apps/0/resources/memory", "8GB", "pixel:apps[0].resources.memory", ['"8GB"', '"8Gi"']),
    ("pixel:apps/0/resources/cpu_limit", "1", "pixel:apps[0].resources.cpu_limit", ["below the request, 3750m"]),
    ("pixel:apps/0/buffer", DELETED, "pixel:apps[0].buffer", ["missing"]),
    ("pixel:apps/0/buffer/instances", -1, "pixel:apps[0].buffer.instances", ["-1", "from 0 to 1000"]),
    ("pixel:apps/0/buffer/node", 1, "pixel:apps[0].buffer.node", ["unknown", "Did you mean nodes?"]),
    ("pixel:apps/0/resolution/width", 1921, "pixel:apps[0].resolution.width", ["1921", "even"]),
    ("pixel:apps/0/resolution/frame_rate", 240, "pixel:apps[0].resolution.frame_rate", ["240", "1 to 120"]),
    ("pixel:apps/0/arguments", "-RenderOffScreen", "pixel:apps[0].arguments", ["not a list"]),
    ("pixel:apps/0/sessions", "private", "pixel:apps[0].sessions", ['"private"', "exclusive, shared"]),
    ("pixel:apps/0/session", {"minutes": 5}, "pixel:apps[0].session.minutes", ["unknown", "max_minutes"]),
    ("pixel:apps/0/session", {"grace_seconds": -1}, "pixel:apps[0].session.grace_seconds", ["-1", "from 0 to 3600"]),
    ("pixel:apps/0/session", {"players": 0}, "pixel:apps[0].session.players", ["from 1 to 100"]),
    ("pixel:apps/0/session", {"reuse": "no"}, "pixel:apps[0].session.reuse", ["true or false"]),
    (
        "pixel:apps/0/session",
        {"idle_minutes": 1, "warning_seconds": 90},
        "pixel:apps[0].session.warning_seconds",
        ["is 90", "longer than idle_minutes, 1", "Lower it"],
    ),
    ("pixel:apps/0/control", {"url": "http://10.0.0.1:80"}, "pixel:apps[0].control.url", ["on the pod itself"]),
    ("pixel:apps/0/control", {"url": "http://localhost:1/../x"}, "pixel:apps[0].control.url", ["of the wrong form"]),
    ("pixel:apps/0/control", {"port": 1}, "pixel:apps[0].control.port", ["unknown", "url"]),
    ("pixel:apps/0/arguments/0", "-ResX 1920", "pixel:apps[0].arguments[0]", ['"-ResX 1920"', "without blanks"]),
]


@pytest.mark.parametrize(
    ("path", "value", "key", "words"), BAD, ids=[f"{path}={value!r}"[:70] for path, value, *_ in BAD]
)
def test_a_bad_file_gives_one_refusal(path: str, value: Any, key: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(patched(path, value))
    (refusal,) = caught.value.refusals
    assert refusal.startswith(f"{key} is ")
    assert refusal.endswith(".")
    for word in words:
        assert word in refusal


def test_sessions_that_share_an_instance_do_not_use_it_again() -> None:
    config = patched("pixel:apps/0/session", {"reuse": True})
    assert load(config).apps[0].session.reuse
    config["pixel:apps"][0] |= {"sessions": "shared", "buffer": {"maximum": 4}}
    config |= {"pixel:autoscaling": {"keda": True, "metrics_server": True}}
    with pytest.raises(SettingsError, match=r"pixel:apps\[0\]\.session\.reuse is true: of no use"):
        load(config)


def test_sessions_have_defaults_and_an_application_s_own_api_is_closed() -> None:
    app = load(GOOD).apps[0]
    assert app.session == SessionSettings(Sharing.EXCLUSIVE, 0, 0, 30, 60, 60, 8, reuse=False)
    assert app.control is None
    assert load(patched("pixel:apps/0/control", {})).apps[0].control == "http://localhost:8111"


def test_the_good_file_is_good() -> None:
    its = load(GOOD)
    assert its.region == "eu-frankfurt-1"
    assert its.domain is None
    assert [app.fleet_name(version) for app in its.apps for version in app.versions] == [
        "showroom-1-4-2",
        "showroom-1-5-0",
    ]
    assert its.apps[0].resources.cpu_limit == "7500m"
    assert its.pools.gpu.boot_volume_gb == 200
    assert its.pools.default.boot_volume_gb == 50


def test_a_file_without_the_key_has_what_is_best_on_oke() -> None:
    its = load(patched("pixel:turn", DELETED))
    assert its.turn == TurnSettings()
    assert (its.turn.transport_policy, its.turn.user_quota, its.turn.total_quota) == ("relay", 16, 14_000)


def test_where_others_made_the_network_direct_media_may_be_possible() -> None:
    config = without_network(patched("pixel:turn/transport_policy", "all"))
    assert load(config).turn.transport_policy == "all"


def test_with_turn_elsewhere_the_pool_may_be_empty() -> None:
    config = patched("pixel:pools/turn/min", 0)
    config["pixel:turn"] = {"external": [{"urls": [RELAY], "secret": {"secure": "v1:abc"}}]}
    (external,) = load(config).turn.external
    assert (external.urls, external.secret) == ((RELAY,), "")
    assert "v1:abc" not in repr(external)


def test_no_refusal_and_no_settings_show_a_secret() -> None:
    server = {"urls": [RELAY], "username": "acme", "credential": "secret-of-the-vendor"}
    its = load(patched("pixel:apps/0/ice", {"servers": [server]}))
    assert "secret-of-the-vendor" not in repr(its)
    with pytest.raises(SettingsError) as caught:
        load(patched("pixel:apps/0/ice", {"servers": [{**server, "credential": "secret of the vendor"}]}))
    assert "secret of" not in str(caught.value)


def test_every_refusal_of_a_file_comes_at_once() -> None:
    config = patched("pixel:cluster/endpoint", "open")
    config["pixel:pools"]["default"]["mins"] = config["pixel:pools"]["default"].pop("min")
    del config["pixel:compartment"]
    with pytest.raises(SettingsError) as caught:
        load(config)
    keys = [refusal.split(" ")[0] for refusal in caught.value.refusals]
    assert sorted(keys) == ["pixel:cluster.endpoint", "pixel:compartment", "pixel:pools.default.mins"]
    assert str(caught.value).count("\n") == 3


@pytest.mark.parametrize("section", ["pixel:network", "pixel:cluster", "pixel:pools", "pixel:images", "pixel:turn"])
def test_a_section_that_is_no_mapping_is_refused_once(section: str) -> None:
    for value in ("text", 3, ["a"], True):
        with pytest.raises(SettingsError) as caught:
            load(patched(section, value))
        assert len(caught.value.refusals) == 1


@pytest.mark.parametrize(
    ("region", "domain", "ocid"),
    [
        ("eu-frankfurt-1", "Uocm:EU-FRANKFURT-1-AD-1", "eu-frankfurt-1"),
        ("us-ashburn-1", "Uocm:US-ASHBURN-AD-1", "iad"),
        ("us-phoenix-1", "Uocm:PHX-AD-3", "phx"),
    ],
)
def test_domains_and_images_are_named_as_their_region_names_them(region: str, domain: str, ocid: str) -> None:
    config = patched("oci:region", region)
    for pool in config["pixel:pools"].values():
        pool |= {"availability_domains": [domain], "image_id": f"ocid1.image.oc1.{ocid}.example"}
    assert load(config).pools.gpu.availability_domains == (domain,)


@pytest.mark.parametrize(
    ("tag", "label"),
    [("1.4.2", "1-4-2"), ("v2.0.0-RC.1", "v2-0-0-rc-1"), ("_x_", "x"), ("2026.11.23_3", "2026-11-23-3")],
)
def test_tags_become_dns_labels(tag: str, label: str) -> None:
    config = patched("pixel:apps/0/versions", [{"tag": tag, "weight": 100}])
    assert load(config).apps[0].versions[0].label == label


def test_a_small_vcn_is_good_when_every_subnet_is_given() -> None:
    config = patched("pixel:network/cidr", "192.168.4.0/24")
    config["pixel:network"]["subnets"] = {
        "api": "192.168.4.0/29",
        "load_balancers": "192.168.4.16/28",
        "turn": "192.168.4.32/28",
        "workers": "192.168.4.128/25",
    }
    assert str(load(config).network.subnets.workers) == "192.168.4.128/25"


def test_the_nodes_of_oci_cache_take_addresses_of_the_workers() -> None:
    config = patched("pixel:network/subnets", {"workers": "10.0.40.0/27"})
    config["pixel:pools"]["gpu"]["max"] = 16
    config["pixel:redis"] = {"mode": "managed", "nodes": 3}
    assert load(config).redis.nodes == 3
    config["pixel:redis"]["nodes"] = 4
    with pytest.raises(SettingsError) as refused:
        load(config)
    (line,) = refused.value.refusals
    assert line.startswith('pixel:network.subnets.workers is "10.0.40.0/27": too small for the 26 nodes of its pools')
    assert "and the 4 of OCI Cache (it holds 29)" in line


def test_the_engine_hands_structures_over_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in GOOD.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(flat | {"pixel:domain": ""}))
    assert load(stack_config()) == load(GOOD)


def test_a_text_that_looks_like_a_structure_is_refused_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in GOOD.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(flat | {"pixel:domain": "{{ domain }}"}))
    with pytest.raises(SettingsError, match=r'pixel:domain is "\{\{ domain }}": of the wrong form'):
        load(stack_config())


def test_weights_of_two_apps_are_apart() -> None:
    config = patched("pixel:pools/gpu/max", 20)
    config["pixel:apps"] = [EXAMPLE_APP, {**EXAMPLE_APP, "name": "other"}]
    assert [app.name for app in load(config).apps] == ["showroom", "other"]


def test_two_apps_of_one_name_are_refused() -> None:
    config = patched("pixel:pools/gpu/max", 20)
    config["pixel:apps"] = [EXAMPLE_APP, EXAMPLE_APP]
    with pytest.raises(SettingsError, match=r"apps\[1\]\.name is \"showroom\": taken"):
        load(config)


def test_two_apps_with_a_fleet_of_one_name_are_refused() -> None:
    config = patched("pixel:pools/gpu/max", 20)
    config["pixel:apps"] = [
        {**EXAMPLE_APP, "name": "a", "versions": [{"tag": "b.1", "weight": 100}]},
        {**EXAMPLE_APP, "name": "a-b", "versions": [{"tag": "1", "weight": 100}]},
    ]
    with pytest.raises(
        SettingsError, match=r'apps\[1\]\.name is "a-b": making the fleet "a-b-1", as a does. Rename one'
    ):
        load(config)


def test_policies_are_enforced_unless_somebody_says_otherwise() -> None:
    assert load(GOOD).network_policies.engine is Engine.KUBE_NETWORK_POLICIES
    assert load(patched("pixel:network_policies", {"engine": "none"})).network_policies.engine is Engine.NONE
    assert load(GOOD).apps[0].egress == ()
