"""OBS holds its own microphone back by as long as the picture takes: told by its WebSocket server, during a run."""

import asyncio
import contextlib
import getpass
import logging
import os
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from mien_models.errors import MienError, SoundError, UsageError
from mien_models.system.crash.edge import ends_the_program, fault
from mien_models.system.near_miss import LOOSE, did_you_mean

PASSWORD_VARIABLE: Final = "MIEN_OBS_PASSWORD"  # noqa: S105 - a name
_SERVICE: Final = "mien-obs"
_PORT: Final = 4455
"""What OBS's WebSocket server listens at where nobody changed it (obs-websocket 5)."""
_REFUSED: Final = 4009
"""The code with which it closes when the password does not fit (obs-websocket's protocol.md, WebSocketCloseCode)."""
_ANSWERS_S: Final = 5.0
_LOOK_S: Final = 1.0
_AGAIN_S: Final = 5.0
_NEWS_MS: Final = 15
"""From so much on OBS is told: it stretches nothing, each change is a small gap or doubling."""
_PLACES: Final = ("mic1", "mic2", "mic3", "mic4")
"""The microphones of OBS's own audio settings."""


@dataclass(frozen=True, slots=True)
class ObsWish:
    """Which OBS, and which of its inputs."""

    host: str
    port: int
    input_name: str | None
    """None: the first microphone of its audio settings."""

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def obs_wish(address: str, input_name: str | None) -> ObsWish:
    """Read HOST[:PORT].

    Raises:
        UsageError: it is none; what it holds is not repeated where there is a password in it.
    """
    text = address if "://" in address else f"ws://{address}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if "@" in text:
        raise UsageError(
            f"The password of OBS does not belong into the address, where others read it; set {PASSWORD_VARIABLE}, "
            f"or keep it with: keyring set {_SERVICE} HOST:PORT."
        )
    if not host or parts.scheme != "ws" or parts.path not in {"", "/"} or parts.query or " " in host:
        raise UsageError(f"Expected OBS's address as HOST or HOST:PORT, such as localhost:{_PORT}; found {address!r}.")
    return ObsWish(host, port, input_name)


def password_of(wish: ObsWish, *, can_ask: bool) -> str:
    """Give the password from the environment, else from the system's keychain, else from a person; '' for none."""
    if (given := os.environ.get(PASSWORD_VARIABLE)) is not None:
        return given
    if (kept := _kept(wish)) is not None:
        return kept
    return getpass.getpass(f"Password of OBS at {wish.address} (not shown; empty for none): ") if can_ask else ""


def _kept(wish: ObsWish) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_SERVICE, wish.address)
    except (KeyringError, RuntimeError):  # as on a computer without a keychain
        return None


class _NeverError(SoundError):
    """Asking again changes nothing."""


class ObsMicrophone:
    """Has state: the thread that talks to OBS, and what it set. What OBS had before is put back at the end."""

    def __init__(
        self,
        wish: ObsWish,
        password: str,
        delay_ms: Callable[[], int],
        on_set: Callable[[str, int], None],
        on_away: Callable[[str], None],
    ) -> None:
        """Take how late pictures are, and who hears what was set (input, milliseconds) and why nothing can be."""
        self._wish, self._password = wish, password
        self._delay_ms, self._on_set, self._on_away = delay_ms, on_set, on_away
        self._is_ending = threading.Event()
        self._said = ""
        self._thread = threading.Thread(target=self._work, name="mien-obs", daemon=True)

    def start(self) -> None:
        """Begin to look for OBS; it may come and go."""
        self._thread.start()

    def close(self) -> None:
        """Put back what OBS had, and hang up; waits for that."""
        self._is_ending.set()
        if self._thread.ident is not None:
            self._thread.join(_ANSWERS_S)

    def _work(self) -> None:
        while not self._is_ending.is_set():
            try:
                asyncio.run(self._in_step())
            except _NeverError as error:
                self._on_away(str(error))
                return
            except Exception as error:  # the edge of a thread: OBS may be anything, the pictures go on
                if ends_the_program(error):
                    raise
                self._be_away(fault(error, "OBS cannot be told how late the picture is"))

    def _be_away(self, error: MienError) -> None:
        if str(error) != self._said:
            self._said = str(error)
            self._on_away(self._said)
        self._is_ending.wait(_AGAIN_S)

    async def _in_step(self) -> None:
        async with _connected(self._wish, self._password) as obs:
            name = await obs.microphone(self._wish.input_name)
            before_ms = set_ms = await obs.offset_ms(name)
            self._said = ""
            try:
                while not self._is_ending.is_set():
                    wanted_ms = self._delay_ms()
                    if wanted_ms and abs(wanted_ms - set_ms) >= _NEWS_MS:
                        await obs.set_offset(name, wanted_ms)
                        set_ms = wanted_ms
                        self._on_set(name, set_ms)
                    await asyncio.to_thread(self._is_ending.wait, _LOOK_S)
                    obs.check()
            finally:
                if set_ms != before_ms:
                    with contextlib.suppress(MienError):
                        await obs.set_offset(name, before_ms)


class _Obs:
    """A connection that is let in."""

    def __init__(self, client: Any, address: str) -> None:  # noqa: ANN401 - the library is not annotated
        self._client, self._address = client, address

    def check(self) -> None:
        """Look whether OBS is still there.

        Raises:
            SoundError: it has gone.
        """
        if not self._client.is_identified():
            raise SoundError(f"OBS at {self._address} has gone; it is looked for every {_AGAIN_S:.0f} s.")

    async def microphone(self, wanted: str | None) -> str:
        """Name the input to hold back.

        Raises:
            _NeverError: OBS has none of that name.
            SoundError: OBS does not answer.
        """
        if wanted is None:
            places = await self._asked("GetSpecialInputs")
            found = [places[place] for place in _PLACES if isinstance(places.get(place), str) and places[place]]
            if found:
                return str(found[0])
        listed = (await self._asked("GetInputList")).get("inputs")
        rows = listed if isinstance(listed, list) else []  # pyright: ignore[reportUnknownVariableType]
        names = [str(row["inputName"]) for row in rows if isinstance(row, dict) and "inputName" in row]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if wanted is None:
            raise _NeverError(
                "OBS has no microphone in its audio settings; name the input that is yours with --obs-microphone"
                f"{': ' + ', '.join(map(repr, names)) if names else ''}."
            )
        if wanted not in names:
            there = f"it has: {', '.join(map(repr, names)) or 'none'}."
            hint = did_you_mean(wanted, names, there, alike=LOOSE)
            raise _NeverError(f"OBS has no input {wanted!r}; {hint}")
        return wanted

    async def offset_ms(self, name: str) -> int:
        """Ask by how much it holds an input back.

        Raises:
            SoundError: OBS does not answer, or does not know.
        """
        found = (await self._asked("GetInputAudioSyncOffset", inputName=name)).get("inputAudioSyncOffset")
        if not isinstance(found, int | float):
            raise SoundError(f"OBS at {self._address} does not say by how much it holds {name!r} back.")
        return round(found)

    async def set_offset(self, name: str, offset_ms: int) -> None:
        """Hold an input back, and look whether that is so.

        Raises:
            SoundError: it is not.
        """
        await self._asked("SetInputAudioSyncOffset", inputName=name, inputAudioSyncOffset=offset_ms)
        if (found := await self.offset_ms(name)) != offset_ms:
            raise SoundError(f"OBS was asked to hold {name!r} back by {offset_ms} ms and holds it back by {found} ms.")

    async def _asked(self, request: str, **wishes: object) -> Mapping[str, Any]:
        import simpleobsws
        from websockets.exceptions import WebSocketException

        try:
            asked: Any = simpleobsws.Request(request, dict(wishes) if wishes else None)  # pyright: ignore[reportArgumentType]
            reply = await self._client.call(asked, _ANSWERS_S)
        except (simpleobsws.MessageTimeout, simpleobsws.NotIdentifiedError, WebSocketException, OSError) as error:
            raise SoundError(f"OBS at {self._address} does not answer any more.") from error
        if not reply.ok():
            raise SoundError(f"OBS refuses {request}: {reply.requestStatus.comment or reply.requestStatus.code}.")
        return cast("dict[str, Any]", reply.responseData) if isinstance(reply.responseData, dict) else {}


@asynccontextmanager
async def _connected(wish: ObsWish, password: str) -> AsyncGenerator[_Obs]:
    """Connect and be let in.

    Raises:
        SoundError: OBS is not there, or something else is.
        _NeverError: the password does not fit.
    """
    import simpleobsws
    from websockets.exceptions import WebSocketException

    # It would write every message into a debug log, and what proves the password is one of them.
    logging.getLogger("simpleobsws").setLevel(logging.WARNING)
    client = simpleobsws.WebSocketClient(f"ws://{wish.address}", password)
    try:
        await asyncio.wait_for(client.connect(), _ANSWERS_S)
    except WebSocketException as error:
        raise SoundError(f"What answers at {wish.address} is not OBS's WebSocket server.") from error
    except OSError as error:
        raise SoundError(
            f"OBS does not answer at {wish.address}; switch on its server: Tools, WebSocket Server Settings."
        ) from error
    try:
        await _let_in(client, wish)
        yield _Obs(client, wish.address)
    finally:
        with contextlib.suppress(TimeoutError, WebSocketException, OSError):
            await asyncio.wait_for(client.disconnect(), _LOOK_S)


async def _let_in(client: Any, wish: ObsWish) -> None:  # noqa: ANN401 - the library is not annotated
    """Wait until OBS has taken the password, or has hung up, which the library does not wait for."""
    waiting = asyncio.create_task(client.wait_until_identified(_ANSWERS_S))
    await asyncio.wait({waiting, client.recv_task}, return_when=asyncio.FIRST_COMPLETED)
    if client.is_identified():
        await waiting
        return
    waiting.cancel()
    if client.ws.close_code == _REFUSED:
        raise _NeverError(
            f"OBS at {wish.address} wants another password; it stands in its WebSocket Server Settings. Set "
            f"{PASSWORD_VARIABLE}, or keep it with: keyring set {_SERVICE} {wish.address}."
        )
    raise SoundError(f"What answers at {wish.address} does not speak as OBS's WebSocket server does (version 5).")
