"""Rules for identity and registry resources.

Source: https://docs.oracle.com/en-us/iaas/Content/Identity/Concepts/policysyntax.htm.
"""

import re
from collections.abc import Iterator

from local.oci.kinds import CONTAINER_REPOSITORY, POLICY
from local.oci.model import Resource, World
from local.oci.refusal import CONFLICT, INVALID, LIMIT, Refusal

STATEMENTS_PER_POLICY = 50

_STARTS = ("allow", "define", "endorse", "admit", "deny")
_GRANT = re.compile(
    r"(allow|deny)\s+\S.*?\s+to\s+((inspect|read|use|manage)\s+\S+|\{[^}]+\})\s+in\s+(tenancy|compartment\s+\S+).*",
    re.IGNORECASE | re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_RULE = re.compile(r"\s*(?:(any|all)\s*\{.+\}|tag\.\S+|\S+\s*!?=\s*'.*')\s*", re.IGNORECASE | re.DOTALL)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")


def statements_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A policy has 1 to 50 statements in the policy language."""
    del world
    statements = resource.inputs.get("statements")
    if not isinstance(statements, list):
        return
    if len(statements) > STATEMENTS_PER_POLICY:
        problem = f"a policy has at most {STATEMENTS_PER_POLICY} statements"
        yield Refusal(LIMIT, "statements", len(statements), problem, "Split the policy")
    for index, statement in enumerate(statements):
        if not isinstance(statement, str):
            continue
        words = statement.split()
        first = words[0].lower() if words else ""
        at = f"statements[{index}]"
        if first not in _STARTS:
            yield Refusal(
                INVALID,
                at,
                statement,
                "a statement starts with Allow, Deny, Define, Endorse or Admit",
                "Write it like: Allow group Players to read repos in compartment Games",
            )
        elif first in ("allow", "deny") and not _GRANT.fullmatch(statement.strip()):
            yield Refusal(
                INVALID,
                at,
                statement,
                "a statement is: Allow <subject> to <inspect|read|use|manage> <resources> in <tenancy|compartment …>",
                "Correct the part that differs",
            )


def name_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """Names of identity resources are letters, digits, dots, dashes and underscores."""
    del world
    name = resource.inputs.get("name")
    if isinstance(name, str) and not _NAME.fullmatch(name):
        problem = "a name has 1 to 100 letters, digits, dots, dashes and underscores"
        yield Refusal(INVALID, "name", name, problem, "Remove other characters")


def name_free(resource: Resource, world: World) -> Iterator[Refusal]:
    """A name is taken once: a policy's in its compartment, a group's in the tenancy, a repository's in its region."""
    key = "name" if "name" in resource.inputs else "displayName"
    name, place = resource.inputs.get(key), resource.inputs.get("compartmentId")
    if not isinstance(name, str):
        return
    for other in world.others(resource, resource.kind):
        elsewhere = resource.kind == POLICY and other.inputs.get("compartmentId") != place
        elsewhere |= resource.kind == CONTAINER_REPOSITORY and other.region != resource.region
        if other.inputs.get(key) == name and not elsewhere:
            yield Refusal(
                CONFLICT, key, name, "this name is taken", "Choose another name, or import the existing resource"
            )


def matching_rule_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A dynamic group's rule compares a field, or lists comparisons under Any or All."""
    del world
    rule = resource.inputs.get("matchingRule")
    if isinstance(rule, str) and not _RULE.fullmatch(rule):
        yield Refusal(
            INVALID,
            "matchingRule",
            rule,
            "this is no matching rule",
            "Write it like: ALL {instance.compartment.id = 'ocid1…'}",
        )


def group_in_tenancy(resource: Resource, world: World) -> Iterator[Refusal]:
    """A dynamic group belongs to the tenancy, not to a compartment."""
    del world
    place = resource.inputs.get("compartmentId")
    if isinstance(place, str) and place.startswith("ocid1.compartment."):
        problem = "a dynamic group is made in the tenancy's root compartment"
        yield Refusal(INVALID, "compartmentId", place, problem, "Give the tenancy's OCID")


def repository_name_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A repository's name is a path of lower-case words."""
    del world
    name = resource.inputs.get("displayName")
    if isinstance(name, str) and not _REPOSITORY.fullmatch(name):
        problem = "a repository's name has lower-case letters, digits and separators, without the namespace"
        yield Refusal(INVALID, "displayName", name, problem, "Write it like pixel/streamer")
