"""How players log in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from components.settings.kept import Kept, read_kept
from components.settings.reading import PORT, Reader, Refusals

FEWEST_TOKEN_CHARACTERS = 16
"""Of a shared token; a GUID has twice as many."""
FEWEST_SECRET_CHARACTERS = 32
"""Of a secret for HS256 (RFC 7518, section 3.2)."""

_URL = rf"https://[a-z0-9.-]+(:{PORT})?(/\S*)?"


class LoginMode(StrEnum):
    """Who may come."""

    NONE = "none"
    """Anybody."""
    SHARED = "shared"
    """Whoever knows one token."""
    SIGNED = "signed"
    """Whoever an issuer gave a signed token (JWT)."""


class Algorithm(StrEnum):
    """Signatures that are taken."""

    HS256 = "HS256"
    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


@dataclass(frozen=True)
class LoginSettings:
    """The `login` key; without it anybody may come."""

    mode: LoginMode = LoginMode.NONE
    """Who may come."""
    secret: Kept | None = None
    """Mode shared: the token. Mode signed with HS256: what signs."""
    previous: Kept | None = None
    """The one before, which holds while they are exchanged."""
    algorithms: tuple[Algorithm, ...] = ()
    """Signatures that are taken."""
    issuer: str = ""
    """Whose tokens are taken: their `iss`."""
    audience: str = ""
    """Whom they are for: their `aud`."""
    jwks: str = ""
    """Where the issuer publishes its keys."""
    leeway_seconds: int = 30
    """By so much the issuer's clock may differ."""
    networks: tuple[IPv4Network, ...] = ()
    """Where that server is; empty for anywhere on the internet."""

    @property
    def fewest_characters(self) -> int:
        """Of its secret."""
        return FEWEST_TOKEN_CHARACTERS if self.mode is LoginMode.SHARED else FEWEST_SECRET_CHARACTERS


def read_login(reader: Reader) -> LoginSettings:
    """Read the `login` key."""
    mode = reader.choice("mode", LoginMode, LoginMode.NONE)
    settings = LoginSettings()
    if mode is not LoginMode.NONE:
        settings = _read_shared(reader) if mode is LoginMode.SHARED else _read_signed(reader)
    _refuse_unused(reader, settings)
    reader.close()
    return settings


def _refuse_unused(reader: Reader, login: LoginSettings) -> None:
    """Refuse secrets that this login has no use for. Not left to `close`, which shows what it refuses."""
    used = {LoginMode.SHARED: ("token", "previous_token"), LoginMode.SIGNED: ("secret", "previous_secret")}
    mine = used.get(login.mode, ()) if login.secret is not None else ()
    for name in ("token", "previous_token", "secret", "previous_secret"):
        if name not in mine and reader.has(name):
            remedy = "Leave it out; token is of mode shared, secret of mode signed with HS256"
            reader.refusals.add(reader.key(name), "(hidden)", "of no use to this login", remedy)


def _read_shared(reader: Reader) -> LoginSettings:
    previous = read_kept(reader, "previous_token", "a token") if reader.has("previous_token") else None
    return LoginSettings(LoginMode.SHARED, read_kept(reader, "token", "a token"), previous)


def _read_signed(reader: Reader) -> LoginSettings:
    algorithms = _read_algorithms(reader)
    symmetric, published = Algorithm.HS256 in algorithms, algorithms != (Algorithm.HS256,)
    previous = symmetric and reader.has("previous_secret")
    return LoginSettings(
        mode=LoginMode.SIGNED,
        secret=read_kept(reader, "secret", "a secret") if symmetric else None,
        previous=read_kept(reader, "previous_secret", "a secret") if previous else None,
        algorithms=algorithms,
        issuer=reader.text("issuer", r"\S+", 'the `iss` of its tokens, such as "https://id.example.com/"'),
        audience=reader.text("audience", r"\S+", 'the `aud` of its tokens, such as "pixel"'),
        jwks=reader.text("jwks", _URL, 'the address of its keys, "https://…"') if published else "",
        leeway_seconds=reader.whole("leeway_seconds", 0, 300, LoginSettings.leeway_seconds),
        networks=reader.networks("networks") if published else (),
    )


def _read_algorithms(reader: Reader) -> tuple[Algorithm, ...]:
    known = [algorithm.value for algorithm in Algorithm]
    form = f"one of {', '.join(known)}"
    return tuple(Algorithm(each) for each in reader.texts("algorithms", "|".join(known), form))


def check_login(login: LoginSettings, refusals: Refusals) -> None:
    """Refuse secrets that can be guessed; those that a vault keeps are not known here."""
    key = "token" if login.mode is LoginMode.SHARED else "secret"
    named: Sequence[tuple[str, Kept | None]] = ((key, login.secret), (f"previous_{key}", login.previous))
    for name, given in named:
        if given is not None and given.value and len(given.value) < login.fewest_characters:
            problem = f"short enough to be guessed, at {len(given.value)} characters"
            remedy = f"Use {login.fewest_characters} or more: openssl rand -hex 32"
            refusals.add(f"pixel:login.{name}", "(hidden)", problem, remedy)
