"""A picture of how far the training is."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from faces import Faces
from torch import Tensor
from training import Training, pictures
from warping import straight

_ROWS: Final = 6
_TILE_PX: Final = 160


def write_preview(training: Training, source_face: Faces, target: Faces, path: Path) -> None:
    """Draw six rows: the source and its drawing; the target, its drawing, and the target with the source face."""
    columns: list[Tensor] = []
    for faces, is_source in ((source_face, True), (target, False)):
        chosen = torch.linspace(0, faces.crops.shape[0] - 1, _ROWS).long()
        seen = straight(faces, chosen, training.size_px)
        as_target, as_source = pictures(training, seen)
        columns += [seen, as_source] if is_source else [seen, as_target, as_source]
    rows = torch.cat(columns, 3).permute(0, 2, 3, 1).reshape(-1, len(columns) * training.size_px, 3)
    drawn = (rows * 255).round().clamp(0, 255).byte().numpy()
    scale = _TILE_PX / training.size_px
    shown = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), np.asarray(shown))
