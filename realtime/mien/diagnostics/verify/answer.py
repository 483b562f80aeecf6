"""What `mien verify` says: as JSON and in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from mien.diagnostics.verify.frames import MediaFrames
from mien.diagnostics.verify.scan import ScanResult
from mien.provenance.c2pa.sign import COMPOSITE
from mien.provenance.watermark.payload import Flags

_COMPOSITE: Final = COMPOSITE.rpartition("/")[2]
NOTHING_FOUND: Final = "No mark found: says nothing about authenticity."


def answer(
    scan_frames: ScanResult,
    media_frames: MediaFrames,
    credentials: Mapping[str, object],
    local_log: Callable[[str], Mapping[str, object] | None] = lambda _session: None,
) -> dict[str, Any]:
    """Give the result as it is printed with --json.

    `local_log` gives what this computer's own log knows of a session, None where it knows nothing.
    """
    best = scan_frames.best
    mark: dict[str, Any] = {
        "found": scan_frames.is_marked,
        "session": None if scan_frames.payload is None else scan_frames.payload.session_id,
        "sessions": list(scan_frames.sessions),
        "ranges": [[round(begin, 2), round(end, 2)] for begin, end in scan_frames.ranges_s],
        "basis": "invisible watermark mien-livemark-1" if scan_frames.is_marked else None,
        "strength": None if best is None else round(best.place.z, 1),
        "labelled": None if scan_frames.payload is None else bool(scan_frames.payload.flags & Flags.LABELLED),
        "mirrored": best.place.is_mirrored if best is not None and scan_frames.is_marked else None,
        "looked_at_s": round(scan_frames.stretches[-1].ends_s, 2) if scan_frames.stretches else 0.0,
        "whole_file": scan_frames.is_whole,
        "damaged_file": media_frames.is_damaged,
        "local_log": None if scan_frames.payload is None else local_log(scan_frames.payload.session_id),
    }
    return {"mark": mark, "content_credentials": dict(credentials)}


def words(result: Mapping[str, Any], *, is_still: bool) -> str:
    """Say it in a few lines."""
    mark = result["mark"]
    lines = [_mark_words(mark, is_still=is_still)]
    if mark["damaged_file"]:
        lines.append("The file is cut off or damaged; what could be read was looked at.")
    if not mark["whole_file"]:
        lines.append(f"Looked at the first {mark['looked_at_s']:.0f} s; --whole looks at all of it.")
    lines.append(_credentials_words(result["content_credentials"], mark["sessions"]))
    return "\n".join(lines)


def _credentials_words(credentials: Mapping[str, Any], marked_sessions: Sequence[str]) -> str:
    said = f"Content Credentials: {credentials['state']}"
    if credentials.get("reason"):
        said += f": {credentials['reason']}"
    if credentials.get("elsewhere"):
        said += f" in the file, which names some at {credentials['elsewhere']}; they were not fetched"
    made = [
        f"made with {credentials['generator']}" if credentials.get("generator") else "",
        "AI made a part of the picture" if str(credentials.get("digital_source_type")).endswith(_COMPOSITE) else "",
        f"signed by {credentials['signer']!r}" if credentials.get("signer") else "",
        f"dated {credentials['signed_at']}" if credentials.get("signed_at") else "",
        f"session {credentials['session']}" if credentials.get("session") else "",
    ]
    details = ", ".join(filter(None, made))
    session = credentials.get("session")
    doubt = (
        " Their session is not that of the mark."
        if session and marked_sessions and session not in marked_sessions
        else ""
    )
    return f"{said}.{f' They say: {details}.' if details else ''}{doubt}"


def _mark_words(mark: Mapping[str, Any], *, is_still: bool) -> str:
    if not mark["found"]:
        return NOTHING_FOUND
    session = f"session {mark['session']}" if mark["session"] else "its session cannot be read"
    if len(mark["sessions"]) > 1:
        session = f"sessions {', '.join(mark['sessions'])}"
    where = "" if is_still else ", " + ", ".join(f"{begin:.0f} to {end:.0f} s" for begin, end in mark["ranges"])
    return (
        f"Mark found ({session}{where}): a face in this picture was replaced by AI. "
        f"Basis: invisible watermark, {mark['strength']:.0f} standard deviations above chance."
        f"{_log_words(mark['local_log'])}"
    )


def _log_words(known: Mapping[str, Any] | None) -> str:
    if known is None:
        return ""
    ended = f" to {known['ended']}" if known.get("ended") else ", without an end"
    return f" This computer's own log has that session: `mien {known['command']}`, {known['started']}{ended}."
