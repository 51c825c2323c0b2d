"""How a stack dresses the player page: name, logo, colours, links, where people log in, and who may embed it."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from components.settings.login import LoginMode, LoginSettings
from components.settings.reading import Reader, Refusals

ACCENT, GROUND, DARK_INK, LIGHT_INK = "#5cc8ff", "#0b1118", "#000000", "#ffffff"
"""What the page's style sheet has where a stack says nothing; its ink is then the one of the two that reads better."""

QUIET = 0.76
"""How much of the ink is in the page's quieter text; the rest is ground (player/src/styles/page.css)."""

TEXT_CONTRAST, SHAPE_CONTRAST = 4.5, 3.0
"""WCAG 2.2, AA: 1.4.3 for text, 1.4.11 for what tells where a control is."""

LARGEST_LOGO = 32_768
"""Characters of a logo that stands in the file itself: every visitor loads it before the first screen is complete."""

_COLOUR = r"#[0-9a-fA-F]{6}"
_HTTPS = r"https://[A-Za-z0-9.-]+(:\d{1,5})?(/[^\s\"<>]*)?"
_ORIGIN = r"https://[A-Za-z0-9.-]+(:\d{1,5})?"
_IMAGE = r"data:image/(svg\+xml|png|webp|jpeg)(;[a-z0-9=-]+)*,[^\s\"<>]+"
_WORDS = r"[^\s<>]([^\r\n\t<>]{0,58}[^\s<>])?"


class LoginToken(StrEnum):
    """Which of the issuer's tokens the page shows the service."""

    ACCESS = "access"
    """The access token, as OAuth means it."""
    ID = "id"
    """The id token, where an issuer's access tokens are of its own form."""


@dataclass(frozen=True)
class NamedLink:
    """A link of the page."""

    label: str
    """What it says."""
    url: str
    """Where it leads."""


@dataclass(frozen=True)
class PageColours:
    """Colours as #rrggbb; None for the page's own."""

    accent: str | None = None
    """Buttons, progress, what has the focus."""
    ground: str | None = None
    """Behind everything."""
    ink: str | None = None
    """Text; every other colour of the page is mixed from these three."""


@dataclass(frozen=True)
class PageLogin:
    """`page.login`: an OpenID Connect issuer, at which the page is a public client (PKCE, no secret)."""

    issuer: str
    """Its address, below which its configuration is published."""
    client_id: str
    """The page's, at the issuer."""
    scope: str
    """What the page asks for."""
    audience: str | None
    """Some issuers sign an access token for a service only when it is named."""
    token: LoginToken
    """Which of the issuer's tokens the page shows the service."""
    origins: tuple[str, ...]
    """Where the issuer's endpoints are, if not all at its own address: the page may ask no other host."""


@dataclass(frozen=True)
class PageSettings:
    """The `page` key of a stack file; without it the page is as it comes."""

    name: str | None = None
    """Of the service, as players read it."""
    logo: str | None = None
    """An https address, or the image itself as data:."""
    colours: PageColours = PageColours()
    """Each as #rrggbb."""
    links: tuple[NamedLink, ...] = ()
    """At the foot of every screen: imprint, privacy, help."""
    regions: tuple[NamedLink, ...] = ()
    """The same service elsewhere, offered where this region is full."""
    login: PageLogin | None = None
    embedders: tuple[str, ...] = field(default=())
    """Origins of the pages that may have this one in a frame and speak to it."""


def read_page(reader: Reader) -> PageSettings:
    """Read the `page` key."""
    colours = reader.section("colours", optional=True)
    colour = 'a colour such as "#0a5cc2"'
    settings = PageSettings(
        name=reader.text("name", _WORDS, 'a name of at most 60 characters, such as "Showroom"')
        if reader.has("name")
        else None,
        logo=reader.text(
            "logo", f"{_HTTPS}|{_IMAGE}", 'an address such as "https://example.com/logo.svg", or data:image/…'
        )
        if reader.has("logo")
        else None,
        colours=PageColours(
            **{
                name: colours.text(name, _COLOUR, colour) if colours.has(name) else None
                for name in ("accent", "ground", "ink")
            }
        ),
        links=_read_links(reader, "links"),
        regions=_read_links(reader, "regions"),
        login=_read_login(reader.section("login")) if reader.has("login") else None,
        embedders=reader.texts("embedders", _ORIGIN, 'an origin such as "https://www.example.com"', []),
    )
    colours.close()
    reader.close()
    return settings


def _read_links(reader: Reader, name: str) -> tuple[NamedLink, ...]:
    links = []
    for each in reader.sections(name) if reader.has(name) else []:
        links.append(
            NamedLink(
                each.text("label", _WORDS, 'a text of at most 60 characters, such as "Imprint"'),
                each.text("url", f'{_HTTPS}|mailto:[^\\s"<>]+', 'an address such as "https://example.com/imprint"'),
            )
        )
        each.close()
    return tuple(links)


def _read_login(reader: Reader) -> PageLogin:
    settings = PageLogin(
        issuer=reader.text("issuer", _HTTPS, 'the issuer\'s address, such as "https://id.example.com"'),
        client_id=reader.text("client_id", r"\S+", "the id that the issuer has given the page"),
        scope=reader.text("scope", r"[!#-\[\]-~]+( [!#-\[\]-~]+)*", 'scopes such as "openid profile"', "openid"),
        audience=reader.text(
            "audience", r"\S+", 'the service\'s name at the issuer, such as "https://play.example.com"'
        )
        if reader.has("audience")
        else None,
        token=reader.choice("token", LoginToken, LoginToken.ACCESS),
        origins=reader.texts("origins", _ORIGIN, 'an origin such as "https://oauth.example.com"', []),
    )
    reader.close()
    return settings


def check_page(page: PageSettings, service: LoginSettings, refusals: Refusals) -> None:
    """Refuse colours that cannot be read on each other, and what no page could use."""
    if page.logo is not None and len(page.logo) > LARGEST_LOGO:
        problem = f"{len(page.logo)} characters long, above {LARGEST_LOGO}"
        refusals.add("pixel:page.logo", page.logo, problem, "Use a smaller image, SVG if there is one, or an address")
    login = page.login
    if login is not None and login.token is LoginToken.ID and "openid" not in login.scope.split():
        refusals.add("pixel:page.login.scope", login.scope, "without openid, so there is no ID token", "Add openid")
    if login is not None and (service.mode, service.issuer.rstrip("/")) != (LoginMode.SIGNED, login.issuer.rstrip("/")):
        problem = f"not who players log in with: pixel:login has mode {service.mode.value}, issuer {service.issuer!r}"
        refusals.add("pixel:page.login.issuer", login.issuer, problem, "Set mode signed and this issuer in pixel:login")
    _check_colours(page.colours, refusals)


def _check_colours(colours: PageColours, refusals: Refusals) -> None:
    ground, accent = colours.ground or GROUND, colours.accent or ACCENT
    ink = colours.ink or readable_on(ground)
    quiet = contrast(mixed(ink, ground, QUIET), ground)
    if quiet < TEXT_CONTRAST:
        given = "ink" if colours.ink else "ground"
        lighter = "lighter" if readable_on(ground) == LIGHT_INK else "darker"
        problem = f"hard to read: quieter text has a contrast of {quiet:.1f} to 1 on {ground}, below {TEXT_CONTRAST}"
        remedy = f"Use a {lighter} ink" if given == "ink" else "Use a ground that is nearer to white or black"
        refusals.add(f"pixel:page.colours.{given}", ink if given == "ink" else ground, problem, remedy)
    shape = contrast(accent, ground)
    if shape < SHAPE_CONTRAST:
        lighter = "lighter" if readable_on(ground) == LIGHT_INK else "darker"
        problem = f"hard to see: a contrast of {shape:.1f} to 1 on {ground}, below {SHAPE_CONTRAST:g}"
        refusals.add("pixel:page.colours.accent", accent, problem, f"Set a {lighter} accent")


def readable_on(colour: str) -> str:
    """Black or white, whichever has the higher contrast: at least 4.5 to 1 on any colour."""
    return LIGHT_INK if contrast(colour, LIGHT_INK) >= contrast(colour, DARK_INK) else DARK_INK


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """A colour with this share of the first and the rest of the second, as CSS mixes in sRGB."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(first * share + second * (1 - share)):02x}" for first, second in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as a content security policy names a source."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
