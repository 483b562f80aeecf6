"""Who is who by the network that recognises: what looks at faces, and whether the wearer is whose face is worn."""

import logging

import numpy as np
from numpy.typing import NDArray

from mien.config.settings import Settings
from mien.consent.owner_check import OwnerCheck
from mien.session.source_faces import SourceFaces
from mien.tracking.looking import Look
from mien_models.errors import ModelError
from mien_models.networks.embedding import unit
from mien_models.swappers._loader import Networks
from mien_models.types import BgrU8, Face, FaceView, SourceFace

_LOG = logging.getLogger(__name__)


def fitter(settings: Settings, networks: Networks) -> Look:
    """Give what makes the identity vector of a face in a frame."""

    def look(image_bgr: BgrU8, face: Face) -> NDArray[np.float32]:
        return unit(networks.identities.embedding([FaceView(image_bgr, face)], settings.recogniser))

    return look


def self_check(
    settings: Settings, source_faces: SourceFaces, sources: tuple[SourceFace, ...], networks: Networks
) -> OwnerCheck | None:
    """Make what looks whether the wearer is the person of a face that is lent as their own.

    Returns:
        None where no face is, where people are told apart anyway, and, which is said, where no network can tell.
    """
    name = source_faces.own
    if name is None or source_faces.known_people:
        return None
    try:
        own = unit(networks.identities.embedding(sources[0].views, settings.recogniser))
    except ModelError as error:
        _LOG.info("It is not checked that you are %r: %s", name, error)
        return None
    return OwnerCheck(name, own, fitter(settings, networks))
