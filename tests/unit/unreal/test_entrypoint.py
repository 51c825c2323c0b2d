"""The application image's entrypoint, run with a program that prints its arguments in Unreal's place."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ENTRYPOINT = Path(__file__).resolve().parents[3] / "streamer" / "unreal" / "entrypoint.sh"
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A packaged project: the game, its symbols and libraries, and the engine's helpers."""
    game = executable(tmp_path / "Showroom" / "Binaries" / "Linux" / "Showroom-Linux-Shipping")
    for name in ("Showroom-Linux-Shipping.debug", "Showroom-Linux-Shipping.sym", "libtbb.so.2", "libonnx.so"):
        executable(game.parent / name)
    executable(tmp_path / "Engine" / "Binaries" / "Linux" / "CrashReportClient")
    executable(tmp_path / "Showroom.sh")
    return tmp_path


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\nfor each in "$@"; do printf "%s\\n" "$each"; done\n')
    path.chmod(0o755)
    return path


def run(folder: Path, *arguments: str, shell: str = "sh", **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["busybox", "sh"] if shell == "busybox" else [shell]
    return subprocess.run(
        [*command, str(ENTRYPOINT), *arguments],
        env={"PATH": os.environ["PATH"], "APPLICATION_FOLDER": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def arguments_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_pods_environment_becomes_unreals_arguments(folder: Path, shell: str) -> None:
    done = run(
        folder,
        shell=shell,
        SIGNAL_URL="ws://localhost:8888",
        STREAMER_ID="showroom",
        RES_X="2560",
        RES_Y="1440",
        FRAME_RATE="60",
        EXTRA_ARGS="-AllowPixelStreamingCommands -PixelStreamingHideCursor",
    )
    assert arguments_of(done) == [
        "Showroom",
        "-RenderOffscreen",
        "-Unattended",
        "-StdOut",
        "-FullStdOutLogOutput",
        "-ForceRes",
        "-ResX=2560",
        "-ResY=1440",
        "-PixelStreamingURL=ws://localhost:8888",
        "-PixelStreamingID=showroom",
        "-PixelStreamingWebRTCMaxFps=60",
        "-AllowPixelStreamingCommands",
        "-PixelStreamingHideCursor",
    ]


def test_the_newer_plugin_gets_its_own_arguments(folder: Path) -> None:
    given = arguments_of(run(folder, PIXEL_STREAMING_PLUGIN="PixelStreaming2", FRAME_RATE="24"))
    assert "-PixelStreamingSignallingURL=ws://localhost:8888" in given, "5.5 and 5.6"
    assert "-PixelStreamingConnectionURL=ws://localhost:8888" in given, "5.7 and later"
    assert "-PixelStreamingWebRTCFps=24" in given
    assert not any(each.startswith(("-PixelStreamingURL", "-PixelStreamingWebRTCMaxFps")) for each in given)


def test_without_a_name_the_engine_picks_its_own(folder: Path) -> None:
    assert not any("PixelStreamingID" in each for each in arguments_of(run(folder)))


def test_arguments_of_the_container_come_last_whole_and_win(folder: Path) -> None:
    given = arguments_of(run(folder, "-ResX=1280", "-ExecCmds=r.ScreenPercentage 50", EXTRA_ARGS="-ResX=640"))
    assert given[-3:] == ["-ResX=640", "-ResX=1280", "-ExecCmds=r.ScreenPercentage 50"]


def test_nothing_in_the_environment_is_run_or_expanded(folder: Path) -> None:
    given = arguments_of(run(folder, EXTRA_ARGS="* $(touch hacked) `id` ;true", STREAMER_ID="a b"))
    assert given[-5:] == ["*", "$(touch", "hacked)", "`id`", ";true"]
    assert "-PixelStreamingID=a b" in given
    assert not (folder / "hacked").exists()


def test_a_signal_reaches_the_application_itself(folder: Path) -> None:
    game = folder / "Showroom" / "Binaries" / "Linux" / "Showroom-Linux-Shipping"
    game.write_text('#!/bin/sh\necho "$$"\n')
    with subprocess.Popen(
        ["sh", str(ENTRYPOINT)],
        env={"PATH": os.environ["PATH"], "APPLICATION_FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


@pytest.mark.parametrize("name", ["RES_X", "RES_Y", "FRAME_RATE"])
@pytest.mark.parametrize("value", ["wide", "-1", "19.5", "1 2"])
def test_a_number_that_is_none_is_refused_by_name(folder: Path, name: str, value: str) -> None:
    done = run(folder, **{name: value})
    assert done.returncode == 64
    assert done.stderr == f"entrypoint: {name} is '{value}', not a whole number\n"


def test_an_unknown_plugin_is_refused(folder: Path) -> None:
    done = run(folder, PIXEL_STREAMING_PLUGIN="PixelStreaming3")
    assert (done.returncode, "PixelStreaming2" in done.stderr) == (64, True)


def test_the_check_names_the_executable_and_runs_nothing(folder: Path) -> None:
    done = run(folder, "--check")
    assert done.stdout.strip() == str(folder / "Showroom/Binaries/Linux/Showroom-Linux-Shipping")


def test_no_project_two_projects_and_one_that_is_named(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = run(tmp_path_factory.mktemp("empty"), "--check")
    assert (empty.returncode, "packaged for Linux" in empty.stderr) == (64, True)
    other = executable(folder / "Showroom" / "Binaries" / "Linux" / "Other")
    both = run(folder, "--check")
    assert (both.returncode, "set APPLICATION" in both.stderr) == (64, True)
    assert run(folder, "--check", APPLICATION=str(other)).stdout.strip() == str(other)
    gone = run(folder, APPLICATION=str(folder / "gone"))
    assert (gone.returncode, "cannot be executed" in gone.stderr) == (64, True)
