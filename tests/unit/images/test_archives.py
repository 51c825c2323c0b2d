import os
from pathlib import Path

from local.images.archives import image_at, mark_used, outdated


def name(image: str, number: int, suffix: str = ".tar") -> str:
    return f"{image}-{number:012x}{suffix}"


def test_an_image_is_named_by_the_first_twelve_digits(tmp_path: Path) -> None:
    image = image_at(tmp_path, "turn", "0123456789abcdef0123")
    assert image.reference == "localhost/pixel/turn:0123456789ab"
    assert image.archive == tmp_path / "turn-0123456789ab.tar"


def test_the_latest_used_of_each_image_are_kept() -> None:
    files = [(name("turn", age), float(age)) for age in range(5)] + [(name("streamer", 1), 0.0)]
    assert outdated(files, kept=3) == [name("turn", 0), name("turn", 1)]


def test_archives_requirements_and_pages_are_counted_apart() -> None:
    suffixes = (".tar", ".txt", "")
    files = [(name("signalling", number, suffix), float(number)) for number in range(2) for suffix in suffixes]
    assert outdated(files, kept=1) == sorted(name("signalling", 0, suffix) for suffix in suffixes)


def test_what_is_not_an_archive_is_never_removed() -> None:
    strange = [
        ".lock",
        "logs",
        "notes.tar",
        "turn-xyz.tar",
        "turn-0123456789abc.tar",
        ".work-1",
        "Turn-0123456789ab.tar",
    ]
    assert outdated([(each, 0.0) for each in strange], kept=0) == []


def test_a_used_archive_outlives_newer_unused_ones(tmp_path: Path) -> None:
    for number in range(3):
        path = tmp_path / name("turn", number)
        path.touch()
        os.utime(path, (number, number))
    mark_used(tmp_path / name("turn", 0))
    files = [(path.name, path.stat().st_mtime) for path in tmp_path.iterdir()]
    assert outdated(files, kept=2) == [name("turn", 1)]
