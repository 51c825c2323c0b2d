"""The keys of tickets: whoever signs and whoever proves have halves of the same ones, in every stack."""

import base64
from typing import Any

from pulumi.runtime import mocks

from components.settings import Settings
from components.settings.secrets import Vault
from components.workloads.tickets import public_key
from signalling.tickets.keys import public_keys, public_line, signing_key
from tests.program.recording import Record, run, stack_file
from tests.program.test_secrets import decoded, secret_named, text_of_vault


def keys_of(record: Record) -> list[str]:
    """What instances prove tickets by."""
    keys: str = record.object("ConfigMap", "ticket-keys")["data"]["keys"]
    return keys.splitlines()


def test_the_program_and_the_matchmaker_make_the_same_key_of_a_seed() -> None:
    seed = "0123456789abcdef" * 4
    assert public_key(seed) == public_line(signing_key(seed))


def test_instances_prove_by_the_public_half_of_what_the_matchmaker_signs_with(record: Record) -> None:
    seed = decoded(secret_named(record, "ticket-key"))["secret"]
    assert keys_of(record) == [public_line(signing_key(seed))]
    assert public_keys(keys_of(record)).keys() == {signing_key(seed).id}
    (kept,) = (each for each in record.objects("ConfigMap") if each.name == "configmap-pixel-instances-ticket-keys")
    assert kept.secrets == frozenset(), "the public half is no secret, or every pod that shows it would be one"


def test_what_the_first_run_drew_counts_and_not_what_this_one_drew(stack: str, its: Settings) -> None:
    """As the engine answers where changes are ignored: with what is there."""
    seed = "ab" * 32

    class Held(Record):
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            name, outputs = super().new_resource(args)
            if args.name == "secret-pixel-ticket-key":
                outputs["data"] = {"secret": base64.b64encode(seed.encode()).decode()}
            return name, outputs

    assert keys_of(run(stack, stack_file(stack), Held())) == [public_line(signing_key(seed))]


def test_a_rotation_keeps_the_key_before_valid(stack: str) -> None:
    config = stack_file(stack) | {"pixel:secrets": {"vault": "managed", "rotation": {"ticket": 3, "admin": 2}}}
    record = run(stack, config)
    seeds = [text_of_vault(f"secrets-ticket-{number}-id") for number in (3, 2)]
    assert decoded(secret_named(record, "ticket-key")) == dict(zip(("secret", "previous"), seeds, strict=True))
    assert keys_of(record) == [public_line(signing_key(seed)) for seed in seeds]
    assert decoded(secret_named(record, "admin-key")) == {
        "key": text_of_vault("secrets-admin-2-id"),
        "previous": text_of_vault("secrets-admin-1-id"),
    }


def test_the_session_api_has_a_credential_of_its_own(record: Record, its: Settings) -> None:
    admin = decoded(secret_named(record, "admin-key"))["key"]
    ticket = decoded(secret_named(record, "ticket-key"))["secret"]
    assert len(bytes.fromhex(admin)) == 32 and admin != ticket
    drawn = ("data",) if its.secrets.vault is Vault.NONE else ()
    assert secret_named(record, "admin-key").ignore_changes == drawn


def test_no_instance_can_make_a_ticket(record: Record) -> None:
    for name, template in record.pods():
        if name.startswith("deployment-pixel-instances-"):
            assert not [volume for volume in template["spec"]["volumes"] if "secret" in volume]


def test_pods_start_once_their_keys_are_there(record: Record) -> None:
    (keys,) = (each for each in record.objects("ConfigMap") if each.name == "configmap-pixel-instances-ticket-keys")
    for fleet in record.objects("Deployment"):
        if fleet.inputs["metadata"]["namespace"] == "pixel-instances":
            assert keys.urn in fleet.dependencies
