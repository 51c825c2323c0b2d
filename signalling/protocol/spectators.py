"""Players that only watch: what of theirs reaches a streamer, and how their data channel is taken out of it.

A player's input travels in a data channel to the streamer and never passes here. So a spectator must get no data
channel: a streamer is asked not to offer one (``dataChannel: false``), and since some offer it all the same, the
section that would accept it is rejected in the spectator's description. Whatever runs in its browser, the streamer then
has nothing to read input from.
"""

import re
from typing import Final

from msgspec import UNSET

from signalling.protocol import messages as m

_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_DATA_CHANNEL: Final = re.compile(r"m=\s*application\b", re.IGNORECASE)
_PORT: Final = re.compile(r"(m=\s*\S+\s+)[0-9]+(/[0-9]+)?", re.IGNORECASE)
_ODD: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]|\r(?!\n)")
"""What some readers of descriptions take for the end of a line, and others do not."""


def without_data_channel(sdp: str) -> str | None:
    """The description with its data channel rejected: port 0, and outside the group of what shares one transport.

    The rest stays to the letter, also of the section itself: some streamers refuse a description without its keys.
    None for a text that different streamers would read differently, which no browser writes.
    """
    if _ODD.search(sdp):
        return None
    lines = _LINE.findall(sdp)
    rejected: set[str] = set()
    inside = False
    for i, line in enumerate(lines):
        if line[:2].lower() == "m=":
            inside = _DATA_CHANNEL.match(line) is not None
            if inside:
                lines[i] = _PORT.sub(r"\g<1>0", line, count=1)
        elif inside and line.startswith("a=mid:"):
            rejected.add(line[len("a=mid:") :].strip())
    return "".join(_ungrouped(line, rejected) for line in lines)


def _ungrouped(line: str, rejected: set[str]) -> str:
    """A line, without the rejected sections if it is one that groups them; nothing if it grouped nothing else."""
    if not rejected or not line.startswith("a=group:"):
        return line
    name, *grouped = line.split()
    kept = [mid for mid in grouped if mid not in rejected]
    end = line[len(line.rstrip("\r\n")) :]
    return f"{' '.join((name, *kept))}{end}" if kept else ""


def restricted(message: m.ToUpstream, to_sfu: bool) -> m.ToUpstream | None:
    """What of a spectator's message reaches its streamer, or the SFU that stands for one; None for nothing of it.

    ``message`` becomes what is sent.
    """
    match message:
        case m.Answer() | m.Offer():
            sdp = without_data_channel(message.sdp)
            if sdp is None:
                return None
            message.sdp = sdp
            # An encoder that several players share is not a spectator's to slow down.
            message.min_bitrate_bps = message.max_bitrate_bps = UNSET
            return message
        case m.IceCandidate():
            return message
        case m.LayerPreference():
            # Of an SFU's layers it chooses its own; a streamer's are for all.
            return message if to_sfu else None
        case m.DataChannelRequest() | m.PeerDataChannelsReady():
            return None
