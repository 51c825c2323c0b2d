"""Every tool of the local stack: its version, how it is recognised, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).resolve().parent / "modules"
"""Go modules that pin what is built: ``go.mod`` names the version, ``go.sum`` is the lock of its checksums."""

KUBERNETES_VERSION: Final = "1.36.3"


class Fit(Enum):
    """Which versions found on PATH serve as well as the pinned one."""

    SAME_MINOR = "the same minor version"
    SAME_MINOR_OR_NEWER = "the same minor version or a newer one of the same major"


@dataclass(frozen=True)
class Release:
    """An official release for Linux. The texts may hold ``{version}``, ``{arch}`` (amd64, arm64) and ``{arch_x64}``.

    ``checksums`` is the release's own checksum file: one hash, or lines of hash and file name. ``member`` is the
    executable's path inside the archive, None where the download is the executable; ``beside`` names further members
    that are kept next to it where the archive has them.
    """

    url: str
    checksums: str
    member: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A package of a pinned Go module in ``MODULES / module``; ``output`` is what `go build` calls its executable.

    ``beside`` names files to keep next to the executable: a module that is required, and a pattern within it.
    """

    module: str
    package: str
    output: str
    variables: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def linker_flags(self) -> str:
        """The value of ``-ldflags``: no symbol table, and the variables that tell the program its version."""
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.variables)])


@dataclass(frozen=True)
class Tool:
    """One executable.

    ``ask`` are the arguments that make it print its version on standard output; without any it cannot tell, and is
    never taken from PATH. ``release`` is None where nobody publishes the executable by itself, with its checksum.
    """

    name: str
    version: str
    ask: tuple[str, ...]
    fit: Fit
    release: Release | None
    source: Source


def _kubernetes(name: str, *ask: str) -> Tool:
    major, minor, _ = KUBERNETES_VERSION.split(".")
    return Tool(
        name=name,
        version=KUBERNETES_VERSION,
        ask=ask or ("--version",),
        # The control plane, the kubelet and kube-proxy are tested against each other within one minor version only.
        fit=Fit.SAME_MINOR,
        release=Release(
            url=f"https://dl.k8s.io/release/v{{version}}/bin/linux/{{arch}}/{name}",
            checksums=f"https://dl.k8s.io/release/v{{version}}/bin/linux/{{arch}}/{name}.sha256",
        ),
        source=Source(
            module="kubernetes",
            package=f"k8s.io/kubernetes/cmd/{name}",
            output=name,
            variables=(
                ("k8s.io/component-base/version.gitVersion", f"v{KUBERNETES_VERSION}"),
                ("k8s.io/component-base/version.gitMajor", major),
                ("k8s.io/component-base/version.gitMinor", minor),
                ("k8s.io/client-go/pkg/version.gitVersion", f"v{KUBERNETES_VERSION}"),
            ),
        ),
    )


def _prometheus(name: str) -> Tool:
    return Tool(
        name=name,
        # What kube-prometheus-stack installs.
        version="3.14.0",
        ask=("--version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        release=Release(
            url="https://github.com/prometheus/prometheus/releases/download/v{version}/prometheus-{version}.linux-{arch}.tar.gz",
            checksums="https://github.com/prometheus/prometheus/releases/download/v{version}/sha256sums.txt",
            member=f"prometheus-{{version}}.linux-{{arch}}/{name}",
        ),
        source=Source(
            module="addons",
            package=f"github.com/prometheus/prometheus/cmd/{name}",
            output=name,
            variables=(("github.com/prometheus/common/version.Version", "3.14.0"),),
            # Discovery in every vendor's cloud would be most of it.
            tags=("remove_all_sd", "enable_kubernetes_sd"),
        ),
    )


_TOOLS: Final = (
    Tool(
        name="pulumi",
        version="3.258.0",
        ask=("version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        # Archive and checksums are served by two hosts: whoever changes one of them does not change the other.
        release=Release(
            url="https://get.pulumi.com/releases/sdk/pulumi-v{version}-linux-{arch_x64}.tar.gz",
            checksums="https://github.com/pulumi/pulumi/releases/download/v{version}/SHA512SUMS",
            member="pulumi/pulumi",
            beside=("pulumi/pulumi-language-python", "pulumi/pulumi-language-python-exec"),
        ),
        source=Source(
            module="pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            output="pulumi",
            variables=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", "v3.258.0"),),
        ),
    ),
    Tool(
        name="etcd",
        version="3.6.8",
        ask=("--version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        release=Release(
            url="https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-linux-{arch}.tar.gz",
            checksums="https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
            member="etcd-v{version}-linux-{arch}/etcd",
        ),
        source=Source(module="etcd", package="go.etcd.io/etcd/server/v3", output="server"),
    ),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-scheduler"),
    _kubernetes("kubelet"),
    _kubernetes("kube-proxy"),
    _kubernetes("kubectl", "version", "--client"),
    Tool(
        name="coredns",
        version="1.14.7",
        ask=("-version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        release=Release(
            url="https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_linux_{arch}.tgz",
            checksums="https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_linux_{arch}.tgz.sha256",
            member="coredns",
        ),
        source=Source(module="coredns", package=".", output="coredns"),
    ),
    Tool(
        name="actionlint",
        version="1.7.12",
        ask=("--version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        release=Release(
            url="https://github.com/rhysd/actionlint/releases/download/v{version}/actionlint_{version}_linux_{arch}.tar.gz",
            checksums="https://github.com/rhysd/actionlint/releases/download/v{version}/actionlint_{version}_checksums.txt",
            member="actionlint",
        ),
        source=Source(
            module="actionlint",
            package="github.com/rhysd/actionlint/cmd/actionlint",
            output="actionlint",
            variables=(("github.com/rhysd/actionlint.version", "1.7.12"),),
        ),
    ),
    _prometheus("prometheus"),
    _prometheus("promtool"),
    Tool(
        name="kube-state-metrics",
        version="2.20.0",
        ask=("version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        release=None,
        source=Source(
            module="addons",
            package="k8s.io/kube-state-metrics/v2",
            output="kube-state-metrics",
            variables=(("github.com/prometheus/common/version.Version", "v2.20.0"),),
        ),
    ),
    Tool(
        name="cert-manager",
        version="1.21.1",
        ask=("version",),
        fit=Fit.SAME_MINOR,
        release=None,
        source=Source(
            module="addons",
            package="./cert-manager",
            output="cert-manager",
            variables=(("main.version", "1.21.1"),),
            beside=(("github.com/cert-manager/cert-manager", "deploy/crds/*.yaml"),),
        ),
    ),
    Tool(
        name="kube-network-policies",
        version="1.1.1",
        ask=(),
        fit=Fit.SAME_MINOR,
        release=None,
        source=Source(
            module="addons",
            package="sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard",
            output="standard",
        ),
    ),
    Tool(
        name="kwok",
        version="0.8.0",
        ask=("--version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        # Its releases have executables and no checksums.
        release=None,
        source=Source(
            module="kwok",
            package="sigs.k8s.io/kwok/cmd/kwok",
            output="kwok",
            variables=(("sigs.k8s.io/kwok/pkg/consts.Version", "v0.8.0"),),
        ),
    ),
)

CATALOGUE: Final[Mapping[str, Tool]] = {tool.name: tool for tool in _TOOLS}
