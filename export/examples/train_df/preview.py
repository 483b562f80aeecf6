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


def write_preview(training: Training, source_face: Faces, wearer: Faces, path: Path) -> None:
    """Draw six rows: the lent face and its drawing; the wearer, their drawing, and the wearer with the lent face."""
    columns: list[Tensor] = []
    for faces, is_lent in ((source_face, True), (wearer, False)):
        chosen = torch.linspace(0, faces.crops.shape[0] - 1, _ROWS).long()
        seen = straight(faces, chosen, training.size_px)
        as_wearer, as_lent = pictures(training, seen)
        columns += [seen, as_lent] if is_lent else [seen, as_wearer, as_lent]
    rows = torch.cat(columns, 3).permute(0, 2, 3, 1).reshape(-1, len(columns) * training.size_px, 3)
    drawn = (rows * 255).round().clamp(0, 255).byte().numpy()
    scale = _TILE_PX / training.size_px
    shown = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), np.asarray(shown))
