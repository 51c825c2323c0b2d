"""The reference server of a run, which nobody has unless he says so."""

import pytest

from tests.differential.playing import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--reference",
        type=Server.at,
        help="HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT of a reference server that takes 8 players for a streamer",
    )


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Server:
    given: Server | None = request.config.getoption("reference", default=None)
    if given is None:
        pytest.skip("no reference server was given: --reference HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT")
    return given
