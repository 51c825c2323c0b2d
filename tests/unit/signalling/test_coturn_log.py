"""What coturn's log counts for, and that it stays short."""

import logging

from signalling.turn import coturn_log
from signalling.turn.coturn_log import EMPTIED_ABOVE, SHOWN_EACH_TIME, LogReader, Refusal, told

SESSION = b"3: : session 001000000000000002: realm <pixel> user <1:s>: incoming packet "
LINES = b"".join(
    line + b"\n"
    for line in (
        SESSION + b"message processed, error 401: Unauthorized",
        SESSION + b"ALLOCATE processed, success",
        SESSION + b"ALLOCATE processed, error 486: Allocation Quota Reached",
        SESSION + b"message processed, error 486: Allocation Quota Reached",
        SESSION + b"ALLOCATE processed, error 508: Cannot create socket",
        SESSION + b"ALLOCATE processed, error 437: Mismatched allocation",
        b"5: : ERROR: check_stun_auth: Cannot find credentials of user <1:s>",
        b"5: : ERROR: check_stun_auth: user 1:s credentials are incorrect",
        b"6: : ERROR: A peer IP 169.254.169.254 denied in the range: 0.0.0.0-255.255.255.255",
    )
)


def test_each_refusal_counts_once_and_a_challenge_is_none():
    assert list(told(LINES)) == [
        None,
        Refusal.QUOTA,
        Refusal.PORTS,
        Refusal.OTHER,
        Refusal.CREDENTIALS,
        Refusal.CREDENTIALS,
        Refusal.PEER,
    ]


def test_what_is_new_is_counted_once_also_where_a_line_came_in_two_parts(tmp_path):
    file = tmp_path / "turn.log"
    reader = LogReader(file)
    reader.read()
    cut = LINES.index(b"error 486") + 8
    for part in (LINES[:cut], b"", LINES[cut:], b"", LINES):
        with file.open("ab") as log:
            log.write(part)
        reader.read()
    assert reader.refused[Refusal.QUOTA] == 2
    assert reader.refused[Refusal.CREDENTIALS] == 4
    assert reader.made == 2


def test_every_reason_is_there_from_the_start(tmp_path):
    assert set(LogReader(tmp_path / "turn.log").refused) == set(Refusal)


def test_the_file_is_emptied_when_it_has_grown_and_read_on(tmp_path):
    file = tmp_path / "turn.log"
    reader = LogReader(file)
    # As coturn does: what it writes goes to the end, wherever that is.
    with file.open("ab", buffering=0) as log:
        log.write(LINES * (EMPTIED_ABOVE // len(LINES) + 1))
        reader.read()
        assert file.stat().st_size == 0
        before = reader.refused[Refusal.QUOTA]
        log.write(LINES)
        reader.read()
    assert reader.refused[Refusal.QUOTA] == before + 1


def test_a_coturn_that_started_anew_is_read_from_its_first_line(tmp_path):
    file = tmp_path / "turn.log"
    reader = LogReader(file)
    file.write_bytes(LINES * 2)
    reader.read()
    file.write_bytes(LINES)
    reader.read()
    assert reader.refused[Refusal.QUOTA] == 3


def test_lines_of_coturn_itself_are_passed_on_and_those_of_requests_are_not(tmp_path, caplog):
    file = tmp_path / "turn.log"
    file.write_bytes(
        LINES + b"0: : ERROR: bind: Address already in use\n0: : IPv4. UDP listener opened on: 1.2.3.4:1\n"
    )
    with caplog.at_level(logging.INFO, logger=coturn_log.LOG.name):
        LogReader(file).read()
    assert [record.line for record in caplog.records] == ["0: : ERROR: bind: Address already in use"]


def test_a_flood_of_them_is_cut(tmp_path, caplog):
    file = tmp_path / "turn.log"
    file.write_bytes(b"0: : ERROR: something\n" * 100)
    with caplog.at_level(logging.INFO, logger=coturn_log.LOG.name):
        LogReader(file).read()
    assert len(caplog.records) == SHOWN_EACH_TIME + 1
