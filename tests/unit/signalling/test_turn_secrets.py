"""The exchange of TURN secrets: what the matchmaker signs with, and what reaches coturn's table."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from signalling.ice.secret import OVERLAP_SECONDS, SecretError, SigningSecret, read_secrets
from signalling.turn.following import Follower
from signalling.turn.settings import CompanionSettings
from signalling.turn.user_database import UnusableSecretError, UserDatabase

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


def write(database: Path, *secrets: str, realm: str = "pixel") -> None:
    with closing(UserDatabase(database, realm)) as it:
        it.write_secrets(secrets)


def test_the_table_holds_what_was_written_last_and_is_nobody_else_s_to_read(tmp_path):
    database = tmp_path / "turndb"
    write(database, THIRD, realm="other")
    for secrets in ([FIRST], [SECOND, FIRST], [THIRD, SECOND]):
        write(database, *secrets)
    assert stored(database) == {THIRD, SECOND}
    assert stored(database, "other") == {THIRD}
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@pytest.mark.parametrize("secret", ["", "short", "0123456789abcdef\nno-auth", "0123456789abcdef x", "x" * 257])
def test_an_unusable_secret_is_refused_and_not_shown(tmp_path, secret):
    database = tmp_path / "turndb"
    write(database, FIRST)
    with pytest.raises(UnusableSecretError) as error:
        write(database, SECOND, secret)
    assert not secret or secret not in str(error.value)
    assert stored(database) == {FIRST}


def test_who_reads_finds_the_database_never_locked(tmp_path):
    """As coturn does: without waiting, by a connection that is opened and closed while somebody writes."""
    path = tmp_path / "turndb"
    over = threading.Event()
    with closing(UserDatabase(path, "pixel")) as database, ThreadPoolExecutor(1) as pool:

        def write_on() -> None:
            while not over.is_set():
                database.write_secrets([FIRST, SECOND])
                database.write_peers(f"10.244.1.{number}" for number in range(200))

        database.write_secrets([FIRST, SECOND])
        writing = pool.submit(write_on)
        try:
            for _ in range(300):
                with closing(sqlite3.connect(path, timeout=0)) as reader:
                    found = reader.execute("SELECT count(*) FROM turn_secret WHERE realm = 'pixel'").fetchone()
                assert found == (2,)
        finally:
            over.set()
        writing.result()


@pytest.fixture
def its(mount, tmp_path: Path) -> CompanionSettings:
    (tmp_path / "addresses").write_text("")
    return CompanionSettings(
        turn_secret_file=mount.secret,
        turn_peers_file=tmp_path / "addresses",
        turn_configuration=tmp_path / "turnserver.conf",
    )


@pytest.fixture
def follower(its: CompanionSettings) -> Iterator[Follower]:
    with closing(Follower(its)) as it:
        yield it


def test_each_change_of_the_mounted_secret_reaches_the_table(mount, its, follower, caplog):
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


def test_an_unchanged_secret_is_written_once(mount, its, follower):
    mount.hold(FIRST)
    follower.look()
    write(its.database, THIRD)
    follower.look()
    assert stored(its.database) == {THIRD}


def test_who_refuses_has_no_secret_in_the_table_whatever_is_mounted(mount, its, follower):
    mount.hold(FIRST)
    follower.look()
    follower.refusing = True
    follower.look()
    assert stored(its.database) == set()
    mount.hold(SECOND, FIRST)
    follower.look()
    assert stored(its.database) == set()
