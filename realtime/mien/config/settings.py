"""Every setting, with what a form, a flag and a session need to know of it.

`Settings` is known to `mien.config`, to the command line and to `mien.session.options`, which resolves it once.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mien.config.choices import (
    ConsentKind,
    EyesMode,
    GateMode,
    GlassesMode,
    LabelMode,
    LandmarksMode,
    RecordingQuality,
    Show,
)
from mien.config.fields import Names, PluginNames, Rate, Size, said
from mien_models.types import SwapOptions

PREFIX: Final = "MIEN_"


class Shown(BaseModel):
    """What is shown in each state but LIVE; only 'passthrough' ever shows the real face."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lost: Show = Field(
        default=Show.CARD,
        json_schema_extra=said("Without a face", "safety"),
        description="what is shown without a face, or when not sure of one",
    )
    privacy: Show = Field(
        default=Show.CARD,
        json_schema_extra=said("After the panic key", "safety"),
        description="what is shown after the panic key",
    )
    fault: Show = Field(
        default=Show.CARD,
        json_schema_extra=said("Without a camera", "safety"),
        description="what is shown while a camera or a model is gone",
    )


class Edges(BaseModel):
    """How the outline of a swapped face ends, in parts of the face's width."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    erode: Annotated[float, Field(ge=0, le=0.3)] = Field(
        default=0.0,
        json_schema_extra=said("Begins inside", "look", unit="face widths"),
        description="how far inside its outline the new face begins",
    )
    feather: Annotated[float, Field(ge=0, le=0.3)] = Field(
        default=0.0,
        json_schema_extra=said("Fades in over", "look", unit="face widths"),
        description="how far it fades in from there",
    )


class Settings(BaseSettings):
    """What the user wants, complete and checked."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    face: Names = Field(
        (),
        json_schema_extra=said("Face", "face", form="NAME|PHOTO"),
        description="a face of your library, or photos of one face; photo.jpg#2 takes the second face of its photo",
    )
    consent: ConsentKind | None = Field(
        None, json_schema_extra=said("Whose face it is", "face"), description="whose face it is and by what right"
    )
    camera: str | None = Field(
        None,
        json_schema_extra=said("Camera", "camera", plugins="mien.sources.backends"),
        description="where frames come from; the first camera by default",
    )
    microphone: str | None = Field(
        None,
        json_schema_extra=said("Microphone", "sound", form="NAME|default|synthetic|none"),
        description="name or number, 'default', 'synthetic' or 'none'; else the system's, where an output has sound",
    )
    microphone_out: str | None = Field(
        None,
        json_schema_extra=said("Microphone for calls", "sound", is_live=False, form="NAME"),
        description="an output device that gets the microphone as late as the picture, for calls",
    )
    obs: str | None = Field(
        None,
        json_schema_extra=said("OBS", "sound", is_live=False, form="HOST[:PORT]"),
        description="OBS's WebSocket server; OBS is told to hold its microphone back by as long as the picture takes",
    )
    obs_microphone: str | None = Field(
        None,
        json_schema_extra=said("Microphone in OBS", "sound", is_live=False, form="NAME"),
        description="what OBS calls your microphone; by default the first of its audio settings",
    )
    mute: bool = Field(
        default=False,
        json_schema_extra=said("Mute", "sound"),
        description="send silence instead of the microphone",
    )
    panic_mutes: bool = Field(
        default=True,
        json_schema_extra=said("The panic key mutes", "sound"),
        description="send silence while the panic key is down",
    )
    sinks: Names = Field(
        (),
        json_schema_extra=said("Outputs", "outputs", plugins="mien.sinks.backends"),
        description="where frames go, several at once",
    )
    recording_quality: RecordingQuality = Field(
        RecordingQuality.GOOD,
        json_schema_extra=said("Quality of recordings", "outputs"),
        description="how good recordings are: best, good, small, or as the stream, whose encoder they then share",
    )
    recording_height: Annotated[int, Field(ge=120, le=4320, multiple_of=2)] | None = Field(
        None,
        json_schema_extra=said("Height of recordings", "outputs", unit="pixels", form="N"),
        description="rows of recordings, from the next one on; by default those of the picture",
    )
    lan: bool = Field(
        default=False,
        json_schema_extra=said("Pages in the local network", "outputs", is_live=False),
        description="let other devices of your network open the pages of watch and mjpeg, by their secret address",
    )
    swapper: str = Field(
        "mesh",
        json_schema_extra=said("Swapper", "swap", plugins="mien_models.swappers"),
        description="what swaps the face",
    )
    strength: Annotated[float, Field(ge=0, le=1.5)] = Field(
        SwapOptions().strength,
        json_schema_extra=said("Likeness", "swap", is_of_networks=True),
        description="how much of the photo's identity a network is given; 0 is your own",
    )
    remote: str | None = Field(
        None,
        json_schema_extra=said("Swap on another machine", "remote", form="HOST[:PORT][,HOST...]"),
        description="the machine that swaps, where 'mien serve' runs, or several, tried in turn; by default this one",
    )
    remote_takeover: bool = Field(
        default=True,
        json_schema_extra=said("Swap here while it is away", "remote"),
        description="let this machine swap with 'mesh' while the other one is away; else a card is shown",
    )
    boost: Annotated[int, Field(ge=1, le=4)] = Field(
        SwapOptions().boost,
        json_schema_extra=said("Resolution boost", "swap", unit="times", is_of_networks=True),
        description="run a network at so many times its resolution, at the square of its cost",
    )
    morph: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        json_schema_extra=said("Morph", "swap", is_of_networks=True),
        description="how far a DeepFaceLab model that can be morphed is; by default as is kept with the model",
    )
    template: str | None = Field(
        None,
        json_schema_extra=said("Alignment", "swap", form="NAME", is_of_networks=True),
        description="how faces are aligned for a network; by default as is kept with the model",
    )
    provider: Literal["auto", "tensorrt-rtx", "tensorrt", "cuda", "coreml", "directml", "openvino", "cpu"] = Field(
        "auto",
        json_schema_extra=said("Runs on", "swap"),
        description="what runs the networks of swapper and enhancer",
    )
    shape: Annotated[float, Field(ge=0, le=1)] = Field(
        SwapOptions().shape,
        json_schema_extra=said("Shape", "swap"),
        description="proportions of the new face: 0 your own, 1 those of the photo",
    )
    eyes: EyesMode = Field(
        EyesMode.WEARER,
        json_schema_extra=said("Eyes", "look"),
        description="whose eyes: lids and irises of the photo, or your own; they look where you look",
    )
    tone: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0,
        json_schema_extra=said("Skin tone of the photo", "look"),
        description="how much of the photo's skin tone is kept, and carried softly onto ears and neck",
    )
    colour: str = Field(
        "mkl",
        json_schema_extra=said("Colour", "look", plugins="mien.stages.colour_methods"),
        description="how the new face takes the light of the frame",
    )
    detail: bool = Field(
        default=True,
        json_schema_extra=said("Sharpness and grain", "look"),
        description="make the new face as sharp and as grainy as the camera's picture",
    )
    finish: Path | None = Field(
        None,
        json_schema_extra=said("Finishing network", "look", form="own|FILE.onnx"),
        description="repairs edges and tone of the face: own, or one of yours from export/examples/train_finisher",
    )
    enhance: str | None = Field(
        None,
        json_schema_extra=said("Enhancer", "look", plugins="mien_models.networks.enhancers"),
        description="a network of yours that makes the new face clearer",
    )
    enhance_strength: Annotated[float, Field(ge=0, le=1)] = Field(
        0.8, json_schema_extra=said("Enhancer's strength", "look"), description="how much of its change is used"
    )
    masks: PluginNames = Field(
        ("history",),
        json_schema_extra=said("Masks", "look", plugins="mien.stages.mask_methods"),
        description="what keeps things in front of the face, several at once",
    )
    glasses: GlassesMode = Field(
        GlassesMode.AUTO,
        json_schema_extra=said("Your glasses", "look"),
        description="keep your own glasses in front of the new face, remove them, or decide by how large the face is",
    )
    landmarks: LandmarksMode = Field(
        LandmarksMode.QUICK,
        json_schema_extra=said("Lips and lids", "look", is_live=False),
        description="how closely the face is looked at: quick, or fine (lips and lids better, 6 ms more a frame)",
    )
    assign: str = Field(
        "largest",
        json_schema_extra=said("Who gets which face", "face", form="largest|leftmost|all|PERSON=FACE,..."),
        description="which faces are swapped: largest, leftmost, all, or PERSON.jpg=FACE.jpg,OTHER.jpg=none",
    )
    recogniser: str = Field(
        "arcface_w600k_r50",
        json_schema_extra=said("Recognises people with", "face", form="MODEL"),
        description="the model that recognises people for a list in assign",
    )
    size: Size | None = Field(
        None,
        json_schema_extra=said("Picture size", "camera", unit="pixels", is_live=False, form="WxH"),
        description="width x height asked of the camera and given to the sinks",
    )
    fps: Rate | None = Field(
        None,
        json_schema_extra=said("Frame rate", "camera", unit="frames/s", is_live=False, form="N"),
        description="frames a second asked of the camera and given to the sinks",
    )
    loop: bool = Field(
        default=False,
        json_schema_extra=said("Play over and over", "camera", is_live=False),
        description="play a video file or a folder of pictures over and over",
    )
    seconds: Annotated[float, Field(gt=0)] | None = Field(
        None,
        json_schema_extra=said("Stop after", "run", unit="s", is_live=False),
        description="stop after so many seconds",
    )
    report: Path | None = Field(
        None,
        json_schema_extra=said("Report", "run", is_live=False, form="FILE.json"),
        description="where the report of a run is written, as JSON",
    )
    label: LabelMode = Field(
        LabelMode.ON,
        json_schema_extra=said("Label", "safety"),
        description="the 'AI MODIFIED' label: on, or art (at the start and every three minutes)",
    )
    content_gate: GateMode = Field(
        GateMode.FILES,
        json_schema_extra=said("Content gate", "safety"),
        description="what the content gate looks at: files, or always (live cameras too)",
    )
    language: Annotated[str, Field(pattern="^[A-Za-z]{2}")] | None = Field(
        None,
        json_schema_extra=said("Language of the label", "safety", form="en|de|fr|es|it|pt|zh"),
        description="language of the label, such as de; by default that of the system",
    )
    credentials_certificate: Path | None = Field(
        None,
        json_schema_extra=said("Your certificate", "safety", is_live=False, form="CHAIN.pem"),
        description="your certificate chain as PEM, to sign recordings with instead of this installation's key",
    )
    credentials_key: Path | None = Field(
        None,
        json_schema_extra=said("Its key", "safety", is_live=False, form="KEY.pem"),
        description="the key of credentials_certificate, as PEM",
    )
    threads: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        json_schema_extra=said("Threads", "run", is_live=False),
        description="threads of each network and picture operation; the stages run side by side anyway",
    )
    swapper_threads: Annotated[int, Field(ge=1, le=256)] | None = Field(
        None,
        json_schema_extra=said("The swapper's threads", "run", is_live=False),
        description="threads of the swapper's networks; by default two fewer than the processor has cores",
    )
    policy: Shown = Field(
        default=Shown(),
        json_schema_extra=said("What is shown instead", "safety"),
        description="what is shown while no face is swapped",
    )
    edge: Edges = Field(
        default=Edges(),
        json_schema_extra=said("Edge of the face", "look"),
        description="how the new face's outline ends, on top of its own, in parts of the face's width",
    )


TABLES: Final[Mapping[str, type[BaseModel]]] = {"policy": Shown, "edge": Edges}
"""The settings that are tables; on the command line, their inner names are flags."""
