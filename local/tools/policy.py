"""Keeps Debian's package scripts from starting services while packages are installed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

POLICY: Final = Path("/usr/sbin/policy-rc.d")
_MARK: Final = "# Temporary, made while the local Pixel Streaming stack installs packages."
_DENY: Final = f"#!/bin/sh\n{_MARK}\nexit 101\n"


@contextmanager
def services_kept_down(policy: Path = POLICY) -> Iterator[None]:
    """While inside, invoke-rc.d asks a policy that says no (101, invoke-rc.d(8)).

    A policy of the machine's own stays as it is, and decides. One that a killed run of this left is taken over.
    """
    ours = _take(policy)
    try:
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def is_ours(policy: Path = POLICY) -> bool:
    """Whether the policy is the temporary one, of a run that is under way or was killed."""
    try:
        return _MARK in policy.read_text()
    except (OSError, UnicodeDecodeError):
        return False


def _take(policy: Path) -> bool:
    try:
        descriptor = os.open(policy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    except FileExistsError:
        return is_ours(policy)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o755)
        file.write(_DENY)
    return True
