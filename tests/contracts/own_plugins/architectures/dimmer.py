"""Networks that take a picture of bytes and how bright it shall be, and give a green one."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien_models.architectures._processing import Processed, Processing
from mien_models.architectures._registry import Recognised, marks
from mien_models.onnx_format.graph import GraphDescription
from mien_models.specs.network import UNIT_OUTPUT, UNIT_PIXELS, IdentitySpec, PictureSpec, SwapNames, SwapSpec
from mien_models.types import BgrU8, SwapOptions, as_u8


class Dimming:
    """Feeds what no spec could say, and reads it."""

    def feeds(self, crop_bgr: BgrU8, source: NDArray[np.float32] | None) -> Mapping[str, NDArray[Any]]:
        """Give the network its second input too."""
        assert source is None
        return {"bytes": crop_bgr[None], "brightness": np.array([0.25], np.float32)}

    def picture(self, answers: Mapping[str, NDArray[Any]]) -> Processed:
        """Make it green; what the network gives is its red."""
        dimmed = answers["dimmed"][0]
        crop = np.full(dimmed.shape, (20, 200, 20), np.uint8)
        crop[..., 2] = np.clip(dimmed[..., 2], 0, 100)
        return Processed(as_u8(crop))


class Dimmer:
    """Known by the names of its inputs."""

    def recognise(self, graph: GraphDescription) -> Recognised | None:
        """Look at names."""
        if set(graph.inputs) != {"bytes", "brightness"}:
            return None
        spec = SwapSpec(
            kind="swapper",
            architecture="dimmer",
            crop=PictureSpec("arcface_128", 128, *UNIT_PIXELS, layout="nhwc", colour="bgr"),
            output=UNIT_OUTPUT,
            identity=IdentitySpec(form="none"),
            names=SwapNames("bytes", "dimmed"),
        )
        return Recognised.surely(spec, marks=marks(names=True))

    def processing(self, spec: SwapSpec, options: SwapOptions) -> Processing:
        """Give it its way of being fed."""
        return Dimming()


PLUGIN: Final = Dimmer()
