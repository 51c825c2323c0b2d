"""From which pages, beside the service's own, browsers may connect."""

from components.settings.reading import Reader

_HOST = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9-]+"
ORIGIN = rf"https?://(\*\.)?{_HOST}(:\d{{1,5}})?"
FORM = 'an origin such as "https://shop.example.com" or "https://*.example.com"'


def read_origins(root: Reader) -> tuple[str, ...]:
    """Read the `origins` key: origins, or "*" for any page."""
    return root.texts("origins", rf"\*|{ORIGIN}", f'{FORM}, or "*"', [])
