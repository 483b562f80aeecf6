"""The stages of a frame's way, made as the settings say; nothing else knows both."""

import logging
from typing import Final

from mien.config.settings import Settings
from mien.pipeline.interfaces import Stage
from mien.session.live_changes import check_swapper
from mien.sinks import parse_sink
from mien.stages.colour import ColourStage
from mien.stages.colour_methods._base import ColourMethod
from mien.stages.composite import CompositeStage
from mien.stages.content_gate import ContentGate, ContentGateStage
from mien.stages.detail import DetailStage
from mien.stages.enhance import EnhanceStage, parse_enhancer
from mien.stages.mask import MaskStage
from mien.stages.mask_methods._base import Edge, MaskFactory, parse_mask
from mien.stages.swap import SwapStage
from mien.tracking.assignment import parse_assignments
from mien_models.interfaces import EnhancerFactory
from mien_models.plugins import Plugins

_LOG = logging.getLogger(__name__)
COLOURS: Final[Plugins[ColourMethod]] = Plugins("mien.stages.colour_methods", "colour method")
MASKS: Final[Plugins[MaskFactory]] = Plugins("mien.stages.mask_methods", "mask")
ENHANCERS: Final[Plugins[EnhancerFactory]] = Plugins("mien_models.networks.enhancers", "enhancer")


def check_names(settings: Settings) -> None:
    """Refuse a swapper, colour method, mask, enhancer or sink that does not exist before anything takes time.

    Raises:
        UsageError: the choices are listed.
    """
    check_swapper(settings.swapper)
    parse_assignments(settings.assign)
    COLOURS.check(settings.colour)
    for spec in settings.masks:
        MASKS.check(parse_mask(spec)[0])
    if settings.enhance is not None:
        ENHANCERS.check(parse_enhancer(settings.enhance)[0])
    for spec in settings.sinks:
        parse_sink(spec)


def swap_stages(settings: Settings, finder: Stage, swap: SwapStage) -> tuple[Stage, ...]:
    """Make the stages up to the composed picture."""
    colour = ColourStage(COLOURS.load(settings.colour))
    detail = (DetailStage(),) if settings.detail else ()
    enhance = (enhance_stage(settings),) if settings.enhance is not None else ()
    return (finder, swap, colour, *enhance, *detail, mask_stage(settings), CompositeStage())


def content_gate_stage(settings: Settings, *, is_file: bool, is_still: bool) -> tuple[Stage, ...]:
    """Make the content gate's stage, or none where it does not look at such an input."""
    if not settings.content_gate.covers(is_file=is_file):
        return ()
    from mien.stages.nsfw import open_look

    return (ContentGateStage(ContentGate(open_look(settings.threads), is_still=is_still)),)


def enhance_stage(settings: Settings) -> EnhanceStage:
    """Make the stage of the enhancer that was asked for, and say what it costs."""
    name, network = parse_enhancer(settings.enhance or "")
    enhancer = ENHANCERS.load(name)(network, threads=settings.threads, provider=settings.provider)
    _LOG.info("Enhancer: %s on %s, about %.0f ms for each face.", name, enhancer.provider, enhancer.cost_ms)
    return EnhanceStage(enhancer, settings.enhance_strength)


def mask_stage(settings: Settings) -> MaskStage:
    """Make the stage of all the masks that were asked for."""
    methods = [MASKS.load(name)(network) for name, network in map(parse_mask, settings.masks)]
    return MaskStage(methods, Edge(settings.edge.erode, settings.edge.feather))
