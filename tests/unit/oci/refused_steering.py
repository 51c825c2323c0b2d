"""Requests the simulated cloud refuses: steering policies, their attachments and monitors."""

from typing import Any

from local.oci import kinds as k
from local.oci.refusal import CONFLICT, INVALID, MISSING, NOT_FOUND
from tests.unit.oci.cloud import Cloud, Inputs, attachment, case, monitor, steering


def rules(cloud: Cloud) -> list[Inputs]:
    return [dict(rule) for rule in steering(cloud)["rules"]]


def answer(cloud: Cloud, **changes: Any) -> Inputs:
    first, second = steering(cloud)["answers"]
    return steering(cloud, answers=[first, {**second, **changes}])


CASES = (
    case("monitor too often", k.HTTP_MONITOR, lambda _: monitor(intervalInSeconds=5), INVALID, "10, 30, 60"),
    case("monitor by ping", k.HTTP_MONITOR, lambda _: monitor(protocol="ICMP"), INVALID, "HTTP, HTTPS"),
    case("monitor of nothing", k.HTTP_MONITOR, lambda _: monitor(targets=None), MISSING, "targets is required"),
    case("policy of no template", k.STEERING_POLICY, lambda c: steering(c, template="GEO"), INVALID, "ROUTE_BY_GEO"),
    case("policy without a template", k.STEERING_POLICY, lambda c: steering(c, template=None), MISSING, "template"),
    case("two answers of a name", k.STEERING_POLICY, lambda c: answer(c, name="eu"), INVALID, "another answer"),
    case("answer by text", k.STEERING_POLICY, lambda c: answer(c, rtype="TXT"), INVALID, "A, AAAA, CNAME"),
    case("address that is none", k.STEERING_POLICY, lambda c: answer(c, rtype="A"), INVALID, "no data of a record A"),
    case("answer of nothing", k.STEERING_POLICY, lambda c: answer(c, rdata=None), MISSING, "answers[1].rdata"),
    case(
        "monitor without its rule",
        k.STEERING_POLICY,
        lambda c: steering(c, rules=[rule for rule in rules(c) if rule["ruleType"] != "HEALTH"]),
        INVALID,
        "FILTER, HEALTH, PRIORITY, LIMIT",
    ),
    case(
        "rule without its monitor",
        k.STEERING_POLICY,
        lambda c: steering(c, healthCheckMonitorId=None),
        INVALID,
        "FILTER, PRIORITY, LIMIT",
    ),
    case(
        "rules out of order", k.STEERING_POLICY, lambda c: steering(c, rules=rules(c)[::-1]), INVALID, "in their order"
    ),
    case(
        "filter for something else",
        k.STEERING_POLICY,
        lambda c: steering(
            c,
            rules=[{**rules(c)[0], "defaultAnswerDatas": [{"answerCondition": "answer.name == 'eu'"}]}, *rules(c)[1:]],
        ),
        INVALID,
        "answer.isDisabled != true",
    ),
    case(
        "filter for nothing",
        k.STEERING_POLICY,
        lambda c: steering(c, rules=[{"ruleType": "FILTER"}, *rules(c)[1:]]),
        MISSING,
        "keeps nothing",
    ),
    case("answers kept for a month", k.STEERING_POLICY, lambda c: steering(c, ttl=2_592_000), INVALID, "604800"),
    case(
        "policy that is not there",
        k.STEERING_POLICY_ATTACHMENT,
        lambda c: attachment(c, steeringPolicyId="ocid1.dnspolicy.oc1.fra.gone"),
        NOT_FOUND,
        "no dnspolicy",
    ),
    case(
        "monitor for a policy",
        k.STEERING_POLICY_ATTACHMENT,
        lambda c: attachment(c, steeringPolicyId=c["monitor"]),
        INVALID,
        "a httpmonitor",
    ),
    case(
        "name that is answered for",
        k.STEERING_POLICY_ATTACHMENT,
        lambda c: attachment(c, domainName="taken.EXAMPLE.com"),
        CONFLICT,
        "with CNAME",
    ),
    case("attached to nothing", k.STEERING_POLICY_ATTACHMENT, lambda c: attachment(c, zoneId=None), MISSING, "zoneId"),
)
