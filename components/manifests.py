"""Templates to Kubernetes resources: Jinja2 renders, YAML reads, and each document becomes one resource.

Every value goes into a template as JSON, which is YAML too: a value can be a text, a number, a list or a mapping, and
none can change the structure around it. A name that is not given is an error, never an empty text.

The resources are made by their type token, without the typed classes of `pulumi_kubernetes`: one module of those costs
0.6 s to import, a third of a whole preview, and a manifest is checked by the API server in any case.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, Undefined

FOLDER = Path(__file__).resolve().parent.parent / "manifests"

_ROLLS_OUT = ("Deployment", "DaemonSet", "StatefulSet", "Job")
"""Kinds that start pods, and so need the accounts, rights and settings beside them to exist first."""
_FOLLOWS = ("Service",)
"""Kinds that are only there once pods answer: the provider waits for a Service's endpoints."""

_NOT_IN_YAML = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that JSON takes as they are, and YAML does not."""


def _as_json(value: object) -> str:
    if isinstance(value, Undefined):
        return str(value)
    # JSON's own escapes would come as pairs of surrogates, which YAML takes for two characters.
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


environment = Environment(
    loader=FileSystemLoader(FOLDER),
    undefined=StrictUndefined,
    finalize=_as_json,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 - this is YAML, and `finalize` quotes
)
Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast as the one that is written in Python."""


def render(template: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects of a template, by its file name.

    Raises:
        jinja2.UndefinedError: the template uses a name that `values` lacks.
    """
    return documents(environment.get_template(template), values)


def documents(template: Template, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The YAML documents that a template makes of values."""
    loaded = yaml.load_all(template.render(values), Loader)
    return [document for document in loaded if document]


def vendored(file: str) -> list[dict[str, Any]]:
    """The objects of a file that others published, in the form that `local/vendored.py` gives it."""
    loaded: list[dict[str, Any]] = json.loads((FOLDER / "crds" / file).read_text())
    return loaded


def chart_values(chart: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a release of a chart, from its template."""
    (document,) = render(f"values/{chart}.yaml.j2", values)
    return document


class KubernetesObject(pulumi.CustomResource):
    """Any Kubernetes object, by its apiVersion and kind."""

    def __init__(self, document: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """The name of the resource is made of kind, namespace and name, so it is as unique as the object."""
        metadata = document["metadata"]
        name = "-".join(filter(None, (document["kind"].lower(), metadata.get("namespace"), metadata["name"])))
        super().__init__(token(document["apiVersion"], document["kind"]), name, dict(document), opts)


def token(api_version: str, kind: str) -> str:
    """The type token of an object: `v1` is the group `core`."""
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


def apply(
    template: str,
    values: Mapping[str, Any],
    *,
    parent: pulumi.Resource,
    depends_on: Sequence[pulumi.Resource] = (),
    rolls_out_after: Sequence[pulumi.Resource] = (),
    rollout_timeout: str = "10m",
) -> list[pulumi.Resource]:
    """Make the objects of a template: all after `depends_on`, then what starts pods, then what needs their answers.

    `rollout_timeout` bounds how long a roll-out may take, as a Go duration.
    """
    first: list[dict[str, Any]] = []
    pods: list[dict[str, Any]] = []
    last: list[dict[str, Any]] = []
    for document in render(template, values):
        kind = document["kind"]
        (pods if kind in _ROLLS_OUT else last if kind in _FOLLOWS else first).append(document)
    timeouts = pulumi.CustomTimeouts(create=rollout_timeout, update=rollout_timeout)

    def make(wave: list[dict[str, Any]], after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        options = pulumi.ResourceOptions(parent=parent, depends_on=list(after), custom_timeouts=timeouts)
        return [KubernetesObject(document, options) for document in wave]

    settings = make(first, depends_on)
    rollouts = make(pods, [*depends_on, *settings, *rolls_out_after])
    return [*settings, *rollouts, *make(last, [*depends_on, *rollouts])]
