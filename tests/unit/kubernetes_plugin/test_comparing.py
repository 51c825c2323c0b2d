"""What is a change, what needs a new object, and what is refused."""

from typing import Any

import pytest

from local.kubernetes.comparing import NOT_ASKED, Answer, decide, moved
from local.kubernetes.errors import ApiError, Cause
from local.kubernetes.immutable import IMMUTABLE, by_refusal, by_table
from local.kubernetes.objects import Kind
from local.properties import UNKNOWN
from local.provider import Change, ProviderError, compare

DEPLOYMENT = Kind("apps/v1", "Deployment")
CONFIG_MAP = Kind("v1", "ConfigMap")


def named(name: Any = "x", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


@pytest.mark.parametrize(
    ("resource_id", "kind", "news", "default", "paths"),
    [
        ("default/x", CONFIG_MAP, named(), "default", set()),
        ("default/x", CONFIG_MAP, named(namespace="default"), "default", set()),
        ("space/x", CONFIG_MAP, named(), "space", set()),
        ("space/x", CONFIG_MAP, named(), None, set()),
        ("space/x", CONFIG_MAP, named(), "default", {"metadata.namespace"}),
        ("default/x", CONFIG_MAP, named(namespace="b"), "default", {"metadata.namespace"}),
        ("default/x", CONFIG_MAP, named(namespace=UNKNOWN), "default", {"metadata.namespace"}),
        ("default/x", CONFIG_MAP, named("y"), "default", {"metadata.name"}),
        ("default/x", CONFIG_MAP, named(UNKNOWN), "default", {"metadata.name"}),
        ("x", CONFIG_MAP, named(namespace="meaningless"), "default", set()),
        ("default/x", Kind("v1", "Secret"), named(), "default", {"kind"}),
        ("default/x", Kind("other.example.com/v1", "ConfigMap"), named(), "default", {"apiVersion"}),
    ],
)
def test_another_object_is_meant(resource_id: str, kind: Kind, news: Any, default: str | None, paths: set[str]) -> None:
    assert moved(resource_id, CONFIG_MAP, kind, news, default) == paths


def test_another_version_of_the_same_group_is_the_same_object() -> None:
    old, new = Kind("autoscaling/v1", "HorizontalPodAutoscaler"), Kind("autoscaling/v2", "HorizontalPodAutoscaler")
    assert moved("default/x", old, new, named(), "default") == set()


def changes_of(path: str) -> dict[str, Change]:
    return {path: Change("update")}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (DEPLOYMENT, "spec.selector.matchLabels.app"),
        (DEPLOYMENT, "spec.selector"),
        (DEPLOYMENT, "spec"),
        (Kind("v1", "Service"), "spec.clusterIP"),
        (Kind("batch/v1", "Job"), "spec.template.spec.containers[0].image"),
        (Kind("apps/v1", "StatefulSet"), "spec.volumeClaimTemplates[0].spec"),
        (Kind("v1", "PersistentVolumeClaim"), "spec.accessModes[0]"),
        (Kind("v1", "Pod"), "spec.nodeName"),
        (Kind("rbac.authorization.k8s.io/v1", "RoleBinding"), "roleRef.name"),
        (Kind("v1", "Secret"), "type"),
    ],
)
def test_the_table_knows_it(kind: Kind, path: str) -> None:
    assert by_table(kind, {}, changes_of(path)) == {path}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (DEPLOYMENT, "spec.replicas"),
        (DEPLOYMENT, "spec.selectorLike"),
        (Kind("v1", "PersistentVolumeClaim"), "spec.resources.requests.storage"),
        (Kind("v1", "Pod"), "spec.containers[0].image"),
        (Kind("v1", "Secret"), "data.a"),
        (CONFIG_MAP, "data.a"),
        (Kind("example.com/v1", "Deployment"), "spec.selector"),
    ],
)
def test_the_table_leaves_the_rest_alone(kind: Kind, path: str) -> None:
    assert by_table(kind, {}, changes_of(path)) == set()


def test_a_sealed_object_cannot_change_its_data() -> None:
    assert by_table(CONFIG_MAP, {"immutable": True}, changes_of("data.a")) == {"data.a"}


def test_every_row_of_the_table_matches_itself() -> None:
    for (group, kind), fields in IMMUTABLE.items():
        for path in fields:
            assert by_table(Kind(f"{group}/v1" if group else "v1", kind), {}, changes_of(path)) == {path}


def refusal(*causes: tuple[str, str], status: int = 422) -> ApiError:
    return ApiError(status, "Invalid", "refused", tuple(Cause("FieldValueInvalid", *cause) for cause in causes))


@pytest.mark.parametrize(
    ("kind", "paths", "error", "replaced"),
    [
        (DEPLOYMENT, ["spec.selector", "spec.x"], refusal(("spec.selector", "field is immutable")), {"spec.selector"}),
        (
            Kind("apps/v1", "StatefulSet"),
            ["spec.serviceName", "spec.replicas"],
            refusal(("spec", "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden")),
            {"spec.serviceName"},
        ),
        (
            Kind("example.com/v1", "Thing"),
            ["spec.size", "metadata.labels.a"],
            refusal(("spec.size", "Value is immutable")),
            {"spec.size"},
        ),
        (
            Kind("example.com/v1", "Thing"),
            ["spec.size", "metadata.labels.a"],
            refusal(("spec", "the spec is immutable")),
            {"spec.size"},
        ),
        (
            Kind("v1", "Service"),
            ["spec.clusterIP"],
            refusal(("spec.clusterIPs[0]", "may not change once set")),
            {"spec.clusterIP"},
        ),
        (DEPLOYMENT, ["spec.replicas"], refusal(("spec.replicas", "must be greater than or equal to 0")), set()),
        (
            DEPLOYMENT,
            ["spec.selector", "spec.replicas"],
            refusal(("spec.selector", "field is immutable"), ("spec.replicas", "must be positive")),
            set(),
        ),
        (DEPLOYMENT, ["spec.selector"], refusal(("spec.selector", "field is immutable"), status=403), set()),
    ],
)
def test_the_api_servers_refusal_asks_for_a_new_object(
    kind: Kind, paths: list[str], error: ApiError, replaced: set[str]
) -> None:
    assert by_refusal(kind, {}, {path: Change("update") for path in paths}, error) == replaced


def config_map(value: str, **metadata: Any) -> dict[str, Any]:
    return {**named(**metadata), "data": {"a": value}}


def settle(news: dict[str, Any], answer: Answer, kind: Kind = CONFIG_MAP, moves: frozenset[str] = frozenset()) -> Any:
    return decide(kind, config_map("1"), news, moves, manager="ours", answer=answer)


def test_what_the_server_finds_equal_is_no_change() -> None:
    same = {"metadata": {"name": "x"}, "data": {"a": "1"}}
    assert settle(config_map("2"), Answer(same, same)).changes == {}
    changed = {"metadata": {"name": "x"}, "data": {"a": "2"}}
    assert settle(config_map("2"), Answer(same, changed)).changes == {"data.a": Change("update")}


def test_without_an_answer_the_programs_own_change_counts() -> None:
    assert settle(config_map("2"), NOT_ASKED).changes == {"data.a": Change("update")}
    unknown = settle(config_map(UNKNOWN), NOT_ASKED)  # type: ignore[arg-type]
    assert unknown.changes == {"data.a": Change("update")}


def test_a_refused_change_is_an_error_unless_a_new_object_helps() -> None:
    with pytest.raises(ProviderError, match="refused"):
        settle(config_map("2"), Answer(refusal=refusal(("data.a", "too long"))))
    replaced = settle(config_map("2"), Answer(refusal=refusal(("data", "field is immutable when `immutable` is set"))))
    assert replaced.changes == {"data.a": Change("update", replace=True)}
    assert replaced.delete_before_replace


def test_an_object_with_a_name_of_its_own_is_replaced_without_a_gap() -> None:
    auto = config_map("2", annotations={"pulumi.com/autonamed": "true"})
    replaced = settle(auto, Answer(refusal=refusal(("data", "field is immutable"))))
    assert any(change.replace for change in replaced.changes.values())
    assert not replaced.delete_before_replace


def test_a_move_replaces_and_names_what_moved() -> None:
    difference = settle(config_map("2"), NOT_ASKED, moves=frozenset({"metadata.namespace"}))
    assert difference.changes["metadata.namespace"].replace
    assert not difference.changes["data.a"].replace
    assert not difference.delete_before_replace


def test_paths_of_keys_with_dots_are_quoted() -> None:
    assert set(compare({}, {"metadata": {}})) == {"metadata"}
    old, new = config_map("1", annotations={"a.b/c": "1"}), config_map("1", annotations={"a.b/c": "2"})
    assert set(compare(old, new)) == {'metadata.annotations["a.b/c"]'}
