"""Rules for vaults, their keys and their secrets.

Sources: https://docs.oracle.com/iaas/api/#/en/key/latest/ and https://docs.oracle.com/iaas/api/#/en/secretmgmt/latest/.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from local.oci.kinds import KEY, VAULT
from local.oci.model import Resource, World
from local.oci.refusal import CONFLICT, INVALID, Refusal

VAULT_TYPES = ("DEFAULT", "VIRTUAL_PRIVATE", "EXTERNAL")
PROTECTION_MODES = ("HSM", "SOFTWARE", "EXTERNAL")
KEY_LENGTHS: Mapping[str, tuple[int, ...]] = {"AES": (16, 24, 32), "RSA": (256, 384, 512), "ECDSA": (32, 48, 66)}
"""Bytes, by algorithm."""
TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "BYTES": ("BYTES_512", "BYTES_1024"),
    "PASSPHRASE": ("SECRETS_DEFAULT_PASSWORD", "DBAAS_DEFAULT_PASSWORD"),
    "SSH_KEY": ("RSA_2048", "RSA_3072", "RSA_4096"),
}
"""What can be drawn, by type of generation."""

_SECRET_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")


def _one_of(path: str, value: object, known: tuple[object, ...]) -> Iterator[Refusal]:
    if isinstance(value, str | int | float) and value not in known:
        choices = ", ".join(map(str, known))
        yield Refusal(INVALID, path, value, "there is no such choice", f"Choose one of {choices}")


def vault_type_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A vault is shared, private or external."""
    del world
    yield from _one_of("vaultType", resource.inputs.get("vaultType"), VAULT_TYPES)


def key_shape_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A key's length belongs to its algorithm."""
    del world
    shape = resource.inputs.get("keyShape")
    if isinstance(shape, Mapping):
        algorithm = shape.get("algorithm")
        yield from _one_of("keyShape.algorithm", algorithm, tuple(KEY_LENGTHS))
        if algorithm in KEY_LENGTHS:
            yield from _one_of("keyShape.length", shape.get("length"), KEY_LENGTHS[str(algorithm)])


def protection_mode_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A key is in hardware, in software or elsewhere."""
    del world
    yield from _one_of("protectionMode", resource.inputs.get("protectionMode"), PROTECTION_MODES)


def _of_endpoint(endpoint: object, world: World) -> Resource | None:
    found = [vault for vault in world.all(VAULT) if vault.outputs.get("managementEndpoint") == endpoint]
    return found[0] if isinstance(endpoint, str) and found else None


def endpoint_of_a_vault(resource: Resource, world: World) -> Iterator[Refusal]:
    """A key is made through the management endpoint of its vault."""
    endpoint = resource.inputs.get("managementEndpoint")
    if isinstance(endpoint, str) and endpoint not in world.known_elsewhere and _of_endpoint(endpoint, world) is None:
        problem = "this is the management endpoint of no vault"
        yield Refusal(INVALID, "managementEndpoint", endpoint, problem, "Give the output managementEndpoint of a vault")


def secret_named_well(resource: Resource, world: World) -> Iterator[Refusal]:
    """A secret's name is letters, digits, dots, dashes and underscores."""
    del world
    name = resource.inputs.get("secretName")
    if isinstance(name, str) and not _SECRET_NAME.fullmatch(name):
        problem = "a name has 1 to 255 letters, digits, dots, dashes and underscores"
        yield Refusal(INVALID, "secretName", name, problem, "Remove other characters")


def secret_name_free(resource: Resource, world: World) -> Iterator[Refusal]:
    """A name is taken once in a vault."""
    name, vault = resource.inputs.get("secretName"), resource.inputs.get("vaultId")
    for other in world.others(resource, resource.kind):
        if isinstance(vault, str) and (other.inputs.get("secretName"), other.inputs.get("vaultId")) == (name, vault):
            problem = "this name is taken in the vault"
            yield Refusal(CONFLICT, "secretName", name, problem, "Choose another name, or import the existing secret")


def content_from_one_source(resource: Resource, world: World) -> Iterator[Refusal]:
    """A secret's content is given, as base64, or drawn, and never both."""
    del world
    given, generated = resource.inputs.get("secretContent"), resource.inputs.get("enableAutoGeneration")
    if given and generated is True:
        problem = "content is given and is to be drawn too"
        yield Refusal(INVALID, "enableAutoGeneration", generated, problem, "Leave out one of the two")
    if generated is True and not resource.inputs.get("secretGenerationContext"):
        problem = "nothing says what to draw"
        yield Refusal(INVALID, "secretGenerationContext", None, problem, "Give a generation type and template")
    content = given.get("content") if isinstance(given, Mapping) else None
    if isinstance(content, str):
        try:
            base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            yield Refusal(INVALID, "secretContent.content", "(hidden)", "this is not base64", "Encode the content")


def generation_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A template belongs to its type of generation."""
    del world
    context = resource.inputs.get("secretGenerationContext")
    if isinstance(context, Mapping):
        kind = context.get("generationType")
        yield from _one_of("secretGenerationContext.generationType", kind, tuple(TEMPLATES))
        if kind in TEMPLATES:
            template = context.get("generationTemplate")
            yield from _one_of("secretGenerationContext.generationTemplate", template, TEMPLATES[str(kind)])


def key_in_the_vault(resource: Resource, world: World) -> Iterator[Refusal]:
    """A secret is encrypted by a symmetric key of its own vault."""
    key, vault = world.one(resource.inputs.get("keyId"), KEY), world.one(resource.inputs.get("vaultId"), VAULT)
    if key is None or not isinstance(resource.inputs.get("keyId"), str):
        return
    algorithm = (key.inputs.get("keyShape") or {}).get("algorithm")
    if algorithm not in (None, "AES"):
        yield Refusal(INVALID, "keyId", key.id, f"this is an {algorithm} key", "Give the id of an AES key")
    endpoint = key.inputs.get("managementEndpoint")
    if vault is not None and vault.id and isinstance(endpoint, str) and _of_endpoint(endpoint, world) != vault:
        yield Refusal(INVALID, "keyId", key.id, "this key is in another vault", "Give the id of a key of the vault")
