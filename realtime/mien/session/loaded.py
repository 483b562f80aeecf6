"""What a session's stages are made of: networks, source faces, known people. Dear to make, so kept where it fits."""

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mien.session.options import Options
from mien.session.source_faces import SourceFaces
from mien.session.swappers import make_swapper, user_networks
from mien.tracking.landmark_fit import FaceNetworks, default_networks
from mien.tracking.photo import seen_face, source_face_from
from mien.tracking.recognition import Person
from mien.tracking.tracker import Tracker
from mien_models.interfaces import Swapper
from mien_models.swappers._loader import Networks
from mien_models.system.freed_memory import keep_freed_memory
from mien_models.types import BgrU8, Face, FaceView, SourceFace, unit

Look = Callable[[BgrU8, Face], NDArray[np.float32]]
"""Gives the identity vector, of length 1, of a face in a picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Everything that stages are made of, for one set of options."""

    options: Options
    source_faces: SourceFaces
    """The photos, and by what right they are used."""
    sources: tuple[SourceFace, ...]
    """The face in each of them."""
    face_networks: FaceNetworks
    """What finds faces."""
    tracker: Tracker
    networks: Networks
    """The user's, loaded as they are needed."""

    @property
    def providers(self) -> Mapping[str, str]:
        """What each network runs on, also those that are loaded later."""
        running = cast("MutableMapping[str, str]", self.networks.providers)
        return ChainMap(dict(self.face_networks.providers), running)

    def swappers(self) -> tuple[Swapper, ...]:
        """Prepare a swapper for each source face.

        Raises:
            ModelError: a network is missing or does not run.
            PhotoError: a face cannot be used.
        """
        return tuple(make_swapper(self.options.swapper, source, self.networks) for source in self.sources)

    def look(self) -> Look:
        """Give what makes identity vectors; the network is loaded when it is first used."""
        recogniser = self.options.faces.recogniser
        return lambda image_bgr, face: unit(self.networks.identities.embedding([FaceView(image_bgr, face)], recogniser))

    def people(self) -> tuple[Person, ...]:
        """Recognise the people that an assignment names in their photos.

        Raises:
            ModelError: the network that recognises people is missing.
            PhotoError: a photo shows nobody.
        """
        look = self.look()
        found: list[Person] = []
        for known in self.source_faces.known_people:
            view = seen_face(known.source_photo)
            name = known.source_photo.address.path.name
            found.append(Person(name, look(view.photo_bgr, view.face), known.role))
        return tuple(found)

    def own_vector(self) -> NDArray[np.float32]:
        """Give the identity vector of the first source face.

        Raises:
            ModelError: the network that recognises people is missing.
        """
        return unit(self.networks.identities.embedding(self.sources[0].views, self.options.faces.recogniser))


def load(options: Options, source_faces: SourceFaces, before: Loaded | None = None) -> Loaded:
    """Load what the options need; what is the same as `before` is taken from there.

    Raises:
        PhotoError: a photo shows no usable face.
        ModelError: a network does not run.
    """
    import cv2

    if before is None:
        cv2.setNumThreads(options.threads)
        keep_freed_memory()
        face_networks = default_networks(threads=options.threads, landmarks=options.landmarks)
        tracker = Tracker(face_networks)
    else:
        face_networks, tracker = before.face_networks, before.tracker
    is_same_place = before is not None and _place_of(before.options) == _place_of(options)
    networks = before.networks if before is not None and is_same_place else user_networks(options.swapper)
    if before is not None and before.source_faces is source_faces:
        sources = before.sources
    else:
        sources = tuple(source_face_from(photos) for photos in source_faces.faces)
    return Loaded(options, source_faces, sources, face_networks, tracker, networks)


def _place_of(options: Options) -> tuple[str, int | None]:
    return options.swapper.provider, options.swapper.threads
