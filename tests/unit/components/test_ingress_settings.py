"""The keys `ingress`, `certificates` and `dns`: what they may hold, and what they need of one another."""

from typing import Any

import pytest

from components.settings import Settings, SettingsError, load
from components.settings.ingress import Dns01Solver, Issuer, TsigAlgorithm, WildcardDns
from tests.unit.components.settings_cases import GOOD

INGRESS = {"enabled": True}
CERTIFICATES = {"enabled": True, "email": "platform@example.com"}
RFC2136 = {"solver": "rfc2136", "server": "ns1.example.com:53", "secret": "dns01", "tsig_key": "cert-manager"}
ACME_DNS = {"solver": "acme-dns", "server": "https://acme.example.com", "secret": "dns01"}
DOMAIN = "play.example.com"


def its(**keys: Any) -> Settings:
    """Settings of the good file and these keys."""
    return load(GOOD | {f"pixel:{key}": value for key, value in keys.items()})


BAD: list[tuple[dict[str, Any], str, list[str]]] = [
    # the keys, the key in the refusal, what else it says
    ({"ingress": "on"}, "pixel:ingress", ['"on"', "not a mapping"]),
    ({"ingress": {"enabled": "yes"}}, "pixel:ingress.enabled", ['"yes"', "true or false"]),
    ({"ingress": {"replica": 2}}, "pixel:ingress.replica", ["unknown", "Did you mean replicas?"]),
    ({"ingress": {"replicas": 1}}, "pixel:ingress.replicas", ["1", "from 2 to 20"]),
    ({"ingress": {"max_mbps": 9000}}, "pixel:ingress.max_mbps", ["9000", "from 10 to 8000"]),
    ({"ingress": {"min_mbps": 200}}, "pixel:ingress.min_mbps", ["200", "more than max_mbps, 100"]),
    ({"ingress": {"wildcard_dns": "xip.io"}}, "pixel:ingress.wildcard_dns", ['"xip.io"', "sslip.io"]),
    ({"certificates": CERTIFICATES}, "pixel:certificates.enabled", ["without an ingress", "ingress.enabled"]),
    ({"ingress": INGRESS, "certificates": {"enabled": True}}, "pixel:certificates.email", ["missing", "example.com"]),
    (
        {"ingress": INGRESS, "certificates": CERTIFICATES | {"issuer": "prod"}},
        "pixel:certificates.issuer",
        ['"prod"', "production"],
    ),
    (
        {"ingress": INGRESS, "certificates": CERTIFICATES | {"email": "platform"}},
        "pixel:certificates.email",
        ['"platform"', "platform@example.com"],
    ),
    (
        {"ingress": INGRESS, "certificates": CERTIFICATES | {"dns01": ACME_DNS}},
        "pixel:certificates.dns01",
        ["without a domain", "pixel:domain"],
    ),
    (
        {"domain": DOMAIN, "ingress": INGRESS, "certificates": {"dns01": ACME_DNS}},
        "pixel:certificates.dns01",
        ["without certificates", "certificates.enabled"],
    ),
    (
        {"domain": DOMAIN, "ingress": INGRESS, "certificates": CERTIFICATES | {"dns01": ACME_DNS | {"solver": "oci"}}},
        "pixel:certificates.dns01.solver",
        ['"oci"', "rfc2136", "acme-dns"],
    ),
    (
        {
            "domain": DOMAIN,
            "ingress": INGRESS,
            "certificates": CERTIFICATES | {"dns01": ACME_DNS | {"server": "acme.example.com"}},
        },
        "pixel:certificates.dns01.server",
        ['"acme.example.com"', "https://"],
    ),
    (
        {
            "domain": DOMAIN,
            "ingress": INGRESS,
            "certificates": CERTIFICATES | {"dns01": RFC2136 | {"server": "ns1.example.com:65536"}},
        },
        "pixel:certificates.dns01.server",
        ['"ns1.example.com:65536"', '"ns1.example.com:53"'],
    ),
    (
        {
            "domain": DOMAIN,
            "ingress": INGRESS,
            "certificates": CERTIFICATES | {"dns01": ACME_DNS | {"tsig_key": "cert-manager"}},
        },
        "pixel:certificates.dns01.tsig_key",
        ["unknown"],
    ),
    (
        {
            "domain": DOMAIN,
            "ingress": INGRESS,
            "certificates": CERTIFICATES | {"dns01": {key: RFC2136[key] for key in ("solver", "server", "secret")}},
        },
        "pixel:certificates.dns01.tsig_key",
        ["missing", "TSIG"],
    ),
    ({"ingress": INGRESS, "dns": {"enabled": True, "zone": "example.com"}}, "pixel:dns.enabled", ["a domain"]),
    (
        {"domain": DOMAIN, "dns": {"enabled": True, "zone": "example.com"}},
        "pixel:dns.enabled",
        ["without an ingress", "ingress.enabled"],
    ),
    ({"domain": DOMAIN, "ingress": INGRESS, "dns": {"enabled": True}}, "pixel:dns.zone", ["missing", "example.com"]),
    (
        {"domain": DOMAIN, "ingress": INGRESS, "dns": {"enabled": True, "zone": "ample.com"}},
        "pixel:dns.zone",
        ['"ample.com"', f"not a zone of {DOMAIN}"],
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


def test_without_the_keys_everything_is_off() -> None:
    settings = its()
    assert not settings.ingress.enabled
    assert not settings.certificates.enabled
    assert not settings.dns.enabled


def test_defaults() -> None:
    settings = its(ingress=INGRESS, certificates=CERTIFICATES)
    assert (settings.ingress.replicas, settings.ingress.min_mbps, settings.ingress.max_mbps) == (2, 10, 100)
    assert settings.ingress.wildcard_dns is WildcardDns.NIP
    assert settings.ingress.grafana
    assert settings.certificates.issuer is Issuer.STAGING
    assert settings.certificates.dns01 is None


@pytest.mark.parametrize("zone", [DOMAIN, "example.com"])
def test_a_zone_is_the_domain_or_above_it(zone: str) -> None:
    assert its(domain=DOMAIN, ingress=INGRESS, dns={"enabled": True, "zone": zone}).dns.zone == zone


def test_both_solvers_are_read() -> None:
    def dns01(given: dict[str, str]) -> Any:
        return its(domain=DOMAIN, ingress=INGRESS, certificates=CERTIFICATES | {"dns01": given}).certificates.dns01

    rfc2136 = dns01(RFC2136 | {"tsig_algorithm": "HMACSHA512"})
    assert (rfc2136.solver, rfc2136.tsig_key) == (Dns01Solver.RFC2136, "cert-manager")
    assert rfc2136.tsig_algorithm is TsigAlgorithm.SHA512
    assert (dns01(ACME_DNS).solver, dns01(ACME_DNS).tsig_key) == (Dns01Solver.ACME_DNS, None)
