"""The tools of the local stack: found, downloaded or built, and kept in the cache."""

from local.tools.ensure import ensure_tools
from local.tools.errors import ToolError

__all__ = ["ToolError", "ensure_tools"]
