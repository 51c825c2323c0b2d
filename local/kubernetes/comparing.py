"""What separates an object from new inputs: a decision from the program's own changes and the API server's answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.kubernetes.errors import ApiError
from local.kubernetes.immutable import by_refusal, by_table
from local.kubernetes.objects import AUTONAMED, Kind, Manifest, annotated, metadata_of, parse_id
from local.kubernetes.ownership import changes_something
from local.properties import UNKNOWN
from local.provider import Change, Difference, ProviderError, compare


@dataclass(frozen=True)
class Answer:
    """What the API server said of new inputs: the object now, and a dry run's result or refusal.

    Both None: it was not asked, or there is no object.
    """

    live: Manifest | None = None
    applied: Manifest | None = None
    refusal: ApiError | None = None


NOT_ASKED = Answer()


def moved(
    resource_id: str, old_kind: Kind, new_kind: Kind, news: Mapping[str, Any], default_namespace: str | None
) -> frozenset[str]:
    """The paths by which ``news`` mean another object than the one with this id: its kind, name or namespace.

    ``default_namespace`` is None while the cluster is not known; an object without a namespace then stays where it is.
    """
    namespace, name = parse_id(resource_id)
    metadata = metadata_of(news)
    paths = set()
    if old_kind.kind != new_kind.kind:
        paths.add("kind")
    if old_kind.group != new_kind.group:
        paths.add("apiVersion")
    if metadata.get("name") is UNKNOWN or metadata.get("name") != name:
        paths.add("metadata.name")
    wanted = metadata.get("namespace") or default_namespace or namespace
    # An id without a namespace is of a kind outside namespaces, for which a namespace means nothing.
    if namespace is not None and wanted != namespace:
        paths.add("metadata.namespace")
    return frozenset(paths)


def decide(
    kind: Kind,
    olds: Manifest,
    news: Manifest,
    moves: frozenset[str],
    *,
    manager: str,
    answer: Answer,
) -> Difference:
    """The difference to report. Raises ``ProviderError`` where the API server refuses ``news`` for good."""
    changes = dict(compare(olds, news))
    if moves:
        return _replacing(changes, moves, delete_first=False)
    if answer.refusal is not None:
        replaced = by_refusal(kind, olds, changes, answer.refusal)
        if not replaced:
            raise ProviderError(str(answer.refusal)) from answer.refusal
    elif answer.live is not None and answer.applied is not None:
        if not changes_something(answer.live, answer.applied, manager):
            return Difference()
        replaced = frozenset()
    else:
        replaced = frozenset() if kind.patch else by_table(kind, olds, changes)
    if replaced:
        return _replacing(changes, replaced, delete_first=not annotated(news, AUTONAMED))
    return Difference(changes)


def _replacing(changes: Mapping[str, Change], paths: frozenset[str], *, delete_first: bool) -> Difference:
    marked = {path: Change(change.kind, replace=path in paths) for path, change in changes.items()}
    for path in paths - marked.keys():
        marked[path] = Change("update", replace=True)
    return Difference(marked, delete_before_replace=delete_first)
