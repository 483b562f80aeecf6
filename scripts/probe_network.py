"""Makes the network that `mien doctor` runs on each provider: two 3x3 convolutions with a ReLU after each.

`uv run python scripts/probe_network.py` writes it where the doctor finds it, the same bytes every time. What a provider
makes of it proves that the provider runs here; it is large enough that a card is faster, and small enough to ship.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PLACE: Final = Path(__file__).parents[1] / "realtime" / "mien" / "diagnostics" / "doctor" / "probe.onnx"
SHAPE: Final = (1, 32, 128, 128)
"""Of input `x` and output `y`."""
_CHANNELS: Final = 32


def probe_network() -> onnx.ModelProto:
    """Make it, with weights that keep the size of what passes through (He et al. 2015), from a fixed seed."""
    random = np.random.default_rng(0)
    shape = (_CHANNELS, _CHANNELS, 3, 3)
    scale = np.float32(np.sqrt(2 / (_CHANNELS * 9)))
    weights = [numpy_helper.from_array(random.standard_normal(shape, np.float32) * scale, f"w{i}") for i in range(2)]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w0"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "w1"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["y"]),
        ],
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)],
        weights,
    )
    opsets = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, producer_name="mien doctor", opset_imports=opsets, ir_version=8)


if __name__ == "__main__":
    PLACE.write_bytes(probe_network().SerializeToString(deterministic=True))
    print(f"{PLACE}: {PLACE.stat().st_size} bytes")
