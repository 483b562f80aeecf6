"""Published files by their hash: only of these is it known under what terms they may be used."""

from collections.abc import Mapping
from typing import Final

from mien_models.specs.network import Terms

_INSWAPPER: Final = Terms(
    "non-commercial", "InsightFace lets inswapper be used for research only; ask InsightFace for any other use."
)
_HYPERSWAP: Final = Terms(
    "ResearchRAIL-MS", "These weights may be used for research, within the limits of use that their licence lists."
)
GHOST: Final = Terms(
    "Apache-2.0",
    "GHOST may be used freely, also commercially; the identity network that it needs is for non-commercial use.",
)
_SIMSWAP: Final = Terms(
    "CC-BY-NC-4.0", "These weights may be used and passed on for non-commercial purposes, with credit."
)
_UNIFACE: Final = Terms(
    "unknown", "Nobody said under what terms these weights may be used; parts of the code are CC BY-NC 4.0."
)
_ARCFACE: Final = Terms(
    "non-commercial", "InsightFace's identity networks, and those made of them, are for non-commercial use."
)
KNOWN: Final[Mapping[str, Terms]] = {
    # inswapper_128.onnx and its half, as InsightFace published it (deepinsight/insightface#2315) and others pass it on.
    "e4a3f08c753cb72d04e10aa0f7dbe3deebbf39567d4ead6dce08e98aa49e16af": _INSWAPPER,
    "6d51a9278a1f650cffefc18ba53f38bf2769bf4bbff89267822cf72945f8a38b": _INSWAPPER,
    "98fae14454ae714f31b4fe43a8907661c6b496ccbc5cb62c7219d8196d92bf21": _INSWAPPER,
    # hyperswap_1a_256.onnx, 1b and 1c of facefusion's models-3.3.0.
    "c0e98a8a03a238f461ed3d2570e426b49f46745ee400854a60dceeb70c246add": _HYPERSWAP,
    "5124031789c42f71b9558fb71954ef7aedb6da7ed9fac79293e23c61a792a73e": _HYPERSWAP,
    "5528c2d76fe9986c99d829278987ef9f3a630cb606db7628d02b57b330f406a5": _HYPERSWAP,
    # ghost_unet_1_block.onnx, 2 and 3, and GHOST's identity network, as VisoMaster lists them.
    "304a86bccb325e7fcf5ab4f4f84ba5172e319bccc9de15d299bb436746e2e024": GHOST,
    "25b72c107aabe27fc65ac5bf5377e58eda0929872d4dd3de5d5a9edefc49fa9f": GHOST,
    "f471d4f322903da2bca360aa0d7ab9922e3b0001d683f825ca6b15d865382935": GHOST,
    "18bb8057d1cd3ca39411b8a4dde485fa55783e08ceecaf2352f551ca39cd1357": _ARCFACE,
    # simswap_512_unoff.onnx and SimSwap's identity network, as VisoMaster lists them.
    "08c6ca9c0a65eff119bea42686a4574337141de304b9d26e2f9d11e78d9e8e86": _SIMSWAP,
    "58949c864ab4a89012aaefc117f1ab8548c5f470bbc3889474bca13a412fc843": _SIMSWAP,
    # uniface_256.onnx of facefusion's models-3.0.0.
    "eb5ce2af024cddf88ecb93b24e29a6eb44e354aba7d3319e84d29dcd868820f3": _UNIFACE,
    # w600k_r50.onnx of InsightFace's buffalo_l, and facefusion's export of it.
    "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43": _ARCFACE,
    "f1f79dc3b0b79a69f94799af1fffebff09fbd78fd96a275fd8f0cbbea23270d1": _ARCFACE,
}
"""Terms by sha256, as public lists of these files give it."""
