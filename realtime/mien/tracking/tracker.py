"""Finds and follows the faces of a live picture: the landmark network on every known face, the detector in between."""

from mien.tracking.geometry import TrackedImage, overlap
from mien.tracking.landmark_fit import FaceNetworks, LandmarkFit, LandmarkFitter
from mien.tracking.scan import LiveSearch, Shots
from mien.tracking.settings import TrackerSettings
from mien.tracking.track import Appearance, Memory, Track
from mien_models.geometry.crop import Region
from mien_models.types import BgrU8, DetectedFace, Face


class Tracker:
    """Track faces from frame to frame; keeps its tracks: one thread at a time calls it, with frames in order.

    A face that is not seen in a frame is not in that frame's answer, even if it comes back in the next.
    """

    def __init__(self, networks: FaceNetworks, settings: TrackerSettings | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._fitter = LandmarkFitter(networks, self._settings.look)
        self._tracks: list[Track] = []
        self._memory = Memory(self._settings)
        self._search: LiveSearch | None = None
        self._shots = Shots()
        self._size: tuple[int, ...] = ()
        self._looked_ns = 0
        self.shot = 0
        """Which shot of the film the latest frame belongs to; no face comes back into another one."""
        self._next_id = 0

    def __call__(self, image_bgr: BgrU8, captured_ns: int) -> tuple[Face, ...]:
        """Give every face that is seen in this frame, in the order in which they were first seen.

        `captured_ns` grows from frame to frame; speeds and smoothing are computed from it.
        """
        is_first = image_bgr.shape != self._size
        if is_first:
            self._start_over(image_bgr)
        shot, before = self._shots(image_bgr, captured_ns), self.shot
        frame = TrackedImage(image_bgr, captured_ns, shot, is_cut=is_first or shot != before)
        self._memory.forget_old(captured_ns)
        followed = tuple(self._tracks)
        for track in followed:
            if not (self._still_seen(frame, track) or self._caught_again(frame, track)):
                self._lose(frame, track, before)
        self.shot = shot
        self._part_merged(frame)
        self._check_one(frame)
        for view in self._views_now(frame, has_lost=len(self._tracks) < len(followed)):
            self._look(frame, view)
        return tuple(track.face for track in sorted(self._tracks, key=lambda track: track.id))

    def begin_shot(self) -> None:
        """Take the next frame for the first of another shot, whatever it looks like."""
        self._shots.begin()

    def forget(self) -> None:
        """Know nobody any more: the next frame is from another camera. Whoever is in it gets another id."""
        self._tracks.clear()
        self._memory = Memory(self._settings)
        self._shots.begin()

    def _start_over(self, image_bgr: BgrU8) -> None:
        """Begin with pictures of another size: places of the old ones mean nothing in them."""
        height, width = image_bgr.shape[:2]
        smallest_px = max(self._settings.smallest_face * max(width, height), self._settings.smallest_face_px)
        self._size = image_bgr.shape
        self._search = LiveSearch(width, height, smallest_px)
        self.forget()

    def _still_seen(self, frame: TrackedImage, track: Track) -> bool:
        """Look where the face was expected."""
        region = track.motion.at(frame.captured_ns)
        return self._goes_on(frame, track, self._fitter.at(frame.image_bgr, region))

    def _caught_again(self, frame: TrackedImage, track: Track) -> bool:
        """Ask the detector about a face that was not where it was expected, before it is given up."""
        view = track.motion.region.scaled(2.0)
        for detection in self._fitter.detections(frame.image_bgr, view)[:1]:
            return self._goes_on(frame, track, self._fitter.new_face(frame.image_bgr, detection))
        return False

    def _goes_on(self, frame: TrackedImage, track: Track, landmark_fit: LandmarkFit | None) -> bool:
        if landmark_fit is None:
            return False
        look = Appearance.of(frame.image_bgr, landmark_fit.region)
        if not track.can_be(landmark_fit, look, frame.captured_ns, is_cut=frame.is_cut):
            return False
        track.take(frame, landmark_fit, look)
        return True

    def _part_merged(self, frame: TrackedImage) -> None:
        """When two tracks lie on one face, keep the one that was expected there."""
        for first in tuple(self._tracks):
            others = [track for track in self._tracks if track is not first]
            if all(overlap(first.face.box_xyxy, other.face.box_xyxy) == 0 for other in others):
                first.alone = first.now
            merged = [other for other in others if _is_one_face(first.face, other.face)]
            if first in self._tracks and merged:
                self._lose(frame, max(first, *merged, key=lambda track: track.surprise), frame.shot)

    def _check_one(self, frame: TrackedImage) -> None:
        """Let the detector confirm the face whose turn it is; at most one per frame."""
        due_ns = frame.captured_ns - int(self._settings.confirm_interval_s * 1e9)
        due = [track for track in self._tracks if track.doubts or track.checked_ns <= due_ns]
        if not due:
            return
        track = min(due, key=lambda track: track.checked_ns)
        track.checked_ns = frame.captured_ns
        if self._fitter.confirms(frame.image_bgr, track.landmark_fit, wide=track.doubts % 2 == 1):
            track.doubts = 0
            return
        track.doubts += 1
        if track.doubts >= self._settings.max_doubts:
            self._lose(frame, track, frame.shot)

    def _views_now(self, frame: TrackedImage, *, has_lost: bool) -> tuple[Region, ...]:
        """Choose where the detector looks in this frame for faces that are not followed."""
        settings = self._settings
        if self._search is None or len(self._tracks) >= settings.max_faces:
            return ()
        lost_place = self._memory.next_view(frame.captured_ns, frame.shot)
        known: tuple[Region, ...] = (lost_place,) if lost_place else ()
        if frame.is_cut or (has_lost and settings.is_thorough):
            return known + (self._search.everything if settings.is_thorough else self._search.large)
        if not self._tracks:
            known += self._search.large if settings.is_thorough else ()
            return known + self._search.next_views(settings.searches_per_frame - len(known))
        is_due = frame.captured_ns - self._looked_ns >= settings.look_interval_s * 1e9
        if not is_due or (known and not settings.is_thorough):
            return known
        self._looked_ns = frame.captured_ns
        return known + self._search.next_views(settings.looks_per_frame)

    def _look(self, frame: TrackedImage, view: Region) -> None:
        """Begin to follow what is found in a view and not followed yet."""
        for detection in self._fitter.detections(frame.image_bgr, view):
            if len(self._tracks) >= self._settings.max_faces:
                return
            if self._is_known(detection):
                continue
            landmark_fit = self._fitter.new_face(frame.image_bgr, detection)
            if landmark_fit is not None:
                self._begin(frame, landmark_fit)

    def _is_known(self, detection: DetectedFace) -> bool:
        x, y = (detection.box_xyxy[:2] + detection.box_xyxy[2:]) / 2
        return any(
            box[0] < x < box[2] and box[1] < y < box[3] for box in (track.face.box_xyxy for track in self._tracks)
        )

    def _begin(self, frame: TrackedImage, landmark_fit: LandmarkFit) -> None:
        """Follow a face under its old id if it was lost a moment ago, else under a new one."""
        look = Appearance.of(frame.image_bgr, landmark_fit.region)
        face_id = self._memory.recall(landmark_fit, look, frame.captured_ns, frame.shot)
        if face_id is None:
            face_id, self._next_id = self._next_id, self._next_id + 1
        track = Track(face_id, frame, landmark_fit, look, self._settings)
        if any(_is_one_face(track.face, other.face) for other in self._tracks):
            self._memory.keep(track, frame.captured_ns, frame.shot)
            return
        self._tracks.append(track)

    def _lose(self, frame: TrackedImage, track: Track, shot: int) -> None:
        self._tracks.remove(track)
        self._memory.keep(track, frame.captured_ns, shot)


def _is_one_face(a: Face, b: Face) -> bool:
    """Tell whether two tracks have come to lie on one face: the middle of each lies well inside the other."""
    distance = abs(a.box_xyxy - b.box_xyxy)
    size = min(a.width_px, b.width_px)
    return bool(((distance[:2] + distance[2:]) / 2 < 0.35 * size).all()) or (overlap(a.box_xyxy, b.box_xyxy) > 0.5)
