"""How people are let in: tokens and tickets of links, and a login at an issuer; nothing of it stays in an address."""

from collections.abc import Iterator

import pytest

from tests.browser.player.conftest import Visitor
from tests.browser.player.issuer import Issuer
from tests.browser.player.looking import play, press, show_toolbar, title, wait_for_stage
from tests.browser.player.service import ScriptedStage
from tests.cluster.conftest import eventually
from tests.ports import free_port

pytestmark = pytest.mark.browser


@pytest.fixture
def issuer(streaming: ScriptedStage) -> Iterator[Issuer]:
    """An issuer that the page is configured for, and whose token is the service's login."""
    its = Issuer(free_port())
    streaming.do(its.start())
    streaming.config["login"] = {"issuer": its.address, "client_id": "player", "scope": "openid profile"}
    streaming.policy["connect-src"] = its.address
    streaming.service.token = its.access_token
    yield its
    streaming.do(its.stop())


def test_a_token_leaves_the_address_at_once_and_goes_by_sub_protocol(
    streaming: ScriptedStage, visitor: Visitor
) -> None:
    streaming.service.token = "T.1-a"
    page = visitor()
    play(page, f"{streaming.url}?app=demo&token=T.1-a")
    assert page.url == f"{streaming.url}?app=demo"
    (connection,) = streaming.service.connections
    assert connection["protocols"] == ["pixel-streaming.v1+session", "pixel-token.T.1-a"]
    assert connection["query"] == {"app": "demo"}
    page.reload()
    wait_for_stage(page, "playing")
    assert "pixel-token.T.1-a" in streaming.service.connections[-1]["protocols"], "the tab keeps it"


def test_a_ticket_may_be_in_the_fragment_and_counts_once(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, f"{streaming.url}#ticket=K.1")
    assert page.url == streaming.url
    assert "pixel-ticket.K.1" in streaming.service.connections[0]["protocols"]
    streaming.do(streaming.service.cut())
    eventually(lambda: len(streaming.service.connections) > 1, "the page is back")
    own = streaming.service.owner().ticket
    assert streaming.service.connections[1]["protocols"] == ["pixel-streaming.v1+session", f"pixel-ticket.{own}"]


def test_without_a_login_the_words_say_what_to_do(streaming: ScriptedStage, visitor: Visitor) -> None:
    streaming.service.token = "right"
    page = visitor()
    page.goto(streaming.url)
    wait_for_stage(page, "over")
    assert title(page) == "Please log in"
    assert page.locator(".actions button").count() == 0, "this stack has nowhere to log in"
    page.goto(f"{streaming.url}?token=wrong")
    wait_for_stage(page, "over")
    assert title(page) == "Your login was not accepted"


def test_a_login_at_an_issuer_leads_back_to_the_same_page(
    streaming: ScriptedStage, issuer: Issuer, visitor: Visitor
) -> None:
    page = visitor()
    page.goto(f"{streaming.url}?app=demo&HoveringMouse=true")
    wait_for_stage(page, "over")
    assert title(page) == "Please log in"
    press(page, "Log in")
    wait_for_stage(page, "playing")
    assert page.url == f"{streaming.url}?app=demo&HoveringMouse=true"
    (asked,) = issuer.asked
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == streaming.url
    assert asked["scope"] == "openid profile"
    assert f"pixel-token.{issuer.access_token}" in streaming.service.connections[-1]["protocols"]

    show_toolbar(page)
    press(page, "Settings")
    press(page, "Log out")
    page.wait_for_url(streaming.url)
    wait_for_stage(page, "over")
    assert issuer.logged_out == 1
    assert title(page) == "Please log in"


def test_a_login_that_fails_is_said_and_can_be_tried_again(
    streaming: ScriptedStage, issuer: Issuer, visitor: Visitor
) -> None:
    issuer.refuses = "access_denied"
    page = visitor()
    page.goto(streaming.url)
    press(page, "Log in")
    page.wait_for_selector("text=Your login was not accepted")
    assert page.url == streaming.url
    issuer.refuses = None
    press(page, "Log in")
    wait_for_stage(page, "playing")


def test_an_answer_that_nobody_asked_for_is_ignored(streaming: ScriptedStage, issuer: Issuer, visitor: Visitor) -> None:
    page = visitor()
    page.goto(f"{streaming.url}?code=stolen&state=made-up")
    wait_for_stage(page, "over")
    assert title(page) == "Please log in"
    assert page.url == streaming.url
    assert not issuer.asked
