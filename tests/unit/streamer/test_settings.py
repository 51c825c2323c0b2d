import pytest

from streamer.settings import Settings, SettingsError, read


def test_an_empty_environment_is_what_the_cluster_expects():
    assert read({}) == Settings("ws://localhost:8888", "demo", 1280, 720, 30, 4_000_000, "", "INFO")


def test_empty_variables_count_as_not_set():
    keys = ("SIGNAL_URL", "STREAMER_ID", "RES_X", "RES_Y", "FRAME_RATE", "BITRATE", "EXTRA_ARGS", "LOG_LEVEL")
    assert read(dict.fromkeys(keys, "  ")) == read({})


def test_every_key_is_read():
    given = {
        "SIGNAL_URL": "wss://sidecar:443/streamer",
        "STREAMER_ID": "showroom",
        "RES_X": "1920",
        "RES_Y": "1080",
        "FRAME_RATE": "60",
        "BITRATE": "8000000",
        "EXTRA_ARGS": "-RenderOffScreen -Unattended",
        "LOG_LEVEL": "debug",
    }
    expected = Settings(
        "wss://sidecar:443/streamer", "showroom", 1920, 1080, 60, 8_000_000, "-RenderOffScreen -Unattended", "DEBUG"
    )
    assert read(given) == expected


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("RES_X", "abc", "whole number of pixels from 320 to 3840, a multiple of 4"),
        ("RES_X", "1280.0", "or leave it out for 1280"),
        ("RES_X", "1282", "multiple of 4"),
        ("RES_X", "0", "from 320 to 3840"),
        ("RES_Y", "9999", "from 180 to 2160"),
        ("RES_Y", "-720", "from 180 to 2160"),
        ("FRAME_RATE", "0", "frames a second from 1 to 120"),
        ("FRAME_RATE", "1000", "frames a second from 1 to 120"),
        ("BITRATE", "4M", "bits a second"),
        ("BITRATE", "1", "from 200000"),
        ("SIGNAL_URL", "localhost:8888", "ws://localhost:8888"),
        ("SIGNAL_URL", "http://localhost:8888", "ws://localhost:8888"),
        ("SIGNAL_URL", "ws://", "ws://localhost:8888"),
        ("SIGNAL_URL", "ws://localhost:99999", "ws://localhost:8888"),
        ("SIGNAL_URL", "ws://[::1", "ws://localhost:8888"),
        ("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_the_remedy(key, value, remedy):
    with pytest.raises(SettingsError) as error:
        read({key: value})
    assert str(error.value).startswith(f"{key}={value} ")
    assert remedy in str(error.value)
