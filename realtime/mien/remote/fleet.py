"""Many machines behind one address, on Ray Serve: each replica is what `mien serve` is, and the control line its pin.

A control line counts as an ongoing request, so Ray admits by it and scales by it; pictures go straight to the replica.
Ray has no word for a replica that is about to be taken away, so one actor, the desk, watches the replicas' states and
tells those that are to send their clients elsewhere.
"""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import ray
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel
from ray import serve
from ray.exceptions import RayError
from ray.serve import metrics
from ray.serve.config import AutoscalingConfig
from ray.serve.context import _get_global_client  # pyright: ignore[reportPrivateUsage]

from mien.remote.box import Box, Credentials, measures
from mien.remote.client import PATH
from mien.remote.fleet_desk import Desk
from mien.remote.identity import own_identity
from mien.remote.protocol import LARGEST_MESSAGE_BYTES, IceServer, ProtocolError
from mien.remote.seats import FullError, Seat, Seats, Turns
from mien.remote.swapping import Engine
from mien.remote.wire import text_of
from mien.remote.worker import Shared
from mien_models.system import folders

_LOG = logging.getLogger(__name__)
NAME: Final = "mien"
_DESK: Final = "mien-desk"
_BEAT_S: Final = 1.0
_ASK_S: Final = 2.0
"""The desk is small and answers at once, or is not there."""
_SEND_S: Final = 5.0
_DRAIN_S: Final = 20.0
"""So long Ray lets a replica live that is to go."""
_LEAVE_S: Final = 15.0
"""Within this it sends its clients elsewhere; it hears a moment later than Ray decides."""
_SURGE_PERCENT: Final = 10
"""So many replicas more than usual, at least one, may there be while others are replaced."""
_STOPPING: Final = "STOPPING"
_DRAINED: Final = "This machine is taken out of the fleet; another one takes over."


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What a replica is made of: another plan is an upgrade. It travels to every node; its only secret is the code."""

    engine: Callable[[], Engine]
    """Makes what swaps; called once in each replica."""
    code: str | None
    seats: int | None
    """Of a replica; None for as many as it can bear."""
    most_lines: int
    """Control lines that Ray lets through to a replica."""
    at_once: int
    """Frames of a replica that are worked on at the same time."""
    cpus: float
    gpus: float
    version: str
    """Another one replaces replica after replica."""
    ice: tuple[IceServer, ...] = ()


class SocketLine:
    """A `ControlLine` over a WebSocket that Ray's proxy passes on."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def send(self, message: BaseModel) -> None:
        """Say something; whoever does not read for five seconds is taken for gone."""
        try:
            async with asyncio.timeout(_SEND_S):
                await self._socket.send_text(text_of(message))
        except (TimeoutError, RuntimeError, WebSocketDisconnect) as error:
            raise ConnectionError("the other side does not read") from error

    async def receive(self) -> str | bytes:
        """Hear the next thing."""
        try:
            message = await self._socket.receive()
        except RuntimeError as error:
            raise ConnectionError("the line is closed") from error
        content: str | bytes | None = message.get("text") or message.get("bytes")
        if message["type"] != "websocket.receive" or content is None:
            raise ConnectionError("the line is closed")
        if len(content) > LARGEST_MESSAGE_BYTES:
            raise ProtocolError("Expected a message of at most 9 MB, got a larger one.")
        return content

    async def close(self) -> None:
        """End it."""
        try:
            await self._socket.close()
        except RuntimeError:
            _LOG.debug("the line was closed by the other side", exc_info=True)


class DeskActor(Desk):
    """The desk of a fleet, in a process of its own, wherever Ray begins it anew. Has state: a thread that watches."""

    def __init__(self) -> None:
        super().__init__()
        threading.Thread(target=self._watch, name="mien-desk", daemon=True).start()

    def _watch(self) -> None:
        """Learn which replicas Ray is about to take away, for as long as this actor lives."""
        while True:
            try:
                self.leave(_stopping())
            except Exception:  # noqa: BLE001 - whatever keeps Ray's controller from answering, it is asked again
                _LOG.debug("Ray Serve does not say what becomes of its replicas", exc_info=True)
            time.sleep(_BEAT_S)


def _stopping() -> list[str]:
    client: Any = _get_global_client()
    deployments = client.get_serve_details()["applications"].get(NAME, {}).get("deployments", {})
    replicas = [one for deployment in deployments.values() for one in deployment["replicas"]]
    return [one["replica_id"] for one in replicas if one["state"] == _STOPPING]


class FleetTenants:
    """Asks the desk whether a tenant has a seat left."""

    def __init__(self, desk: Any, replica: str) -> None:  # noqa: ANN401 - an actor's handle
        self._desk, self._replica = desk, replica

    async def claim(self, seat: Seat, seats: int) -> None:
        """Take one of a tenant's seats; while the desk is away, its node having died, this replica's own count holds.

        Raises:
            FullError: all of them are taken, on whatever machine.
        """
        try:
            async with asyncio.timeout(_ASK_S):
                has_one = await self._desk.claim.remote(self._replica, seat.run, seat.tenant, seats)
        except (RayError, TimeoutError):
            _LOG.warning("The fleet's desk does not answer: a tenant's sessions elsewhere are not counted.")
            return
        if not has_one:
            raise FullError(f"Your pass is for {seats} seats at a time, and all of them are taken.")


_APP: Final = FastAPI(openapi_url=None)


class Replica:
    """One machine of the fleet. Has state: a box, and what was counted of it."""

    def __init__(self, plan: FleetPlan) -> None:
        engine = plan.engine()
        identity = own_identity(folders.data_folder() / "remote")
        self._id = str(serve.get_replica_context().replica_id.unique_id)
        self._desk = ray.get_actor(_DESK, namespace=NAME)
        credentials = Credentials(identity.fingerprint, identity.secret, plan.code, f"{NAME} at {socket.gethostname()}")
        shared = Shared(engine, Turns(plan.at_once), plan.ice)
        seats = Seats(plan.at_once, plan.seats)
        self._box = Box(credentials, shared, seats, tenants=FleetTenants(self._desk, self._id))
        self._meters: dict[str, metrics.Gauge] = {}
        self._beating: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def reconfigure(self, _config: object) -> None:
        """Begin to tell the desk of the sessions; called once the replica's loop runs."""
        if self._beating is None:
            self._beating = asyncio.ensure_future(self._beat())

    @_APP.websocket(PATH)
    async def speak(self, socket: WebSocket) -> None:
        """Speak with one client until it goes."""
        await socket.accept()
        await self._box.serve(SocketLine(socket))

    @_APP.get("/health")
    async def health(self) -> str:
        """Say whether new clients are let in."""
        return "draining" if self._box.seats.is_draining else "ok"

    async def _beat(self) -> None:
        while True:
            try:
                runs = {seat.run: seat.tenant for seat in self._box.seats.taken}
                async with asyncio.timeout(_ASK_S):
                    is_leaving = await self._desk.beat.remote(self._id, runs)
                if is_leaving and not self._box.seats.is_draining:
                    self._draining = asyncio.ensure_future(self._box.drain(_DRAINED, _LEAVE_S))
            except (RayError, TimeoutError):
                _LOG.warning("The fleet's desk does not answer; it is asked again.")
                self._desk = await asyncio.to_thread(desk)
                self._box.tenants = FleetTenants(self._desk, self._id)
            self._measure()
            await asyncio.sleep(_BEAT_S)

    def _measure(self) -> None:
        for name, what, _, value in measures(self._box):
            meter = self._meters.get(name)
            if meter is None:
                meter = self._meters[name] = metrics.Gauge(name, description=what)
            meter.set(value)


def desk() -> Any:  # noqa: ANN401 - an actor's handle
    """Give the desk of this cluster; it is begun where there is none."""
    actor: Any = ray.remote(DeskActor)
    return actor.options(
        name=_DESK, namespace=NAME, get_if_exists=True, lifetime="detached", num_cpus=0, max_restarts=-1
    ).remote()


_RAY_SERVE: Final = cast("Any", serve)
"""Its decorators say nothing of types."""
_DEPLOYMENT: Final = _RAY_SERVE.deployment(_RAY_SERVE.ingress(_APP)(Replica))


def deploy(plan: FleetPlan, replicas: tuple[int, int]) -> None:
    """Bring the fleet to what the plan says: begun, scaled, or renewed replica after replica; waits until it runs."""
    serve.run(application(plan, replicas), name=NAME, route_prefix="/")


def application(plan: FleetPlan, replicas: tuple[int, int]) -> serve.Application:
    """Give what Ray Serve runs, with at least and at most so many replicas; the desk is there before the first."""
    desk()
    least, most = replicas
    scaling = AutoscalingConfig(
        min_replicas=least,
        max_replicas=most,
        initial_replicas=least,
        target_ongoing_requests=max(plan.most_lines * 0.75, 1.0),
        upscale_delay_s=5.0,
        downscale_delay_s=300.0,
    )
    made: serve.Application = _DEPLOYMENT.options(
        logging_config={"enable_access_log": False},
        user_config={"version": plan.version},
        max_ongoing_requests=plan.most_lines,
        max_queued_requests=plan.most_lines,
        autoscaling_config=scaling,
        graceful_shutdown_timeout_s=_DRAIN_S,
        graceful_shutdown_wait_loop_s=0.5,
        max_surge_percent=_SURGE_PERCENT if _has_room(plan) else 0,
        health_check_period_s=2.0,
        health_check_timeout_s=5.0,
        ray_actor_options={"num_cpus": plan.cpus, "num_gpus": plan.gpus},
    ).bind(plan)
    return made


def _has_room(plan: FleetPlan) -> bool:
    """Whether the cluster could bear one more replica; where not, Ray would wait for ever to renew the first."""
    free: dict[str, float] = cast("Any", ray).available_resources()
    return free.get("CPU", 0.0) >= plan.cpus and free.get("GPU", 0.0) >= plan.gpus
