import configparser
from pathlib import Path

import pytest

from local.images import pip_settings

GLOBAL = "[global]\nindex-url = https://a.example/simple\ncert = /etc/ca.crt\nfind-links = /opt/wheels\n"
USER = "[install]\nindex-url = https://user:secret@b.example/simple\ntrusted-host =\n    one\n    two\n"


def test_stronger_files_and_the_environment_win() -> None:
    assert pip_settings.settings([GLOBAL], {}) == {"index-url": "https://a.example/simple"}
    assert pip_settings.settings([GLOBAL, USER], {})["index-url"] == "https://user:secret@b.example/simple"
    found = pip_settings.settings([GLOBAL, USER], {"PIP_INDEX_URL": "https://c.example/simple"})
    assert found["index-url"] == "https://c.example/simple"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PIP_DEFAULT_TIMEOUT": "180"}, {"timeout": "180"}),
        ({"PIP_TIMEOUT": "5", "PIP_DEFAULT_TIMEOUT": "180"}, {"timeout": "5"}),
        ({"PIP_FIND_LINKS": "/opt/wheels", "PIP_CERT": "/ca"}, {}),
        ({"UV_DEFAULT_INDEX": "https://u.example"}, {"index-url": "https://u.example"}),
        (
            {"UV_DEFAULT_INDEX": "https://u.example", "PIP_INDEX_URL": "https://p.example"},
            {"index-url": "https://p.example"},
        ),
    ],
)
def test_only_the_way_to_an_index_is_passed_on(environment: dict[str, str], expected: dict[str, str]) -> None:
    assert pip_settings.settings([], environment) == expected


@pytest.mark.parametrize("certificates", [True, False])
def test_the_file_says_what_was_found(certificates: bool) -> None:
    found = pip_settings.settings([GLOBAL, USER], {"PIP_DEFAULT_TIMEOUT": "9"})
    parser = configparser.RawConfigParser()
    parser.read_string(pip_settings.file_text(found, certificates))
    assert parser.get("global", "timeout") == "9"
    assert parser.get("global", "trusted-host").split() == ["one", "two"]
    assert parser.get("global", "index-url") == "https://user:secret@b.example/simple"
    assert parser.get("global", "cert", fallback=None) == ("/run/secrets/certificates" if certificates else None)


def test_certificates_are_the_first_that_exist(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    environment = {"PIP_CERT": str(tmp_path / "none"), "SSL_CERT_FILE": str(bundle)}
    assert pip_settings.certificates(environment) == bundle


def test_pips_files_are_read_weakest_first(tmp_path: Path) -> None:
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text("[global]\ntimeout = 1\n")
    (tmp_path / "own.conf").write_text("[global]\ntimeout = 2\n")
    environment = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "own.conf")}
    assert pip_settings.settings(pip_settings.read_files(environment), {})["timeout"] == "2"
    assert pip_settings.read_files(environment | {"PIP_CONFIG_FILE": "/dev/null"}) == []
