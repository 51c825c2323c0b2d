"""Where what is remembered is kept: the data of a ConfigMap, written only over what was read."""

import logging
from typing import Final

from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import ConfigMap

from capacity.controller.memory import Memory, read, written

LOG: Final = logging.getLogger("controller.keeping")
KEY: Final = "memory.json"


class Keeper:
    """One leader's view of it: ``load`` when it begins to lead, then ``save``."""

    def __init__(self, client: AsyncClient, name: str, namespace: str) -> None:
        self._client: Final = client
        self._name: Final = name
        self._namespace: Final = namespace
        self._kept: ConfigMap | None = None
        self._text = ""

    async def load(self) -> Memory:
        """What the leader before has left; nothing where the ConfigMap itself is missing."""
        try:
            self._kept = await self._client.get(ConfigMap, self._name, namespace=self._namespace)
        except ApiError as error:
            if error.status.code != 404:
                raise
            LOG.warning("nothing can be remembered: run `pulumi up`", extra={"config_map": self._name})
            self._kept, self._text = None, ""
            return Memory()
        self._text = (self._kept.data or {}).get(KEY, "")
        memory = read(self._text)
        if self._text and memory == Memory():
            LOG.warning("nothing of what was remembered can be read", extra={"config_map": self._name})
        return memory

    async def save(self, memory: Memory) -> bool:
        """Write it down; False if somebody else has meanwhile, who then leads."""
        text = written(memory)
        if self._kept is None or text == self._text:
            return True
        self._kept.data = {KEY: text}
        try:
            self._kept = await self._client.replace(self._kept)
        except ApiError as error:
            if error.status.code != 409:
                raise
            return False
        self._text = text
        return True
