"""The repositories of the images in Oracle Cloud's registry, and the Secret with which the kubelet pulls from them.

Nodes do not sign in by themselves: that takes a program on each node which Oracle does not ship with its images, and a
dynamic group of all nodes, so every pod on them could read every repository. A user that may only pull, and its token
in one Secret of each namespace, is the smaller right.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi

from components import oci
from components.oci import OciResource
from components.secrets import kubernetes_secret, read_back, word_of
from components.settings.registry import PULL_SECRET, Image, PullSettings, pull_servers

_DOCKER_CONFIG = "kubernetes.io/dockerconfigjson"


@dataclass
class RepositoriesArgs:
    """What the repositories are made from."""

    compartment: str
    images: tuple[Image, ...]
    protect: bool
    tags: Mapping[str, str]


class Repositories(pulumi.ComponentResource):
    """A private repository for each image that is in OCIR. What was pushed under a tag stays what it is."""

    names: list[str]

    def __init__(self, name: str, args: RepositoriesArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:registry:Repositories", name, None, opts)
        self.names = repositories(args.images)
        for repository in self.names:
            made = f"{name}-{repository}"
            # What stacks that are older call it; `a/b` and `a-b` had one name then.
            before = made.replace("/", "-")
            OciResource(
                oci.CONTAINER_REPOSITORY,
                made,
                {
                    "compartmentId": args.compartment,
                    "displayName": repository,
                    "isPublic": False,
                    "isImmutable": True,
                    "freeformTags": dict(args.tags),
                },
                pulumi.ResourceOptions(
                    parent=self,
                    # All versions of all applications are in them.
                    protect=args.protect,
                    aliases=[pulumi.Alias(name=before)] if before != made else None,
                ),
            )
        self.register_outputs({"repositories": self.names})


@dataclass
class PullSecretsArgs:
    """What the Secrets are made from."""

    pull: PullSettings
    images: tuple[Image, ...]
    namespaces: tuple[str, ...]
    after: pulumi.Resource
    """The namespaces themselves."""


class PullSecrets(pulumi.ComponentResource):
    """The same Secret in each namespace whose pods run images of a private registry.

    It needs both providers: that of the region reads a token that a vault keeps. Pods do not wait for it: the kubelet
    tries again by itself.
    """

    def __init__(self, name: str, args: PullSecretsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:registry:PullSecrets", name, None, opts)
        servers = pull_servers(args.pull, args.images)
        content = self._token(args).apply(lambda token: docker_config(servers, args.pull.username, token))
        for namespace in args.namespaces:
            kubernetes_secret(
                PULL_SECRET,
                namespace,
                {".dockerconfigjson": content},
                parent=self,
                depends_on=[args.after],
                kind=_DOCKER_CONFIG,
            )
        self.register_outputs({"servers": servers, "secretName": PULL_SECRET})

    def _token(self, args: PullSecretsArgs) -> pulumi.Output[str]:
        token = args.pull.auth_token
        if token.ocid is None:
            return pulumi.Output.secret(token.value)
        return read_back(token.ocid, self).apply(lambda content: word_of(content, "pixel:registry.pull.auth_token"))


def repositories(images: Iterable[Image]) -> list[str]:
    """The repositories that hold these images, of those in OCIR."""
    return sorted({image.repository for image in images if image.in_ocir})


def docker_config(servers: Iterable[str], username: str, token: str) -> str:
    """The content of a file of registry credentials."""
    return json.dumps({"auths": {server: {"username": username, "password": token} for server in servers}})
