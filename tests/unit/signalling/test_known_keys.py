"""Public ticket keys are followed while they change."""

import pytest

from signalling.tickets.keys import UnusableKeyError, public_line, signing_key
from signalling.tickets.known import KnownKeys

OLD, NEW = signing_key("ab" * 32), signing_key("cd" * 32)


@pytest.fixture
def folder(tmp_path):
    """As the kubelet mounts a ConfigMap: the file is a link through a link that is exchanged."""
    write(tmp_path, "1", public_line(OLD))
    (tmp_path / "keys").symlink_to("..data/keys")
    return tmp_path


def write(folder, version: str, content: str) -> None:
    (folder / version).mkdir()
    (folder / version / "keys").write_text(content)
    (folder / "..new").symlink_to(version)
    (folder / "..new").replace(folder / "..data")


def test_a_new_key_holds_as_soon_as_it_is_there(folder):
    known = KnownKeys(folder / "keys")
    assert known().keys() == {OLD.id}
    write(folder, "2", f"{public_line(NEW)}\n{public_line(OLD)}\n")
    assert known().keys() == {OLD.id, NEW.id}
    write(folder, "3", public_line(NEW))
    assert known().keys() == {NEW.id}


def test_an_unchanged_file_is_not_read_again(folder):
    known = KnownKeys(folder / "keys")
    assert known() is known()


@pytest.mark.parametrize("content", ["", "not a key", "\xff"])
def test_a_file_that_breaks_leaves_what_was_known_and_says_so(folder, caplog, content):
    known = KnownKeys(folder / "keys")
    write(folder, "2", content)
    assert known().keys() == {OLD.id}
    assert "ticket keys cannot be read" in caplog.text
    (folder / "..data").unlink()
    assert known().keys() == {OLD.id}
    write(folder, "3", public_line(NEW))
    assert known().keys() == {NEW.id}


@pytest.mark.parametrize("content", [None, "", "\n\n", "x"])
def test_without_a_key_nothing_starts(tmp_path, content):
    if content is not None:
        (tmp_path / "keys").write_text(content)
    with pytest.raises(UnusableKeyError):
        KnownKeys(tmp_path / "keys")
