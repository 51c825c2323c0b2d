"""The session API: from where it is reachable."""

from dataclasses import dataclass

from components.settings.ingress import IngressSettings
from components.settings.origins import FORM, ORIGIN
from components.settings.reading import Reader, Refusals


@dataclass(frozen=True)
class ApiSettings:
    """The `api` key. The admin key guards it in any case."""

    public: bool = False
    """Whether `/api` and `/operator` are reachable through the Gateway; else by `kubectl port-forward` only."""
    public_status: bool = False
    """Whether the reference's `/api/status`, `/api/streamers` and `/api/players` need no key."""
    origins: tuple[str, ...] = ()
    """Pages of others that may use it."""


def read_api(reader: Reader) -> ApiSettings:
    """Read the `api` key."""
    settings = ApiSettings(
        public=reader.flag("public") if reader.has("public") else False,
        public_status=reader.flag("public_status") if reader.has("public_status") else False,
        # No star: whoever names it has to hold the admin key in a page of anybody's.
        origins=reader.texts("origins", ORIGIN.replace(r"(\*\.)?", ""), FORM.partition(" or ")[0], []),
    )
    reader.close()
    return settings


def check_api(api: ApiSettings, ingress: IngressSettings, refusals: Refusals) -> None:
    """Refuse what would not be public after all."""
    for key, value in (("public", api.public), ("public_status", api.public_status and not api.public)):
        if value and not (ingress.enabled and api.public):
            remedy = "Set ingress.enabled and api.public, or leave it out"
            refusals.add(f"pixel:api.{key}", True, "public, and nothing leads there", remedy)
