"""The one kind of error that the tools raise."""


class ToolError(RuntimeError):
    """A tool or package cannot be had; the text says which, why, and what helps."""
