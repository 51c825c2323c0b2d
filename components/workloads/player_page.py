"""What the matchmaker is given for the player page: its config.json, and what its security policy has to allow."""

from typing import Any

from components.settings.page import PageSettings, origin_of


def page_configuration(page: PageSettings, region: str) -> dict[str, Any]:
    """The content of config.json (player/config.schema.json); what a stack does not set is left out."""
    colours = {"accent": page.colours.accent, "ground": page.colours.ground, "ink": page.colours.ink}
    login = page.login and {
        "issuer": page.login.issuer,
        "client_id": page.login.client_id,
        "scope": page.login.scope,
        "audience": page.login.audience,
        "token": page.login.token.value,
    }
    said = {
        "name": page.name,
        "logo": page.logo,
        "colours": _set(colours),
        "links": [{"label": link.label, "url": link.url} for link in page.links],
        "regions": [{"label": link.label, "url": link.url} for link in page.regions],
        "region": region,
        "login": login and _set(login),
        "embedders": list(page.embedders),
    }
    return _set(said)


def page_policy(page: PageSettings) -> dict[str, list[str]]:
    """What the page's content security policy allows beyond its own host, by directive.

    The issuer of logins is asked by the page itself; a logo on another host is loaded; embedders have it in a frame.
    """
    logo = [origin_of(page.logo)] if page.logo and page.logo.startswith("https:") else []
    login = [origin_of(page.login.issuer), *page.login.origins] if page.login else []
    allowed = {"connect-src": login, "img-src": logo, "frame-ancestors": list(page.embedders)}
    return {directive: list(dict.fromkeys(sources)) for directive, sources in allowed.items() if sources}


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
