"""An issuer of login tokens: keys of each kind, and a real server that publishes them."""

import json
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from signalling.shell import listening

ISSUER, AUDIENCE = "https://id.example.com/", "pixel"
SECRET = "a-secret-of-the-issuer-and-of-this-stack"

RSA, OTHER_RSA = (rsa.generate_private_key(65537, 2048) for _ in range(2))
WEAK_RSA = rsa.generate_private_key(65537, 1024)
EC, WRONG_EC = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def published(private: Any, **more: Any) -> dict[str, Any]:
    """The public half of a key, as a key set has it."""
    kind = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((each for base, each in kind.items() if isinstance(private, base)), OKPAlgorithm)
    found: dict[str, Any] = json.loads(algorithm.to_jwk(private.public_key()))  # type: ignore[attr-defined]
    return {**found, **more}


def token(key: Any, algorithm: str, now: float, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token good for a minute; a claim of None is left out."""
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": int(now + 60), **claims}
    payload = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(payload, key, algorithm, headers=headers)


class KeyServer:
    """Publishes what it is told to; counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.status = 200
        self.max_age: int | None = None
        self.runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/keys.json"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/keys.json", self._answer)
        self.runner = await listening.listen(app, "127.0.0.1", self.port)
        self.port = listening.port_of(self.runner)

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def _answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        headers = {} if self.max_age is None else {"Cache-Control": f"max-age={self.max_age}"}
        return web.json_response({"keys": self.keys}, status=self.status, headers=headers)
