"""The applications: which versions run, how large an instance is, how many stand warm, and the images around them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from components.settings.buffer import BufferSettings, check_buffer, read_buffer
from components.settings.environment import read_environment
from components.settings.gpu import Gpu, gpu_of, most_instances, profile_of, slots_per_gpu
from components.settings.ice import STACK_S_OWN, IceSettings, read_ice
from components.settings.pools import PoolsSettings
from components.settings.reading import Reader, Refusals
from components.settings.sessions import SessionSettings, Sharing, check_session, read_control, read_session

LONGEST_FLEET_NAME = 46
"""A label holds 63 characters, and a pod's name adds 17 to its Deployment's."""

_HOST = r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+)(:\d+)?"
_REPOSITORY = rf"{_HOST}(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SIZE = r"[1-9]\d*(Mi|Gi)"
_MOVING_TAGS = ("latest", "stable", "main", "master", "edge", "nightly")


@dataclass(frozen=True)
class ImagesSettings:
    """The `images` key: full references of our own images. CRI-O on OKE refuses short names."""

    signalling: str
    """Carries the sidecar, the CPU exporter, the matchmaker with its page, and TURN's configuration."""
    turn: str
    """coturn."""
    capacity: str = ""
    """Carries the fleet controller; empty where a stack has none."""
    pull_secret: str | None = None
    """The Secret that pods pull these and the applications' images with; the key `registry` decides."""


@dataclass(frozen=True)
class Version:
    """One version of an application."""

    tag: str
    """Of its image; one that never moves."""
    weight: int
    """Percent of new sessions; those of all versions add up to 100."""

    @property
    def label(self) -> str:
        """The tag in the form of a DNS label, for names and label values."""
        return re.sub(r"[^a-z0-9]+", "-", self.tag.lower()).strip("-")


@dataclass(frozen=True)
class Resources:
    """What one instance asks of its node."""

    cpu: str
    """Request, as a Kubernetes quantity; what the scheduler counts."""
    memory: str
    """Request and limit."""
    cpu_limit: str
    """Bound on bursts, so that one instance cannot starve its neighbours; twice `cpu` where it is left out."""
    gpu_memory: str
    """What one instance takes of a GPU's memory. Nothing enforces it; it bounds how many share a GPU."""


@dataclass(frozen=True)
class Resolution:
    """Pixels and frames per second that the application renders."""

    width: int
    """Pixels; even."""
    height: int
    """Pixels; even."""
    frame_rate: int
    """Frames per second at most."""


@dataclass(frozen=True)
class AppSettings:
    """One entry of `apps`: an application and its versions."""

    name: str
    """What it is called in addresses (`?app=`), labels, metrics and the names of its fleets."""
    image: str
    """Without a tag; each version has its own."""
    versions: tuple[Version, ...]
    resources: Resources
    buffer: BufferSettings
    resolution: Resolution
    arguments: tuple[str, ...]
    """Command line of every instance from its start: it is warm before it is anybody's."""
    environment: Mapping[str, str] = field(hash=False)
    """Environment variables of every instance. No secrets: they stand in the stack file and in the pod."""
    egress: tuple[IPv4Network, ...]
    """What its instances may open connections to, on any port, beside players and the TURN pool."""
    session: SessionSettings
    control: str | None
    """Where its own API stands that its players may ask; None where they may not."""
    priority: int = 0
    """Of two applications the one with the higher gets a slot first where the GPU pool is full."""
    ice: IceSettings = STACK_S_OWN
    """ICE servers of its own, in place of the stack's."""

    @property
    def shared(self) -> bool:
        """Whether players share its instances."""
        return self.session.sharing is Sharing.SHARED

    def fleet_name(self, version: Version) -> str:
        """The name of a version's Deployment."""
        return f"{self.name}-{version.label}"


def millicores(quantity: str) -> int:
    """A CPU quantity in thousandths of a core."""
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)


def mebibytes(quantity: str) -> int:
    """A size in MiB or GiB, in MiB."""
    return int(quantity[:-2]) * (1024 if quantity.endswith("Gi") else 1)


def read_images(reader: Reader) -> ImagesSettings:
    """Read the `images` key."""
    pattern = rf"{_REPOSITORY}(:{_TAG}|@sha256:[0-9a-f]{{64}})"
    form = 'a full reference with registry and tag or digest, such as "fra.ocir.io/acme/pixel/signalling:1.0.0"'
    settings = ImagesSettings(
        signalling=reader.text("signalling", pattern, form),
        turn=reader.text("turn", pattern, form),
        capacity=reader.text("capacity", pattern, form) if reader.has("capacity") else "",
    )
    reader.close()
    return settings


def read_apps(root: Reader, timezone: str) -> tuple[AppSettings, ...]:
    """Read the `apps` key; schedules that name no time zone have this one."""
    return tuple(_read_app(reader, timezone) for reader in root.sections("apps"))


def _read_app(reader: Reader, timezone: str) -> AppSettings:
    session = read_session(reader)
    app = AppSettings(
        name=reader.text("name", _LABEL, 'lower-case letters, digits and hyphens, such as "showroom"'),
        image=reader.text(
            "image",
            _REPOSITORY,
            'a repository with its registry and without a tag, such as "fra.ocir.io/acme/showroom"',
        ),
        versions=tuple(_read_version(version) for version in reader.sections("versions")),
        resources=_read_resources(reader.section("resources")),
        buffer=read_buffer(reader.section("buffer"), shared=session.sharing is Sharing.SHARED, timezone=timezone),
        resolution=_read_resolution(reader.section("resolution")),
        arguments=reader.texts("arguments", r"\S+", "one argument without blanks, such as -RenderOffScreen", []),
        environment=read_environment(reader.section("environment", optional=True)),
        egress=reader.networks("egress"),
        session=session,
        control=read_control(reader),
        priority=reader.whole("priority", 0, 1000, 0),
        ice=read_ice(reader.section("ice", optional=True)),
    )
    reader.close()
    return app


def _read_version(reader: Reader) -> Version:
    version = Version(
        tag=reader.text("tag", _TAG, 'an image tag such as "1.4.2"'), weight=reader.whole("weight", 0, 100)
    )
    reader.close()
    return version


def _read_resources(reader: Reader) -> Resources:
    cpu_form = 'cores or thousandths of a core, such as "3750m" or "2"'
    cpu_pattern = r"[1-9]\d*m?|\d+\.\d{1,3}"
    cpu = reader.text("cpu", cpu_pattern, cpu_form)
    # Twice the request leaves room for loading a level, and keeps a run-away process from starving its neighbours.
    double = f"{2 * millicores(cpu)}m" if re.fullmatch(cpu_pattern, cpu) else "1"
    resources = Resources(
        cpu=cpu,
        memory=reader.text("memory", _SIZE, 'a size such as "384Mi" or "8Gi"'),
        cpu_limit=reader.text("cpu_limit", cpu_pattern, cpu_form, double),
        # About the least that a packaged Unreal level takes.
        gpu_memory=reader.text("gpu_memory", _SIZE, 'a size such as "1500Mi" or "6Gi"', "2Gi"),
    )
    reader.close()
    return resources


def _read_resolution(reader: Reader) -> Resolution:
    resolution = Resolution(
        width=reader.whole("width", 64, 7680),
        height=reader.whole("height", 64, 4320),
        frame_rate=reader.whole("frame_rate", 1, 120),
    )
    reader.close()
    return resolution


def check_images(images: ImagesSettings, refusals: Refusals) -> None:
    """Refuse tags that move."""
    for name, reference in (("signalling", images.signalling), ("turn", images.turn), ("capacity", images.capacity)):
        if "@" not in reference and (tag := reference.rpartition(":")[2]) in _MOVING_TAGS:
            refusals.add(
                f"pixel:images.{name}", reference, f'pinned to nothing: "{tag}" moves', "Use the tag of a release"
            )


def check_apps(apps: tuple[AppSettings, ...], pools: PoolsSettings, *, controlled: bool, refusals: Refusals) -> None:
    """Check names, versions and weights, and that the GPU pool can hold the buffers.

    Where buffers are `controlled`, versions that get no sessions keep none.
    """
    for i, app in enumerate(apps):
        if app.name in (other.name for other in apps[:i]):
            refusals.add(f"pixel:apps[{i}].name", app.name, "taken by another application", "Give each its own name")
        _check_versions(app, f"pixel:apps[{i}].", refusals)
        _check_instance(app, f"pixel:apps[{i}].", refusals)
        check_session(app.session, f"pixel:apps[{i}].", refusals)
        check_buffer(app.buffer, f"pixel:apps[{i}].buffer.", controlled=controlled or app.shared, refusals=refusals)
    _check_fleet_names(apps, refusals)
    wanted = sum(
        app.buffer.instances * sum(version.weight > 0 or not controlled for version in app.versions) for app in apps
    )
    room = pools.gpu.max * (pools.slots or 0)
    if 0 < room < wanted:
        refusals.add(
            "pixel:pools.gpu.max",
            pools.gpu.max,
            f"room for {room} instances, and the buffers of all versions ask for {wanted}",
            "Raise it, lower buffer.instances, or share GPUs",
        )
    for i, app in enumerate(apps):
        _check_gpu(app, f"pixel:apps[{i}].", pools, refusals)


def _check_gpu(app: AppSettings, prefix: str, pools: PoolsSettings, refusals: Refusals) -> None:
    """Refuse more instances of a GPU than its memory and its encoders bear, where the shape's GPU is known."""
    gpu, slots = gpu_of(pools.gpu.shape), slots_per_gpu(pools.gpu.shape, pools.sharing)
    if gpu is None or slots is None or not gpu.encoders:
        return
    if part := profile_of(pools.gpu.shape, pools.sharing):
        gpu, slots = Gpu(f"{part.name} of {gpu.model}", part.memory_gb, part.encoders), 1
    picture = app.resolution
    pixels_per_second = picture.width * picture.height * picture.frame_rate
    most, bound = most_instances(gpu, mebibytes(app.resources.gpu_memory), pixels_per_second)
    if slots <= most:
        return
    shown = f"{picture.width}x{picture.height} at {picture.frame_rate} and {app.resources.gpu_memory} of GPU memory"
    if most:
        refusals.add(
            "pixel:pools.gpu.sharing.slots",
            slots,
            f"more instances of {app.name} ({shown}) than one {gpu.model} bears ({bound})",
            f"Use at most {most}, or lower the application's resolution or resources.gpu_memory",
        )
    elif bound.startswith("memory"):
        problem, remedy = f"more than the {gpu.model} has ({bound})", "Lower it, or use a larger GPU"
        refusals.add(f"{prefix}resources.gpu_memory", app.resources.gpu_memory, problem, remedy)
    else:
        problem, remedy = f"more than the {gpu.model} encodes ({bound})", "Lower it or the number of pixels"
        refusals.add(f"{prefix}resolution.frame_rate", picture.frame_rate, problem, remedy)


def _check_fleet_names(apps: tuple[AppSettings, ...], refusals: Refusals) -> None:
    """Names are joined by hyphens, so version "b-1" of "a" and version "1" of "a-b" would be one fleet."""
    holders: dict[str, AppSettings] = {}
    for i, app in enumerate(apps):
        for version in app.versions:
            holder = holders.setdefault(app.fleet_name(version), app)
            if holder.name != app.name:
                refusals.add(
                    f"pixel:apps[{i}].name",
                    app.name,
                    f'making the fleet "{app.fleet_name(version)}", as {holder.name} does',
                    "Rename one",
                )


def _check_versions(app: AppSettings, prefix: str, refusals: Refusals) -> None:
    labels = [version.label for version in app.versions]
    for i, version in enumerate(app.versions):
        key = f"{prefix}versions[{i}].tag"
        if version.tag in _MOVING_TAGS:
            refusals.add(key, version.tag, "a tag that moves", "Use the tag of a release")
        elif version.label in labels[:i]:
            refusals.add(
                key, version.tag, f'another version named "{version.label}" in the cluster', "List each version once"
            )
        elif not version.label:
            refusals.add(key, version.tag, "without a letter or digit", 'Use a tag such as "1.4.2"')
    longest = max((app.fleet_name(version) for version in app.versions), key=len)
    if len(longest) > LONGEST_FLEET_NAME:
        refusals.add(
            f"{prefix}name",
            app.name,
            f'too long: the fleet "{longest}" has {len(longest)} characters',
            f"Shorten name and tag to {LONGEST_FLEET_NAME} together",
        )
    if (total := sum(version.weight for version in app.versions)) != 100:
        refusals.add(
            f"{prefix}versions", [v.weight for v in app.versions], f"weights of {total} in all", "Make them 100"
        )


def _check_instance(app: AppSettings, prefix: str, refusals: Refusals) -> None:
    if millicores(app.resources.cpu) > millicores(app.resources.cpu_limit):
        refusals.add(
            f"{prefix}resources.cpu_limit",
            app.resources.cpu_limit,
            f"below the request, {app.resources.cpu}",
            "Raise it, or leave it out for twice the request",
        )
    if millicores(app.resources.cpu) == 0:
        refusals.add(f"{prefix}resources.cpu", app.resources.cpu, "nothing", 'Use cores such as "3750m" or "2"')
    for side, pixels in (("width", app.resolution.width), ("height", app.resolution.height)):
        if pixels % 2:
            refusals.add(
                f"{prefix}resolution.{side}", pixels, "odd, and video is coded in pairs of pixels", "Use an even number"
            )
