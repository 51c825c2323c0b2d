"""The exchange of TURN secrets: what the matchmaker signs with, and what reaches coturn's table."""

import sqlite3
import stat
from pathlib import Path

import pytest

from signalling.ice.secret import OVERLAP_SECONDS, SecretError, SigningSecret, read_secrets
from signalling.turn.following import Follower
from signalling.turn.settings import CompanionSettings
from signalling.turn.user_database import UnusableSecretError, write_secrets

FIRST, SECOND, THIRD = ("a" * 32, "b" * 32, "c" * 32)


class Mount:
    """The mounted Secret."""

    def __init__(self, folder: Path) -> None:
        self.secret = folder / "secret"

    def hold(self, secret: str, previous: str | None = None) -> None:
        self.secret.write_text(secret + "\n")
        file = self.secret.with_name("previous")
        file.unlink(missing_ok=True)
        if previous is not None:
            file.write_text(previous)


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path)


def stored(database: Path, realm: str = "pixel") -> set[str]:
    connection = sqlite3.connect(database)
    try:
        return {value for (value,) in connection.execute("SELECT value FROM turn_secret WHERE realm = ?", (realm,))}
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("secret", "previous", "expected"),
    [(FIRST, None, (FIRST,)), (SECOND, FIRST, (SECOND, FIRST)), (FIRST, "", (FIRST,)), (FIRST, FIRST, (FIRST,))],
)
def test_both_secrets_are_read(mount, secret, previous, expected):
    mount.hold(secret, previous)
    assert read_secrets(mount.secret) == expected


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_new_secret_signs_only_when_every_node_must_have_it(mount):
    clock = Clock()
    mount.hold(FIRST)
    signing = SigningSecret(mount.secret, clock)
    assert signing() == FIRST
    mount.hold(SECOND, FIRST)
    clock.now += 10 * OVERLAP_SECONDS
    assert signing() == FIRST
    clock.now += OVERLAP_SECONDS - 1
    assert signing() == FIRST
    clock.now += 1
    assert signing() == SECOND
    mount.hold(THIRD, SECOND)
    assert signing() == SECOND
    clock.now += OVERLAP_SECONDS
    assert signing() == THIRD


def test_a_new_secret_without_a_previous_one_signs_at_once(mount):
    mount.hold(FIRST)
    signing = SigningSecret(mount.secret, Clock())
    mount.hold(SECOND)
    assert signing() == SECOND


def test_a_start_in_the_middle_of_an_exchange_signs_with_what_every_node_has(mount):
    clock = Clock()
    mount.hold(SECOND, FIRST)
    signing = SigningSecret(mount.secret, clock)
    assert signing() == FIRST
    clock.now += OVERLAP_SECONDS
    assert signing() == SECOND


def test_a_file_that_goes_away_ends_nothing_and_a_missing_one_is_told(mount):
    mount.hold(FIRST)
    signing = SigningSecret(mount.secret, Clock())
    mount.secret.unlink()
    assert signing() == FIRST
    with pytest.raises(SecretError, match="turn-secret"):
        SigningSecret(mount.secret, Clock())


def test_the_table_holds_what_was_written_last_and_is_nobody_else_s_to_read(tmp_path):
    database = tmp_path / "turndb"
    write_secrets(database, "other", [THIRD])
    write_secrets(database, "pixel", [FIRST])
    write_secrets(database, "pixel", [SECOND, FIRST])
    write_secrets(database, "pixel", [THIRD, SECOND])
    assert stored(database) == {THIRD, SECOND}
    assert stored(database, "other") == {THIRD}
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@pytest.mark.parametrize("secret", ["", "short", "0123456789abcdef\nno-auth", "0123456789abcdef x", "x" * 257])
def test_an_unusable_secret_is_refused_and_not_shown(tmp_path, secret):
    database = tmp_path / "turndb"
    write_secrets(database, "pixel", [FIRST])
    with pytest.raises(UnusableSecretError) as error:
        write_secrets(database, "pixel", [SECOND, secret])
    assert not secret or secret not in str(error.value)
    assert stored(database) == {FIRST}


@pytest.fixture
def its(mount, tmp_path: Path) -> CompanionSettings:
    (tmp_path / "addresses").write_text("")
    return CompanionSettings(
        turn_secret_file=mount.secret,
        turn_peers_file=tmp_path / "addresses",
        turn_configuration=tmp_path / "turnserver.conf",
    )


def test_each_change_of_the_mounted_secret_reaches_the_table(mount, its, caplog):
    follower = Follower(its)
    changes: list[tuple[tuple[str, str | None], set[str]]] = [
        ((FIRST, None), {FIRST}),
        ((SECOND, FIRST), {SECOND, FIRST}),
        (("short", None), {SECOND, FIRST}),
        ((THIRD, SECOND), {THIRD, SECOND}),
    ]
    for held, expected in changes:
        mount.hold(*held)
        follower.look()
        assert stored(its.database) == expected
    assert [record.levelname for record in caplog.records if record.levelname == "WARNING"] == ["WARNING"]
    assert not any(secret in caplog.text for secret in (FIRST, SECOND, THIRD))


def test_an_unchanged_secret_is_written_once(mount, its):
    mount.hold(FIRST)
    follower = Follower(its)
    follower.look()
    write_secrets(its.database, its.turn_realm, [THIRD])
    follower.look()
    assert stored(its.database) == {THIRD}


def test_who_refuses_has_no_secret_in_the_table_whatever_is_mounted(mount, its):
    mount.hold(FIRST)
    follower = Follower(its)
    follower.look()
    follower.refusing = True
    follower.look()
    assert stored(its.database) == set()
    mount.hold(SECOND, FIRST)
    follower.look()
    assert stored(its.database) == set()
