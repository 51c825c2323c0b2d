"""Sessions that share an instance, as its sidecar tells of them."""

from datetime import UTC, datetime

import pytest

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.outcomes import Outcome
from signalling.matchmaker.seats import Seats, seat, seats_of
from signalling.matchmaker.sidecars import Participant, Status
from signalling.tickets.claims import Role

AT = datetime(2027, 1, 15, 8, 30, tzinfo=UTC)
SHARED = Instance("a", "tour", "v1", Pool.IDLE, "10.0.0.1", True, False, "1", True, players=2)


def here(session: str, *, since: float = 0.0, player: str = "", role: Role = Role.OWNER) -> Participant:
    return Participant(player or session, session, "ada", role, True, AT.timestamp() + since)


def status(*participants: Participant, streaming: bool = True) -> Status:
    return Status(streaming=streaming, participants=participants)


class Told:
    """Seats, and what they said is over."""

    def __init__(self) -> None:
        self.over: list[tuple[str | None, Outcome]] = []
        self.bad: list[str | None] = []
        self.seen: list[str | None] = []
        self.seats = Seats(lambda its: self.seen.append(its.session), self._ended)

    def _ended(self, its: Instance, outcome: Outcome, bad: bool) -> None:
        self.over.append((its.session, outcome))
        self.bad += [its.session] if bad else []

    def look(self, said: Status, instance: Instance = SHARED) -> None:
        self.seats.observed(instance, said, self.seats.of(instance.name))


def test_a_session_that_has_ended_was_bad_where_its_sidecar_says_so():
    told = Told()
    told.look(status(here("s1"), here("s2")))
    told.look(Status(streaming=True, bad=frozenset({"s1", "s9"})))
    assert ([session for session, _ in told.over], told.bad) == (["s1", "s2"], ["s1"])


def test_a_session_has_its_own_seat_and_its_guests_have_none():
    guest = here("s1", since=-5, player="guest", role=Role.SPECTATOR)
    its = seats_of(SHARED, status(here("s1"), guest, here("s2", since=9)))
    assert list(its) == ["s1", "s2"]
    assert (its["s2"].session, its["s2"].subject, its["s2"].pool) == ("s2", "ada", Pool.SESSION)
    assert its["s1"].started == datetime.fromtimestamp(AT.timestamp() - 5, UTC).isoformat()
    # A sidecar that does not say when leaves it open, and one that names no session says nothing of any.
    assert seats_of(SHARED, status(Participant("p", "s3")))["s3"].started is None
    assert seats_of(SHARED, status(Participant("p"))) == {}


@pytest.mark.parametrize(("streaming", "outcome"), [(True, Outcome.COMPLETED), (False, Outcome.INTERRUPTED)])
def test_who_is_not_told_of_any_more_has_ended(streaming, outcome):
    told = Told()
    told.look(status(here("s1"), here("s2")))
    told.look(status(here("s2"), streaming=streaming))
    assert told.over == [("s1", outcome)]
    told.look(status(here("s2")))
    assert told.over == [("s1", outcome)], "once"
    assert [each.session for each in told.seats] == ["s2"]
    assert (told.seats.has("s1"), told.seats.has("s2")) == (False, True)


def test_who_comes_while_the_answer_is_on_its_way_goes_on():
    told = Told()
    before = told.seats.of("a")
    told.seats.taken(seat(SHARED, "s1", "ada", AT))
    told.seats.observed(SHARED, status(), before)
    assert (told.over, told.seats.has("s1")) == ([], True)


def test_a_session_has_begun_when_it_was_first_seen():
    told = Told()
    told.seats.taken(seat(SHARED, "s1", "ada", AT))
    assert told.seen == []
    for since in (60, 90):
        told.look(status(here("s1", since=since)))
    assert told.seen == ["s1"]
    assert [each.started for each in told.seats] == [AT.isoformat()]


@pytest.mark.parametrize(("going", "outcome"), [(True, Outcome.COMPLETED), (False, Outcome.INTERRUPTED)])
def test_with_an_instance_all_of_its_sessions_end(going, outcome):
    told = Told()
    told.look(status(here("s1"), here("s2")))
    told.seats.removed(Instance("a", "tour", "v1", Pool.IDLE, None, False, going, "2", True))
    assert told.over == [("s1", outcome), ("s2", outcome)]
    assert list(told.seats) == []


def test_a_session_that_came_to_nothing_has_not_ended():
    told = Told()
    told.look(status(here("s1")))
    told.seats.untaken("a", "s1")
    told.look(status())
    assert (told.over, told.seats.has("s1")) == ([], False)
