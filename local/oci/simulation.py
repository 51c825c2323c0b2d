"""The provider: every type of resource through the same few steps."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from local.oci.difference import difference
from local.oci.identifiers import new_id, now, number
from local.oci.invokes import Question, answer
from local.oci.kinds import DEFAULT_SECURITY_LIST, NODE_POOL, VCN, kind_of
from local.oci.model import Resource, World
from local.oci.outputs import DEFAULTS_OF_VCN, default_id, outputs_of, planned_outputs
from local.oci.refusal import Refusal
from local.oci.regions import REGIONS
from local.oci.rules import refusals
from local.oci.rules.deletion import still_used
from local.oci.rules.general import identity_at_home
from local.oci.store import Store
from local.paths import stacks_dir
from local.properties import Properties
from local.provider import Difference, Failure, Provider, ProviderError

HOME_REGION = "eu-frankfurt-1"

OPENED = {
    "ingressSecurityRules": [{"protocol": "6", "source": "0.0.0.0/0", "tcpOptions": {"min": 22, "max": 22}}],
    "egressSecurityRules": [{"protocol": "all", "destination": "0.0.0.0/0"}],
}
"""What a VCN's default security list holds until somebody manages it."""


@dataclass(frozen=True)
class Surroundings:
    """What the process was started with."""

    state: Path
    kubeconfig: str | None = None
    home_region: str = HOME_REGION
    region: str | None = None
    known_elsewhere: frozenset[str] = frozenset()

    @staticmethod
    def of(environment: Mapping[str, str]) -> "Surroundings":
        """From ``PIXEL_OCI_STATE``, ``_KUBECONFIG``, ``_HOME_REGION``, ``_EXISTING`` and ``OCI_REGION``."""
        home = environment.get("PIXEL_OCI_HOME_REGION") or HOME_REGION
        if home not in REGIONS:
            raise ProviderError(f"PIXEL_OCI_HOME_REGION = {home} is no region: write one like {HOME_REGION}")
        return Surroundings(
            state=Path(environment.get("PIXEL_OCI_STATE") or stacks_dir() / "oci"),
            kubeconfig=environment.get("PIXEL_OCI_KUBECONFIG") or None,
            home_region=home,
            region=environment.get("OCI_REGION") or environment.get("TF_VAR_region") or None,
            known_elsewhere=frozenset(environment.get("PIXEL_OCI_EXISTING", "").replace(",", " ").split()),
        )


class Simulation(Provider):
    """The simulated cloud as one Pulumi provider of one region."""

    name = "oci"
    version = "5.5.0"

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        super().__init__()
        self._surroundings = surroundings or Surroundings.of(os.environ)
        self._store = Store(self._surroundings.state)
        self._region = ""
        self._planned: dict[str, Resource] = {}
        self._planned_lock = threading.Lock()
        self._known_urns: set[str] = set()
        """What the engine has an earlier resource of; before a replacement it checks once more, as if it had none."""

    def check_config(self, urn: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        """The region must be known before anything is asked for."""
        del urn, olds
        region = news.get("region") or self._surroundings.region
        if region is None:
            return news, [Failure("region", "region is required: set it on the provider or as oci:region")]
        if isinstance(region, str) and region not in REGIONS:
            return news, [Failure("region", f"region = {region} does not exist: write one of {', '.join(REGIONS)}")]
        return news, []

    def diff_config(self, urn: str, olds: Properties, news: Properties) -> Difference:
        """Another region is another cloud: everything of the provider is replaced."""
        changed = super().diff_config(urn, olds, news).changes
        return Difference({path: replace(change, replace=path == "region") for path, change in changed.items()})

    def configure(self, config: Properties) -> None:
        """Remember the region."""
        self._region = str(config.get("region") or self._surroundings.region or "")

    def _world(self, *, final: bool, existing: Mapping[str, Resource] | None = None) -> World:
        with self._planned_lock:
            planned = {} if final else dict(self._planned)
        return World(
            existing=self._store.resources() if existing is None else existing,
            planned=planned,
            region=self._region,
            home_region=self._surroundings.home_region,
            final=final,
            known_elsewhere=self._surroundings.known_elsewhere,
        )

    def check(self, urn: str, kind: str, olds: Properties, news: Properties) -> tuple[Properties, list[Failure]]:
        """Every refusal that the values known so far call for."""
        inputs = dict(news)
        if olds:
            self._known_urns.add(urn)
        if kind_of(kind).named and not inputs.get("name"):
            inputs["name"] = olds.get("name") or f"{urn.rsplit('::', maxsplit=1)[-1]}-{number(urn, 16**7):07x}"
        world = self._world(final=False)
        old = self._old(world, urn, kind, olds)
        stays = old is not None and not any(each.replace for each in difference(kind, olds, inputs).changes.values())
        # Known by the URN its old state has, so that a renamed resource does not stand in its own way.
        resource = Resource(
            id=old.id if old is not None and stays else "",
            kind=kind,
            urn=old.urn if old is not None else urn,
            inputs=inputs,
            region=self._region,
        )
        operation = "Update" if stays else "Create"
        # The engine shows a property with its value only at the top level, and the text names both already.
        return inputs, [Failure("", each.text(kind, operation)) for each in refusals(resource, world)]

    @staticmethod
    def _old(world: World, urn: str, kind: str, olds: Properties) -> Resource | None:
        if not olds:
            return None
        of_kind = [each for each in world.existing.values() if each.kind == kind]
        by_urn = [each for each in of_kind if each.urn == urn]
        same = [each for each in (by_urn or of_kind) if each.inputs == olds]
        found = same or by_urn
        return found[-1] if found else None

    def diff(
        self,
        resource_id: str,
        urn: str,
        kind: str,
        *,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> Difference:
        """Property by property; see ``difference``."""
        del resource_id, urn, old_outputs
        return difference(kind, old_inputs, news)

    def create(
        self, urn: str, kind: str, inputs: Properties, *, timeout: float, preview: bool
    ) -> tuple[str, Properties]:
        """Make a resource, or plan it."""
        del timeout
        asked = Resource(id="", kind=kind, urn=urn, inputs=inputs, region=self._region)
        if preview:
            outputs = planned_outputs(asked)
            self._refuse("Create", asked, refusals(asked, self._world(final=False)))
            self._plan(replace(asked, outputs=outputs))
            return "", outputs
        with self._store.change() as resources:
            self._forget_interrupted(asked, resources)
            world = self._world(final=True, existing=resources)
            self._refuse("Create", asked, refusals(asked, world))
            made = self._make(asked, world)
            resources[made.id] = made
            for default in self._defaults(made, world):
                resources[default.id] = default
            self._place(made, resources)
            return made.id, dict(made.outputs)

    def _forget_interrupted(self, asked: Resource, resources: dict[str, Resource]) -> None:
        """Drop what a run made under this URN and was killed before the engine heard of it; nothing can refer to it."""
        if asked.urn in self._known_urns:
            return
        for each in list(resources.values()):
            if each.urn == asked.urn and each.kind == asked.kind and not each.owner:
                _remove(resources, each)

    def _make(self, asked: Resource, world: World) -> Resource:
        default = world.find(asked.inputs.get("manageDefaultResourceId"))
        if default is not None:
            made = replace(asked, id=default.id, owner=default.owner)
            return replace(made, outputs={**outputs_of(made, world, now()), "managedBy": made.urn})
        made = replace(asked, id=new_id(asked, world))
        return replace(made, outputs=outputs_of(made, world, now()))

    def _defaults(self, made: Resource, world: World) -> list[Resource]:
        """What comes with a VCN."""
        if made.kind != VCN:
            return []
        return [self._default(made, kind, world) for kind in DEFAULTS_OF_VCN.values()]

    def _default(self, vcn: Resource, kind: str, world: World) -> Resource:
        given = OPENED if kind == DEFAULT_SECURITY_LIST else {}
        return Resource(
            id=default_id(vcn, world, kind),
            kind=kind,
            urn=f"{vcn.urn}#{kind}",
            inputs={"compartmentId": vcn.inputs.get("compartmentId"), **given},
            region=vcn.region,
            owner=vcn.id,
        )

    def _plan(self, planned: Resource) -> None:
        with self._planned_lock:
            self._planned[planned.urn] = planned
            if planned.kind == VCN and not planned.id:
                for kind in DEFAULTS_OF_VCN.values():
                    urn = f"{planned.urn}#{kind}"
                    self._planned[urn] = Resource(id="", kind=kind, urn=urn, inputs={}, owner=planned.urn)

    def _place(self, changed: Resource, resources: Mapping[str, Resource]) -> None:
        if changed.kind == NODE_POOL and self._surroundings.kubeconfig:
            # A preview must not pay for it.
            from local.oci.nodes import place_pools  # noqa: PLC0415

            place_pools(self._surroundings.kubeconfig, resources.values())

    def read(
        self, resource_id: str, urn: str, kind: str, inputs: Properties, outputs: Properties
    ) -> tuple[Properties, Properties] | None:
        """What the cloud holds under the id."""
        del urn, inputs, outputs
        found = self._store.resources().get(resource_id)
        if found is None or found.kind != kind:
            return None
        return dict(found.inputs), dict(found.outputs)

    def update(
        self,
        resource_id: str,
        urn: str,
        kind: str,
        *,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        timeout: float,
        preview: bool,
    ) -> Properties:
        """Change a resource in place, or plan it."""
        del old_inputs, timeout
        asked = Resource(id=resource_id, kind=kind, urn=urn, inputs=news, region=self._region)
        if preview:
            world = self._world(final=False)
            self._refuse("Update", asked, refusals(asked, world))
            outputs = {**old_outputs, **news}
            self._plan(replace(asked, outputs=outputs))
            return outputs
        with self._store.change() as resources:
            world = self._world(final=True, existing=resources)
            old = resources.get(resource_id)
            if old is None:
                raise ProviderError(_gone("Update", asked))
            asked = replace(asked, region=old.region, owner=old.owner)
            self._refuse("Update", asked, refusals(asked, world))
            kept = {"managedBy": urn} if "managedBy" in old.outputs else {}
            created = str(old.outputs.get("timeCreated") or now())
            made = replace(asked, outputs={**outputs_of(asked, world, created), **kept})
            resources[resource_id] = made
            self._place(made, resources)
            return dict(made.outputs)

    def delete(
        self, resource_id: str, urn: str, kind: str, *, inputs: Properties, outputs: Properties, timeout: float
    ) -> None:
        """Remove a resource with what came with it, unless something still uses it."""
        del inputs, outputs, timeout
        with self._store.change() as resources:
            found = resources.get(resource_id)
            if found is None or found.kind != kind:
                return
            world = self._world(final=True, existing=resources)
            self._refuse("Delete", found, [*identity_at_home(found, world), *still_used(found, world)])
            owner = resources.get(found.owner)
            if found.owner and owner is not None:
                # A default outlives whoever manages it.
                resources[resource_id] = self._default(owner, found.kind, world)
                return
            _remove(resources, found)
            try:
                self._place(found, resources)
            except ProviderError as error:
                # A pool must be deletable after its cluster died; if that comes back, its nodes know what to give up.
                self.log(f"the nodes keep the labels of {found.get('name')} for now: {error}", urn, "warning")

    def invoke(self, token: str, args: Properties, preview: bool) -> Properties:
        """Answer a function of the provider."""
        del preview
        region = REGIONS.get(self._region)
        if region is None:
            raise ProviderError(f"the provider's region = {self._region} does not exist: set oci:region")
        world = self._world(final=True)
        return answer(Question(token, args, world, region, self._surroundings.kubeconfig))

    @staticmethod
    def _refuse(operation: str, resource: Resource, found: list[Refusal]) -> None:
        if found:
            raise ProviderError("\n".join(each.text(resource.kind, operation) for each in found))


def _remove(resources: dict[str, Resource], gone: Resource) -> None:
    """Remove a resource and what came with it."""
    for each in [each for each in resources.values() if gone.id in (each.id, each.owner)]:
        del resources[each.id]


def _gone(operation: str, resource: Resource) -> str:
    refusal = Refusal(
        "404-NotAuthorizedOrNotFound", "id", resource.id, "there is no such resource", "Run pulumi refresh, then up"
    )
    return refusal.text(resource.kind, operation)
