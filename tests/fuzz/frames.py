"""Frames by chance: messages with likely and unlikely fields, the same with bytes changed, and noise."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from signalling.protocol import messages as m
from signalling.protocol import session_messages as sm

KINDS: Final = sorted(
    {str(kind.__struct_config__.tag) for role in m.Role for kind in (*m.SENDS[role], *m.GETS[role])}
    | {str(kind.__struct_config__.tag) for kind in (*sm.FROM_PLAYER, *sm.TO_PLAYER)}
    | {"control", "response", "stats", "playerCount", "requestInstance", "", "__proto__"}
)
SDPS: Final = (
    "v=0\r\n",
    "v=0\r\na=group:BUNDLE 0 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n",
    "m=application",
    "\x0bm=application 9",
    "",
)
ODD: Final[Sequence[Any]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 1e308, -0.0, 0.5, "", "\u0000", "x" * 300, "\ud83d\ude00"),
    *([], {}, [[]], {"a": {"b": [1]}}, [0] * 20),
)
BROKEN: Final = (
    *("", "null", "[]", "{}", '"x"', '{"type":}', '{"type":"ping","time":NaN}', '{"type":"ping","time":1e999}'),
    *('{"type":"ping","time":"\\ud800"}', '{"type":"offer","sdp":"' + "x" * 5000, "[" * 5000, '{"type":"ping"' * 50),
    *(b"\xff\xfe", b'{"type":"ping","time":"\xc3\x28"}', b"\x00" * 40),
)


SENT: Final = {
    **{role: [str(kind.__struct_config__.tag) for kind in kinds] for role, kinds in m.SENDS.items()},
    m.Role.PLAYER: [str(kind.__struct_config__.tag) for kind in (*m.SENDS[m.Role.PLAYER], *sm.FROM_PLAYER)],
}


class Frames:
    """An endless supply for one port, the same for the same seed."""

    def __init__(self, port: m.Role, seed: int) -> None:
        self.chance: Final = random.Random(seed)
        self.players: list[str] = ["1", "2", "3"]
        """Ids that mean somebody."""
        self._usual: Final = SENT[port]
        self._fields: Final[dict[str, Callable[[], Any]]] = {
            "id": lambda: self._of(("demo", "SFU", "other", "", "7")),
            "streamerId": lambda: self._of(("demo", "SFU", "other", "")),
            "playerId": self._player,
            "sdp": lambda: self._of(SDPS),
            "candidate": lambda: {"candidate": "candidate:1 1 udp 1 198.51.100.1 9 typ host", "sdpMid": "0"},
            "time": lambda: self._of((0, 1795397333123, 2**70, "now", None)),
            "reason": lambda: self._of(("idle", "ü" * 200, "")),
            "player": lambda: self._of(("a", "a2", "b", "c2", "nobody")),
            "ticket": lambda: "x" * self.chance.choice((0, 100, 5000)),
            "role": lambda: self._of(("owner", "spectator", "king")),
            "action": lambda: self._of(("api/level", "../etc", "http://evil/", "x" * 600)),
            "payload": lambda: self._of(ODD),
            "spatialLayer": lambda: self.chance.randrange(-2, 5),
            "temporalLayer": lambda: self.chance.randrange(-2, 5),
            "sendStreamId": lambda: self.chance.randrange(70_000),
            "recvStreamId": lambda: self.chance.randrange(70_000),
            "framesPerSecond": lambda: self.chance.uniform(-5, 90),
            "firstFrameSeconds": lambda: self.chance.uniform(-1, 9),
            "packetsLost": lambda: self.chance.randrange(-5, 2**60),
            "candidateType": lambda: self._of(("relay", "host", "pigeon")),
        }
        self._names: Final = tuple(self._fields)

    def next(self) -> str | bytes:
        """One more."""
        draw = self.chance.random()
        if draw < 0.03:
            return BROKEN[self.chance.randrange(len(BROKEN))]
        if draw < 0.05:
            return self.chance.randbytes(self.chance.randrange(60))
        text = json.dumps(self._message(), ensure_ascii=draw < 0.5)
        return self._damaged(text) if draw < 0.2 else text

    def _message(self) -> dict[str, Any]:
        kinds = self._usual if self.chance.random() < 0.8 else KINDS
        message: dict[str, Any] = {"type": self.chance.choice(kinds)}
        for name in self.chance.sample(self._names, self.chance.randrange(1, 9)):
            message[name] = self._fields[name]()
        # What most messages need, more often than chance would have it.
        if self.chance.random() < 0.7:
            message |= {"playerId": self._player(), "sdp": self._of(SDPS), "candidate": {"candidate": ""}}
        if self.chance.random() < 0.1:
            message[self.chance.choice(self._names)] = self._of(ODD)
        return message

    def _player(self) -> Any:
        if self.players and self.chance.random() < 0.8:
            return self._of(self.players)
        return self._of(("1", "2", 3, 5, None, "x", -1))

    def _damaged(self, text: str) -> bytes:
        data = bytearray(text.encode(errors="surrogatepass"))
        for _ in range(self.chance.randrange(1, 4)):
            place = self.chance.randrange(len(data))
            match self.chance.randrange(3):
                case 0:
                    data[place] = self.chance.randrange(256)
                case 1:
                    del data[place:]
                case _:
                    data[place:place] = data[: self.chance.randrange(20)]
            if not data:
                break
        return bytes(data)

    def _of(self, choices: Sequence[Any]) -> Any:
        return choices[self.chance.randrange(len(choices))]
