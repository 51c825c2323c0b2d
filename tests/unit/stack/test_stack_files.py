"""Which stack files there are, and how a run replaces the images that were built here."""

import pytest

from local.stack import StackFile, UnknownStackError, read_stack_file, with_built_images
from local.touched import stack_names


def test_every_stack_file_is_named() -> None:
    assert "local" in stack_names()
    assert all(read_stack_file(name)["config"] for name in stack_names())


def test_an_unknown_stack_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownStackError, match=r"no stack 'nowhere'.*local"):
        read_stack_file("nowhere")


@pytest.fixture
def stack_file() -> StackFile:
    return {
        "config": {
            "pixel:images": {"signalling": "localhost/pixel/signalling:local", "turn": "docker.io/coturn/coturn:4.6.3"},
            "pixel:apps": [
                {"name": "demo", "image": "localhost/pixel/streamer", "versions": [{"tag": "a"}, {"tag": "b"}]},
                {"name": "own", "image": "registry.example/own", "versions": [{"tag": "1.0"}]},
            ],
        }
    }


def test_built_images_get_their_new_tag_and_others_keep_theirs(stack_file: StackFile) -> None:
    changed = with_built_images(stack_file, {"localhost/pixel/signalling": "111", "localhost/pixel/streamer": "222"})

    assert changed["config"]["pixel:images"] == {
        "signalling": "localhost/pixel/signalling:111",
        "turn": "docker.io/coturn/coturn:4.6.3",
    }
    demo, own = changed["config"]["pixel:apps"]
    assert [version["tag"] for version in demo["versions"]] == ["222", "222"]
    assert own["versions"] == [{"tag": "1.0"}]


def test_the_stack_file_itself_is_left_alone(stack_file: StackFile) -> None:
    with_built_images(stack_file, {"localhost/pixel/signalling": "111"})
    assert stack_file["config"]["pixel:images"]["signalling"] == "localhost/pixel/signalling:local"
