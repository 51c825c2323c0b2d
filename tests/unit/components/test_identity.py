"""The table of rights, and the statements that it makes."""

from components.identity import WORKLOADS, Feature, place, statements, wanted

COMPARTMENT = "ocid1.compartment.oc1..example"
CLUSTER = "ocid1.cluster.oc1.fra.example"

BROAD = ("all-resources", "manage virtual-network-family", "manage compartments", "manage policies", "manage users")


def of(feature: Feature) -> list[str]:
    (workload,) = wanted(frozenset({feature}))
    return statements(workload, COMPARTMENT, CLUSTER, "example.com")


def test_a_stack_gets_the_rows_of_its_features_only() -> None:
    assert wanted(frozenset()) == []
    assert [each.feature for each in wanted(frozenset(Feature))] == list(Feature)
    assert len({(each.namespace, each.service_account) for each in WORKLOADS}) == len(WORKLOADS)


def test_the_whole_statement() -> None:
    assert of(Feature.AUTOSCALER)[0] == (
        "Allow any-user to manage cluster-node-pools in compartment id ocid1.compartment.oc1..example where ALL "
        "{request.principal.type='workload', request.principal.namespace='kube-system', "
        "request.principal.service_account='cluster-autoscaler', "
        "request.principal.cluster_id='ocid1.cluster.oc1.fra.example'}"
    )


def test_records_are_written_in_one_zone() -> None:
    listing, zone, records = of(Feature.DNS)
    assert "to inspect dns-zones in" in listing and "target." not in listing
    for statement in (zone, records):
        assert statement.endswith("target.dns-zone.name='example.com'}")


def test_no_statement_is_for_everybody_or_everything() -> None:
    for feature in Feature:
        for statement in of(feature):
            assert f"request.principal.cluster_id='{CLUSTER}'" in statement
            assert not any(words in statement for words in BROAD)


def test_the_root_compartment_is_the_tenancy() -> None:
    assert place("ocid1.tenancy.oc1..x") == "tenancy"
    assert place(COMPARTMENT) == f"compartment id {COMPARTMENT}"
