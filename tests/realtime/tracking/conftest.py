"""Pictures with a face whose place is known: the public-domain astronaut."""

from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from mien.tracking.landmark_fit import FaceNetworks, default_networks
from mien.tracking.photo import find_faces
from mien_models.types import BgrU8, Face


@pytest.fixture(scope="session")
def networks() -> FaceNetworks:
    return default_networks()


@pytest.fixture(scope="session")
def source_photo() -> BgrU8:
    rgb = cast("NDArray[np.uint8]", astronaut())  # type: ignore[no-untyped-call]  # scikit-image is not annotated
    return np.ascontiguousarray(rgb[..., ::-1])


@pytest.fixture(scope="session")
def portrait_face(source_photo: BgrU8, networks: FaceNetworks) -> Face:
    (face,) = find_faces(source_photo, networks)
    return face
