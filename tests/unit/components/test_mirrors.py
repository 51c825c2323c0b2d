"""Mirrors: what a chart's values and an image's name become, and which settings are refused."""

from typing import Any

import pytest

from components.mirrors import AS_PUBLISHED, chart_repository, chart_values, image
from components.settings import SettingsError, load
from components.settings.environment import OURS
from components.settings.mirrors import MirrorsSettings
from tests.unit.components.settings_cases import patched

MIRRORS = MirrorsSettings({"https://charts.jetstack.io": "oci://registry.example.com/charts"}, "registry.example.com/m")


def test_an_image_keeps_its_whole_name_below_the_mirror() -> None:
    assert image("quay.io/a/b:1", MIRRORS) == "registry.example.com/m/quay.io/a/b:1"
    assert image("quay.io/a/b:1", AS_PUBLISHED) == "quay.io/a/b:1"


def test_only_the_repositories_that_are_named_change() -> None:
    assert chart_repository("https://charts.jetstack.io", MIRRORS) == "oci://registry.example.com/charts"
    assert chart_repository("https://kedacore.github.io/charts", MIRRORS) == "https://kedacore.github.io/charts"


def test_values_get_every_image_of_the_chart_and_keep_all_else() -> None:
    values = {"image": {"keda": {"tag": "2"}, "pullPolicy": "Always"}, "resources": {"operator": {}}}
    assert chart_values("keda", values, MIRRORS) == {
        "image": {
            "keda": {"tag": "2", "registry": "registry.example.com/m/ghcr.io"},
            "metricsApiServer": {"registry": "registry.example.com/m/ghcr.io"},
            "webhooks": {"registry": "registry.example.com/m/ghcr.io"},
            "pullPolicy": "Always",
        },
        "resources": {"operator": {}},
    }
    assert values == {"image": {"keda": {"tag": "2"}, "pullPolicy": "Always"}, "resources": {"operator": {}}}


def test_an_image_that_the_values_choose_goes_before_the_charts() -> None:
    values = {"image": {"repository": "ghcr.io/fork/exporter"}}
    assert chart_values("dcgm-exporter", values, MIRRORS)["image"]["repository"] == (
        "registry.example.com/m/ghcr.io/fork/exporter"
    )


def test_without_a_mirror_of_images_values_are_as_they_were() -> None:
    assert chart_values("gpu-operator", {"a": 1}, AS_PUBLISHED) == {"a": 1}
    with pytest.raises(KeyError, match="gpu-operator"):
        chart_values("gpu-operator", {}, MIRRORS)


BAD: list[tuple[Any, str, str]] = [
    ({"images": "https://registry.example.com"}, "pixel:mirrors.images", "registry.example.com/mirror"),
    ({"images": "registry"}, "pixel:mirrors.images", "of the wrong form"),
    ({"image": "registry.example.com"}, "pixel:mirrors.image", "Did you mean images?"),
    ({"charts": {"https://charts.jetstack.oi": "https://m.example"}}, "pixel:mirrors.charts.https", "Did you mean"),
    ({"charts": {"https://charts.jetstack.io": "http://m.example"}}, "pixel:mirrors.charts.https", "oci://"),
    ({"charts": ["https://m.example"]}, "pixel:mirrors.charts", "not a mapping"),
]


@pytest.mark.parametrize(("value", "key", "words"), BAD)
def test_a_bad_mirror_is_one_refusal(value: Any, key: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(patched("pixel:mirrors", value))
    (refusal,) = caught.value.refusals
    assert refusal.startswith(key)
    assert words in refusal


def test_an_applications_environment_is_read_as_it_stands() -> None:
    found = load(patched("pixel:apps/0/environment", {"LANG": "de_DE.UTF-8", "EMPTY": ""})).apps[0].environment
    assert found == {"LANG": "de_DE.UTF-8", "EMPTY": ""}


@pytest.mark.parametrize("name", OURS)
def test_what_the_platform_sets_is_refused(name: str) -> None:
    assert "set by the platform" in refused({name: "x"})


@pytest.mark.parametrize("name", ["DB_PASSWORD", "api_key", "TOKEN", "AWS_SECRET_ACCESS_KEY", "PrivateKey_PRIVATE_KEY"])
def test_secrets_are_refused_and_not_shown(name: str) -> None:
    refusal = refused({name: "hunter2"})
    assert "the name of a secret" in refusal
    assert "hunter2" not in refusal


@pytest.mark.parametrize("value", [{"A B": "x"}, {"1A": "x"}, {"A": 7}, {"A": True}])
def test_names_and_values_have_their_form(value: dict[str, Any]) -> None:
    refused(value)


def refused(value: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(patched("pixel:apps/0/environment", value))
    (refusal,) = caught.value.refusals
    assert refusal.startswith("pixel:apps[0].environment.")
    return refusal
