"""Tools built from pinned Go modules, with the packages still to compile as the measure of progress."""

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.progress import Step
from local.tools.catalogue import MODULES, Tool
from local.tools.errors import ToolError
from local.tools.running import CommandError, lines

_USUAL_PLACES: Final = ("/usr/local/go/bin", "/usr/lib/go/bin")
_NUMBERS: Final = re.compile(r"\bgo(?:lang)? ?(\d+)\.(\d+)")
_REMEDY: Final = (
    "install Go {wanted} or newer from https://go.dev/dl/ (it is looked for on PATH and in /usr/local/go/bin)"
)
_TAIL: Final = 15
# A compiled package takes about 1.3 MB of Go's cache (a cold build of Kubernetes and Pulumi: 5 GB for 4,000), and an
# executable about 100 MB where it is built and as much where it is kept.
_BYTES_PER_PACKAGE: Final = 1_500_000
_BYTES_PER_EXECUTABLE: Final = 250_000_000


@dataclass(frozen=True)
class Batch:
    """Tools that one ``go build`` makes: the same module, the same flags, so that they share what is compiled."""

    module: str
    linker_flags: str
    tags: tuple[str, ...]
    tools: tuple[Tool, ...]

    @property
    def folder(self) -> Path:
        """The Go module's folder."""
        return MODULES / self.module

    @property
    def packages(self) -> tuple[str, ...]:
        """The main packages to build."""
        return tuple(tool.source.package for tool in self.tools)


@dataclass(frozen=True)
class Built:
    """One tool as it was built, and the files that belong next to it."""

    executable: Path
    beside: tuple[Path, ...] = ()


def batches(tools: Sequence[Tool]) -> tuple[Batch, ...]:
    """The builds that make the given tools, in the order in which the tools are named."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Tool]] = {}
    for tool in tools:
        source = tool.source
        groups.setdefault((source.module, source.linker_flags, source.tags), []).append(tool)
    return tuple(Batch(*shared, tuple(members)) for shared, members in groups.items())


def go_executable(environment: Mapping[str, str]) -> Path | None:
    """The go command on PATH, else where Go's own installer puts it (sudo resets PATH)."""
    search = os.pathsep.join([environment.get("PATH", ""), *_USUAL_PLACES])
    found = shutil.which("go", path=search)
    return Path(found) if found else None


def require_go(batch: Batch, environment: Mapping[str, str]) -> Path:
    """The go command, if it can build the module; ToolError with the remedy if it is missing or too old."""
    wanted = _numbers("go" + _directive(batch.folder / "go.mod"))
    remedy = _REMEDY.format(wanted=f"{wanted[0]}.{wanted[1]}")
    go = go_executable(environment)
    if go is None:
        raise ToolError(f"{_names(batch)} cannot be built: there is no go command; {remedy}")
    # Asked inside the module, because a go command that may switch toolchains does so by the module's go.mod.
    answer = subprocess.run(
        [go, "version"], cwd=batch.folder, env=environment, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise ToolError(f"{_names(batch)} cannot be built: `go version` says {answer.stderr.strip()!r}; {remedy}")
    if _numbers(answer.stdout) < wanted:
        raise ToolError(f"{_names(batch)} cannot be built: {go} is {answer.stdout.strip()!r}; {remedy}")
    return go


def build(batch: Batch, staging: Path, step: Step) -> dict[str, Built]:
    """Build a batch into ``staging``, by tool name; ToolError with the compiler's words if it fails.

    The checksums of the module's ``go.sum`` are enforced: ``-mod=readonly`` refuses what it does not name.
    """
    temporary, output = staging / "work", staging / "built"
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOBIN"}}
    environment |= {"CGO_ENABLED": "0", "GOWORK": "off", "GOTMPDIR": str(temporary)}
    go = require_go(batch, environment)
    flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", batch.linker_flags]
    if batch.tags:
        flags += ["-tags", ",".join(batch.tags)]

    step.update("reading the module")
    stale = _listed(
        batch,
        [str(go), "list", *flags, "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *batch.packages],
        environment,
        step,
    )
    _require_space(batch, stale, environment, go, staging)
    command = [str(go), "build", "-v", *flags, "-o", f"{output}{os.sep}", *batch.packages]
    _compile(batch, command, environment, step, stale)
    return {
        tool.name: Built(output / tool.source.output, tuple(_beside(tool, batch, go, environment, staging)))
        for tool in batch.tools
    }


def _beside(tool: Tool, batch: Batch, go: Path, environment: Mapping[str, str], staging: Path) -> Iterator[Path]:
    """Copies of a module's own files, which are read-only where they are."""
    for module, pattern in tool.source.beside:
        command = [str(go), "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
        answer = subprocess.run(command, cwd=batch.folder, env=environment, capture_output=True, text=True, check=False)
        found = sorted(Path(answer.stdout.strip()).glob(pattern)) if answer.returncode == 0 else []
        if not found:
            raise ToolError(f"{tool.name} cannot be built: {module} has no {pattern} {answer.stderr.strip()}")
        for file in found:
            yield Path(shutil.copyfile(file, staging / file.name))


def _listed(batch: Batch, command: Sequence[str], environment: Mapping[str, str], step: Step) -> int:
    tail: deque[str] = deque(maxlen=_TAIL)
    count = 0
    try:
        with closing(lines(command, folder=batch.folder, environment=environment)) as output:
            for line in output:
                tail.append(line)
                if line.startswith("go: "):
                    step.update(line.removeprefix("go: "))
                elif line.strip():
                    count += 1
    except CommandError as error:
        raise _failed(batch, tail) from error
    return count


def _compile(batch: Batch, command: Sequence[str], environment: Mapping[str, str], step: Step, stale: int) -> None:
    tail: deque[str] = deque(maxlen=_TAIL)
    done = 0
    try:
        with closing(lines(command, folder=batch.folder, environment=environment)) as output:
            step.update("linking" if stale <= len(batch.packages) else f"0 of {stale} packages", 0.0)
            for line in output:
                tail.append(line)
                if line.startswith("go: "):
                    step.update(line.removeprefix("go: "))
                else:
                    done += 1
                    package = "/".join(line.split("/")[-2:])
                    step.update(f"{min(done, stale)} of {stale} packages: {package}", min(1.0, done / max(1, stale)))
    except CommandError as error:
        raise _failed(batch, tail) from error


def _require_space(batch: Batch, stale: int, environment: Mapping[str, str], go: Path, staging: Path) -> None:
    answer = subprocess.run([go, "env", "GOCACHE"], env=environment, capture_output=True, text=True, check=False)
    cache = Path(answer.stdout.strip() or staging)
    compiled, executables = stale * _BYTES_PER_PACKAGE, len(batch.tools) * _BYTES_PER_EXECUTABLE
    needs: dict[int, tuple[Path, int]] = {}
    for folder, size in ((cache, compiled), (staging, executables)):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        device = existing.stat().st_dev
        needs[device] = (existing, needs.get(device, (existing, 0))[1] + size)
    for folder, size in needs.values():
        free = shutil.disk_usage(folder).free
        if free < size:
            raise ToolError(
                f"{_names(batch)} cannot be built: about {size >> 20} MiB are needed and {free >> 20} MiB are free in "
                f"{folder}; make room, or move the caches with PIXEL_CACHE and GOCACHE"
            )


def _failed(batch: Batch, tail: Sequence[str]) -> ToolError:
    said = "\n  ".join(tail)
    return ToolError(f"building {_names(batch)} in {batch.folder} failed. The go command's last words:\n  {said}")


def _names(batch: Batch) -> str:
    return ", ".join(f"{tool.name} {tool.version}" for tool in batch.tools)


def _directive(module_file: Path) -> str:
    for line in module_file.read_text().splitlines():
        if line.startswith("go "):
            return line.removeprefix("go ").strip()
    raise ToolError(f"{module_file} has no go line, so it does not say which Go builds it")


def _numbers(text: str) -> tuple[int, int]:
    match = _NUMBERS.search(text)
    return (int(match[1]), int(match[2])) if match else (0, 0)
