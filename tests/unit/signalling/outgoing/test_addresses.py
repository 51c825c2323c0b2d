"""Which servers are asked, and how much of their answers is read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address

import pytest
from aiohttp import ClientConnectorError, web

from signalling.outgoing.addresses import RefusedUrl, checked, public
from signalling.outgoing.fetching import MOST_BYTES, Unreachable, fetch, session
from signalling.shell import listening

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("192.0.32.7", True),
        ("2606:2800:21f::1", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:192.0.32.7", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::c000:2007", True),
        ("2002:7f00:1::", False),
        ("2001:0:0:0:0:0:80ff:fffe", False),
    ],
)
def test_public_addresses(address, is_public):
    assert public(ip_address(address)) is is_public


@pytest.mark.parametrize(
    ("url", "public_only", "any_address"),
    [
        ("https://hooks.example.com/a?b=c", True, True),
        ("https://192.0.32.7:8443/", True, True),
        ("http://hooks.example.com/", False, False),
        ("https://10.0.0.1/", False, True),
        ("https://[::1]/", False, True),
        ("http://127.0.0.1:80/", False, True),
        ("http://localhost/", False, True),
        ("https://localhost/", False, True),
        ("http://10.0.0.1/", False, False),
        ("https://user:password@hooks.example.com/", False, False),
        ("ftp://hooks.example.com/", False, False),
        ("file:///etc/passwd", False, False),
        ("hooks.example.com", False, False),
        ("https://", False, False),
        ("https://[", False, False),
        ("", False, False),
    ],
)
def test_urls(url, public_only, any_address):
    for private, expected in ((False, public_only), (True, any_address)):
        if expected:
            assert checked(url, private=private).host
        else:
            with pytest.raises(RefusedUrl) as refused:
                checked(url, private=private)
            assert "password@" not in str(refused.value)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    runners = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", handler)
        runners.append(await listening.listen(app, "127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.port_of(runners[-1])}/"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_a_document_is_fetched_with_its_age(serve):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="{}", headers={"Cache-Control": "public, max-age=120, immutable"})

    async with session(private=True) as http:
        document = await fetch(http, await serve(answer))
    assert (document.content, document.max_age) == (b"{}", 120)


async def test_what_is_no_document_is_said(serve):
    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/there"}) if request.path == "/" else web.Response()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1 + MOST_BYTES // 1024):
            await response.write(b"x" * 1024)
        return response

    async def bomb(_: web.Request) -> web.Response:
        response = web.Response(body=b"0" * (4 * MOST_BYTES))
        response.enable_compression()
        return response

    async with session(private=True) as http:
        for handler, words in ((gone, "404"), (elsewhere, "302"), (endless, "more than"), (bomb, "more than")):
            with pytest.raises(Unreachable, match=words):
                await fetch(http, await serve(handler))
        for url in ("http://192.0.2.1/", "nonsense"):
            with pytest.raises(Unreachable, match="it is not"):
                await fetch(http, url)
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1: Client"):
            await fetch(http, "http://127.0.0.1:1/")


async def test_a_name_that_leads_inside_is_not_connected_to():
    # The name is resolved for real, and has one address only: this machine's.
    async with session(private=False) as http:
        with pytest.raises(ClientConnectorError, match="no address of the internet"):
            await http.get("http://localhost:1/")
