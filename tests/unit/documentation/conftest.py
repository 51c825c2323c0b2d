"""The keys of a stack file, which take some seconds to find out about."""

import pytest

from local.documentation.keys import Key, collect
from local.documentation.specimens import specimens


@pytest.fixture(scope="package")
def keys() -> list[Key]:
    """Every key, as the reference has it."""
    return collect(specimens())
