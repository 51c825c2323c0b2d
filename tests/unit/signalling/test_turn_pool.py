"""What the matchmaker makes of nodes, coturn's pods, their loads and servers elsewhere."""

import msgspec

from signalling.ice.elsewhere import ApplicationIce, Elsewhere
from signalling.ice.servers import IceServer
from signalling.kubernetes.api import Changed, Listed, Removed
from signalling.matchmaker.settings import TurnAccess
from signalling.matchmaker.turn_pool import TurnPool
from tests.unit.signalling.memory_cluster import as_node, as_pod, node, turn_pod

NODES = [as_node(node(name, {"InternalIP": f"10.0.30.{i}"})) for i, name in enumerate("ab", 1)]
PODS = [as_pod(turn_pod(f"turn-{name}", name)) for name in "ab"]


def pool(loads: dict[str, float] | None = None, elsewhere: Elsewhere | None = None) -> TurnPool:
    it = TurnPool(TurnAccess(), lambda: "secret", lambda: elsewhere or Elsewhere(), lambda: loads or {})
    it.observe_node(Listed(NODES))
    it.observe_pod(Listed(PODS))
    return it


def first(it: TurnPool) -> set[str]:
    return {it.nodes_of(f"session-{number}")[0] for number in range(50)}


def test_the_pool_follows_nodes_and_pods():
    it = pool()
    assert (len(it), first(it)) == (2, {"a", "b"})
    it.observe_pod(Changed(as_pod(turn_pod("turn-a", "a", ready=False))))
    assert (len(it), first(it)) == (1, {"b"})
    it.observe_pod(Changed(PODS[0]))
    it.observe_node(Removed(NODES[1]))
    assert (len(it), first(it)) == (1, {"a"})


def test_a_full_node_is_the_last_to_be_taken():
    loads = {"a": 0.1, "b": 0.1}
    it = pool(loads)
    assert first(it) == {"a", "b"}
    loads["a"] = 1.0
    assert first(it) == {"b"}


def test_each_player_of_a_session_has_credentials_of_its_own():
    it = pool()

    def user(player: str) -> str:
        """The name in the credentials, without its end."""
        (server, *_) = msgspec.json.decode(it.options("demo", "s", player))["iceServers"]
        return str(server["username"]).partition(":")[2]

    assert [user(player) for player in ("s", "guest")] == ["s", "s.guest"]


def test_an_application_with_servers_of_its_own_gets_those():
    own = ApplicationIce(servers=(IceServer(urls=("stun:192.0.2.1:3478",)),))
    it = pool(elsewhere=Elsewhere(applications={"mine": own}))
    mine, other = (msgspec.json.decode(it.options(application, "s", "s")) for application in ("mine", "other"))
    assert mine["iceServers"] == [{"urls": ["stun:192.0.2.1:3478"]}]
    assert [url for server in other["iceServers"] for url in server["urls"] if url.endswith("udp")] != []
