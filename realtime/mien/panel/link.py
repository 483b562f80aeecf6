"""Keeps hold of the session that runs on this machine: its newest status, what happened, and a way to ask it."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import JsonValue, ValidationError

from mien.panel.status import StatusView
from mien.session.client import ControlError, SessionClient
from mien.session.rendezvous import Running, running_sessions
from mien_models.errors import MienError
from mien_models.system.sentence import sentence

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
_LOOK_S: Final = 0.25
_SEARCH_S: Final = 0.3
_KEPT_EVENTS: Final = 40


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that a session said, with its fields."""

    number: int
    fields: dict[str, JsonValue]


class NoSessionError(MienError):
    """There is no session to ask."""


class SessionLink:
    """Looks after one session between start and stop. Has state: the newest status; a thread renews it.

    The newest session is looked after where several run. One that ends is let go, and the next that begins is found.
    """

    def __init__(self, on_status: Callable[[StatusView], None] | None = None) -> None:
        self._on_status = on_status
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mien-panel-link", daemon=True)
        self._running: Running | None = None
        self._numbers = 0
        self.status: StatusView | None = None
        """None while no session answers."""
        self.trouble = ""
        """Why the session that runs cannot be talked to, in a sentence; '' while it can, or while there is none."""
        self.happened: deque[Happened] = deque(maxlen=_KEPT_EVENTS)

    def start(self) -> None:
        """Begin to look for a session."""
        self._thread.start()

    def stop(self) -> None:
        """Let go of the session, which goes on."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    async def ask(self, what: Callable[[SessionClient], T]) -> T:
        """Ask the session over a connection of its own, so that nothing waits behind a slow change.

        Raises:
            MienError: there is none, or it does not do it.
        """
        return await asyncio.to_thread(self.ask_now, what)

    def ask_now(self, what: Callable[[SessionClient], T]) -> T:
        """Ask the session and wait; as `ask`."""
        with self.client() as client:
            return what(client)

    def client(self) -> SessionClient:
        """Give a connection of one's own, closed.

        Raises:
            NoSessionError: no session runs.
        """
        running = self._running or _newest()
        if running is None:
            raise NoSessionError(sentence("No session runs. Start one on the start page."))
        return SessionClient(running)

    @property
    def pid(self) -> int | None:
        """Which process the session is."""
        return None if self._running is None else self._running.pid

    def _work(self) -> None:
        while not self._ending.is_set():
            running = _newest()
            if running is None:
                self._let_go()
                self.trouble = ""
                self._ending.wait(_SEARCH_S)
                continue
            try:
                self._look_after(running)
            except (MienError, ValidationError) as error:
                self.trouble = str(error) if isinstance(error, MienError) else ""
                _LOG.debug("the session was let go: %s", error)
            self._let_go()
            self._ending.wait(_SEARCH_S)

    def _look_after(self, running: Running) -> None:
        with SessionClient(running) as client:
            self._running = running
            while not self._ending.is_set():
                status = StatusView.model_validate(client.status())
                self.status, self.trouble = status, ""
                if self._on_status is not None:
                    self._on_status(status)
                for fields in client.events().events:
                    self._numbers += 1
                    self.happened.append(Happened(self._numbers, fields))
                self._ending.wait(_LOOK_S)
                newest = _newest()
                if newest is not None and newest.name != running.name:
                    raise ControlError("a newer session runs")

    def _let_go(self) -> None:
        self._running, self.status = None, None


def _newest() -> Running | None:
    try:
        found = running_sessions()
    except MienError:
        return None
    return found[-1] if found else None
