"""CRDs of others as the program keeps them: the published ones, less their prose."""

import io

from components.manifests import FOLDER, vendored
from components.versions import GATEWAY_API
from local.vendored import objects, without_prose, written
from tests.program.charts import CHARTS, needs_charts

NAME = f"gateway-api-{GATEWAY_API}-standard.json"


def test_prose_goes_and_a_property_of_that_name_stays() -> None:
    schema = {
        "description": "prose",
        "properties": {"description": {"type": "string", "description": "prose"}},
        "items": [{"description": "prose", "default": 1}],
    }
    assert without_prose(schema) == {"properties": {"description": {"type": "string"}}, "items": [{"default": 1}]}


@needs_charts
def test_what_is_kept_is_what_was_published() -> None:
    with (CHARTS / f"gateway-api-{GATEWAY_API}-standard-install.yaml").open(encoding="utf-8") as published:
        assert (FOLDER / "crds" / NAME).read_text() == written(objects(published))


def test_the_kinds_that_are_used_are_there_and_whole() -> None:
    kinds = {
        each["spec"]["names"]["kind"]: each for each in vendored(NAME) if each["kind"] == "CustomResourceDefinition"
    }
    assert {"Gateway", "GatewayClass", "HTTPRoute"} <= set(kinds)
    for crd in kinds.values():
        for version in crd["spec"]["versions"]:
            assert version["schema"]["openAPIV3Schema"]["properties"]["spec"]


def test_what_is_written_reads_back() -> None:
    documents = objects(io.StringIO("a: 1\n---\n---\nb: [{description: gone, c: 2}]\n"))
    assert documents == [{"a": 1}, {"b": [{"c": 2}]}]
    assert written(documents) == '[\n{"a":1},\n{"b":[{"c":2}]}\n]\n'
