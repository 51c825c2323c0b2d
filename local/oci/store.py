"""The simulated cloud's memory: one JSON file that several plugin processes share and that survives a kill."""

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from local.oci.model import Resource
from local.provider import ProviderError

FORMAT = 1


class Store:
    """Resources by id in ``folder/oci.json``. An engine starts one plugin for every provider of the program."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "oci.json"
        self._lock_file = folder / "oci.lock"
        self._thread_lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._resources: dict[str, Resource] = {}

    def resources(self) -> Mapping[str, Resource]:
        """Everything that exists, by id. The map must not be changed."""
        with self._thread_lock:
            self._refresh()
            return self._resources

    @contextmanager
    def change(self) -> Iterator[dict[str, Resource]]:
        """Resources to change, alone among all threads and processes; kept only if the block ends well."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._thread_lock, self._lock_file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._refresh()
            resources = dict(self._resources)
            yield resources
            if resources != self._resources:
                self._write(resources)

    def _refresh(self) -> None:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._resources = None, {}
            return
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self._stamp:
            return
        try:
            content = json.loads(self._file.read_text())
            resources = {each["id"]: Resource(**each) for each in content["resources"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ProviderError(
                f"the simulated OCI's state {self._file} cannot be read ({error}): remove it, and the stack with it"
            ) from error
        self._stamp, self._resources = stamp, resources

    def _write(self, resources: Mapping[str, Resource]) -> None:
        content = {"format": FORMAT, "resources": [asdict(each) for each in resources.values()]}
        # A rename is atomic, so that whoever is killed here leaves the old state or the new one.
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=".oci-")
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(content, file)
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._stamp = None
        self._refresh()
