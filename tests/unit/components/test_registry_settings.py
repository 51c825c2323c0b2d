"""Where images are, who may pull them, and what of it a refusal shows."""

from typing import Any

import pytest

from components.registry import repositories
from components.secrets import word_of
from components.settings import SettingsError, load
from components.settings.kept import Kept
from components.settings.registry import PULL_SECRET, Image, PullSettings, image_of, pull_servers
from tests.unit.components.settings_cases import patched

TOKEN = "a-token-that-nobody-may-see"


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("fra.ocir.io/acme/pixel/turn:1.0", Image("fra.ocir.io", "acme/pixel/turn")),
        ("fra.ocir.io/acme/showroom", Image("fra.ocir.io", "acme/showroom")),
        ("registry.example.com:5000/a/b:1", Image("registry.example.com:5000", "a/b")),
        ("localhost/pixel/turn@sha256:" + "0" * 64, Image("localhost", "pixel/turn")),
    ],
)
def test_an_image_is_a_host_and_a_path(reference: str, image: Image) -> None:
    assert image_of(reference) == image


@pytest.mark.parametrize("host", ["fra.ocir.io", "iad.ocir.io", "ocir.eu-frankfurt-1.oci.oraclecloud.com"])
def test_the_registry_of_oracle_cloud_is_known_by_its_names(host: str) -> None:
    assert Image(host, "acme/pixel/turn").in_ocir


@pytest.mark.parametrize("host", ["ocir.io", "fra.ocir.io.example.com", "fraxocir.io", "localhost", "quay.io"])
def test_other_registries_are_not_taken_for_it(host: str) -> None:
    assert not Image(host, "acme/pixel/turn").in_ocir


def test_a_repository_is_named_without_the_namespace_and_once() -> None:
    images = [image_of(f"fra.ocir.io/acme/{path}") for path in ("pixel/turn:1", "showroom:2", "showroom:3")]
    assert repositories([*images, image_of("quay.io/acme/else:1")]) == ["pixel/turn", "showroom"]


def test_the_user_signs_in_to_the_registries_it_belongs_to_only() -> None:
    images = [image_of("fra.ocir.io/acme/turn:1"), image_of("quay.io/acme/app:1")]
    assert pull_servers(PullSettings("a/b", Kept(TOKEN), ()), images) == ["fra.ocir.io"]
    assert pull_servers(PullSettings("a/b", Kept(TOKEN), ("quay.io",)), images) == ["quay.io"]


def load_pull(**pull: Any) -> Any:
    return load(patched("pixel:registry", {"pull": {"username": "acme/pull", "auth_token": TOKEN, **pull}}))


def test_the_token_is_given_itself_or_by_its_ocid() -> None:
    own = load_pull().registry.pull
    assert (own.auth_token.value, own.auth_token.ocid) == (TOKEN, None)
    ocid = "ocid1.vaultsecret.oc1.fra.amaaaexample"
    kept = load_pull(auth_token=ocid).registry.pull
    assert (kept.auth_token.value, kept.auth_token.ocid) == ("", ocid)


def test_pods_know_the_secret_only_where_there_is_one() -> None:
    assert load_pull().images.pull_secret == PULL_SECRET
    assert load(patched("pixel:domain", "")).images.pull_secret is None


def test_a_token_that_is_still_encrypted_is_taken_as_it_is() -> None:
    assert load_pull(auth_token={"secure": "v1:abc"}).registry.pull.auth_token.value == ""


def test_the_token_is_never_shown() -> None:
    assert TOKEN not in repr(load_pull())
    with pytest.raises(SettingsError) as refused:
        load_pull(auth_token=f"{TOKEN} and more", servers=["nowhere.example.com"])
    assert TOKEN not in str(refused.value)


def test_images_of_other_registries_need_a_word_on_who_takes_the_user() -> None:
    config = patched("pixel:registry", {"pull": {"username": "a", "auth_token": TOKEN}})
    config["pixel:images"] = {name: f"quay.io/acme/{name}:1" for name in ("signalling", "turn")}
    config["pixel:apps"][0]["image"] = "quay.io/acme/showroom"
    with pytest.raises(SettingsError, match=r"registry\.pull\.servers is missing.*quay\.io"):
        load(config)
    del config["pixel:registry"]["pull"]
    config["pixel:registry"]["repositories"] = "managed"
    with pytest.raises(SettingsError, match=r'registry\.repositories is "managed": set, and none of the images'):
        load(config)


@pytest.mark.parametrize("content", [b"", b"\xa5\x8f", b"two words", b"two\nlines"])
def test_a_vaults_secret_that_is_no_token_is_refused_and_not_shown(content: bytes) -> None:
    with pytest.raises(SettingsError, match=r"registry\.pull\.auth_token") as refused:
        word_of(content, "pixel:registry.pull.auth_token")
    assert "words" not in str(refused.value) and "lines" not in str(refused.value)


def test_the_end_of_a_line_is_no_part_of_a_token() -> None:
    assert word_of(b"secret-token\n", "a key") == "secret-token"
