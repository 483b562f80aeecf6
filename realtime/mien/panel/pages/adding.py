"""Adds an output; where somebody has not agreed to that use of their face yet, it is asked first."""

from typing import Final

from mien.consent.terms import Scope
from mien.panel.pages.frame import Frame
from mien.panel.said import N_

NOWHERE: Final = "null"
"""The output that nobody sees."""
USES: Final = {Scope.LIVE: N_("live"), Scope.RECORDING: N_("recordings"), Scope.STREAMING: N_("streams")}


async def add_output(frame: Frame, spec: str, use: Scope | None, done: str) -> bool:
    """Let the session send to one more output; say why where it does not."""
    say, panel = frame.words, frame.panel
    status = panel.link.status
    if status is None:
        frame.toast(say("No session runs. Start one on the start page."), "bad")
        return False
    for face in panel.faces.without(use, status.faces):
        uses = ", ".join(say(USES[one]) for one in face.terms.scope)
        question = say(
            "{name} may be used for {uses} so far. Did the person whose face it is agree to {use} too?",
            name=face.terms.name,
            uses=uses,
            use=say(USES[use]) if use is not None else "",
        )
        if use is None or not await frame.ask(question, say("Yes, they agreed")):
            return False
        if not await frame.attempt(panel.faces.agree(face, use)):
            return False
    status = panel.link.status or status
    others = [one for one in status.outputs if one not in {NOWHERE, spec}]
    return await frame.change({"sinks": [*others, spec]}, done)


async def remove_output(frame: Frame, spec: str, done: str = "") -> bool:
    """Let the session send to one output less; where it was the last, nobody sees the picture."""
    status = frame.panel.link.status
    if status is None:
        return False
    return await frame.change({"sinks": [one for one in status.outputs if one != spec] or [NOWHERE]}, done)
