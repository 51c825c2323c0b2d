"""The table of Debian packages, what counts as missing, and the installation with a stand-in for apt."""

import shutil

import pytest

from local.cluster import preflight
from local.images import sandbox
from local.tools.errors import ToolError
from local.tools.packages import (
    BROWSER,
    CLUSTER,
    GROUPS,
    IMAGES,
    PACKAGES,
    Package,
    chosen,
    dpkg_states,
    ensure_packages,
    install,
    main,
    missing,
    progress,
    require_apt,
)
from tests.unit.tools.conftest import script

ONE = Package("one", CLUSTER, "does one thing", ("one-command", "/opt/one/file"), ("one.service",))
TWO = Package("two", IMAGES, "does another", ("two-command",))


def test_the_table_names_what_the_stack_needs_with_reason_and_proof():
    names = [package.name for package in PACKAGES]
    assert len(set(names)) == len(names)
    assert {
        *("containerd", "runc", "containernetworking-plugins", "buildah", "debootstrap", "coturn", "chromium"),
        *("iptables", "iproute2", "util-linux", "catatonit", "fonts-dejavu-core"),
    } <= set(names)
    assert all(package.reason and package.proof and package.group in GROUPS for package in PACKAGES)
    assert {package.name for package in PACKAGES if package.services} == {
        *("containerd", "coturn", "prometheus-alertmanager", "prometheus-node-exporter", "redis-server"),
    }


def test_what_the_cluster_and_the_images_ask_for_is_in_their_groups():
    in_every_debian = {"tar"}
    assert set(preflight.BINARIES.values()) <= {package.name for package in chosen([CLUSTER])}
    assert set(sandbox.PACKAGES.values()) - in_every_debian <= {package.name for package in chosen([CLUSTER, IMAGES])}


def test_packages_are_chosen_by_group():
    assert "chromium" in {package.name for package in chosen([BROWSER])}
    assert {package.group for package in chosen([CLUSTER, IMAGES])} == {CLUSTER, IMAGES}
    assert chosen(GROUPS) == PACKAGES
    assert chosen([]) == ()
    with pytest.raises(
        ToolError, match=r"no package group 'docs'; there are cluster, images, turn, browser, monitoring, redis"
    ):
        chosen([CLUSTER, "docs"])


@pytest.mark.parametrize(
    ("state", "here", "expected"),
    [
        ("installed", set(), False),
        (None, set(), True),
        (None, {"one-command", "/opt/one/file"}, False),
        (None, {"one-command"}, True),
        ("not-installed", set(), True),
        ("not-installed", {"one-command", "/opt/one/file"}, False),
        ("config-files", set(), True),
        ("config-files", {"one-command", "/opt/one/file"}, False),
        ("half-configured", {"one-command", "/opt/one/file"}, True),
        ("unpacked", {"one-command", "/opt/one/file"}, True),
    ],
)
def test_what_is_missing(state, here, expected):
    states = {} if state is None else {"one": state}
    assert missing([ONE], states, here.__contains__) == ((ONE,) if expected else ())


def test_without_root_the_command_to_run_is_named():
    with pytest.raises(ToolError, match=r"run: sudo apt-get install --no-install-recommends one two$"):
        require_apt([ONE, TWO], root=False, apt=True)
    require_apt([ONE, TWO], root=True, apt=True)


@pytest.mark.parametrize("root", [True, False])
def test_without_apt_the_packages_and_what_they_hold_are_named(root):
    with pytest.raises(ToolError, match=r"one \(one-command, /opt/one/file\); two \(two-command\)"):
        require_apt([ONE, TWO], root=root, apt=False)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dlstatus:1:50.0:Retrieving file 1 of 2", ("Retrieving file 1 of 2", 0.25)),
        ("pmstatus:coturn:50.0000:Unpacking coturn (amd64)", ("Unpacking coturn (amd64)", 0.75)),
        ("pmstatus:dpkg-exec:100.0:Running dpkg: all", ("Running dpkg: all", 1.0)),
        ("pmstatus:coturn:many:x", None),
        ("pmconffile:/etc/x:50.0:y", None),
        ("Setting up coturn (4.6.1-1) ...", None),
        ("", None),
    ],
)
def test_apts_status_lines_are_read(line, expected):
    assert progress(line) == expected


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs dpkg")
def test_dpkg_is_asked():
    assert dpkg_states(["dpkg", "pixel-there-is-no-such-package"]) == {"dpkg": "installed"}


def test_the_best_copy_of_several_architectures_counts(binaries):
    script(binaries / "dpkg-query", 'printf "one installed\\none not-installed\\ntwo config-files\\n"; exit 1')
    assert dpkg_states(["one", "two", "three"]) == {"one": "installed", "two": "config-files"}


def test_nothing_is_done_where_all_is_here(binaries, printed):
    names = "\\n".join(f"{package.name} installed" for package in PACKAGES)
    script(binaries / "dpkg-query", f'printf "{names}\\n"')
    script(binaries / "apt-get", "exit 77")
    ensure_packages(printed[0], GROUPS)
    assert printed[1]() == ""


@pytest.fixture
def apt(binaries, tmp_path):
    """Stand-ins for apt and systemctl that write down their calls; ``apt-get`` runs what the test gives it."""
    calls = tmp_path / "calls"
    calls.write_text("")
    policy = tmp_path / "policy-rc.d"

    def stand_in(get: str, *, known: bool = True) -> None:
        candidate = "1.0" if known else "(none)"
        script(binaries / "apt-cache", f'shift; for name; do echo "$name:"; echo "  Candidate: {candidate}"; done')
        script(binaries / "systemctl", f'echo "systemctl $*" >> {calls}')
        script(binaries / "dpkg", f'echo "dpkg $*" >> {calls}')
        log = f'echo "apt-get $*; $DEBIAN_FRONTEND $RUNLEVEL; policy $(test -x {policy} && echo is there)" >> {calls}'
        script(binaries / "apt-get", f'{log}\ncase " $* " in *" update "*) exit 0 ;; esac\n{get}')

    stand_in.calls = lambda: calls.read_text().splitlines()  # type: ignore[attr-defined]
    stand_in.policy = policy  # type: ignore[attr-defined]
    return stand_in


def test_packages_are_installed_without_starting_anything(apt, printed):
    apt("echo 'pmstatus:one:50.0:Unpacking one' >&3")
    steps, text = printed
    install([ONE, TWO], steps, apt.policy)
    get, systemctl = apt.calls()
    assert " install -y --no-install-recommends --no-remove " in get
    assert get.endswith(" one two; noninteractive 1; policy is there")
    assert systemctl == "systemctl disable --quiet one.service"
    assert not apt.policy.exists()
    assert "one: does one thing" in text()
    assert "two: does another" in text()
    assert "Install 2 Debian packages" in text()


def test_the_lists_are_fetched_only_where_a_package_is_unknown(apt, steps):
    apt("exit 0", known=False)
    install([ONE], steps, apt.policy)
    assert [(" update;" in call, " install " in call) for call in apt.calls()[:2]] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("said", "repair"),
    [
        ("E: Failed to fetch http://example.test/one.deb  404  Not Found", " update;"),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct", "dpkg --configure -a"),
    ],
)
def test_what_can_be_repaired_is_repaired_once(apt, steps, tmp_path, said, repair):
    apt(f'[ -e {tmp_path}/repaired ] && exit 0; touch {tmp_path}/repaired; echo "{said}" >&2; exit 100')
    install([ONE], steps, apt.policy)
    calls = apt.calls()
    assert [" install " in call for call in calls] == [True, False, True, False]
    assert repair in calls[1]

    apt(f'echo "{said}" >&2; exit 100')
    with pytest.raises(ToolError, match=r"(?s)apt-get install failed, install by hand: one\. Its last words:.*E: "):
        install([ONE], steps, apt.policy)
    assert not apt.policy.exists()


def test_apts_own_words_are_in_the_error(apt, steps):
    apt("echo 'dlstatus:1:2.0:Retrieving' >&3; echo 'E: Unable to correct problems, held broken packages.'; exit 100")
    with pytest.raises(ToolError, match=r"held broken packages\.$") as raised:
        install([ONE], steps, apt.policy)
    assert "dlstatus" not in str(raised.value)
    assert "Bad file descriptor" not in str(raised.value)


def test_a_service_is_disabled_after_a_failure_too(apt, steps):
    apt("exit 100")
    with pytest.raises(ToolError):
        install([ONE], steps, apt.policy)
    assert apt.calls()[-1] == "systemctl disable --quiet one.service"


def test_the_command_ends_with_the_reason(capsys):
    assert main(["docs"]) == 1
    assert "no package group 'docs'" in capsys.readouterr().err
