"""Measurements: run one with ``make bench NAME=…``. None asserts a time; each prints ratios of one run."""
