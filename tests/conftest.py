"""What holds for every test."""

from hypothesis import settings

# A property is no slower for being tried on a busy machine: no test asserts on a clock.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
