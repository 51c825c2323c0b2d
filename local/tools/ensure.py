"""Where a tool is taken from: PATH if the version fits, else the cache, an official release, or a build."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from local import paths
from local.progress import Steps
from local.tools import versions
from local.tools.build import Batch, batches, build
from local.tools.catalogue import CATALOGUE, Tool
from local.tools.errors import ToolError
from local.tools.releases import Offer, Releases, unpack
from local.tools.store import Store

ORIGINS: Final = ("path", "release", "build")
"""What PIXEL_TOOLS_FROM may name; the cache is always looked into."""

_RELEASES: Final = Releases()


def ensure_tools(
    names: Iterable[str],
    steps: Steps,
    *,
    catalogue: Mapping[str, Tool] = CATALOGUE,
    releases: Releases = _RELEASES,
) -> dict[str, Path]:
    """The executables of the named tools, installed into the cache where they are missing.

    Order: PATH if the version fits, the cache, the official release, a build from the pinned Go module.
    ``PIXEL_TOOLS_FROM`` (a comma list of path, release, build) leaves some of them out.
    ToolError names the tool, what was tried, and the remedy.
    """
    tools = _rows(names, catalogue)
    origins = allowed_origins(os.environ)
    store = Store(paths.tools_dir())
    with steps.step("Look for tools"):
        found = _present(tools, origins, store)
    missing = [tool for tool in tools if tool.name not in found]
    if missing:
        with store.locked(steps):
            found |= _install(missing, origins, store, releases, steps)
    return {tool.name: found[tool.name] for tool in tools}


def allowed_origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where tools may come from, by PIXEL_TOOLS_FROM; ToolError if it names something else."""
    text = environment.get("PIXEL_TOOLS_FROM", "")
    chosen = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [part for part in chosen if part not in ORIGINS]
    if unknown:
        raise ToolError(f"PIXEL_TOOLS_FROM is {text!r}: {unknown[0]!r} is none of {', '.join(ORIGINS)}")
    return chosen or ORIGINS


def _rows(names: Iterable[str], catalogue: Mapping[str, Tool]) -> list[Tool]:
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in catalogue]
    if unknown:
        raise ToolError(f"there is no tool {unknown[0]!r}; there are {', '.join(catalogue)}")
    return [catalogue[name] for name in wanted]


def _present(tools: Sequence[Tool], origins: Sequence[str], store: Store) -> dict[str, Path]:
    found: dict[str, Path] = {}
    if "path" in origins:
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = {tool.name: path for tool, path in zip(tools, pool.map(_on_path, tools), strict=True) if path}
    for tool in tools:
        if tool.name not in found and (cached := store.cached(tool)):
            found[tool.name] = cached
    return found


def _on_path(tool: Tool) -> Path | None:
    executable = shutil.which(tool.name) if tool.ask else None
    if executable is None:
        return None
    version = versions.ask(Path(executable), tool.ask)
    if version is None or not versions.fits(version, versions.pinned(tool.version), tool.fit):
        return None
    return Path(executable).absolute()


def _install(
    missing: Sequence[Tool], origins: Sequence[str], store: Store, releases: Releases, steps: Steps
) -> dict[str, Path]:
    # Another run may have installed them while this one waited for the lock.
    found = {tool.name: path for tool in missing if (path := store.cached(tool))}
    if "release" in origins:
        left = [tool for tool in missing if tool.name not in found and tool.release]
        found |= _from_releases(left, store, releases, steps)
    left = [tool for tool in missing if tool.name not in found]
    if left and "build" not in origins:
        raise ToolError(
            f"{', '.join(f'{tool.name} {tool.version}' for tool in left)}: not found, and PIXEL_TOOLS_FROM="
            f"{','.join(origins)} allows no build; unset it, or put them on PATH"
        )
    for batch in batches(left):
        found |= _from_source(batch, store, steps)
    return found


def _from_releases(tools: Sequence[Tool], store: Store, releases: Releases, steps: Steps) -> dict[str, Path]:
    if not tools:
        return {}
    with steps.step("Ask for official releases"):
        offers = releases.offers(tools)
    found = {}
    for tool in tools:
        offer = offers.get(tool.name)
        if offer and (path := _download(tool, offer, store, releases, steps)):
            found[tool.name] = path
    if len(found) < len(tools):
        reasons = "; ".join(f"{host}: {reason}" for host, reason in releases.refused.items()) or "none published"
        names = ", ".join(tool.name for tool in tools if tool.name not in found)
        steps.console.print(
            f"           {names}: no official release to be had ({reasons})", markup=False, soft_wrap=True
        )
    return found


def _download(tool: Tool, offer: Offer, store: Store, releases: Releases, steps: Steps) -> Path | None:
    with steps.step(f"Download {tool.name} {tool.version}") as step, store.staging() as staging:
        file = releases.download(tool, offer, staging, step.update)
        if file is None:
            return None
        store.record(offer.url, offer.digest)
        executable, beside = unpack(offer, file, staging)
        _verify(tool, executable, offer.url)
        return store.install(tool, executable, f"{offer.url} {offer.digest}", beside)


def _from_source(batch: Batch, store: Store, steps: Steps) -> dict[str, Path]:
    names = ", ".join(tool.name for tool in batch.tools)
    with steps.step(f"Build {names} {batch.tools[0].version} from source") as step, store.staging() as staging:
        built = build(batch, staging, step)
        for tool in batch.tools:
            _verify(tool, built[tool.name].executable, f"built in {batch.folder}")
        return {
            tool.name: store.install(tool, made.executable, "go build", made.beside)
            for tool, made in ((tool, built[tool.name]) for tool in batch.tools)
        }


def _verify(tool: Tool, executable: Path, origin: str) -> None:
    executable.chmod(0o755)
    if not tool.ask:
        return
    version = versions.ask(executable, tool.ask)
    if version != versions.pinned(tool.version):
        raise ToolError(
            f"{tool.name} ({origin}) says it is version {version}, not {tool.version}: "
            "the version in the catalogue and the one in the module's go.mod must be the same"
        )
