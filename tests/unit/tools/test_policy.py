"""The policy that keeps services down while packages are installed."""

import os
import subprocess

import pytest

from local.tools.policy import is_ours, services_kept_down


def test_the_policy_says_no_and_is_gone_afterwards(tmp_path):
    policy = tmp_path / "policy-rc.d"
    with services_kept_down(policy):
        assert os.access(policy, os.X_OK)
        assert subprocess.run([policy, "coturn", "start"], check=False).returncode == 101
    assert not policy.exists()


def test_it_is_gone_after_a_failure_too(tmp_path):
    policy = tmp_path / "policy-rc.d"
    with pytest.raises(RuntimeError), services_kept_down(policy):
        raise RuntimeError
    assert not policy.exists()


@pytest.mark.parametrize("content", [b"#!/bin/sh\nexit 0\n", b"", b"\xff\xfe\x00binary"])
def test_a_policy_of_the_machine_stays(tmp_path, content):
    policy = tmp_path / "policy-rc.d"
    policy.write_bytes(content)
    assert not is_ours(policy)
    with services_kept_down(policy):
        assert policy.read_bytes() == content
    assert policy.read_bytes() == content


def test_what_a_killed_run_left_is_taken_over(tmp_path):
    policy = tmp_path / "policy-rc.d"
    with services_kept_down(policy):
        assert is_ours(policy)
        left = policy.read_bytes()
    policy.write_bytes(left)
    policy.chmod(0o755)
    with services_kept_down(policy):
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()
