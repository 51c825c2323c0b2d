"""An OpenID Connect issuer for tests: logs everybody in at once, and checks what PKCE is there for."""

import base64
import hashlib
import json
import secrets
import time
from typing import Any

from aiohttp import web
from yarl import URL

CORS = {"Access-Control-Allow-Origin": "*"}


class Issuer:
    """One client, one person."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.port = port
        self.access_token = "access." + secrets.token_hex(8)
        self.asked: list[dict[str, str]] = []
        self.refuses: str | None = None
        """An error of OAuth that the person comes back with."""
        self.logged_out = 0
        self._underway: dict[str, dict[str, str]] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discover)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/logout", self._logout)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _discover(self, _request: web.Request) -> web.Response:
        document = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "end_session_endpoint": f"{self.address}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return web.json_response(document, headers=CORS)

    async def _authorize(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        code = secrets.token_hex(8)
        self._underway[code] = query
        answer = {"error": self.refuses} if self.refuses else {"code": code}
        back = URL(query["redirect_uri"]).with_query({**answer, "state": query["state"]})
        return web.Response(status=302, headers={"Location": str(back)})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        underway = self._underway.pop(str(form["code"]), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        if underway is None or challenge.rstrip(b"=").decode() != underway["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400, headers=CORS)
        claims = {
            "iss": self.address,
            "aud": underway["client_id"],
            "sub": "somebody",
            "nonce": underway["nonce"],
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
        }
        tokens = {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": 600,
            # Over a direct connection to the issuer its signature is not looked at.
            "id_token": f"{_part({'alg': 'RS256'})}.{_part(claims)}.{_part('signature')}",
        }
        return web.json_response(tokens, headers=CORS)

    async def _logout(self, request: web.Request) -> web.Response:
        self.logged_out += 1
        return web.Response(status=302, headers={"Location": request.query["post_logout_redirect_uri"]})


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
