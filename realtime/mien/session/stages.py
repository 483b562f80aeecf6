"""The order of a frame's way, and how each stage is made. A change of options makes anew what depends on them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from mien.config.choices import ChooseMode
from mien.pipeline.frame import Frame
from mien.pipeline.interfaces import HasParts, OptionalPart, Stage
from mien.pipeline.live.stage_threads import Unused
from mien.pipeline.report import MARKS
from mien.remote.stage import REMOTE
from mien.session.loaded import Loaded
from mien.session.options import Options
from mien.session.remote import SessionRemote
from mien.session.swappers import check_swapper
from mien.sinks.registry import parse_sink
from mien.sources.registry import is_played
from mien.stages.colour import COLOURS, ColourStage
from mien.stages.composite import CompositeStage
from mien.stages.consent_check import ConsentStage, OwnerCheck, OwnerCheckStage, Permits
from mien.stages.content_gate import ContentGate, ContentGateStage, open_look
from mien.stages.detail import DetailStage
from mien.stages.dissolve import DissolveStage
from mien.stages.enhance import EnhanceStage
from mien.stages.finish import FinishStage
from mien.stages.glasses import GlassesStage
from mien.stages.marks import Marks, MarkStage
from mien.stages.mask import MASKS, MaskStage
from mien.stages.swap import SwapStage
from mien.stages.tone import ToneStage
from mien.stages.track import ForeseeStage, PhotoTrackStage, TrackStage
from mien.tracking.landmark_fit import FaceNetworks
from mien.tracking.recognition import PeopleChooser
from mien.tracking.selection import Chooser, ForesightedOne, make_chooser, parse_assignments, rank_of
from mien.tracking.settings import TrackerSettings
from mien.tracking.tracker import Tracker
from mien_models.errors import ModelError
from mien_models.library.builtin import load_eyewear, load_finisher, load_rims
from mien_models.networks.enhancers._base import ENHANCERS
from mien_models.networks.finisher import user_finisher

OWN: Final = "own"
"""`--finish own` takes the network that comes with Mien, unless there is a file of that name."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Making:
    """What stages are made of, and for what kind of input."""

    loaded: Loaded
    marks: Marks
    address: str
    """Where frames come from."""
    is_still: bool = False
    """One picture, which is looked at harder."""
    is_file: bool = False
    """A file that is swapped as a whole: nothing is dropped, and recognising somebody is waited for."""
    remote: SessionRemote | None = None
    """What speaks with the machine that swaps; None where none can."""

    @property
    def options(self) -> Options:
        """What the stages are made for."""
        return self.loaded.options


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a frame's way."""

    name: str
    needs: Callable[[Making], object]
    """What a stage here depends on: it is made anew when that is no longer equal."""
    make: Callable[[Making], Stage | None]
    """None: there is nothing to do here."""


def stages_of(making: Making) -> tuple[Stage, ...]:
    """Make every stage, in order; `Unused` keeps the place of what is not needed."""
    return tuple(_made(place, making) for place in ORDER)


def changed_stages(before: Making, now: Making) -> tuple[Stage, ...]:
    """Make the stages that other options ask for; those that stay are not among them."""
    return tuple(
        _made(place, now) for place in ORDER if place.needs(before) != place.needs(now) or _is_moved(before, now)
    )


def _is_moved(before: Making, now: Making) -> bool:
    """Whether the swap goes to another machine now, or comes back: every stage has to know."""
    return (before.options.remote is None) != (now.options.remote is None)


def check_names(options: Options) -> None:
    """Refuse a swapper, colour method or sink that does not exist before anything takes time.

    Raises:
        UsageError: the choices are listed.
    """
    check_swapper(options.swapper.name)
    parse_assignments(options.faces.assign)
    COLOURS.check(options.colour)
    for spec in options.sinks:
        parse_sink(spec)


def _made(place: Place, making: Making) -> Stage:
    stage = place.make(making)
    if stage is None:
        return Unused(place.name)
    return unless_elsewhere(stage) if making.options.remote is not None and place.name in _ELSEWHERE else stage


class Wrapped:
    """A stage whose step is done in another way; its name and its parts are those of the stage inside."""

    def __init__(self, stage: Stage, step: Callable[[Frame], Frame]) -> None:
        """Take the stage, and what is done in place of calling it."""
        self._stage, self._step = stage, step

    @property
    def name(self) -> str:
        """That of the stage inside."""
        return self._stage.name

    @property
    def parts(self) -> Sequence[OptionalPart]:
        """Those of the stage inside."""
        return self._stage.parts if isinstance(self._stage, HasParts) else ()

    def __call__(self, frame: Frame) -> Frame:
        """Do the step."""
        return self._step(frame)


def unless_elsewhere(stage: Stage) -> Stage:
    """Pass frames on that another machine has dealt with."""
    return Wrapped(stage, lambda frame: frame if frame.is_done_elsewhere else stage(frame))


def _consent(making: Making) -> Stage:
    return ConsentStage(Permits(making.loaded.source_faces.permits))


def _content_gate(making: Making) -> Stage | None:
    if not _is_looked_at(making):
        return None
    return ContentGateStage(ContentGate(open_look(making.options.threads), is_still=making.is_still))


def _is_looked_at(making: Making) -> bool:
    return making.options.gate.covers(is_file=making.is_file or is_played(making.address))


def _remote(making: Making) -> Stage | None:
    return None if making.remote is None else making.remote.stage(making.options.remote, making.loaded)


def _track(making: Making) -> Stage:
    networks = making.loaded.face_networks
    if making.is_still:
        return PhotoTrackStage(networks, _chooser(making))
    if not making.is_file:
        return TrackStage(making.loaded.tracker, _chooser(making))
    if making.loaded.source_faces.known_people:
        return TrackStage(Tracker(networks, TrackerSettings.for_files(all_faces=True)), _chooser(making))
    return film_stage(networks, ChooseMode(making.options.faces.assign))


def film_stage(networks: FaceNetworks, mode: ChooseMode) -> Stage:
    """Make what finds the faces of a film, in which nothing is dropped, and chooses as one word says."""
    tracker = Tracker(networks, TrackerSettings.for_files(all_faces=mode is ChooseMode.ALL))
    if mode is ChooseMode.ALL:
        return TrackStage(tracker, make_chooser(mode))
    return ForeseeStage(tracker, ForesightedOne(rank_of(mode)))


def _chooser(making: Making) -> Chooser:
    people = making.loaded.people()
    if people:
        return PeopleChooser(people, making.loaded.look(), waits=making.is_file)
    return make_chooser(ChooseMode(making.options.faces.assign))


def _owner_check(making: Making) -> Stage | None:
    """Look whether the user is the person of a face that is used as their own, where a network can tell."""
    faces = making.loaded.source_faces
    if faces.own is None or faces.known_people or making.is_file:
        return None
    try:
        own = making.loaded.own_vector()
    except ModelError:
        recogniser = making.options.faces.recogniser
        _LOG.info("It is not checked that you are %r: no model %r is installed.", faces.own, recogniser)
        return None
    return OwnerCheckStage(OwnerCheck(faces.own, own, making.loaded.look()))


def _swap(making: Making) -> Stage:
    return SwapStage(making.loaded.swappers())


def _colour(making: Making) -> Stage:
    return ColourStage(COLOURS.load(making.options.colour).method, kept=making.options.tone)


def _tone(making: Making) -> Stage | None:
    return ToneStage() if making.options.tone > 0 else None


def _glasses(making: Making) -> Stage:
    return GlassesStage(load_eyewear(), load_rims(), making.options.glasses)


def _finish(making: Making) -> Stage | None:
    network = making.options.finisher
    if network is None:
        return None
    is_ours = network.name == OWN and not network.exists()
    load = load_finisher if is_ours else partial(user_finisher, network)
    return FinishStage(load(threads=making.options.threads))


def _enhance(making: Making) -> Stage | None:
    options = making.options.enhancer
    if options is None:
        return None
    enhancer = ENHANCERS.load(options.method).make(
        options.target, threads=making.options.threads, provider=making.options.swapper.provider
    )
    _LOG.info("Enhancer: %s on %s, about %.0f ms for each face.", options.method, enhancer.provider, enhancer.cost_ms)
    return EnhanceStage(enhancer, options.strength)


def _detail(making: Making) -> Stage | None:
    return DetailStage() if making.options.has_detail else None


def _dissolve(making: Making) -> Stage | None:
    return DissolveStage() if making.is_file and not making.is_still else None


def _mask(making: Making) -> Stage:
    options = making.options.masks
    return MaskStage([MASKS.load(name).make(target) for name, target in options.methods], options.edge)


ORDER: Final = (
    Place("consent_check", lambda making: making.loaded.source_faces, _consent),
    Place("content_gate", lambda making: (making.options.gate, _is_looked_at(making)), _content_gate),
    Place(REMOTE, lambda making: (making.options.remote, making.loaded.source_faces), _remote),
    Place(
        "track",
        lambda making: (
            making.options.faces.assign,
            making.options.faces.recogniser,
            making.loaded.source_faces.known_people,
        ),
        _track,
    ),
    Place(
        "owner_check",
        lambda making: (making.loaded.source_faces, making.options.faces.recogniser),
        _owner_check,
    ),
    Place("swap", lambda making: (making.loaded.source_faces, making.options.swapper), _swap),
    Place("colour", lambda making: (making.options.colour, making.options.tone), _colour),
    Place("finish", lambda making: making.options.finisher, _finish),
    Place("enhance", lambda making: making.options.enhancer, _enhance),
    Place("detail", lambda making: making.options.has_detail, _detail),
    Place("tone", lambda making: making.options.tone > 0, _tone),
    Place("glasses", lambda making: making.options.glasses, _glasses),
    Place("mask", lambda making: making.options.masks, _mask),
    Place("composite", lambda _making: None, lambda _making: CompositeStage()),
    Place("dissolve", lambda making: (making.is_file, making.is_still), _dissolve),
    Place(MARKS, lambda making: making.marks, lambda making: MarkStage(making.marks)),
)
"""A frame's way: consent and the content gate before anything is done with a frame, the marks after everything."""
_ELSEWHERE: Final = frozenset(
    {"track", "swap", "colour", "finish", "enhance", "detail", "tone", "glasses", "mask", "composite"}
)
"""What is not done here with a frame that comes back from another machine."""
