"""Finds and follows the faces of a live picture: the landmark network on every known face, the detector in between."""

from mien.follow.appearance import Appearance
from mien.follow.frame import Frame
from mien.follow.geometry import overlap
from mien.follow.memory import Memory
from mien.follow.networks import FaceNetworks, default_networks
from mien.follow.search import LiveSearch
from mien.follow.settings import FollowSettings
from mien.follow.sighting import Looker, Sighting
from mien.follow.track import Track
from mien_models.arrays import BgrU8
from mien_models.faces import DetectedFace, Face
from mien_models.regions import Region


class Follower:
    """Follows faces from frame to frame; keeps its tracks, so one thread calls it with one stream's frames in order.

    A face that is not seen in a frame is not in that frame's answer, even if it comes back in the next.
    """

    def __init__(self, networks: FaceNetworks, settings: FollowSettings | None = None) -> None:
        self._settings = settings or FollowSettings()
        self._looker = Looker(networks, self._settings.look)
        self._tracks: list[Track] = []
        self._memory = Memory(self._settings)
        self._search: LiveSearch | None = None
        self._size: tuple[int, ...] = ()
        self._looked_ns = 0
        self._next_id = 0

    def __call__(self, image_bgr: BgrU8, captured_ns: int) -> tuple[Face, ...]:
        """Give every face that is seen in this frame, in the order in which they were first seen.

        `captured_ns` grows from frame to frame; speeds and smoothing are computed from it.
        """
        frame = Frame(image_bgr, captured_ns)
        if image_bgr.shape != self._size:
            self._start_over(image_bgr)
        self._memory.forget_old(captured_ns)
        for track in tuple(self._tracks):
            if not (self._still_seen(frame, track) or self._caught_again(frame, track)):
                self._lose(frame, track)
        self._part_merged(frame)
        self._check_one(frame)
        for view in self._views_now(captured_ns):
            self._look(frame, view)
        return tuple(track.face for track in sorted(self._tracks, key=lambda track: track.id))

    def _start_over(self, image_bgr: BgrU8) -> None:
        """Begin with pictures of another size: places of the old ones mean nothing in them."""
        height, width = image_bgr.shape[:2]
        smallest_px = max(self._settings.smallest_face * max(width, height), self._settings.smallest_face_px)
        self._size = image_bgr.shape
        self._tracks.clear()
        self._memory = Memory(self._settings)
        self._search = LiveSearch(width, height, smallest_px)

    def _still_seen(self, frame: Frame, track: Track) -> bool:
        """Look where the face was expected."""
        region = track.motion.at(frame.captured_ns)
        return self._goes_on(frame, track, self._looker.at(frame.image_bgr, region))

    def _caught_again(self, frame: Frame, track: Track) -> bool:
        """Ask the detector about a face that was not where it was expected, before it is given up."""
        view = track.motion.region.scaled(2.0)
        for detection in self._looker.detections(frame.image_bgr, view)[:1]:
            return self._goes_on(frame, track, self._looker.new_face(frame.image_bgr, detection))
        return False

    def _goes_on(self, frame: Frame, track: Track, sighting: Sighting | None) -> bool:
        if sighting is None:
            return False
        look = Appearance.of(frame.image_bgr, sighting.region)
        if not track.can_be(sighting, look, frame.captured_ns):
            return False
        track.take(frame, sighting, look)
        return True

    def _part_merged(self, frame: Frame) -> None:
        """When two tracks lie on one face, keep the one that was expected there."""
        for first in tuple(self._tracks):
            others = [track for track in self._tracks if track is not first]
            if all(overlap(first.face.box_xyxy, other.face.box_xyxy) == 0 for other in others):
                first.alone = first.now
            merged = [other for other in others if _is_one_face(first.face, other.face)]
            if first in self._tracks and merged:
                self._lose(frame, max(first, *merged, key=lambda track: track.surprise))

    def _check_one(self, frame: Frame) -> None:
        """Let the detector confirm the face whose turn it is; at most one per frame."""
        due_ns = frame.captured_ns - int(self._settings.confirm_interval_s * 1e9)
        due = [track for track in self._tracks if track.doubts or track.checked_ns <= due_ns]
        if not due:
            return
        track = min(due, key=lambda track: track.checked_ns)
        track.checked_ns = frame.captured_ns
        if self._looker.confirms(frame.image_bgr, track.sighting, wide=track.doubts % 2 == 1):
            track.doubts = 0
            return
        track.doubts += 1
        if track.doubts >= self._settings.max_doubts:
            self._lose(frame, track)

    def _views_now(self, captured_ns: int) -> tuple[Region, ...]:
        """Choose where the detector looks in this frame for faces that are not followed."""
        if self._search is None or len(self._tracks) >= self._settings.max_faces:
            return ()
        lost_place = self._memory.next_view(captured_ns)
        if not self._tracks:
            known = (lost_place,) if lost_place else ()
            return known + tuple(
                self._search.next_view() for _ in range(self._settings.searches_per_frame - len(known))
            )
        if lost_place:
            return (lost_place,)
        if captured_ns - self._looked_ns < self._settings.look_interval_s * 1e9:
            return ()
        self._looked_ns = captured_ns
        return (self._search.next_view(),)

    def _look(self, frame: Frame, view: Region) -> None:
        """Begin to follow what is found in a view and not followed yet."""
        for detection in self._looker.detections(frame.image_bgr, view):
            if len(self._tracks) >= self._settings.max_faces:
                return
            if self._is_known(detection):
                continue
            sighting = self._looker.new_face(frame.image_bgr, detection)
            if sighting is not None:
                self._begin(frame, sighting)

    def _is_known(self, detection: DetectedFace) -> bool:
        x, y = (detection.box_xyxy[:2] + detection.box_xyxy[2:]) / 2
        return any(
            box[0] < x < box[2] and box[1] < y < box[3] for box in (track.face.box_xyxy for track in self._tracks)
        )

    def _begin(self, frame: Frame, sighting: Sighting) -> None:
        """Follow a face under its old id if it was lost a moment ago, else under a new one."""
        look = Appearance.of(frame.image_bgr, sighting.region)
        face_id = self._memory.recall(sighting, look, frame.captured_ns)
        if face_id is None:
            face_id, self._next_id = self._next_id, self._next_id + 1
        track = Track(face_id, frame, sighting, look, self._settings)
        if any(_is_one_face(track.face, other.face) for other in self._tracks):
            self._memory.keep(track, frame.captured_ns)
            return
        self._tracks.append(track)

    def _lose(self, frame: Frame, track: Track) -> None:
        self._tracks.remove(track)
        self._memory.keep(track, frame.captured_ns)


def default_follower(settings: FollowSettings | None = None, *, threads: int = 1) -> Follower:
    """Make a follower with the networks that come with Mien.

    Raises:
        ModelError: their weights are missing or damaged.
    """
    return Follower(default_networks(threads=threads), settings)


def _is_one_face(a: Face, b: Face) -> bool:
    """Tell whether two tracks have come to lie on one face: the middle of each lies well inside the other."""
    distance = abs(a.box_xyxy - b.box_xyxy)
    size = min(a.width_px, b.width_px)
    return bool(((distance[:2] + distance[2:]) / 2 < 0.35 * size).all()) or (overlap(a.box_xyxy, b.box_xyxy) > 0.5)
