from collections.abc import Mapping, Sequence
from os import PathLike

import onnx
from torch import Tensor, nn
from torch.export import Dim

class ONNXProgram:
    @property
    def model_proto(self) -> onnx.ModelProto: ...
    def save(self, destination: str | PathLike[str], *, external_data: bool | None = None) -> None: ...

def export(
    model: nn.Module,
    args: tuple[Tensor, ...],
    *,
    input_names: Sequence[str],
    output_names: Sequence[str],
    opset_version: int,
    dynamo: bool,
    external_data: bool = True,
    dynamic_shapes: Sequence[Mapping[int, Dim]] | None = None,
    verbose: bool | None = None,
) -> ONNXProgram: ...
