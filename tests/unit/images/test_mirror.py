from pathlib import Path

import pytest

from local.images import mirror
from local.images.mirror import Source

BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = f"""\
# the mirror
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {KEYS}

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 {KEYS}

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://comment.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/tool.gpg] https://tool.example/apt bookworm main
deb http://mirror.example/debian bookworm main non-free # the mirror
deb-src http://mirror.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
"""


def test_deb822_stanzas_are_read() -> None:
    assert mirror.parse_deb822(DEB822) == [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), KEYS),
        Source("http://mirror.example/debian", "bookworm-updates", ("main", "contrib"), KEYS),
        Source("http://mirror.example/debian-security", "bookworm-security", ("main",), KEYS),
    ]


def test_one_line_entries_are_read() -> None:
    found = mirror.parse_list(ONE_LINE)
    assert Source("https://tool.example/apt", "bookworm", ("main",), "/etc/apt/keyrings/tool.gpg") in found
    assert Source("http://mirror.example/debian", "bookworm", ("main", "non-free")) in found
    assert not any("comment" in source.address for source in found)


def test_only_debians_own_sources_are_taken() -> None:
    assert mirror.debian_sources(mirror.parse_list(ONE_LINE), BOOKWORM, "bookworm") == [
        Source("http://mirror.example/debian", "bookworm")
    ]


def test_updates_and_security_come_along() -> None:
    assert mirror.debian_sources(mirror.parse_deb822(DEB822), BOOKWORM, "bookworm") == [
        Source("http://mirror.example/debian", "bookworm"),
        Source("http://mirror.example/debian", "bookworm-updates"),
        Source("http://mirror.example/debian-security", "bookworm-security"),
    ]


def test_a_source_signed_by_debians_keys_is_taken_whatever_its_address() -> None:
    sources = [
        Source("http://a.example/debian", "bookworm"),
        Source("https://b.example/x", "bookworm", ("main",), KEYS),
    ]
    assert mirror.debian_sources(sources, BOOKWORM, "bookworm") == [Source("https://b.example/x", "bookworm")]


def test_a_newer_debian_lends_its_mirrors() -> None:
    sources = [
        Source("http://a.example/debian", "trixie"),
        Source("http://a.example/debian-security", "trixie-security"),
    ]
    trixie = {"ID": "debian", "VERSION_CODENAME": "trixie"}
    assert mirror.debian_sources(sources, trixie, "bookworm") == [
        Source("http://a.example/debian", "bookworm"),
        Source("http://a.example/debian-security", "bookworm-security"),
    ]


@pytest.mark.parametrize(
    ("sources", "release"),
    [
        ([Source("http://a.example/ubuntu", "noble")], {"ID": "ubuntu", "VERSION_CODENAME": "noble"}),
        ([Source("http://a.example/debian-security", "bookworm-security")], BOOKWORM),
        ([], BOOKWORM),
        ([Source("http://a.example/debian", "bookworm")], {}),
    ],
    ids=["ubuntu", "security alone", "none", "unknown system"],
)
def test_without_a_debian_mirror_the_choice_is_left_to_debootstrap(
    sources: list[Source], release: dict[str, str]
) -> None:
    assert mirror.debian_sources(sources, release, "bookworm") == []


def test_the_base_gets_what_was_found() -> None:
    sources = mirror.debian_sources(mirror.parse_deb822(DEB822), BOOKWORM, "bookworm")
    again = mirror.parse_deb822(mirror.sources_text(sources))
    assert [(source.address, source.suite) for source in again] == [(s.address, s.suite) for s in sources]
    assert {source.signed_by for source in again} == {KEYS}


def test_files_are_read_in_apts_order(tmp_path: Path) -> None:
    folder = tmp_path / "apt/sources.list.d"
    folder.mkdir(parents=True)
    (tmp_path / "apt/sources.list").write_text("deb http://first.example/debian bookworm main\n")
    (folder / "debian.sources").write_text(DEB822)
    (folder / "debian.sources.bak").write_text("deb http://backup.example/debian bookworm main\n")
    (folder / "other.list").write_text(ONE_LINE)

    addresses = [source.address for source in mirror.read_sources(tmp_path)]
    assert addresses[:2] == ["http://first.example/debian", "http://mirror.example/debian"]
    assert "https://tool.example/apt" in addresses
    assert "http://backup.example/debian" not in addresses
    assert mirror.read_sources(tmp_path / "nowhere") == []


def test_os_release_is_read(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    path.write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n\n')
    found = mirror.read_os_release(path)
    assert (found["ID"], found["VERSION_CODENAME"]) == ("debian", "bookworm")
    assert mirror.read_os_release(tmp_path / "none") == {}
