"""What an application's container is told."""

from typing import Any

from components.settings import Settings
from components.settings.environment import OURS
from tests.program.recording import Record, run, stack_file


def applications(record: Record) -> list[dict[str, Any]]:
    return [
        container
        for each in record.objects("Deployment")
        if each.inputs["metadata"]["namespace"] == "pixel-instances"
        for container in each.inputs["spec"]["template"]["spec"]["containers"]
        if container["name"] == "app"
    ]


def test_what_the_platform_sets_is_what_stack_files_may_not_set(record: Record, its: Settings) -> None:
    own = {name for app in its.apps for name in app.environment}
    found = applications(record)
    assert len(found) == sum(len(app.versions) for app in its.apps)
    for container in found:
        assert {each["name"] for each in container["env"]} - own <= set(OURS)


def test_an_applications_environment_reaches_its_instances_as_it_stands() -> None:
    config = stack_file("local")
    (app,) = config["pixel:apps"]
    odd = 'a "b" {{ c }}: #d\n- e'
    changed = config | {"pixel:apps": [{**app, "environment": {"LANG": "de_DE.UTF-8", "ODD": odd, "YES": "true"}}]}
    (container,) = applications(run("local", changed))
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment.items() >= {"LANG": "de_DE.UTF-8", "ODD": odd, "YES": "true"}.items()
    assert environment["STREAMER_ID"] == "demo"
