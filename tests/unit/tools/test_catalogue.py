"""The catalogue agrees with the modules it is built from, and its addresses are complete."""

import re

import pytest

from components import versions
from local.tools.catalogue import CATALOGUE, MODULES, Fit
from local.tools.releases import resolve
from local.tools.store import key
from local.tools.versions import pinned

TOOLS = list(CATALOGUE.values())
RELEASED = [tool for tool in TOOLS if tool.release]
KUBERNETES = {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}
MODULE_OF = {
    "pulumi": ("github.com/pulumi/pulumi/pkg/v3", "v"),
    "etcd": ("go.etcd.io/etcd/server/v3", "v"),
    "coredns": ("github.com/coredns/coredns", "v"),
    "actionlint": ("github.com/rhysd/actionlint", "v"),
    "kwok": ("sigs.k8s.io/kwok", "v"),
    **dict.fromkeys(KUBERNETES, ("k8s.io/kubernetes", "v")),
    # The module of Prometheus 3.14 is v0.314, since a module of version 3 would need another name.
    **dict.fromkeys(("prometheus", "promtool"), ("github.com/prometheus/prometheus", "v0.3")),
    "kube-state-metrics": ("k8s.io/kube-state-metrics/v2", "v"),
    "cert-manager": ("github.com/cert-manager/cert-manager", "v"),
    "kube-network-policies": ("sigs.k8s.io/kube-network-policies", "v"),
}


def test_the_local_stacks_tools_are_there():
    assert set(CATALOGUE) == MODULE_OF.keys()
    assert {name for name, tool in CATALOGUE.items() if tool.fit is Fit.SAME_MINOR} >= KUBERNETES


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_version_is_the_one_that_the_module_pins(tool):
    module = MODULES / tool.source.module
    pins = dict(re.findall(r"^(?:require)?\s*(\S+) (v\S+)", (module / "go.mod").read_text(), re.MULTILINE))
    name, prefix = MODULE_OF[tool.name]
    assert pins[name] == prefix + (tool.version if prefix == "v" else tool.version.removeprefix("3."))
    assert (module / "go.sum").stat().st_size > 0
    assert pinned(tool.version)


@pytest.mark.parametrize("tool", RELEASED, ids=lambda tool: tool.name)
@pytest.mark.parametrize("system", ["linux-amd64", "linux-arm64"])
def test_release_addresses_are_complete_and_name_version_and_processor(tool, system):
    assert tool.release is not None
    release = resolve(tool.release, tool.version, system)
    assert release is not None
    texts = [release.url, release.checksums, *filter(None, [release.member]), *release.beside]
    assert not [text for text in texts if "{" in text or "}" in text]
    assert release.url.startswith("https://")
    assert release.checksums.startswith("https://")
    assert tool.version in release.url
    assert ("arm64" in release.url) is (system == "linux-arm64")


@pytest.mark.parametrize("system", ["darwin-arm64", "linux-riscv64"])
def test_no_release_is_asked_for_on_other_machines(system):
    release = CATALOGUE["etcd"].release
    assert release is not None
    assert resolve(release, "3.6.8", system) is None


def test_versions_reach_the_built_kubernetes():
    flags = CATALOGUE["kubelet"].source.linker_flags
    assert flags.startswith("-s -w -X ")
    assert "k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "k8s.io/component-base/version.gitMinor=36" in flags
    assert {CATALOGUE[name].source.linker_flags for name in ("kubectl", "kube-proxy")} == {flags}


def test_what_stands_in_for_an_addon_is_what_its_chart_or_image_brings():
    assert versions.NETWORK_POLICY_ENGINE.endswith(f":v{CATALOGUE['kube-network-policies'].version}")
    assert versions.CHARTS["cert-manager"].version == f"v{CATALOGUE['cert-manager'].version}"


def test_every_tool_has_a_key_of_its_own():
    assert len({key(tool) for tool in TOOLS}) == len(TOOLS)
