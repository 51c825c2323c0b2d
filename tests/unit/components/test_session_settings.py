"""The keys `login`, `limits`, `origins`, `api`, `webhooks`, `regions`: what they may hold, and need of one another."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from components.settings import Settings, SettingsError, load
from components.settings.api import ApiSettings
from components.settings.kept import Kept
from components.settings.limits import LimitsSettings
from components.settings.login import Algorithm, LoginMode, LoginSettings
from components.settings.network import PODS_CIDR
from components.settings.regions import Continent, Place, RegionsSettings
from components.settings.secrets import Secret
from components.settings.webhooks import Event, WebhooksSettings
from tests.unit.components.settings_cases import GOOD

TOKEN = "0123456789abcdef"
SECRET = TOKEN * 2
KEPT = "ocid1.vaultsecret.oc1.fra.amaaaaaaexample"
SIGNED = {
    "mode": "signed",
    "algorithms": ["RS256"],
    "issuer": "https://id.example.com/",
    "audience": "pixel",
    "jwks": "https://id.example.com/keys.json",
}
SYMMETRIC = {key: SIGNED[key] for key in SIGNED if key != "jwks"} | {"algorithms": ["HS256"]}
HOOK = {"url": "https://hooks.example.com/pixel"}
PEER = {"name": "ashburn", "url": "https://play-us.example.com/"}
REGION = {"name": "frankfurt", "peers": [PEER]}
ZONE = "ocid1.dns-zone.oc1..aaaaexample"
REACHABLE = {
    "domain": "play-eu.example.com",
    "ingress": {"enabled": True},
    "certificates": {"enabled": True, "email": "a@example.com"},
}
PROVABLE = REACHABLE | {
    "certificates": {
        **REACHABLE["certificates"],  # type: ignore[dict-item]
        "dns01": {"solver": "acme-dns", "server": "https://acme.example.com", "secret": "dns01"},
    }
}


def its(**keys: Any) -> Settings:
    """Settings of the good file and these keys."""
    return load(GOOD | {f"pixel:{key}": value for key, value in keys.items()})


BAD: list[tuple[dict[str, Any], str, list[str]]] = [
    # the keys, the key in the refusal, what else it says
    ({"login": "none"}, "pixel:login", ["not a mapping"]),
    ({"login": {"mode": "password"}}, "pixel:login.mode", ['"password"', "none, shared, signed"]),
    ({"login": {"token": TOKEN}}, "pixel:login.token", ["(hidden)", "of no use", "mode shared"]),
    ({"login": SIGNED | {"jwks": "https://id.example.com:65536/keys"}}, "pixel:login.jwks", [":65536", "https://"]),
    ({"webhooks": {"endpoints": [{"url": "https://a.example.com:0/"}]}}, "pixel:webhooks.endpoints[0].url", [":0/"]),
    ({"login": {"mode": "shared"}}, "pixel:login.token", ["missing", "--secret --path pixel:login.token"]),
    ({"login": {"mode": "shared", "token": "two words"}}, "pixel:login.token", ["(hidden)", "not a token"]),
    ({"login": {"mode": "shared", "token": "short"}}, "pixel:login.token", ["(hidden)", "guessed", "16 or more"]),
    (
        {"login": {"mode": "shared", "token": TOKEN, "previous_token": "short"}},
        "pixel:login.previous_token",
        ["(hidden)", "guessed"],
    ),
    ({"login": {"mode": "shared", "token": TOKEN, "issuer": "x"}}, "pixel:login.issuer", ["unknown"]),
    ({"login": SIGNED | {"algorithms": []}}, "pixel:login.algorithms", ["empty", "HS256"]),
    ({"login": SIGNED | {"algorithms": ["RS256", "none"]}}, "pixel:login.algorithms[1]", ['"none"', "HS256"]),
    ({"login": SYMMETRIC}, "pixel:login.secret", ["missing", "pixel:login.secret"]),
    ({"login": SYMMETRIC | {"secret": SECRET, "jwks": SIGNED["jwks"]}}, "pixel:login.jwks", ["unknown"]),
    ({"login": SIGNED | {"jwks": "http://id.example.com/keys"}}, "pixel:login.jwks", ["http://", "https://"]),
    ({"login": {key: SIGNED[key] for key in SIGNED if key != "jwks"}}, "pixel:login.jwks", ["missing", "https://"]),
    ({"login": {key: SIGNED[key] for key in SIGNED if key != "issuer"}}, "pixel:login.issuer", ["missing", "iss"]),
    ({"login": {key: SIGNED[key] for key in SIGNED if key != "audience"}}, "pixel:login.audience", ["missing", "aud"]),
    ({"login": SIGNED | {"secret": SECRET}}, "pixel:login.secret", ["(hidden)", "of no use", "HS256"]),
    (
        {"login": SIGNED | {"algorithms": ["HS256", "RS256"], "secret": TOKEN}},
        "pixel:login.secret",
        ["(hidden)", "32 or more"],
    ),
    ({"login": SIGNED | {"leeway_seconds": 301}}, "pixel:login.leeway_seconds", ["301", "from 0 to 300"]),
    ({"limits": {"queue": 5}}, "pixel:limits.queue", ["unknown", "queue_length"]),
    ({"limits": {"upgrades_burst": 0}}, "pixel:limits.upgrades_burst", ["is 0", "from 1"]),
    ({"limits": {"sessions_per_subject": -1}}, "pixel:limits.sessions_per_subject", ["-1", "from 0"]),
    ({"limits": {"trusted_proxies": ["proxy"]}}, "pixel:limits.trusted_proxies[0]", ['"proxy"', "not a network"]),
    ({"origins": "https://a.example.com"}, "pixel:origins", ["not a list"]),
    ({"origins": ["a.example.com"]}, "pixel:origins[0]", ['"a.example.com"', "https://shop.example.com"]),
    ({"origins": ["https://a.example.com/"]}, "pixel:origins[0]", ["https://a.example.com/"]),
    ({"origins": ["https://*"]}, "pixel:origins[0]", ["https://*"]),
    ({"api": {"public": "yes"}}, "pixel:api.public", ['"yes"', "true or false"]),
    ({"api": {"public": True}}, "pixel:api.public", ["nothing leads there", "ingress.enabled"]),
    ({"api": {"public_status": True}}, "pixel:api.public_status", ["nothing leads there"]),
    ({"api": {"origins": ["*"]}}, "pixel:api.origins[0]", ['"*"', "https://shop.example.com"]),
    ({"api": {"key": "mine"}}, "pixel:api.key", ["unknown"]),
    ({"webhooks": {"private": False}}, "pixel:webhooks.endpoints", ["missing", "list of mappings"]),
    ({"webhooks": {"endpoints": [{}]}}, "pixel:webhooks.endpoints[0].url", ["missing", "https://hooks"]),
    (
        {"webhooks": {"endpoints": [{"url": "http://hooks.example.com/"}]}},
        "pixel:webhooks.endpoints[0].url",
        ["http://hooks", "https://hooks"],
    ),
    (
        {"webhooks": {"endpoints": [{"url": "https://10.0.0.1/"}]}},
        "pixel:webhooks.endpoints[0].url",
        ["https://10.0.0.1/"],
    ),
    (
        {"webhooks": {"endpoints": [{"url": "https://hooks.example.com/?key=x"}]}},
        "pixel:webhooks.endpoints[0].url",
        ["without a query"],
    ),
    (
        {"webhooks": {"endpoints": [HOOK | {"events": ["session.over"]}]}},
        "pixel:webhooks.endpoints[0].events[0]",
        ['"session.over"', "session.ended"],
    ),
    (
        {"webhooks": {"endpoints": [HOOK | {"apps": ["game"]}]}},
        "pixel:webhooks.endpoints[0].apps[0]",
        ['"game"', "Known: showroom"],
    ),
    ({"webhooks": {"endpoints": [HOOK, HOOK]}}, "pixel:webhooks.endpoints[1].url", ["twice", "once"]),
    (
        {"webhooks": {"endpoints": [HOOK], "private": True}},
        "pixel:webhooks.private",
        ["without the networks", "webhooks.networks"],
    ),
    (REACHABLE | {"regions": {"name": "frankfurt"}}, "pixel:regions.peers", ["missing", "list of mappings"]),
    (REACHABLE | {"regions": REGION | {"name": "Frankfurt"}}, "pixel:regions.name", ['"Frankfurt"', "lower-case"]),
    (
        REACHABLE | {"regions": REGION | {"peers": [PEER | {"url": "http://play-us.example.com/"}]}},
        "pixel:regions.peers[0].url",
        ["http://", "https://play-eu.example.com/"],
    ),
    (
        REACHABLE | {"regions": REGION | {"peers": [PEER | {"name": "frankfurt"}]}},
        "pixel:regions.peers[0].name",
        ["another region"],
    ),
    (
        REACHABLE | {"regions": REGION | {"peers": [PEER | {"url": "https://play-eu.example.com/"}]}},
        "pixel:regions.peers[0].url",
        ["own address"],
    ),
    (REACHABLE | {"regions": REGION | {"latitude": 50}}, "pixel:regions.longitude", ["missing", "-180 to 180"]),
    (REACHABLE | {"regions": REGION | {"latitude": 91, "longitude": 8}}, "pixel:regions.latitude", ["91"]),
    (REACHABLE | {"regions": REGION | {"continents": ["mars"]}}, "pixel:regions.continents[0]", ['"mars"', "europe"]),
    ({"regions": REGION}, "pixel:regions.name", ["others cannot reach", "pixel:domain"]),
    (
        REACHABLE | {"regions": REGION | {"domain": "play.example.com"}},
        "pixel:regions.domain",
        ["several places", "certificates.dns01"],
    ),
    (
        PROVABLE | {"regions": REGION | {"domain": "play-us.example.com"}},
        "pixel:regions.domain",
        ["one region", "no single region's"],
    ),
    (
        PROVABLE | {"regions": REGION | {"steering": {"zone_id": ZONE}}},
        "pixel:regions.steering",
        ["policy for no name", "regions.domain"],
    ),
    (
        PROVABLE | {"regions": REGION | {"domain": "play.example.com", "steering": {"zone_id": "example.com"}}},
        "pixel:regions.steering.zone_id",
        ['"example.com"', "ocid1.dns-zone"],
    ),
]


@pytest.mark.parametrize(("keys", "key", "words"), BAD, ids=[f"{key} {words[0]}" for _, key, words in BAD])
def test_a_bad_key_gives_one_refusal(keys: dict[str, Any], key: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        its(**keys)
    (refusal,) = caught.value.refusals
    assert refusal.startswith(f"{key} is ")
    assert refusal.endswith(".")
    for word in words:
        assert word in refusal
    for secret in (TOKEN, SECRET, "two words"):
        assert f'"{secret}"' not in refusal


def test_without_the_keys_anybody_may_come_and_nothing_goes_out() -> None:
    settings = its()
    assert settings.login == LoginSettings()
    assert settings.limits == LimitsSettings()
    assert settings.origins == ()
    assert settings.api == ApiSettings()
    assert settings.webhooks == WebhooksSettings()
    assert settings.regions == RegionsSettings()
    assert Secret.ADMIN in settings.wanted_secrets
    assert Secret.WEBHOOKS not in settings.wanted_secrets


def test_logins_are_read() -> None:
    shared = its(login={"mode": "shared", "token": TOKEN, "previous_token": KEPT}).login
    assert (shared.mode, shared.secret) == (LoginMode.SHARED, Kept(TOKEN))
    assert shared.previous == Kept("", KEPT)
    assert TOKEN not in repr(shared)
    signed = its(login=SIGNED | {"networks": ["192.0.2.0/24"]}).login
    assert (signed.algorithms, signed.secret) == ((Algorithm.RS256,), None)
    assert signed.networks == (IPv4Network("192.0.2.0/24"),)
    both = its(login=SIGNED | {"algorithms": ["HS256", "RS256"], "secret": SECRET}).login
    assert both.secret == Kept(SECRET)
    assert its(login=SYMMETRIC | {"secret": KEPT}).login.secret == Kept("", KEPT)


def test_a_secret_that_is_still_encrypted_is_taken() -> None:
    at_rest = {"secure": "AAABAxyz"}
    assert its(login={"mode": "shared", "token": at_rest}).login.secret == Kept("")


def test_proxies_are_traefiks_pods_where_there_is_an_ingress() -> None:
    assert LimitsSettings().proxies(ingress=True) == (PODS_CIDR,)
    assert LimitsSettings().proxies(ingress=False) == ()
    named = its(limits={"trusted_proxies": ["192.0.2.0/24"]}).limits
    assert named.proxies(ingress=True) == (IPv4Network("192.0.2.0/24"),)
    assert its(limits={"trusted_proxies": []}).limits.proxies(ingress=True) == ()


def test_origins_are_read() -> None:
    listed = ["https://a.example.com", "https://*.example.com:8443", "http://localhost:5173", "*"]
    assert its(origins=listed).origins == tuple(listed)


def test_webhooks_are_read() -> None:
    its_ = its(webhooks={"endpoints": [HOOK, {"url": "https://b.example.com:8443/x", "events": ["session.ended"]}]})
    first, second = its_.webhooks.endpoints
    assert (first.events, first.apps, first.port) == (tuple(Event), (), 443)
    assert (second.events, second.port) == ((Event.ENDED,), 8443)
    assert Secret.WEBHOOKS in its_.wanted_secrets
    private = {"endpoints": [{"url": "http://127.0.0.1:8000/"}], "private": True, "networks": ["127.0.0.0/8"]}
    assert its(webhooks=private).webhooks.endpoints[0].port == 8000


def test_regions_are_read() -> None:
    peer = PEER | {"latitude": 39, "longitude": -77, "continents": ["north-america", "south-america"]}
    regions = its(
        **PROVABLE,
        regions={
            "name": "frankfurt",
            "latitude": 50,
            "longitude": 8,
            "continents": ["europe"],
            "peers": [peer],
            "domain": "play.example.com",
            "steering": {"zone_id": ZONE},
        },
    ).regions
    assert regions.place == Place(50, 8)
    assert regions.peers[0].place == Place(39, -77)
    assert regions.peers[0].continents == (Continent.NORTH_AMERICA, Continent.SOUTH_AMERICA)
    assert regions.peers[0].host == "play-us.example.com"
    assert regions.steering is not None
    assert (regions.steering.zone_id, regions.steering.ttl) == (ZONE, 30)
