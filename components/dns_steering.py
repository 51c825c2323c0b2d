"""One name for all regions: a traffic steering policy of OCI DNS that leads a player to the nearest one that answers.

The nearest is a matter of continents here, since DNS knows no more of a player than its resolver's address; the player
page measures more exactly, and a region without room sends on. What does not answer its health check is left out.
Only one stack makes it: the policy is the name's, not a region's.
Rules and their order: https://docs.oracle.com/iaas/Content/TrafficManagement/Concepts/trafficmanagementapi.htm
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import oci, ports
from components.oci import OciResource
from components.settings import Settings
from components.settings.regions import Continent

GEO_KEYS: Mapping[Continent, str] = {
    Continent.AFRICA: "6255146",
    Continent.ASIA: "6255147",
    Continent.EUROPE: "6255148",
    Continent.NORTH_AMERICA: "6255149",
    Continent.SOUTH_AMERICA: "6255150",
    Continent.OCEANIA: "6255151",
}
"""https://docs.oracle.com/iaas/Content/TrafficManagement/Reference/trafficmanagementgeo.htm"""
HEALTH_SECONDS = 30
HEALTH_PATH = "/region"
"""Answered by every matchmaker, with or without room."""


@dataclass(frozen=True)
class Answer:
    """One region, and the name that leads to it."""

    region: str
    host: str
    continents: tuple[Continent, ...]
    """Where its players are; whoever is elsewhere is led to the first region."""


@dataclass
class DnsSteeringArgs:
    """What the policy is made from."""

    its: Settings
    tags: Mapping[str, str]


class DnsSteering(pulumi.ComponentResource):
    """The policy, its health checks, and its attachment to the name."""

    policy_id: pulumi.Output[str]

    def __init__(self, name: str, args: DnsSteeringArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:dns_steering:DnsSteering", name, None, opts)
        options = pulumi.ResourceOptions(parent=self)
        its, steering = args.its, args.its.regions.steering
        if steering is None:
            raise ValueError("this stack steers nobody")
        about = {
            "compartmentId": its.compartment,
            "displayName": f"{its.cluster.name}-regions",
            "freeformTags": dict(args.tags),
        }
        regions = answers(its)
        monitor = OciResource(
            oci.HTTP_MONITOR,
            f"{name}-health",
            {
                **about,
                "targets": [region.host for region in regions],
                "protocol": "HTTPS",
                "method": "GET",
                "port": ports.HTTPS,
                "path": HEALTH_PATH,
                "intervalInSeconds": HEALTH_SECONDS,
                "isEnabled": True,
            },
            options,
        )
        policy = OciResource(
            oci.STEERING_POLICY,
            name,
            {
                **about,
                "template": "ROUTE_BY_GEO",
                "ttl": steering.ttl,
                "healthCheckMonitorId": monitor.id,
                "answers": [_record(each) for each in regions],
                "rules": rules(regions),
            },
            options,
        )
        OciResource(
            oci.STEERING_POLICY_ATTACHMENT,
            f"{name}-attachment",
            {
                "displayName": about["displayName"],
                "domainName": its.regions.domain,
                "zoneId": steering.zone_id,
                "steeringPolicyId": policy.id,
            },
            # Another region makes another policy, and a name takes one at a time. For the second between the two the
            # name has no answer but what resolvers keep.
            pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.policy_id = policy.id
        self.register_outputs({"domain": its.regions.domain, "policyId": policy.id})


def answers(its: Settings) -> list[Answer]:
    """The regions, this one first: it is the default."""
    own = Answer(its.regions.name, its.domain or "", its.regions.continents)
    return [own, *(Answer(peer.name, peer.host, peer.continents) for peer in its.regions.peers)]


def _record(answer: Answer) -> dict[str, Any]:
    """By name: the addresses of other stacks' load balancers are not known here, and may change."""
    return {"name": answer.region, "rtype": "CNAME", "rdata": answer.host, "pool": answer.region, "isDisabled": False}


def rules(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """The rules of the template ROUTE_BY_GEO: of the answers that are healthy, the one that comes first."""
    continents = dict.fromkeys(continent for answer in answers for continent in answer.continents)
    return [
        {
            "ruleType": "FILTER",
            "defaultAnswerDatas": [{"answerCondition": "answer.isDisabled != true", "shouldKeep": True}],
        },
        {"ruleType": "HEALTH"},
        {
            "ruleType": "PRIORITY",
            "cases": [
                *(
                    {
                        "caseCondition": f"query.client.geoKey in (geoKey '{GEO_KEYS[continent]}')",
                        "answerDatas": _order(nearest_first(answers, continent)),
                    }
                    for continent in continents
                ),
                {"answerDatas": _order(answers)},
            ],
        },
        {"ruleType": "LIMIT", "defaultCount": 1},
    ]


def nearest_first(answers: Sequence[Answer], continent: Continent) -> list[Answer]:
    """The regions of a continent, then the others, each in the order in which they are listed."""
    return sorted(answers, key=lambda answer: continent not in answer.continents)


def _order(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {"answerCondition": f"answer.pool == '{answer.region}'", "value": place}
        for place, answer in enumerate(answers, start=1)
    ]
