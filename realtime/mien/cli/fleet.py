"""`mien serve --fleet`: the same, on as many machines as a Ray cluster has; and passes for those who may use it."""

import contextlib
import dataclasses
import functools
import importlib.util
import logging
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.config.page_address import local_addresses
from mien.remote.identity import own_identity
from mien.remote.machines import PORT, Address
from mien.remote.pairing import new_code
from mien.remote.passes import Pass, carried
from mien.remote.protocol import IceServer
from mien.session.swap_engine import SwapEngine
from mien_models.errors import UsageError
from mien_models.system import folders

if TYPE_CHECKING:
    from ray.serve import Application

    from mien.remote.fleet import FleetPlan

_LOG = logging.getLogger(__name__)
_HERE: Final = "127.0.0.1"
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - as 'mien serve': the network is whom it is for
_MOST_LINES: Final = 16
"""A replica whose seats are not named gets no more control lines; it says itself when it is full."""
_OBJECTS_BYTES: Final = 80 << 20
"""Nothing large goes through Ray's shared memory."""
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9",
    "RAY_automatic_object_spilling_enabled": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_worker_niceness": "0",
    "RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING": "0",
    "RAY_SERVE_QUEUE_LENGTH_CACHE_TIMEOUT_S": "0",
}
"""Nothing is told to Ray's makers (one that `ray start` began would tell them that it tells nothing), what is in memory
goes to no disk, the folder in which `uv run` was called is not sent to every node (photos may lie there), the swap is
not the last in the line, a node that is asked does not keep clients for itself until it is full, and a replica is asked
whether it lives before a client is given to it."""


@dataclass(frozen=True, slots=True)
class FleetWish:
    """What the command line says."""

    port: int | None
    host: str | None
    seats: int | None
    provider: str
    replicas: str
    cpus: float
    gpus: float
    ice: tuple[IceServer, ...]


def run_fleet(wish: FleetWish, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it; in a cluster that runs already (RAY_ADDRESS), else in one of this machine alone.

    Raises:
        UsageError: the extra is not installed.
    """
    prepared()
    is_over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: is_over.set())
    with cluster():
        plan = begun(wish)
        hosts = local_addresses() if wish.host is None else (wish.host,)
        say(f"{Address(hosts[0] if hosts else _HERE, _port(wish))} {plan.code}")
        is_over.wait()
        _LOG.info("Ending: whoever is swapping is told.")
        ended()


def prepared() -> None:
    """Set what Ray reads as it is imported, and see that it is there.

    Raises:
        UsageError: the extra is not installed.
    """
    os.environ.update(_QUIET)
    if not os.environ.get("RAY_ADDRESS"):
        # Else Ray writes one into the user's home, for ever; a cluster that runs already has its own.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    if importlib.util.find_spec("ray") is None:
        raise UsageError("A fleet runs on Ray Serve, which is not installed: pip install 'mien[fleet]'.")


def begun(wish: FleetWish) -> "FleetPlan":
    """Begin a fleet in the cluster, or renew the one that runs there replica after replica; waits until it serves."""
    from ray import serve

    from mien.remote.fleet import deploy

    folder = folders.data_folder() / "remote"
    own_identity(folder)
    certificate = str(folder / "identity.pem")
    plan = _plan(wish, new_code())
    options: dict[str, Any] = {
        "host": wish.host or _EVERYWHERE,
        "port": _port(wish),
        "ssl_keyfile": certificate,
        "ssl_certfile": certificate,
    }
    serve.start(http_options=options, logging_config={"enable_access_log": False})
    deploy(plan, parse_replicas(wish.replicas))
    return plan


def _plan(wish: FleetWish, code: str | None) -> "FleetPlan":
    from mien.remote.fleet import FleetPlan

    return FleetPlan(
        engine=functools.partial(warm_engine, wish.provider),
        code=code,
        seats=wish.seats,
        most_lines=wish.seats or _MOST_LINES,
        at_once=max(round(wish.cpus), 1),
        cpus=wish.cpus,
        gpus=wish.gpus,
        version=secrets.token_hex(4),
        ice=wish.ice,
    )


def application(wishes: dict[str, str]) -> "Application":
    """Give the fleet to `serve deploy` and KubeRay: `import_path: mien.cli.fleet:application`, wishes under `args`.

    They are `replicas`, `seats`, `cpus`, `gpus`, `provider` and `turn`, as the flags. Only passes are taken there.
    """
    from mien.remote.fleet import application as made_of

    seats, turn = wishes.get("seats"), wishes.get("turn")
    wish = FleetWish(
        port=None,
        host=None,
        seats=int(seats) if seats else None,
        provider=wishes.get("provider", "auto"),
        replicas=wishes.get("replicas", "1"),
        cpus=float(wishes.get("cpus", "1")),
        gpus=float(wishes.get("gpus", "0")),
        ice=(parse_turn(turn),) if turn else (),
    )
    return made_of(dataclasses.replace(_plan(wish, None), version=""), parse_replicas(wish.replicas))


def ended() -> None:
    """End the fleet: whoever is swapping is told."""
    from ray import serve

    from mien.remote.fleet import NAME

    serve.delete(NAME)


def _port(wish: FleetWish) -> int:
    return PORT if wish.port is None else wish.port


def warm_engine(provider: str) -> SwapEngine:
    """Make what swaps, loaded."""
    engine = SwapEngine(provider=provider)
    engine.warm_up()
    return engine


def parse_replicas(text: str) -> tuple[int, int]:
    """Read N or N-M.

    Raises:
        UsageError: it is something else.
    """
    least, _, most = text.partition("-")
    if not (least.isdecimal() and (most or least).isdecimal() and 0 < int(least) <= int(most or least) <= 10_000):
        raise UsageError(f"Replicas are named as N or as LEAST-MOST, such as 1-8, not {text!r}.")
    return int(least), int(most or least)


def parse_turn(text: str) -> IceServer:
    """Read turn:USER:PASSWORD@HOST[:PORT].

    Raises:
        UsageError: it is something else.
    """
    kind, _, rest = text.partition(":")
    who, _, where = rest.rpartition("@")
    user, _, password = who.partition(":")
    if kind not in {"turn", "turns"} or not user or not password or not where:
        raise UsageError("A TURN server is named as turn:USER:PASSWORD@HOST:PORT.")
    return IceServer(urls=f"{kind}:{where}", username=user, credential=password)


def new_pass(tenant: str, seats: int, days: int) -> str:
    """Make a tenant's pass for the machines that have this one's identity; whoever has it may swap there."""
    identity = own_identity(folders.data_folder() / "remote")
    made = Pass.new(tenant, seats=seats, days=days)
    return carried(made, identity.fingerprint, made.secret(identity.secret))


@contextlib.contextmanager
def cluster() -> Generator[Path | None]:
    """Be part of a cluster inside the block: of the one that RAY_ADDRESS names, else of one of this machine's own.

    Gives the folder where the latter keeps its sockets and logs; nothing of it is left afterwards.
    """
    import ray

    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
        try:
            yield None
        finally:
            ray.shutdown()
        return
    # A short name, because sockets lie there; a private folder around Ray's, which is for everybody.
    folder = Path(tempfile.mkdtemp(prefix="mien-"))
    try:
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=_OBJECTS_BYTES,
            _temp_dir=str(folder / "r"),
        )
        yield folder
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
