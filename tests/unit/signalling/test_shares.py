"""What fleets say about themselves, and what the matchmaker makes of it."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkube.resources.apps_v1 import Deployment

from signalling.kubernetes.api import Changed, Event, Listed, Removed
from signalling.kubernetes.fleets import DEFAULT_WEIGHT, Fleet, fleet_of
from signalling.matchmaker.matching import Share
from signalling.matchmaker.shares import FleetWatch, Shares, fleets_after, obstacle, shares_of
from tests.unit.signalling.memory_cluster import Object, as_deployment, fleet

BAD_WEIGHTS = [None, "", "-1", "1.5", "5%", " 5", "\uff15", "1000000", "9" * 5000, "many"]


def listed(*things: Object) -> Event[Deployment]:
    return Listed([as_deployment(thing) for thing in things])


def changed(thing: Object) -> Event[Deployment]:
    return Changed(as_deployment(thing))


def removed(thing: Object) -> Event[Deployment]:
    return Removed(as_deployment(thing))


class Following:
    """A FleetWatch and all the shares that it told of."""

    def __init__(self) -> None:
        self.told: list[Shares] = []
        self.watch = FleetWatch(["demo", "other"], self.told.append)

    def see(self, *events: Event[Deployment]) -> None:
        for event in events:
            self.watch.observe(event)

    @property
    def demo(self) -> dict[str, int]:
        return {share.version: share.weight for share in self.told[-1]["demo"]}


@pytest.fixture
def following() -> Following:
    return Following()


def warnings(caplog: pytest.LogCaptureFixture, message: str) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.levelno == logging.WARNING and each.message == message]


@pytest.mark.parametrize(("stated", "weight"), [("100", 100), ("0", 0), ("007", 7), ("999999", 999_999)])
def test_a_deployment_says_its_version_and_weight(stated, weight):
    found = fleet_of(as_deployment(fleet("demo-v2", version="v2", weight=stated)))
    assert found == Fleet("demo-v2", "demo", "v2", stated)
    assert found.stated_well and found.weight == weight


@pytest.mark.parametrize("stated", BAD_WEIGHTS)
def test_a_bad_or_missing_weight_counts_as_the_default(stated):
    found = fleet_of(as_deployment(fleet("demo-v1", weight=stated)))
    assert found is not None and not found.stated_well and found.weight == DEFAULT_WEIGHT == 100


@pytest.mark.parametrize("label", ["app.pixel/app", "app.pixel/version"])
def test_a_deployment_without_a_label_or_on_its_way_out_is_no_fleet(label):
    thing = fleet("demo-v1")
    del thing["metadata"]["labels"][label]
    assert fleet_of(as_deployment(thing)) is None
    going = fleet("demo-v1")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert fleet_of(as_deployment(going)) is None
    del thing["metadata"]
    assert fleet_of(as_deployment(thing)) is None


def test_shares_are_by_application_and_the_heavier_of_two_fleets_of_a_version_counts():
    fleets = [
        Fleet("old-name", "demo", "v1", "90"),
        Fleet("new-name", "demo", "v1", "80"),
        Fleet("canary", "demo", "v2", "10"),
        Fleet("stranger", "unknown", "v1", "1"),
    ]
    assert shares_of(fleets, ["demo", "other"]) == {"demo": (Share("v1", 90), Share("v2", 10)), "other": ()}


def test_players_wait_without_a_fleet_and_without_a_weight():
    assert obstacle([]) == "it has no fleet"
    assert "app.pixel/weight" in str(obstacle([Share("v1", 0), Share("v2", 0)]))
    assert obstacle([Share("v1", 0), Share("v2", 1)]) is None


def test_fleets_are_followed_as_they_come_change_and_go(following):
    first, second = fleet("demo-v1", weight="95"), fleet("demo-v2", version="v2", weight="5")
    following.see(listed(first))
    assert following.demo == {"v1": 95}
    following.see(changed(second))
    assert following.demo == {"v1": 95, "v2": 5}
    following.see(changed(fleet("demo-v2", version="v2", weight="50")))
    assert following.demo == {"v1": 95, "v2": 50}
    following.see(removed(first))
    assert following.demo == {"v2": 50}
    going = {**second, "metadata": {**second["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    following.see(changed(going))
    assert following.demo == {}


def test_what_changes_no_share_is_not_told(following):
    thing = fleet("demo-v1")
    following.see(listed(thing), changed({**thing, "status": {"readyReplicas": 1}}), listed(thing))
    following.see(changed(fleet("stranger", application="unknown")), removed(fleet("never-here")))
    assert len(following.told) == 1


def test_a_bad_weight_is_reported_once(following, caplog):
    caplog.set_level(logging.INFO)
    bad = fleet("demo-v1", weight="lots")
    following.see(listed(bad), changed({**bad, "status": {"readyReplicas": 1}}), listed(bad))
    (report,) = warnings(caplog, "unusable weight")
    said = vars(report)
    assert (said["fleet"], said["stated"]) == ("demo-v1", "app.pixel/weight: 'lots'")
    assert "counts as 100" in said["remedy"]
    following.see(changed(fleet("demo-v1", weight="5")), changed(bad))
    assert len(warnings(caplog, "unusable weight")) == 2, "somebody has made it wrong again"
    following.see(changed(fleet("demo-v1", weight="x" * 100_000)))
    assert len(vars(warnings(caplog, "unusable weight")[-1])["stated"]) < 200


def test_an_application_nobody_gets_into_is_reported_once(following, caplog):
    caplog.set_level(logging.INFO)
    other = fleet("other-v1", application="other")
    closed = fleet("demo-v1", weight="0")
    following.see(listed(other, closed), changed({**closed, "status": {"readyReplicas": 1}}), listed(other, closed))
    following.see(changed(fleet("demo-v1")), removed(fleet("demo-v1")))
    reports = [(vars(each)["application"], vars(each)["why"]) for each in warnings(caplog, "nobody is matched")]
    assert reports == [("demo", "no fleet of it has app.pixel/weight above 0"), ("demo", "it has no fleet")]


def test_an_empty_first_listing_is_reported_for_every_application(following, caplog):
    following.see(listed(), listed())
    assert [vars(each)["application"] for each in warnings(caplog, "nobody is matched")] == ["demo", "other"]
    assert following.told == []


THINGS = st.builds(
    lambda number, version, weight: fleet(f"fleet-{number}", version=f"v{version}", weight=weight),
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from(["0", "5", "100", "bad", None]),
)


@given(st.lists(st.tuples(st.booleans(), THINGS), max_size=20))
def test_events_one_by_one_lead_to_what_a_listing_says(steps):
    known: dict[str, Fleet] = {}
    things: dict[str, Object] = {}
    for there, thing in steps:
        things.pop(thing["metadata"]["name"], None)
        if there:
            things[thing["metadata"]["name"]] = thing
        known = fleets_after(known, changed(thing) if there else removed(thing))
    assert known == fleets_after({"stale": Fleet("stale", "demo", "v1", "1")}, listed(*things.values()))
