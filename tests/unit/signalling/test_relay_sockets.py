"""Allocations by the kernel's list of sockets."""

import os
import socket

from signalling.turn.relay_sockets import count, relay_sockets

KERNEL = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 0A1E000A:C000 00000000:0000 07 00000000:00000000 00:00000000 00000000 10001        0 1 2 0000000000000000 0
  101: 0A1E000A:FFFF 00000000:0000 07 00000000:00000000 00:00000000 00000000 10001        0 1 2 0000000000000000 0
  102: 0A1E000A:0D96 00000000:0000 07 00000000:00000000 00:00000000 00000000 10001        0 1 2 0000000000000000 0
  103: 0A1E000A:C001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 0
"""


def test_one_user_s_sockets_on_the_relay_s_ports_count():
    assert relay_sockets(KERNEL.splitlines(), 10001, (49152, 65535)) == 2
    assert relay_sockets(KERNEL.splitlines(), 10001, (49152, 49152)) == 1
    assert relay_sockets(KERNEL.splitlines(), 10002, (49152, 65535)) == 0


def test_the_kernel_s_list_has_what_is_open():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.bind(("127.0.0.1", 0))
        port = mine.getsockname()[1]
        assert count(os.getuid(), (port, port)) == 1
    assert count(os.getuid(), (port, port)) == 0
