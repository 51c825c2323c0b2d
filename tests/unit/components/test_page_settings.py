"""The key `page`: what it may hold, what the page is told of it, and what its security policy allows for it."""

import json
from typing import Any

import jsonschema
import pytest

from components.settings import Settings, SettingsError, load
from components.settings.page import ACCENT, GROUND, LARGEST_LOGO, contrast, mixed, readable_on
from components.workloads.player_page import page_configuration, page_policy
from local.paths import CHECKOUT
from tests.unit.components.settings_cases import GOOD

PNG = "data:image/png;base64,iVBORw0KGgo="
FULL: dict[str, Any] = {
    "name": "Autohaus",
    "logo": PNG,
    "colours": {"accent": "#0a5cc2", "ground": "#ffffff", "ink": "#14202b"},
    "links": [
        {"label": "Imprint", "url": "https://example.com/imprint"},
        {"label": "Help", "url": "mailto:help@example.com"},
    ],
    "regions": [{"label": "Tokyo", "url": "https://play-jp.example.com/"}],
    "login": {
        "issuer": "https://id.example.com/realms/x",
        "client_id": "player",
        "scope": "openid profile",
        "audience": "https://play.example.com",
        "token": "id",
        "origins": ["https://oauth.example.com"],
    },
    "embedders": ["https://www.example.com"],
}
LOGIN = FULL["login"]
SIGNED = {
    "mode": "signed",
    "algorithms": ["RS256"],
    "issuer": LOGIN["issuer"],
    "audience": "pixel",
    "jwks": "https://id.example.com/keys",
}
"""What the service takes of those who log in at the page."""


def its(page: Any) -> Settings:
    """Settings of the good file with this page."""
    return load(GOOD | {"pixel:page": page, "pixel:login": SIGNED})


BAD: list[tuple[Any, str, list[str]]] = [
    # the key `page`, the key in the refusal, what else it says
    ("blue", "pixel:page", ['"blue"', "not a mapping"]),
    ({"title": "x"}, "pixel:page.title", ["unknown", "Known: "]),
    ({"name": "x" * 61}, "pixel:page.name", ["xxx", "60 characters"]),
    ({"name": "<b>x</b>"}, "pixel:page.name", ["<b>", "Showroom"]),
    ({"name": 7}, "pixel:page.name", ["7", "not a text"]),
    ({"logo": "logo.svg"}, "pixel:page.logo", ['"logo.svg"', "https://example.com/logo.svg"]),
    ({"logo": "http://example.com/logo.svg"}, "pixel:page.logo", ["http://", "https://"]),
    ({"logo": "javascript:alert(1)"}, "pixel:page.logo", ["javascript", "https://"]),
    ({"logo": "data:text/html,x"}, "pixel:page.logo", ["data:text/html", "data:image/"]),
    ({"logo": PNG + "A" * LARGEST_LOGO}, "pixel:page.logo", ["32802 characters", "smaller image"]),
    ({"colours": "#123456"}, "pixel:page.colours", ["not a mapping"]),
    ({"colours": {"accent": "blue"}}, "pixel:page.colours.accent", ['"blue"', "#0a5cc2"]),
    ({"colours": {"accent": "#12345"}}, "pixel:page.colours.accent", ['"#12345"', "#0a5cc2"]),
    ({"colours": {"background": "#123456"}}, "pixel:page.colours.background", ["unknown", "ground"]),
    ({"colours": {"accent": "#10202f"}}, "pixel:page.colours.accent", ["hard to see", "1.1 to 1", "lighter accent"]),
    ({"colours": {"ground": "#ffffff"}}, "pixel:page.colours.accent", [ACCENT, "on #ffffff", "darker accent"]),
    ({"colours": {"ink": "#555555"}}, "pixel:page.colours.ink", ["hard to read", "below 4.5", "lighter ink"]),
    (
        {"colours": {"ground": "#777777", "accent": "#000000"}},
        "pixel:page.colours.ground",
        ["hard to read", "nearer to white or black"],
    ),
    ({"links": {"label": "x"}}, "pixel:page.links", ["not a list"]),
    ({"links": ["https://example.com"]}, "pixel:page.links[0]", ["not a mapping"]),
    ({"links": [{"label": "x"}]}, "pixel:page.links[0].url", ["missing", "https://example.com/imprint"]),
    ({"links": [{"label": "x", "url": "javascript:x"}]}, "pixel:page.links[0].url", ["javascript:x", "https://"]),
    ({"regions": [{"url": "https://x.example"}]}, "pixel:page.regions[0].label", ["missing"]),
    ({"login": {"client_id": "x"}}, "pixel:page.login.issuer", ["missing", "https://id.example.com"]),
    ({"login": LOGIN | {"issuer": "http://id.example.com"}}, "pixel:page.login.issuer", ["http://", "https://"]),
    ({"login": {"issuer": "https://id.example.com"}}, "pixel:page.login.client_id", ["missing"]),
    ({"login": LOGIN | {"client_secret": "x"}}, "pixel:page.login.client_secret", ["unknown", "client_id"]),
    ({"login": LOGIN | {"token": "refresh"}}, "pixel:page.login.token", ['"refresh"', "access, id"]),
    ({"login": LOGIN | {"scope": "profile"}}, "pixel:page.login.scope", ["without openid", "Add openid"]),
    ({"login": LOGIN | {"origins": ["id.example.com"]}}, "pixel:page.login.origins[0]", ["id.example.com", "https://"]),
    ({"embedders": "https://x.example"}, "pixel:page.embedders", ["not a list"]),
    ({"embedders": ["*"]}, "pixel:page.embedders[0]", ['"*"', "https://www.example.com"]),
    ({"embedders": ["https://x.example/shop"]}, "pixel:page.embedders[0]", ["/shop", "an origin"]),
]


@pytest.mark.parametrize(("page", "key", "words"), BAD, ids=[f"{key} {words[0][:20]}" for _, key, words in BAD])
def test_a_bad_key_gives_one_refusal(page: Any, key: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        its(page)
    (refusal,) = caught.value.refusals
    assert refusal.startswith(f"{key} is ")
    assert refusal.endswith(".")
    for word in words:
        assert word in refusal


def test_a_stack_that_says_nothing_tells_its_region_only() -> None:
    settings = load(GOOD)
    assert page_configuration(settings.page, settings.region) == {"region": "eu-frankfurt-1"}
    assert page_policy(settings.page) == {}


def test_the_page_is_told_what_the_stack_says() -> None:
    told = page_configuration(its(FULL).page, "eu-frankfurt-1")
    assert told.pop("region") == "eu-frankfurt-1"
    login = {key: value for key, value in LOGIN.items() if key != "origins"}
    assert told == {**FULL, "login": login}


def test_the_policy_names_issuer_logo_and_embedders_and_no_other_host() -> None:
    assert page_policy(its(FULL).page) == {
        "connect-src": ["https://id.example.com", "https://oauth.example.com"],
        "frame-ancestors": ["https://www.example.com"],
    }
    assert page_policy(its({"logo": "https://cdn.example.com/a/logo.svg"}).page) == {
        "img-src": ["https://cdn.example.com"]
    }


@pytest.mark.parametrize("page", [{}, FULL, {"logo": "https://x.example/l.svg"}, {"colours": {"accent": "#ffcc00"}}])
def test_what_the_page_is_told_fits_its_schema(page: dict[str, Any]) -> None:
    schema = json.loads((CHECKOUT / "player/config.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(page_configuration(its(page).page, "eu-frankfurt-1"), schema)
    jsonschema.validate(json.loads((CHECKOUT / "player/public/config.json").read_text()), schema)


def test_the_defaults_are_those_of_the_style_sheet() -> None:
    style = (CHECKOUT / "player/src/styles/page.css").read_text()
    assert f"--accent: {ACCENT};" in style
    assert f"--ground: {GROUND};" in style
    assert "--quiet: color-mix(in srgb, var(--ink) 76%, var(--ground));" in style


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert mixed("#ffffff", "#000000", 0.5) == "#808080"
    assert (readable_on("#ffff00"), readable_on("#000080")) == ("#000000", "#ffffff")


@pytest.mark.parametrize("login", [{}, SIGNED | {"issuer": "https://other.example.com"}])
def test_a_login_that_the_service_does_not_take_is_refused(login: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        load(GOOD | {"pixel:page": FULL, "pixel:login": login})
    assert "pixel:page.login.issuer" in str(refused.value) and "pixel:login" in str(refused.value)
