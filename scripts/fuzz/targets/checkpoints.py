"""What `mien-export` reads: PyTorch's files, old and new, and safetensors. Needs torch."""

import io
import tarfile
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import save

from mien_export.checkpoint.reading import read_checkpoint


def _saved(content: object, *, is_zip: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=is_zip)
    return file.getvalue()


class _Checkpoints:
    tokens = (
        b"PK\x03\x04",
        b"data.pkl",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"FloatStorage",
        b"\x80\x02",
        b"F32",
        b"data_offsets",
        b"cargparse\nNamespace\n",
        b"numpy._core.multiarray",
    )

    def seeds(self) -> Sequence[bytes]:
        weights = OrderedDict(a=torch.ones(2, 3), b=torch.arange(4))
        whole = {"params_ema": weights, "optimizer": {"state": {0: torch.ones(1)}}, "epoch": 3}
        options = {
            "state_dict": {f"module.{key}": one for key, one in weights.items()},
            "opt": Namespace(x=1),
            "n": np.float64(2),
        }
        files = [_saved(one, is_zip=is_zip) for one in (weights, whole, options) for is_zip in (True, False)]
        old = io.BytesIO()
        with tarfile.open(fileobj=old, mode="w") as archive:
            for name in ("storages", "tensors", "pickle"):
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        return [*files, save(dict(weights)), save({"half": torch.ones(2, dtype=torch.bfloat16)}), old.getvalue()]

    def run(self, content: bytes, folder: Path) -> None:
        path = folder / "weights.pth"
        path.write_bytes(content)
        read_checkpoint(path)


TARGET: Final = _Checkpoints()
