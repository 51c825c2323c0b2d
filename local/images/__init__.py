"""The images of the runtime, built from the project's own Dockerfiles without a registry."""

from local.images.archives import Image
from local.images.build import build_images
from local.images.errors import ImageError

__all__ = ["Image", "ImageError", "build_images"]
