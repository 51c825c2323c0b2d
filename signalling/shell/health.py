"""Port 9000 of both servers: health, metrics, and what else a server wants to tell the cluster."""

from collections.abc import Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


def health_app(
    registry: CollectorRegistry,
    ready: Callable[[], bool],
    status: Callable[[], Mapping[str, object]],
    body_bytes: int = 4096,
) -> web.Application:
    """``/healthz`` (alive), ``/readyz`` (200 or 503), ``/status`` (JSON), ``/metrics`` (Prometheus).

    Requests may have ``body_bytes``, for what a server adds.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ready\n") if ready() else web.Response(text="not ready\n", status=503)

    async def show_status(_: web.Request) -> web.Response:
        return web.json_response(status())

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application(client_max_size=body_bytes)
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/status", show_status),
            web.get("/metrics", metrics),
        ]
    )
    return app
