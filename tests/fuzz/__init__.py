"""Generated frames against the sidecar: ``python -m tests.fuzz``; a short run of it is in the suite."""
