"""The generated part of the session API's page is what the table of routes says."""

from local.api_reference import PAGE, generated, updated
from signalling.operations.routes import ROUTES


def test_the_page_is_up_to_date():
    assert updated(PAGE.read_text()) == PAGE.read_text(), "run python -m local.api_reference"


def test_every_route_is_in_it():
    assert generated().count("\n") == len(ROUTES) + 1
