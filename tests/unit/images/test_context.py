from pathlib import Path

import pytest

from local.images import context
from local.images.context import File


def written(root: Path, names: dict[str, str]) -> None:
    for name, text in names.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_tree_leaves_out_what_tools_and_tests_leave_behind(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "part/__init__.py": "",
            "part/deep/module.py": "x = 1",
            "part/font.ttf": "font",
            "part/__pycache__/module.cpython-311.pyc": "compiled",
            "part/deep/Dockerfile": "FROM x",
            "part/src/status.test.ts": "test",
            "part/node_modules/a/index.js": "js",
            "part/dist/index.html": "page",
            "other/module.py": "",
        },
    )

    assert [file.path for file in context.tree(tmp_path, "part")] == [
        "part/__init__.py",
        "part/deep/module.py",
        "part/font.ttf",
    ]


BASIS = [File("a.py", b"one"), File("b.py", b"two")]


@pytest.mark.parametrize(
    ("files", "keys"),
    [
        ([File("a.py", b"one"), File("b.py", b"three")], ("k",)),
        ([File("a.py", b"one"), File("c.py", b"two")], ("k",)),
        ([File("a.py", b"one")], ("k",)),
        ([File("a.py", b"one", executable=True), File("b.py", b"two")], ("k",)),
        ([File("a.py", b"onetwo"), File("b.py", b"")], ("k",)),
        (BASIS, ("l",)),
        (BASIS, ("k", "")),
        (BASIS, ()),
    ],
    ids=["content", "name", "missing", "mode", "boundary", "key", "more keys", "no key"],
)
def test_every_input_changes_the_fingerprint(files: list[File], keys: tuple[str, ...]) -> None:
    assert context.fingerprint(files, *keys) != context.fingerprint(BASIS, "k")


def test_the_order_of_files_does_not_matter() -> None:
    assert context.fingerprint(reversed(BASIS), "k") == context.fingerprint(BASIS, "k")


def test_times_and_group_modes_do_not_matter(tmp_path: Path) -> None:
    written(tmp_path, {"part/a.py": "x"})
    before = context.fingerprint(context.tree(tmp_path, "part"))
    (tmp_path / "part/a.py").chmod(0o664)
    (tmp_path / "part/a.py").touch()
    assert context.fingerprint(context.tree(tmp_path, "part")) == before


def test_written_files_can_be_read_by_any_user_whatever_the_umask(tmp_path: Path) -> None:
    target = tmp_path / "context"
    context.write([File("p/a.py", b"x"), File("p/run", b"y", executable=True)], target)
    (target / "p").chmod(0o700)
    context.write([File("p/a.py", b"x"), File("p/run", b"y", executable=True)], target)

    modes = {str(path.relative_to(target)): path.stat().st_mode & 0o777 for path in target.rglob("*")}
    assert modes == {"p": 0o755, "p/a.py": 0o644, "p/run": 0o755}
    assert (target / "p/a.py").read_bytes() == b"x"


def test_a_copied_folder_has_readable_modes(tmp_path: Path) -> None:
    written(tmp_path, {"dist/assets/a.js": "js"})
    (tmp_path / "dist/assets").chmod(0o700)
    (tmp_path / "dist/assets/a.js").chmod(0o600)
    context.copy_folder(tmp_path / "dist", tmp_path / "copy")
    assert (tmp_path / "copy/assets").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "copy/assets/a.js").stat().st_mode & 0o777 == 0o644
