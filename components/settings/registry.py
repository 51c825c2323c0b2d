"""The registry of the project's and the applications' images: its repositories, and the right to pull from them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from components.settings.kept import Kept, read_kept
from components.settings.reading import Reader, Refusals

_OCIR = re.compile(r"(?P<key>[a-z]{3})\.ocir\.io|ocir\.(?P<region>[a-z0-9-]+)\.oci\.oraclecloud\.com")
PULL_SECRET = "registry-pull"  # noqa: S105 - the name of the object
"""The Kubernetes Secret that pods pull with."""

_HOST = r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?"


class Repositories(StrEnum):
    """Who makes the repositories of the images."""

    EXISTING = "existing"
    """They are there: another stack's in this region, somebody's, or not OCIR's."""
    MANAGED = "managed"
    """This stack. A repository's name is taken once in a tenancy's region, so only one stack of a region may."""


@dataclass(frozen=True)
class PullSettings:
    """How the cluster signs in to pull."""

    username: str
    """For OCIR the tenancy's namespace and a user: `acme/pull`."""
    auth_token: Kept
    """What the user signs in with; for OCIR an auth token."""
    servers: tuple[str, ...]
    """Hosts of the registries that take this user; empty for those of OCIR that the images are in."""


@dataclass(frozen=True)
class RegistrySettings:
    """The `registry` key of a stack file; without it images are pulled as from a public registry."""

    repositories: Repositories = Repositories.EXISTING
    """Who makes the repositories of the images."""
    pull: PullSettings | None = None
    """How the cluster signs in to pull; without it images are pulled as from a public registry."""


@dataclass(frozen=True)
class Image:
    """Where an image is, without its tag."""

    host: str
    path: str

    @property
    def in_ocir(self) -> bool:
        """Whether the registry is Oracle Cloud's."""
        return _OCIR.fullmatch(self.host) is not None

    @property
    def repository(self) -> str:
        """The name of its repository in OCIR: the path without the tenancy's namespace."""
        return self.path.partition("/")[2]


def image_of(reference: str) -> Image:
    """The image of a reference with or without tag or digest."""
    host, _, rest = reference.partition("/")
    return Image(host, rest.partition("@")[0].partition(":")[0])


def pull_servers(pull: PullSettings, images: Iterable[Image]) -> list[str]:
    """The hosts that the user signs in to."""
    return sorted(pull.servers or {image.host for image in images if image.in_ocir})


def read_registry(reader: Reader) -> RegistrySettings:
    """Read the `registry` key."""
    settings = RegistrySettings(
        repositories=reader.choice("repositories", Repositories, Repositories.EXISTING),
        pull=_read_pull(reader.section("pull")) if reader.has("pull") else None,
    )
    reader.close()
    return settings


def _read_pull(reader: Reader) -> PullSettings:
    token = read_kept(reader, "auth_token", "a token")
    pull = PullSettings(
        username=reader.text("username", r"[^\s:\"]+", 'a name without colons, for OCIR "namespace/user"'),
        auth_token=token,
        servers=reader.texts("servers", _HOST, 'the host of a registry, such as "registry.example.com"', []),
    )
    reader.close()
    return pull


def check_registry(registry: RegistrySettings, images: Iterable[Image], region: str, refusals: Refusals) -> None:
    """Refuse repositories that this stack cannot make, and a sign-in that no image needs."""
    found = list(images)
    if registry.repositories is Repositories.MANAGED and not any(image.in_ocir for image in found):
        refusals.add(
            "pixel:registry.repositories",
            "managed",
            "set, and none of the images is in OCIR",
            f"Leave it out, or name the images of the registry of {region}",
        )
    if registry.pull is None:
        return
    hosts = {image.host for image in found}
    if not pull_servers(registry.pull, found):
        refusals.missing(
            "pixel:registry.pull.servers",
            f"None of the images is in OCIR: set it to those of {', '.join(sorted(hosts))} that take the user",
        )
    for i, server in enumerate(registry.pull.servers):
        if server not in hosts:
            refusals.add(
                f"pixel:registry.pull.servers[{i}]",
                server,
                "the registry of none of the images",
                f"Known: {', '.join(sorted(hosts))}",
            )
