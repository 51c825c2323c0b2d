"""The error of this package: one sentence on what went wrong, one on the way on."""


class ImageError(Exception):
    """An image cannot be built here and now; the message says why and names the remedy."""
