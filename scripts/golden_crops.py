"""Compute with the original projects' own code how they cut faces out and paste them: tests/models/golden/crops.npz.

    python scripts/golden_crops.py ORIGINALS tests/models/golden/crops.npz

ORIGINALS holds a checkout of each project as OWNER+NAME, at the commits that tests/models/golden/ORIGIN.md names, and
insightface 0.2.1's source as insightface-0.2.1. Needs numpy, opencv-python-headless, scikit-image and torch; not Mien.
Nothing of the projects is written but what their functions give for made-up points and a made-up picture.
"""

import collections
import collections.abc
import importlib
import importlib.util
import sys
import types
import warnings
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

SEED: Final = 20
STEP: Final = 17
"""Of a crop every so many pixels are kept, each way."""
YAWS_DEG: Final = (-60, -30, 0, 30, 60)
TOPOLOGY: Final = "models/mien_models/weights/face_mesh_topology.npz"


def picture() -> np.ndarray:
    """Make (480, 640, 3): blocks of random colours, whose edges show any shift."""
    blocks = np.random.default_rng(SEED).integers(0, 256, (60, 80, 3), np.uint8)
    return np.kron(blocks, np.ones((8, 8, 1), np.uint8))


def heads() -> np.ndarray:
    """Make (n, 468, 3) landmarks to eighths of a pixel: MediaPipe's average head turned, with a little noise."""
    cm = np.load(TOPOLOGY)["vertices_cm"][:468].astype(np.float64) * (1, -1, -1)
    random, made = np.random.default_rng(SEED), []
    places = [(yaw, 12.0, 320, 240) for yaw in YAWS_DEG] + [
        (10, 4.0, 200, 100),
        (-20, 24.0, 330, 220),
        (5, 12.0, 40, 60),
    ]
    for yaw_deg, px_per_cm, x, y in places:
        yaw, roll = np.radians((-yaw_deg, 4))
        turned = cm @ np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        turned = turned @ np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        made.append(turned * px_per_cm + (x, y, 0) + random.normal(0, 0.02 * px_per_cm, turned.shape))
    rounded: np.ndarray = np.rint(np.array(made) * 8).astype(np.float32) / 8
    return rounded


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Give the middles of the eyes, the nose and the corners of the mouth."""
    xy = landmarks[:, :2]
    return np.stack([(xy[33] + xy[133]) / 2, (xy[263] + xy[362]) / 2, xy[4], xy[61], xy[291]]).astype(np.float32)


def module(path: Path) -> types.ModuleType:
    """Import one file."""
    spec = importlib.util.spec_from_file_location(path.stem + "_original", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be imported")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def deep_face_live(folder: Path) -> tuple[Any, Any, Any]:
    """Import DeepFaceLive's landmarks without the rest of its packages."""
    collections.Iterable = collections.abc.Iterable  # type: ignore[attr-defined]
    sys.path.insert(0, str(folder))
    faces = types.ModuleType("xlib.face")
    faces.__path__ = [str(folder / "xlib" / "face")]
    sys.modules["xlib.face"] = faces
    names = ("FLandmarks2D", "ELandmarks2D", "FPose")
    points, kinds, pose = (getattr(importlib.import_module(f"xlib.face.{name}"), name) for name in names)
    return points, kinds, pose


def face_fusion(folder: Path) -> types.ModuleType:
    """Import facefusion's face_helper without the program."""
    sys.path.insert(0, str(folder))
    return importlib.import_module("facefusion.face_helper")


def interpolated(crop_bgr: np.ndarray, how: dict[str, Any]) -> np.ndarray:
    """Resize with torch, as SimSwap and GHOST do before their identity networks: levels 0..255 as float32."""
    import torch

    planes = torch.from_numpy(crop_bgr.transpose(2, 0, 1)[None].astype(np.float32))
    return torch.nn.functional.interpolate(planes, **how)[0].numpy().transpose(1, 2, 0)


class Originals:
    """The projects' own ways to cut a face out: matrix and crop."""

    def __init__(self, folder: Path) -> None:
        self.simswap = module(folder / "neuralchen+SimSwap/insightface_func/utils/face_align_ffhqandnewarc.py")
        self.old = module(folder / "insightface-0.2.1/insightface/utils/face_align.py")
        self.insightface = module(folder / "deepinsight+insightface/python-package/insightface/utils/face_align.py")
        self.reswapper = module(folder / "somanchiu+ReSwapper/face_align.py")
        self.mobile = module(folder / "Seanseattle+MobileFaceSwap/utils/align_face.py")
        self.facefusion = face_fusion(folder / "facefusion+facefusion")
        self.live = deep_face_live(folder / "iperov+DeepFaceLive")

    def crops(self, image: np.ndarray, landmarks: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Give matrix and crop by name."""
        points = five_points(landmarks)
        made: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for size, mode in ((224, "None"), (512, "ffhq")):
            matrix, _ = self.simswap.estimate_norm(points, size, mode=mode)
            made[f"simswap_{size}"] = matrix, cv2.warpAffine(image, matrix, (size, size), borderValue=0.0)
            small = interpolated(made[f"simswap_{size}"][1], {"size": (112, 112)})
            made[f"simswap_{size}_identity"] = matrix, small
        matrix, _ = self.old.estimate_norm(points, 224, mode="None")
        cut = cv2.warpAffine(image, matrix, (224, 224), borderValue=0.0)
        made["ghost"] = matrix, cv2.resize(cut, (256, 256))
        halved = {"scale_factor": 0.5, "mode": "bilinear", "align_corners": True}
        made["ghost_identity"] = matrix, interpolated(cut, halved)
        crop, matrix = self.insightface.norm_crop2(image, points, 128)
        made["inswapper_128"] = matrix, crop
        crop, matrix = self.insightface.norm_crop2(image, points, 112)
        made["arcface"] = matrix, crop
        crop, matrix = self.reswapper.norm_crop2(image, points, 256)
        made["reswapper_256"] = matrix, crop
        crop, _ = self.mobile.align_img(image, points, 224)
        made["mobilefaceswap"] = self.mobile.align_with_five_points(points, 224), crop
        templates = {
            "hyperswap": "arcface_128",
            "hififace": "mtcnn_512",
            "uniface": "ffhq_512",
            "simswap_256": "arcface_112_v1",
        }
        for name, template in templates.items():
            crop, matrix = self.facefusion.warp_face_by_face_landmark_5(image, points, template, (256, 256))
            made[name] = matrix, crop
        return made | self._live(image, landmarks)

    def _live(self, image: np.ndarray, landmarks: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        points, kinds, pose = self.live
        height, width = image.shape[:2]
        placed = points.create(kinds.L468, landmarks[:, :2] / (width, height))
        yaw = pose.from_3D_468_landmarks(landmarks.astype(np.float64)).as_radians()[1]
        # FaceAligner.py: 0.08 more forehead, and in the mode for heads 1 more coverage, 0.5 more forehead, the yaw.
        ways = {
            "whole_face": (2.2, -0.08, None),
            "head": (3.2, -0.58, yaw),
            "full": (1.6, 0.0, None),
            "own": (2.5, -0.2, None),
        }
        made = {}
        for name, (coverage, offset, turned) in ways.items():
            given = {"exclude_moving_parts": True, "head_yaw": turned, "y_offset": offset}
            crop, _ = placed.cut(image, coverage, 224, **given)
            matrix, _ = placed.calc_cut((height, width), coverage, 224, **given)
            made[f"dfm_{name}"] = np.asarray(matrix), crop
        return made


def pasted(originals: Originals, image: np.ndarray, landmarks: np.ndarray) -> dict[str, np.ndarray]:
    """Paste a part of the picture with facefusion's code: a mask 0..255 and a matrix go in, the picture comes out."""
    _, matrix = originals.facefusion.warp_face_by_face_landmark_5(
        image, five_points(landmarks), "arcface_128", (128, 128)
    )
    crop = np.ascontiguousarray(image[8:136, 144:16:-1])
    mask = np.zeros((128, 128), np.float32)
    cv2.ellipse(mask, (64, 66), (44, 54), 0, 0, 360, 1.0, -1)
    levels = np.rint(cv2.GaussianBlur(mask, (0, 0), 5) * 255).astype(np.uint8)
    result = originals.facefusion.paste_back(image, crop, levels.astype(np.float32) / 255, matrix)
    return {"mask": levels, "matrix": np.asarray(matrix), "result": result[::5, ::5]}


def main() -> None:
    """Write the file."""
    warnings.filterwarnings("ignore")
    originals, image = Originals(Path(sys.argv[1])), picture()
    written: dict[str, Any] = {"blocks": image[::8, ::8], "heads": (heads() * 8).astype(np.int16)}
    of_heads = [originals.crops(image, landmarks) for landmarks in heads()]
    for name in of_heads[0]:
        written[f"{name}/matrices"] = np.array([one[name][0] for one in of_heads], np.float64)
        kept = [one[name][1][::STEP, ::STEP] for one in of_heads]
        written[f"{name}/crops"] = np.rint(np.array(kept)).astype(np.uint8)
    for number in (2, 6):
        written |= {f"paste/{number}/{key}": value for key, value in pasted(originals, image, heads()[number]).items()}
    np.savez_compressed(sys.argv[2], **written)
    print(f"{Path(sys.argv[2]).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
