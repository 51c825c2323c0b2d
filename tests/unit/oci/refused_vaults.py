"""Requests the simulated cloud refuses: vaults, keys, secrets and caches."""

from local.oci import kinds as k
from local.oci.refusal import CONFLICT, INVALID, MISSING, NOT_FOUND
from tests.unit.oci.cloud import cache, case, key, vault, vault_secret

GENERATION = {"generationType": "BYTES", "generationTemplate": "BYTES_512"}
GIVEN = {"contentType": "BASE64", "content": "c2VjcmV0"}

CASES = (
    case("vault of no type", k.VAULT, lambda _: vault(vaultType="SHARED"), INVALID, "vaultType = SHARED", "DEFAULT"),
    case("vault without a type", k.VAULT, lambda _: vault(vaultType=None), MISSING, "vaultType is required"),
    case(
        "key of an odd length",
        k.KEY,
        lambda c: key(c, keyShape={"algorithm": "AES", "length": 256}),
        INVALID,
        "keyShape.length = 256",
        "16, 24, 32",
    ),
    case(
        "key of no algorithm",
        k.KEY,
        lambda c: key(c, keyShape={"algorithm": "DES", "length": 24}),
        INVALID,
        "keyShape.algorithm = DES",
    ),
    case("key of no shape", k.KEY, lambda c: key(c, keyShape=None), MISSING, "keyShape is required"),
    case("key on paper", k.KEY, lambda c: key(c, protectionMode="PAPER"), INVALID, "protectionMode = PAPER", "HSM"),
    case(
        "key through no vault",
        k.KEY,
        lambda c: key(c, managementEndpoint="https://vault.example.com"),
        INVALID,
        "the management endpoint of no vault",
    ),
    case("secret with blanks", k.VAULT_SECRET, lambda c: vault_secret(c, secretName="the key"), INVALID, "underscores"),
    case("secret twice", k.VAULT_SECRET, lambda c: vault_secret(c, secretName="taken"), CONFLICT, "taken in the vault"),
    case(
        "secret from nowhere",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, enableAutoGeneration=None, secretGenerationContext=None),
        MISSING,
        "secretContent or enableAutoGeneration",
    ),
    case(
        "secret given and drawn",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, secretContent=GIVEN),
        INVALID,
        "given and is to be drawn",
    ),
    case(
        "secret drawn from nothing",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, secretGenerationContext=None),
        INVALID,
        "what to draw",
    ),
    case(
        "secret in the clear",
        k.VAULT_SECRET,
        lambda c: vault_secret(
            c,
            enableAutoGeneration=None,
            secretGenerationContext=None,
            secretContent={"contentType": "BASE64", "content": "not base64!"},
        ),
        INVALID,
        "secretContent.content = (hidden)",
        "not base64",
    ),
    case(
        "secret of another type",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, secretGenerationContext={**GENERATION, "generationType": "UUID"}),
        INVALID,
        "generationType = UUID",
    ),
    case(
        "secret of another template",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, secretGenerationContext={**GENERATION, "generationTemplate": "RSA_2048"}),
        INVALID,
        "BYTES_512, BYTES_1024",
    ),
    case(
        "secret with a key of another vault",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, keyId=c["other_key"]),
        INVALID,
        "in another vault",
    ),
    case(
        "secret with a key for signatures",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, keyId=c["signing_key"]),
        INVALID,
        "RSA key",
    ),
    case("vault for a key", k.VAULT_SECRET, lambda c: vault_secret(c, keyId=c["vault"]), INVALID, "a key"),
    case(
        "secret in a vault that is not there",
        k.VAULT_SECRET,
        lambda c: vault_secret(c, vaultId="ocid1.vault.oc1.fra.b.gone"),
        NOT_FOUND,
        "there is no vault",
    ),
    case("cache of an old engine", k.REDIS_CLUSTER, lambda c: cache(c, softwareVersion="REDIS_5"), INVALID, "VALKEY"),
    case("cache of no nodes", k.REDIS_CLUSTER, lambda c: cache(c, nodeCount=0), INVALID, "1 to 5 nodes"),
    case("cache of little memory", k.REDIS_CLUSTER, lambda c: cache(c, nodeMemoryInGbs=1), INVALID, "2 to 500 GB"),
    case("cache with shards", k.REDIS_CLUSTER, lambda c: cache(c, shardCount=3), INVALID, "not sharded"),
    case(
        "cache of two shards",
        k.REDIS_CLUSTER,
        lambda c: cache(c, clusterMode="SHARDED", shardCount=2),
        INVALID,
        "at least 3",
    ),
    case("cache nowhere", k.REDIS_CLUSTER, lambda c: cache(c, subnetId=None), MISSING, "subnetId is required"),
)
