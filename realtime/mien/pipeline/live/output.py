"""The last step of a frame's way: what is known of it becomes the picture that every sink gets."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from mien.config.choices import Show
from mien.media.letterbox import letterbox
from mien.pipeline.frame import Frame, Outgoing, OutputFormat, OutputFrame, Stamps, State
from mien.pipeline.live.slates import FADE_S, Crossfade, Slates, blurred
from mien.pipeline.live.state import Cause, Facts, Policy, StageFailure, Verdict, judge
from mien.pipeline.metrics import Histogram
from mien.provenance.release import ReleasedPicture, SwappedPicture
from mien_models.types import BgrU8

_QUIET_INTERVALS: Final = 2
"""Consumers of a virtual camera hang or complain when frames stop: after so many intervals the last is sent again."""
_STALL_NS: Final = 2_000_000_000
_REVEAL_NS: Final = 3_000_000_000

Release: TypeAlias = Callable[[SwappedPicture, int], ReleasedPicture]
"""Puts the marks on a swapped picture that goes out at a time of `time.monotonic_ns()`."""


class Output:
    """Decides what is shown. Has state: the facts, the last swapped picture, the counters. Any thread may call it.

    A picture is sent as LIVE only if it was swapped itself; a frame that was not never becomes the frozen picture. The
    first ones after something else are mixed with what was shown before, unless that was the camera's own picture.
    """

    def __init__(
        self,
        output: OutputFormat,
        policy: Policy,
        release: Release,
        send: Callable[[Outgoing], None],
        on_verdict: Callable[[Verdict], None],
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Take what marks pictures, where frames go (`send`, which never waits) and who hears of a new state."""
        self._output = output
        self._policy = policy
        self._release = release
        self._send = send
        self._on_verdict = on_verdict
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._slates = Slates(output.width, output.height)
        self._facts = Facts()
        self._verdict: Verdict | None = None
        self._last_live: SwappedPicture | None = None
        self._left_live_ns: int | None = None
        self._reveal_ends_ns = 0
        self._crossfade: Crossfade | None = None
        self._seen: BgrU8 | None = None
        self._is_frozen = False
        self._shown: OutputFrame | None = None
        self._shown_from: SwappedPicture | BgrU8 | None = None
        self._sent_ns = 0
        self._stamps = Stamps()
        self._delivered_ns: int | None = None
        self.newest_frame: Frame | None = None
        """The newest frame that came through, as the camera gave it; for the person at this machine only."""
        self.faces_in_sight = 0
        """In the newest frame that came through."""
        self.frames_swapped = 0
        self.frames_hidden = 0
        self.repeated = 0
        self.mark_times = Histogram()

    @property
    def sent(self) -> int:
        """How many frames went to the sinks."""
        return self.frames_swapped + self.frames_hidden + self.repeated

    def replace(self, *, policy: Policy | None = None, release: Release | None = None) -> None:
        """Show other things in the states that show none of the swap, or mark otherwise, from the next picture on."""
        with self._lock:
            before = None if self.state is None or self.state is State.LIVE else self._policy.shown_in(self.state)
            self._release = release or self._release
            if policy is None or policy == self._policy:
                return
            self._policy = policy
            if before is not None and self._policy.shown_in(self._known_state) is not before:
                # What was chosen before is not held any longer: it may be the camera's own picture.
                self._seen = None
                self._emit(None)

    @property
    def _known_state(self) -> State:
        return State.LOST if self.state is None else self.state

    @property
    def verdict(self) -> Verdict | None:
        """The state and why; None before the first card."""
        return self._verdict

    @property
    def newest(self) -> OutputFrame | None:
        """The last frame that was sent."""
        return self._shown

    def begin(self) -> None:
        """Send the first card."""
        with self._lock:
            self._emit(None)

    def deliver(self, frame: Frame, failure: StageFailure | None) -> None:
        """Send what a frame that came through the stages, or failed in one, makes visible."""
        with self._lock:
            self._facts = self._facts.after_frame(frame, failure)
            if self._is_final:
                # Nor may it come back from memory, should the run go on with another face.
                self._last_live, self._left_live_ns, self._crossfade = None, None, None
                self._is_frozen = False
            self.newest_frame, self.faces_in_sight = frame, len(frame.faces)
            self._end_reveal()
            self._emit(frame)
            self._delivered_ns = self._clock_ns()

    def set_privacy(self, *, on: bool) -> None:
        """Hide at once, or show again from the next swapped frame on; a picture that waits in a mailbox is replaced."""
        with self._lock:
            if on != self._facts.is_private:
                self._is_frozen = False
                self._facts = self._facts.after_privacy(is_private=on)
                self._emit(None)

    def freeze(self, *, on: bool) -> bool:
        """Hold the last swapped picture, or go on; say whether it is held now.

        There is nothing to hold before the first swapped picture, after the panic key, during a reveal and where the
        run may not go on. The panic key and a change of the faces end it.
        """
        with self._lock:
            may_be = self.state in {State.LIVE, State.LOST} and not self._facts.is_revealed and not self._is_final
            self._is_frozen = on and may_be and self._last_live is not None
            return self._is_frozen

    @property
    def is_frozen(self) -> bool:
        """Whether the last swapped picture is held."""
        return self._is_frozen

    def reveal(self) -> bool:
        """Show the camera's picture as it is, from its next frame on, for three seconds.

        Returns:
            False while a reveal lasts or the picture is held, after the panic key and in a fault: nothing happens then.
        """
        with self._lock:
            if self.state not in {State.LIVE, State.LOST} or self._facts.is_revealed or self._is_frozen:
                return False
            self._facts = self._facts.after_reveal(is_revealed=True)
            self._reveal_ends_ns = self._clock_ns() + _REVEAL_NS
            return True

    @property
    def is_private(self) -> bool:
        """Whether the panic key is down."""
        return self._facts.is_private

    def no_frames(self, why: str) -> None:
        """Say that the source gives nothing."""
        with self._lock:
            if self._facts.outage != why:
                self._facts = self._facts.after_outage(why)
                self._emit(None)

    def frames_again(self) -> None:
        """Say that the source gives frames again; the first swapped one will be shown."""
        with self._lock:
            if self._facts.outage is not None:
                self._facts = self._facts.after_return()
                self._emit(None)

    def repeat_if_quiet(self) -> None:
        """Send the picture of now again if nothing was sent for a while; to be called about once an interval."""
        now_ns = self._clock_ns()
        with self._lock:
            quiet_ns = _QUIET_INTERVALS * 1e9 / self._output.fps
            if now_ns - self._sent_ns < quiet_ns:
                return
            if self._end_reveal():
                self._facts = self._facts.without_frame()
            if self.state is State.LIVE and now_ns - (self._delivered_ns or 0) > _STALL_NS:
                stall = StageFailure("", "No frame has been finished for 2 s.")
                self._facts = self._facts.after_stall(stall)
            self._emit(None)

    @property
    def state(self) -> State | None:
        """What is shown now; None before the first card."""
        return None if self._verdict is None else self._verdict.state

    @property
    def _is_final(self) -> bool:
        failure = self._facts.failure
        return failure is not None and failure.is_final

    def _end_reveal(self) -> bool:
        """End a reveal whose time is over; tells whether it did."""
        is_over = self._facts.is_revealed and self._clock_ns() >= self._reveal_ends_ns
        if is_over:
            self._facts = self._facts.after_reveal(is_revealed=False)
        return is_over

    def _emit(self, frame: Frame | None) -> None:
        now_ns = self._clock_ns()
        verdict = self._update_verdict(now_ns)
        picture = self._picture(verdict, frame, now_ns)
        again = self._shown if self._shown_from is picture else None
        captured_ns, shown_ns = self._stamps.of(frame, again, now_ns)
        outgoing = OutputFrame(self._released(picture, now_ns), self.sent, captured_ns, verdict.state, shown_ns)
        self._count(verdict.state, frame)
        self._shown, self._shown_from, self._sent_ns = outgoing, picture, now_ns
        self._send(Outgoing(outgoing, None if frame is None else frame.captured_ns))

    def _released(self, picture: SwappedPicture | BgrU8, now_ns: int) -> ReleasedPicture:
        if not isinstance(picture, SwappedPicture):
            return ReleasedPicture.unswapped(picture)
        with self.mark_times.measure():
            return self._release(picture, now_ns)

    def _count(self, state: State, frame: Frame | None) -> None:
        if frame is None:
            self.repeated += 1
        elif state is State.LIVE:
            self.frames_swapped += 1
        else:
            self.frames_hidden += 1

    def _update_verdict(self, now_ns: int) -> Verdict:
        verdict, before = judge(self._facts, self._policy), self._verdict
        if before is None or verdict.state is not before.state or verdict.cause is not before.cause:
            self._crossfade = self._fade_in(now_ns) if verdict.state is State.LIVE else None
            self._seen = None
            if before is not None and before.state is State.LIVE:
                self._left_live_ns = now_ns
            if verdict.state in {State.PRIVACY, State.REVEALED}:
                self._left_live_ns = None
            self._on_verdict(verdict)
        self._verdict = verdict
        return verdict

    def _fade_in(self, now_ns: int) -> Crossfade | None:
        """Begin to leave what is shown now; the first frame of a run and one after the camera's own picture cut in."""
        shown, before_ns = self._shown, self._delivered_ns
        is_bare = shown is None or (
            self._shown_from is self._seen and self._policy.shown_in(shown.state) is Show.PASSTHROUGH
        )
        if shown is None or is_bare or before_ns is None:
            return None
        away_s = FADE_S if self._left_live_ns is None else (now_ns - self._left_live_ns) * 1e-9
        return Crossfade.after(shown.image, away_s=away_s, began_ns=before_ns)

    def _picture(self, verdict: Verdict, frame: Frame | None, now_ns: int) -> SwappedPicture | BgrU8:
        if self._is_final:
            # What may not be shown any longer is not held or frozen either.
            return self._slates.card(verdict.cause or Cause.NO_FACE)
        if self._is_frozen and self._last_live is not None and verdict.state is not State.PRIVACY:
            return self._last_live
        if verdict.state is State.LIVE:
            return self._live_picture(frame, now_ns)
        show = self._policy.shown_in(verdict.state)
        if self._last_live is not None and (show is Show.FREEZE or self._is_held(verdict.state, now_ns)):
            return self._last_live
        if frame is not None and show is Show.BLUR:
            self._seen = self._boxed(blurred(frame.image))
        if frame is not None and show is Show.PASSTHROUGH:
            self._seen = self._boxed(frame.image)
        if self._seen is not None:
            return self._seen
        return self._slates.card(verdict.cause or Cause.NO_FACE)

    def _live_picture(self, frame: Frame | None, now_ns: int) -> SwappedPicture | BgrU8:
        if frame is None or frame.composed is None:
            # LIVE follows from a swapped frame only, so a repeat has one to repeat.
            return self._slates.card(Cause.STARTING) if self._shown_from is None else self._shown_from
        self._last_live = frame.composed.fitted(self._output.width, self._output.height)
        fading = None if self._crossfade is None else self._crossfade.picture(self._last_live, now_ns)
        if fading is None:
            self._crossfade = None
            return self._last_live
        return fading

    def _is_held(self, state: State, now_ns: int) -> bool:
        failure = self._facts.failure
        is_away = failure is not None and failure.is_away
        if self._left_live_ns is None or is_away or state in {State.PRIVACY, State.REVEALED}:
            return False
        return now_ns - self._left_live_ns < self._policy.hold_s * 1e9

    def _boxed(self, image_bgr: BgrU8) -> BgrU8:
        return letterbox(image_bgr, self._output.width, self._output.height)
