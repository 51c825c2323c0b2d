"""Each test of a stack runs for every stack file."""

import pytest

from components.settings import Settings, load
from tests.program.recording import STACKS, Record, record_of, stack_file


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """The name of a stack."""
    return str(request.param)


@pytest.fixture
def record(stack: str) -> Record:
    """What the program registers for the stack."""
    return record_of(stack)


@pytest.fixture
def its(stack: str) -> Settings:
    """The stack's settings."""
    return load(stack_file(stack))
