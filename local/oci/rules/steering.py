"""Rules for traffic steering by DNS, and for the monitors that it heeds.

Sources: https://docs.oracle.com/iaas/Content/TrafficManagement/Concepts/trafficmanagementapi.htm, and the descriptions
of CreateSteeringPolicyDetails, CreateSteeringPolicyAttachmentDetails and CreateHttpMonitorDetails in the API reference.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from local.oci.kinds import STEERING_POLICY, STEERING_POLICY_ATTACHMENT
from local.oci.model import Resource, World
from local.oci.refusal import CONFLICT, INVALID, MISSING, Refusal
from local.properties import UNKNOWN

RULES_BY_TEMPLATE = {
    "FAILOVER": ("FILTER", "HEALTH", "PRIORITY", "LIMIT"),
    "LOAD_BALANCE": ("FILTER", "HEALTH", "WEIGHTED", "LIMIT"),
    "ROUTE_BY_GEO": ("FILTER", "HEALTH", "PRIORITY", "LIMIT"),
    "ROUTE_BY_ASN": ("FILTER", "HEALTH", "PRIORITY", "LIMIT"),
    "ROUTE_BY_IP": ("FILTER", "HEALTH", "PRIORITY", "LIMIT"),
}
"""The rules of a template in their order; HEALTH only where the policy has a monitor."""
TEMPLATES = (*RULES_BY_TEMPLATE, "CUSTOM")
RECORD_TYPES = ("A", "AAAA", "CNAME")
ENABLED_ONLY = "answer.isDisabled != true"
LONGEST_TTL = 604_800
INTERVALS = (10, 30, 60)
PROTOCOLS = ("HTTP", "HTTPS")
METHODS = ("GET", "HEAD")


def monitor_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A monitor asks at an interval, and by a protocol and method, that the service offers."""
    del world
    for field, known in (("intervalInSeconds", INTERVALS), ("protocol", PROTOCOLS), ("method", METHODS)):
        value = resource.inputs.get(field)
        if value is not None and value is not UNKNOWN and value not in known:
            offered = ", ".join(map(str, known))
            yield Refusal(INVALID, field, value, "the service does not offer this", f"Choose one of {offered}")


def template_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """The template is one of the service's."""
    del world
    template = resource.inputs.get("template")
    if isinstance(template, str) and template not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        yield Refusal(INVALID, "template", template, "there is no such template", f"Choose one of {known}")


def answers_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """Each answer has a name of its own and the data of its record's type."""
    del world
    answers, names = resource.inputs.get("answers"), set()
    for index, answer in enumerate(answers if isinstance(answers, list) else []):
        if not isinstance(answer, dict):
            continue
        name, kind, data = answer.get("name"), answer.get("rtype"), answer.get("rdata")
        at = f"answers[{index}]"
        if isinstance(name, str):
            if name in names:
                yield Refusal(INVALID, f"{at}.name", name, "another answer has this name", "Give each its own")
            names.add(name)
        if isinstance(kind, str) and kind not in RECORD_TYPES:
            known = ", ".join(RECORD_TYPES)
            yield Refusal(INVALID, f"{at}.rtype", kind, "a policy has no answers of this type", f"Use {known}")
        elif isinstance(data, str) and not _fits(kind, data):
            yield Refusal(INVALID, f"{at}.rdata", data, f"this is no data of a record {kind}", "Correct one of the two")


def _fits(kind: object, data: str) -> bool:
    if kind not in ("A", "AAAA"):
        return True
    try:
        (IPv4Address if kind == "A" else IPv6Address)(data)
    except ValueError:
        return False
    return True


def rules_follow_the_template(resource: Resource, world: World) -> Iterator[Refusal]:
    """Every template but CUSTOM has its rules in their order, and begins with those that are not disabled."""
    del world
    template, rules = resource.inputs.get("template"), resource.inputs.get("rules")
    monitored = resource.inputs.get("healthCheckMonitorId") is not None
    wanted = RULES_BY_TEMPLATE.get(template) if isinstance(template, str) else None
    if wanted is None or not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        return
    kinds = [rule.get("ruleType") for rule in rules]
    if any(not isinstance(kind, str) for kind in kinds):
        return
    expected = [kind for kind in wanted if kind != "HEALTH" or monitored]
    if kinds != expected:
        order = ", ".join(expected)
        yield Refusal(INVALID, "rules", kinds, f"not the rules of {template} in their order", f"Write {order}")
        return
    answers = rules[0].get("defaultAnswerDatas")
    if isinstance(answers, list) and answers and isinstance(answers[0], dict):
        condition = answers[0].get("answerCondition")
        if isinstance(condition, str) and condition != ENABLED_ONLY:
            problem = "the first rule of a template keeps the answers that are not disabled"
            at = "rules[0].defaultAnswerDatas[0].answerCondition"
            yield Refusal(INVALID, at, condition, problem, f"Write {ENABLED_ONLY}")
    elif answers is None or answers == []:
        at = "rules[0].defaultAnswerDatas"
        yield Refusal(MISSING, at, None, "the first rule keeps nothing", f"Write {ENABLED_ONLY}")


def ttl_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """Answers are kept for a week at most."""
    del world
    ttl = resource.inputs.get("ttl")
    if isinstance(ttl, int | float) and not 0 <= ttl <= LONGEST_TTL:
        yield Refusal(INVALID, "ttl", ttl, f"answers are kept for 0 to {LONGEST_TTL} seconds", "Change the time")


def domain_attached_once(resource: Resource, world: World) -> Iterator[Refusal]:
    """No two policies answer for one domain with records of the same type."""
    domain, zone = resource.inputs.get("domainName"), resource.inputs.get("zoneId")
    its = _types(resource, world)
    for other in world.others(resource, STEERING_POLICY_ATTACHMENT):
        name, place = other.inputs.get("domainName"), other.inputs.get("zoneId")
        if not isinstance(domain, str) or not isinstance(name, str) or not isinstance(zone, str) or zone != place:
            continue
        shared = its & _types(other, world)
        if name.lower() == domain.lower() and shared:
            problem = f"another policy answers there with {', '.join(sorted(shared))}"
            yield Refusal(CONFLICT, "domainName", domain, problem, "Attach one policy to a domain")


def _types(attachment: Resource, world: World) -> set[str]:
    policy = world.one(attachment.inputs.get("steeringPolicyId"), STEERING_POLICY)
    answers = policy.inputs.get("answers") if policy is not None else None
    listed = answers if isinstance(answers, list) else []
    return {each["rtype"] for each in listed if isinstance(each, dict) and isinstance(each.get("rtype"), str)}
