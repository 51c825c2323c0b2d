"""What becomes of an instance that has left its fleet."""

import pytest

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.sidecars import Participant, Status
from signalling.matchmaker.stranded import Patience, Verdict, responsible, verdict

PATIENCE = Patience(empty=20.0, silent=60.0)
HERE = (Participant("p", connected=True),)
AWAY = (Participant("p", connected=False),)


def instance(pool: Pool = Pool.SESSION, *, ready: bool = True) -> Instance:
    return Instance("a", "demo", "v1", pool, "10.0.0.1", ready, False, "1", True, session="s")


@pytest.mark.parametrize(
    ("status", "ready", "doubted", "expected"),
    [
        # Its sidecar says what is with its session.
        (Status(session="s", participants=HERE), True, 0, Verdict.KEEP),
        (Status(session="s", participants=AWAY), True, 1000, Verdict.KEEP),
        (Status(session="s"), False, 1000, Verdict.KEEP),
        (Status(over=True), False, 0, Verdict.OVER),
        (Status(session="s", over=True), True, 0, Verdict.OVER),
        # It has none: the matchmaker that claimed it may be about to bring one.
        (Status(), True, 0, Verdict.DOUBT),
        (Status(), True, 19.9, Verdict.DOUBT),
        (Status(), True, 20, Verdict.STRANDED),
        # It has another, with somebody in it or not.
        (Status(session="other", participants=HERE), True, 1000, Verdict.KEEP),
        (Status(session="other", participants=AWAY), True, 1000, Verdict.STRANDED),
        # It does not answer us: its player may see a picture all the same.
        (None, True, 1000, Verdict.KEEP),
        (None, False, 59, Verdict.DOUBT),
        (None, False, 60, Verdict.STRANDED),
    ],
)
def test_the_verdict(status, ready, doubted, expected):
    assert verdict(instance(ready=ready), status, doubted, PATIENCE) is expected


def test_of_an_ended_one_only_the_deletion_is_missing():
    assert verdict(instance(Pool.ENDED), None, 0, PATIENCE) is Verdict.ENDED


def test_exactly_one_replica_looks_after_each_instance_and_a_change_moves_few():
    replicas = frozenset(f"r{number}" for number in range(5))
    names = [f"i{number}" for number in range(1000)]
    owners = {name: [each for each in replicas if responsible(each, replicas, name)] for name in names}
    assert all(len(owner) == 1 for owner in owners.values())
    shares = [sum(owner == [replica] for owner in owners.values()) for replica in replicas]
    assert min(shares) > 120
    left = replicas - {"r0"}
    after = {name: [each for each in left if responsible(each, left, name)] for name in names}
    assert all(after[name] == owner for name, owner in owners.items() if owner != ["r0"])


def test_a_replica_that_the_store_does_not_show_yet_counts_itself():
    assert responsible("r1", frozenset(), "i")
