"""What the Content Credentials say: made by Mien, a composite with AI, this session's mark. Nothing of the photo."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

COMPOSITE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture of which AI made a part: a swapped face in a frame of a camera."""
MARK: Final = "mien-livemark-1"
"""The invisible mark as docs/livemark.md specifies it."""
GENERATOR: Final = "Mien"
_FOOTAGE: Final = "footage"


def manifest(session: str | None, input_media_type: str | None, when: datetime) -> Mapping[str, Any]:
    """Describe a file in the manifest definition of c2pa-rs (claim version 2).

    Neither names of files nor anything of the source face's photo are in it: it travels wherever the file does.

    Args:
        session: the six hexadecimal digits in the file's invisible mark.
        input_media_type: media type of the picture or video whose faces were replaced; None for a camera.
        when: the time that is stated, in UTC.
    """
    agent = {"name": GENERATOR, "version": version("mien")}
    created = {
        "action": "c2pa.created",
        "when": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "digitalSourceType": COMPOSITE,
        "softwareAgent": agent,
        "description": "A face was replaced by another one with AI.",
    }
    actions: list[Mapping[str, Any]] = [created]
    assertions: list[Mapping[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": actions}}]
    described: dict[str, Any] = {"claim_generator_info": [agent], "assertions": assertions}
    if input_media_type is not None:
        # Given as words, not as a file: the library would take over thumbnails that show the face that was there.
        described["ingredients"] = [
            {"label": _FOOTAGE, "title": "Source footage", "format": input_media_type, "relationship": "componentOf"}
        ]
        actions.append({"action": "c2pa.placed", "parameters": {"ingredientIds": [_FOOTAGE]}})
    if session is not None:
        actions.append({"action": "c2pa.watermarked.bound"})
        block: Mapping[str, Any] = {"scope": {}, "value": session}
        assertions.append({"label": "c2pa.soft-binding", "data": {"alg": MARK, "blocks": [block]}})
    return described
