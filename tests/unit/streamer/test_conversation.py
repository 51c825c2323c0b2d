import json

import pytest

from streamer import settings
from streamer.broadcast import Figures
from streamer.conversation import Situation, answers, initial_settings, opening
from streamer.data_channel import TO_STREAMER, Message, read_from_streamer
from streamer.scene import ANSWERED, Scene

FIGURES = Figures(30.0, 0, 2.4, 3.2, 2000.0)
SITUATION = Situation(settings.read({}), Scene(typed="hi").join("1"), 42, FIGURES, 3, 1_700_000_000_123.4)


def said(name: str, *values: int | str, situation: Situation = SITUATION) -> list[tuple[str, object]]:
    return [read_from_streamer(data) for data in answers("1", Message(name, values), situation)]


def test_the_protocol_is_announced_in_both_directions_first():
    announced = [read_from_streamer(data) for data in opening()]
    assert [name for name, _ in announced] == ["Protocol", "Protocol"]
    assert [json.loads(str(content))["Direction"] for _, content in announced] == [0, 1]


def test_settings_and_control_are_given():
    (name, content), control = said("RequestInitialSettings")
    assert name == "InitialSettings" and control == ("InputControlOwnership", True)
    shown = json.loads(str(content))
    assert set(shown) == {"PixelStreaming", "Encoder", "WebRTC", "ConfigOptions"}
    assert shown == initial_settings(SITUATION.settings)
    assert (shown["WebRTC"]["FPS"], shown["Encoder"]["MaxBitrate"]) == (30, 4_000_000)


def test_latency_is_what_was_measured():
    ((name, content),) = said("LatencyTest", '{"StartTime":1}')
    assert name == "LatencyTest"
    assert json.loads(str(content)) == {
        "ReceiptTimeMs": 1_700_000_000_123,
        "EncodeMs": 3,
        "CaptureToSendMs": 6,
        "TransmissionTimeMs": 1_700_000_000_123,
    }


@pytest.mark.parametrize(("wanted", "given"), [(None, 0), (0, 0), (100, 100), (-5, 0), (10**9, 16_000)])
def test_the_latency_of_the_channel_with_as_much_filler_as_wanted(wanted, given):
    ((name, content),) = said("DataChannelLatencyTest", json.dumps({"Seq": 7, "FillResponseSize": wanted}))
    answer = json.loads(str(content))
    assert (name, answer["Seq"], len(answer["Filler"])) == ("DataChannelLatencyTest", 7, given)
    assert answer["ReceivedTimestamp"] <= answer["SentTimestamp"]


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"Seq":"x"}', '{"Seq":1e999}', '{"Seq":null}', "[" * 99_999])
def test_a_latency_request_that_cannot_be_read_is_not_answered(text):
    assert said("DataChannelLatencyTest", text) == []


def test_a_gamepad_gets_its_number_and_none_when_there_is_no_room():
    assert said("GamepadConnected") == [("GamepadResponse", '{"controllerId":3}')]
    full = Situation(SITUATION.settings, Scene(), 1, FIGURES, None, 0.0)
    assert said("GamepadConnected", situation=full) == []


@pytest.mark.parametrize("name", sorted(ANSWERED))
def test_input_is_answered_with_the_scene(name):
    ((kind, content),) = said(name, "x")
    scene = json.loads(str(content))["scene"]
    assert kind == "Response"
    assert scene | {"typed": "hi", "clicks": 0, "last_click": None, "pointer": None, "frame": 42} == scene


def test_everything_else_is_not_answered():
    talked = {"RequestInitialSettings", "LatencyTest", "DataChannelLatencyTest", "TestEcho", "GamepadConnected"}
    for name in TO_STREAMER.keys() - talked - ANSWERED:
        assert said(name) == []
    assert said("TestEcho") == [("TestEcho", None)]
