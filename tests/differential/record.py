"""Record a reference: ``python -m tests.differential.record HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT [NAME …]``."""

import asyncio
import json
import sys

from tests.differential.playing import RECORDINGS, Script, Server, names, play


async def main(address: str, wanted: list[str]) -> None:
    """Play scripts against the server, and write down what it makes of each."""
    for name in wanted or names():
        transcript = await play(Script.load(name), Server.at(address), reference=True)
        lines = ",\n".join(json.dumps(step, sort_keys=True) for step in transcript)
        (RECORDINGS / f"{name}.json").write_text(f"[\n{lines}\n]\n")
        print(name, len(transcript))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
