"""Talks to a session of this computer from another process, as `mien ctl` and the panel do."""

from collections.abc import Mapping
from importlib.metadata import version
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from pydantic import BaseModel, JsonValue, ValidationError

from mien.session import messages
from mien.session.messages import RecordAction
from mien.session.rendezvous import Running
from mien_models.errors import MienError
from mien_models.system.sentence import revived

R = TypeVar("R", bound=BaseModel)
_PATIENCE_S: Final = 90.0


class ControlError(MienError):
    """A session could not be reached, or did not do what was asked."""


class SessionClient:
    """A connection to one session between enter and exit; one thread talks."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        """Connect and greet.

        Raises:
            ControlError: nobody answers, it is somebody else, or it speaks another version.
        """
        try:
            self._connection = Client(self._running.address, authkey=bytes.fromhex(self._running.key_hex))
        except (OSError, EOFError, AuthenticationError) as error:
            raise ControlError(f"The session {self._running.name} does not answer ({error!r}).") from error
        hello = cast("messages.Hello", self._received(messages.Hello))
        self._send(messages.Hello(version=messages.VERSION, program=f"mien {version('mien')}"))
        if hello.version != messages.VERSION:
            raise ControlError(
                f"The session speaks version {hello.version} of the protocol, this program {messages.VERSION}; use the "
                "mien that the session was started with."
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go."""
        if self._connection is not None:
            self._connection.close()

    def status(self) -> dict[str, JsonValue]:
        """Ask how the session is."""
        reply = self._asked(messages.GetStatus(), messages.Status)
        return cast("dict[str, JsonValue]", revived(reply.status, reply.sentences))

    def set(
        self, values: Mapping[str, JsonValue], revision: int | None = None
    ) -> messages.AppliedReply | messages.RefusedReply:
        """Ask for other settings."""
        self._send(messages.Set(values=dict(values), revision=revision))
        reply = self._received(messages.AppliedReply, messages.RefusedReply)
        if isinstance(reply, messages.RefusedReply):
            return reply.model_copy(update={"reasons": revived(reply.reasons, reply.sentences)})
        return cast("messages.AppliedReply", reply)

    def set_privacy(self, *, on: bool | None) -> bool:
        """Hide the picture, show it again, or (None) the other of both; say whether it is hidden now."""
        return self._asked(messages.SetPrivacy(on=on), messages.Privacy).on

    def reveal(self) -> bool:
        """Show the camera as it is for three seconds; False where that may not be now."""
        return self._asked(messages.Reveal(), messages.Revealed).shown

    def freeze(self, *, on: bool) -> bool:
        """Hold the last swapped picture, or go on; say whether it is held now."""
        return self._asked(messages.Freeze(on=on), messages.Frozen).on

    def record(self, action: RecordAction, path: str | None = None) -> tuple[str, ...]:
        """Start a recording, stop all, or let them go on in another file; give the files that it is about."""
        return self._asked(messages.Record(action=action, path=path), messages.Recorded).files

    def stop(self) -> None:
        """End the session."""
        self._asked(messages.Stop(), messages.Done)

    def preview(self, width: int, *, newer_than: int = -1, with_camera: bool = False) -> messages.PreviewReply:
        """Ask for the newest picture as sent, and for the camera's own, which is for the person at this machine."""
        request = messages.GetPreview(width=width, newer_than=newer_than, with_camera=with_camera)
        return self._asked(request, messages.PreviewReply)

    def faces(self, side_px: int = 128) -> tuple[messages.SeenFace, ...]:
        """Ask for the faces in sight, which are for the person at this machine."""
        return self._asked(messages.GetFaces(side_px=side_px), messages.FacesReply).faces

    def events(self, wait_s: float = 0.0) -> messages.EventsReply:
        """Ask for what happened since this was asked last."""
        return self._asked(messages.GetEvents(wait_s=wait_s), messages.EventsReply)

    def _asked(self, request: BaseModel, kind: type[R]) -> R:
        self._send(request)
        return cast("R", self._received(kind))

    def _send(self, message: BaseModel) -> None:
        try:
            self._open.send_bytes(messages.text_of(message))
        except OSError as error:
            raise ControlError(f"The session {self._running.name} has ended.") from error

    def _received(self, *kinds: type[BaseModel]) -> BaseModel:
        try:
            if not self._open.poll(_PATIENCE_S):
                raise ControlError(f"The session {self._running.name} has not answered for {_PATIENCE_S:.0f} s.")
            reply: Any = messages.REPLY.validate_json(self._open.recv_bytes(messages.LARGEST_REPLY_BYTES))
        except (OSError, EOFError) as error:
            raise ControlError(f"The session {self._running.name} has ended.") from error
        except ValidationError as error:
            raise ControlError(f"The session {self._running.name} says what this program does not know.") from error
        if isinstance(reply, messages.Failed):
            raise ControlError(reply.why)
        if not isinstance(reply, kinds):
            raise ControlError(f"The session answered with {reply.kind!r} where something else was expected.")
        return reply

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise ControlError("The session is not connected.")
        return self._connection
