"""Finding the mounts that must go before a folder is removed."""

from pathlib import Path

import pytest

from local.cluster.removal import mounts_below

MOUNTINFO = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /cache/cluster/kubelet/pods/1/volumes rw - tmpfs tmpfs rw
31 22 0:26 / /cache/cluster/kubelet rw - tmpfs tmpfs rw
32 22 0:27 / /cache/cluster2 rw - tmpfs tmpfs rw
33 22 0:28 / /cache/with\\040space\\134x rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/cache/cluster", ["/cache/cluster/kubelet/pods/1/volumes", "/cache/cluster/kubelet"]),
        ("/cache/cluster2", ["/cache/cluster2"]),
        ("/cache/with space\\x", ["/cache/with space\\x"]),
        ("/elsewhere", []),
    ],
)
def test_mounts_at_and_below_a_folder_innermost_first(folder: str, found: list[str]) -> None:
    assert list(mounts_below(Path(folder), MOUNTINFO)) == [Path(place) for place in found]
