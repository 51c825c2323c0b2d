"""The player page, as the matchmaker serves it."""

import pytest


@pytest.mark.parametrize(
    ("path", "status", "cache"),
    [
        ("/", 200, "no-cache"),
        ("/?app=demo", 200, "no-cache"),
        ("/index.html", 200, "no-cache"),
        ("/assets/index-abc.js", 200, "public, max-age=31536000, immutable"),
        ("/assets/", 404, None),
        ("/%2e%2e/secret", 404, None),
        ("/ws", 404, None),
    ],
)
async def test_the_page_is_served(stage, path, status, cache):
    server = await stage.matchmaker()
    async with stage.http.get(f"http://127.0.0.1:{server.ports['players']}{path}") as answer:
        assert (answer.status, answer.headers.get("Cache-Control")) == (status, cache)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_the_page_is_not_sent_again_when_it_has_not_changed(stage):
    server = await stage.matchmaker()
    url = f"http://127.0.0.1:{server.ports['players']}/"
    async with stage.http.get(url) as answer:
        tag = answer.headers["ETag"]
    async with stage.http.get(url, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
