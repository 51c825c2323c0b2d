"""A spectator's data channel is rejected, in descriptions as browsers and aiortc really write them."""

import asyncio
import re
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from hypothesis import given
from hypothesis import strategies as st

from signalling.protocol import messages as m
from signalling.protocol.spectators import without_data_channel
from signalling.tickets.claims import Role
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.instance import OTHER, PLAYER, STREAMER, Instance, frame, said, ticket

RECORDED = {path.stem: path.read_bytes().decode() for path in Path(__file__).with_name("descriptions").glob("*.sdp")}
"""Of Chromium 156 and aiortc 1.16: offers with video, sound and a data channel, and the answers to them."""
APPLICATION = re.compile(r"^m=application ([0-9]+)", re.MULTILINE)
GROUP = re.compile(r"^a=group:BUNDLE(.*)\r$", re.MULTILINE)


def test_there_are_recordings():
    assert RECORDED.keys() == {
        "aiortc_offer",
        "aiortc_answer",
        "chromium_offer",
        "chromium_answer",
        "chromium_answer_to_aiortc",
    }


@pytest.mark.parametrize("name", RECORDED)
def test_the_data_channel_is_rejected_and_the_rest_stays_to_the_letter(name):
    before = RECORDED[name]
    after = without_data_channel(before)
    assert after is not None
    assert APPLICATION.findall(before) != ["0"] and APPLICATION.findall(after) == ["0"]
    mids = GROUP.findall(before)[0].split()
    assert GROUP.findall(after) == [" " + " ".join(mids[:-1])]
    changed = [(old, new) for old, new in zip(before.split("\r\n"), after.split("\r\n"), strict=True) if old != new]
    assert [old.split(":")[0].split(" ")[0] for old, _ in changed] == ["a=group", "m=application"]
    assert without_data_channel(after) == after


def test_a_description_without_a_data_channel_stays_as_it_is():
    sdp = RECORDED["chromium_answer"].split("m=application")[0]
    assert without_data_channel(sdp) == sdp
    assert without_data_channel("") == ""


def test_a_group_of_nothing_but_the_data_channel_goes():
    sdp = "v=0\na=group:BUNDLE x\nm=application 9 DTLS/SCTP 5000\na=mid:x\n"
    assert without_data_channel(sdp) == "v=0\nm=application 0 DTLS/SCTP 5000\na=mid:x\n"


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\x00"])
def test_what_readers_disagree_about_is_no_description(end):
    hidden = RECORDED["chromium_answer"].replace("\r\nm=application", f"\r\na=x:{end}m=application")
    assert without_data_channel(hidden) is None


@given(st.text(alphabet="m=aplictonv:0 9\r\nAPPLICATIONmid/gruBUNDLE"))
def test_no_text_makes_it_raise_and_none_keeps_a_port(text):
    after = without_data_channel(text)
    if after is not None:
        assert not re.search(r"^m=\s*application\s+0*[1-9]", after, re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("rejecting", [False, True])
async def test_aiortc_takes_the_answer_and_opens_no_channel(rejecting):
    """What the demo streamer is made of ignores a port of 0; a channel outside the group has nothing to open by."""
    offering, answering = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    try:
        sender = offering.addTransceiver("video").sender
        channel = offering.createDataChannel("input")
        await offering.setLocalDescription(await offering.createOffer())
        await answering.setRemoteDescription(offering.localDescription)
        await answering.setLocalDescription(await answering.createAnswer())
        sdp = answering.localDescription.sdp
        if rejecting:
            sdp = without_data_channel(sdp) or ""
        await offering.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await eventually(lambda: sender.transport.state == "connected", "media connected")
        if rejecting:
            assert offering.sctp is not None and offering.sctp.transport is not sender.transport
            assert (channel.readyState, offering.sctp.transport.state) == ("connecting", "new")
        else:
            await eventually(lambda: channel.readyState == "open", "channel open")
    finally:
        await asyncio.gather(offering.close(), answering.close())


async def test_aiortc_takes_chromium_s_answer():
    offering = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        offering.addTransceiver("video")
        offering.createDataChannel("input")
        await offering.setLocalDescription(await offering.createOffer())
        sdp = without_data_channel(RECORDED["chromium_answer_to_aiortc"]) or ""
        await offering.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        assert offering.signalingState == "stable"
    finally:
        await offering.close()


@pytest.fixture
def watched():
    it = Instance()
    it.identify()
    it.subscribe(PLAYER, admission=ticket())
    it.admit(OTHER, ticket(player="p2", role=Role.SPECTATOR))
    return it


def test_a_streamer_is_told_that_a_spectator_has_no_data_channel(watched):
    assert said(watched.say(OTHER, "subscribe", streamerId="demo")) == [
        (STREAMER, {"type": "playerConnected", "playerId": "2", "dataChannel": False, "sfu": False})
    ]


@pytest.mark.parametrize("kind", ["answer", "offer"])
def test_a_spectator_s_description_reaches_the_streamer_without_channel_and_bitrates(watched, kind):
    watched.resubscribe(OTHER)
    described = frame(kind, sdp=RECORDED["chromium_answer"], minBitrateBps=1, maxBitrateBps=2)
    assert said(watched.hear(OTHER, described)) == [
        (STREAMER, {"type": kind, "playerId": "2", "sdp": without_data_channel(RECORDED["chromium_answer"])})
    ]
    assert said(watched.hear(PLAYER, described))[0][1]["sdp"] == RECORDED["chromium_answer"]
    assert said(watched.hear(PLAYER, described))[0][1]["maxBitrateBps"] == 2


def test_a_spectator_s_description_that_hides_something_reaches_nobody(watched):
    watched.resubscribe(OTHER)
    hidden = RECORDED["chromium_answer"].replace("\r\nm=application", "\x0bm=application")
    assert said(watched.say(OTHER, "answer", sdp=hidden)) == [(OTHER, m.Refused.NOT_ALLOWED)]


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("iceCandidate", True),
        ("layerPreference", False),
        ("dataChannelRequest", False),
        ("peerDataChannelsReady", False),
    ],
)
def test_what_else_of_a_spectator_s_reaches_the_streamer(watched, kind, passes):
    watched.resubscribe(OTHER)
    ((target, what, *_),) = said(watched.say(OTHER, kind, candidate={}, spatialLayer=1))
    assert (target, isinstance(what, dict)) == ((STREAMER, True) if passes else (OTHER, False))


def test_of_a_forwarding_unit_a_spectator_may_choose_its_layers_and_get_no_channels(watched):
    watched.connect_sfu(15)
    watched.say(15, "endpointId", id="SFU")
    watched.resubscribe(OTHER, "SFU")
    assert said(watched.say(OTHER, "layerPreference", spatialLayer=1))[0][0] == 15
    for kind in ("dataChannelRequest", "peerDataChannelsReady"):
        assert said(watched.say(OTHER, kind)) == [(OTHER, m.Refused.NOT_ALLOWED)]
