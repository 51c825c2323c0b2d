"""The keys and passwords of a stack: who makes each value, where it is kept, and how it is exchanged for another.

With a vault the vault makes the values (`enableAutoGeneration`): the program never holds one that is not also the
vault's, and a resource in the state says only which secret it is. The value is read back at each run and goes, marked
as a secret, into one Kubernetes Secret; so the one copy in the state is encrypted by the stack's secrets provider.

A value is never changed in place: `rotation` in the stack file counts the values. One more makes a new secret in the
vault, the one before goes on being valid beside it (`previous`), and the one before that is scheduled for deletion.
So an exchange is a reviewed change of one number, it shows in a preview, and two values hold at every moment of it.

Without a vault the program draws each value once, in the first run, and `ignore_changes` keeps it.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi

from components import oci
from components.manifests import KubernetesObject
from components.oci import OciResource, invoke
from components.settings.reading import SettingsError
from components.settings.secrets import Secret, SecretsSettings, Vault

_BYTES = 32
_GENERATION = {"generationType": "BYTES", "generationTemplate": "BYTES_512"}
"""64 random bytes. The passphrases that a vault can make hold quotes and spaces, which some consumers do not take."""

PURPOSES: Mapping[Secret, str] = {
    Secret.TURN: "Signs the players' TURN credentials; shared by matchmaker and coturn.",
    Secret.GRAFANA: "Password of Grafana's admin.",
    Secret.REDIS: "Password of the user of Redis in the cluster.",
    Secret.TICKET: "Seed of the key that signs tickets; the matchmaker's alone.",
    Secret.ADMIN: "The key of the session API.",
    Secret.WEBHOOKS: "Signs what webhooks are sent.",
}
KEEP_PREVIOUS = frozenset({Secret.TURN, Secret.TICKET, Secret.ADMIN, Secret.WEBHOOKS})
"""Those whose consumers take two values at once; of the others only the newest holds."""


@dataclass(frozen=True)
class SecretValue:
    """A secret as its consumers see it: letters and digits, marked as secret."""

    current: pulumi.Output[str]
    previous: pulumi.Output[str] | None = None
    drawn: bool = False
    """Whether each run draws it anew, so that only the first one counts."""


@dataclass
class SecretsArgs:
    """What the secrets are made from."""

    compartment: str
    cluster_name: str
    settings: SecretsSettings
    wanted: frozenset[Secret]
    protect: bool
    tags: Mapping[str, str]


class Secrets(pulumi.ComponentResource):
    """The values a stack needs and, if it is to have one, the vault that makes them."""

    values: Mapping[Secret, SecretValue]

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:secrets:Secrets", name, None, opts)
        self._name, self._args = name, args
        wanted = sorted(args.wanted)
        if args.settings.vault is Vault.NONE:
            self.values = {secret: drawn() for secret in wanted}
        else:
            vault, key = self._vault()
            self.values = {secret: self._kept(secret, vault, key) for secret in wanted}
        self.register_outputs({"vault": args.settings.vault.value, "secrets": [secret.value for secret in wanted]})

    def _vault(self) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
        """The OCIDs of the vault and of the key in it."""
        its = self._args.settings
        if its.vault_id is not None and its.key_id is not None:
            return its.vault_id, its.key_id
        options = pulumi.ResourceOptions(parent=self, protect=self._args.protect)
        about = {"compartmentId": self._args.compartment, "freeformTags": dict(self._args.tags)}
        vault = OciResource(
            oci.VAULT,
            f"{self._name}-vault",
            # Shared hardware modules: a private partition costs by the hour and buys nothing here.
            {**about, "displayName": self._args.cluster_name, "vaultType": "DEFAULT"},
            options,
            outputs=["managementEndpoint"],
        )
        key = OciResource(
            oci.KEY,
            f"{self._name}-key",
            {
                **about,
                "displayName": f"{self._args.cluster_name}-secrets",
                "managementEndpoint": vault.output("managementEndpoint"),
                "keyShape": {"algorithm": "AES", "length": 32},
                "protectionMode": "HSM",
            },
            options,
        )
        return vault.id, key.id

    def _kept(self, secret: Secret, vault: pulumi.Input[str], key: pulumi.Input[str]) -> SecretValue:
        number = self._args.settings.rotation[secret]
        current = self._generated(secret, number, vault, key)
        if number == 1 or secret not in KEEP_PREVIOUS:
            return SecretValue(current)
        return SecretValue(current, self._generated(secret, number - 1, vault, key))

    def _generated(
        self, secret: Secret, number: int, vault: pulumi.Input[str], key: pulumi.Input[str]
    ) -> pulumi.Output[str]:
        kept = OciResource(
            oci.VAULT_SECRET,
            f"{self._name}-{secret}-{number}",
            {
                "compartmentId": self._args.compartment,
                "vaultId": vault,
                "keyId": key,
                "secretName": f"{self._args.cluster_name}-{secret}-{number}",
                "description": PURPOSES[secret],
                "enableAutoGeneration": True,
                "secretGenerationContext": _GENERATION,
                "freeformTags": dict(self._args.tags),
            },
            # A secret of another name would be another value, at once and without the one before.
            pulumi.ResourceOptions(parent=self, ignore_changes=["secretName"]),
        )
        return read_back(kept.id, self).apply(text_of)


def text_of(content: bytes) -> str:
    """Random bytes, of any number, as a text that every consumer takes: 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def decoded(content: str) -> bytes:
    """What a vault's base64 stands for."""
    return base64.b64decode(content)


def read_back(secret_id: pulumi.Input[str], parent: pulumi.Resource) -> pulumi.Output[bytes]:
    """The content of a vault's secret, in its newest version; marked as secret."""
    bundle = invoke(oci.GET_SECRET_BUNDLE, {"secretId": secret_id, "stage": "CURRENT"}, parent)
    content: pulumi.Output[str] = pulumi.Output.secret(bundle["secretBundleContents"][0]["content"])
    return content.apply(decoded)


def word_of(content: bytes, key: str) -> str:
    """The word that a vault's secret holds, such as a token; `key` of the stack file names the secret.

    Raises:
        SettingsError: the secret holds something else; nothing of it is shown.
    """
    try:
        word = content.decode("ascii").strip()
    except UnicodeDecodeError:
        word = ""
    if not word.isprintable() or not word or " " in word:
        raise SettingsError(
            [f"{key} names a secret that is not one word. Put that word into it, and no other."]
        ) from None
    return word


def drawn() -> SecretValue:
    """A value that this run draws."""
    return SecretValue(pulumi.Output.secret(secrets.token_hex(_BYTES)), drawn=True)


def held(secret: KubernetesObject) -> pulumi.Output[Mapping[str, str]]:
    """The data of a Secret, in base64, as the resource has it: what was drawn in an earlier run is still that."""
    data: pulumi.Output[Mapping[str, str]] = secret.__dict__["data"]
    return data


def kubernetes_secret(
    name: str,
    namespace: str,
    data: Mapping[str, pulumi.Input[str]],
    *,
    parent: pulumi.Resource,
    depends_on: Iterable[pulumi.Resource],
    drawn: bool = False,
    kind: str = "Opaque",
) -> KubernetesObject:
    """A Secret of texts. What is `drawn` stays as the first run made it."""
    encoded = pulumi.Output.all(**data).apply(
        lambda texts: {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    )
    return KubernetesObject(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": kind,
            "data": pulumi.Output.secret(encoded),
        },
        pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(depends_on),
            additional_secret_outputs=["data"],
            # Each run draws anew; only the first one counts, or every run would exchange the value.
            ignore_changes=["data"] if drawn else None,
        ),
    )
