"""Everything about following that can be set, with the reasons for the defaults."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class PlausibilitySettings:
    """How odd a face may be; measured wide of every real face tried, in all poses."""

    max_shift: float = 0.45
    """How far the face's middle may lie from the middle of the region searched, in sides of that region."""
    size_range: tuple[float, float] = (0.25, 1.4)
    """How much of the region's side the face may take."""
    aspect_range: tuple[float, float] = (0.75, 3.2)
    """Height by width of the face along its own axes; a profile is narrow."""
    min_inside: float = 0.5
    """Part of the landmarks that must lie inside the picture."""


@dataclass(frozen=True, slots=True)
class LookSettings:
    """When the two networks are believed.

    Measured: FaceMesh gave no presence above 0.5 in 354 places without a face and none below 0.98 on 1056 real ones,
    but up to 1.0 on faces that it took upside down. There the detector scores at most 0.83, and at least 0.87 the
    other way up, and its eyes are elsewhere.
    """

    min_detection: float = 0.5
    """Score (0..1) a detection needs to be looked at."""
    min_confirmation: float = 0.3
    """Score a detection needs on the place of a face that is already known."""
    max_eye_distance: float = 0.15
    """How far (in face sizes) the detector may see an eye from the landmarks' eye; real faces stay below 0.08."""
    acquire_presence: float = 0.9
    """Presence (0..1) at which landmarks are taken for a new face's."""
    keep_presence: float = 0.5
    """Presence below which a known face is given up: lower than to begin, so that one odd frame does not blink."""
    plausibility: PlausibilitySettings = field(default_factory=PlausibilitySettings)


@dataclass(frozen=True, slots=True)
class OneEuroSettings:
    """Casiez, Roussel and Vogel, '1 EUR Filter' (CHI 2012), with the constants of MediaPipe's FaceLandmarker.

    Speeds are in face sizes a second, so that a face far away is smoothed like one near by.
    """

    min_cutoff_hz: float = 0.05
    """How much a resting point is smoothed; lower is calmer."""
    beta: float = 80.0
    """How fast the smoothing gives way: added cutoff in Hz per face size a second."""
    speed_cutoff_hz: float = 1.0
    """Smoothing of the speed itself."""


@dataclass(frozen=True, slots=True)
class LandmarkFilterSettings:
    """How soon the network is believed where it and the moving picture differ."""

    settling_s: float = 0.4
    """Time constant with which skin that moves with the head is drawn to where the network has it."""
    lips_settling_s: float = 0.06
    """The same for lips: they open, close and show teeth faster than the picture can be followed."""
    lids_settling_s: float = 0.03
    """The same for lids: a blink is over in 0.1 s, and between the lids the eye is the target's own."""
    agreement: tuple[float, float] = (0.03, 0.08)
    """Up to the first distance, in face sizes, picture and network differ by trembling; from the second on the picture
    is wrong and the network is taken at its word."""
    depth: OneEuroSettings = field(default_factory=OneEuroSettings)
    """Smoothing of depth, of which a picture tells nothing."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How faces are found, kept and given up in a live picture."""

    max_faces: int = 4
    """Faces followed at once; each costs one run of the landmark network per frame."""
    smallest_face: float = 1 / 32
    """Narrowest face that is searched for, in parts of the picture's long side: 40 pixels of 1280.

    Smaller ones need more and smaller views, so that each view's turn comes later.
    """
    smallest_face_px: float = 32.0
    """The same in pixels, for small pictures: in narrower faces there is nothing to work with."""

    look_interval_s: float = 0.15
    """Time between two looks for further faces while one is followed."""
    looks_per_frame: int = 1
    """Detector runs of such a look."""
    searches_per_frame: int = 2
    """Detector runs per frame while no face is followed: together they cost what following one would."""
    is_thorough: bool = False
    """Whether the picture is searched to the smallest face at once where one may have come: for files, where nobody
    waits."""
    confirm_interval_s: float = 1.0
    """Time between two checks by the detector that a followed face is one."""
    max_doubts: int = 2
    """Failed checks in a row, one per frame, after which a face is given up.

    Measured on real clips: none of 1056 faces, with hands before them, in profile or rolled by 45 degrees, failed one.
    """

    max_jump: float = 0.5
    """Distance from where a face was expected, in face widths, beyond which it is not the same one."""
    max_growth: float = 1.6
    """Factor by which a face's width may change between two frames."""
    min_similarity: float = 0.5
    """How much (correlation, -1..1) a face must look like it did a frame ago.

    Below lies what a hard cut to another person does; one person stays above 0.89 from frame to frame.
    """
    min_cut_similarity: float = 0.85
    """The same where the film is cut: a jump within one take leaves a face at 0.97, another person has 0.74 at most."""
    min_return_similarity: float = 0.2
    """The same for a lost face's return: light, background and what covers it may have changed."""
    return_speed: float = 2.0
    """How many face sizes a second a lost face may have moved to get its id back."""
    remember_s: float = 2.0
    """How long a lost face's id is kept for its return."""

    landmark_filter: LandmarkFilterSettings = field(default_factory=LandmarkFilterSettings)
    look: LookSettings = field(default_factory=LookSettings)

    @staticmethod
    def for_files(*, all_faces: bool) -> "TrackerSettings":
        """Follow the faces of a film from their first frame on, however long that takes.

        Args:
            all_faces: whether a face that comes beside another one matters; else it is looked for at leisure.
        """
        settings = TrackerSettings(max_faces=32, is_thorough=True, searches_per_frame=15)
        return replace(settings, look_interval_s=0.0, looks_per_frame=6) if all_faces else settings
