"""ICE servers that are not the program's, as the matchmaker reads them: a Secret, since credentials are in it."""

import json
from typing import Any

from components.settings.apps import AppSettings
from components.settings.ice import STACK_S_OWN, IceServer, IceSettings
from components.settings.turn import TurnSettings

ICE_SERVERS = "ice-servers"
"""The Secret, and `.json` added the key in it; in a stack that has such servers."""


def ice_file(turn: TurnSettings, apps: tuple[AppSettings, ...]) -> str | None:
    """The file's content (`signalling/ice/elsewhere.py` reads it); None in a stack where it would be empty."""
    content = {
        "external": [{"urls": each.urls, "secret": each.secret} for each in turn.external],
        "applications": {app.name: _application(app.ice) for app in apps if app.ice != STACK_S_OWN},
    }
    return json.dumps(content) if any(content.values()) else None


def _application(ice: IceSettings) -> dict[str, Any]:
    policy = {} if ice.transport_policy is None else {"transport_policy": ice.transport_policy.value}
    return policy | ({"servers": [_server(each) for each in ice.servers]} if ice.servers else {})


def _server(server: IceServer) -> dict[str, Any]:
    access = {"username": server.username, "credential": server.credential} if server.username else {}
    return {"urls": server.urls} | access
