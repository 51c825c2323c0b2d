"""What the simulated cloud refuses, and that a check says so before anything is made."""

import pytest

from local.oci.rules import RULES
from local.provider import ProviderError
from tests.unit.oci import refused_clusters, refused_network, refused_security, refused_steering, refused_vaults
from tests.unit.oci.cloud import Case, Cloud, furnished

CASES = (
    *refused_network.CASES,
    *refused_security.CASES,
    *refused_clusters.CASES,
    *refused_vaults.CASES,
    *refused_steering.CASES,
)

TWICE = {"pool far older": 2}
"""Requests that are wrong in two ways at once: a version far behind is no longer offered either."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return furnished(Cloud(tmp_path_factory.mktemp("cloud")))


def test_every_case_has_its_own_name():
    assert len({each.name for each in CASES}) == len(CASES) >= 100


def test_every_rule_has_its_own_name():
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_by_check_and_by_create(case: Case, cloud: Cloud):
    inputs = {key: value for key, value in case.request(cloud).items() if value is not None}
    before = dict(cloud.resources())
    reasons = [failure.reason for failure in cloud.check(case.kind, inputs)]
    assert len(reasons) == TWICE.get(case.name, 1), reasons
    found = [reason for reason in reasons if all(word in reason for word in case.words)]
    assert found
    assert found[0].startswith(f"{case.code}: ")
    with pytest.raises(ProviderError) as refused:
        cloud.create(case.kind, inputs)
    assert str(refused.value).splitlines() == reasons
    assert dict(cloud.resources()) == before
