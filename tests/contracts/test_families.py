"""Every family of networks knows its own files, and no other's."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien_models.architectures._registry import ARCHITECTURES, LICENCE_STAMP, STAMP, UNKNOWN_TERMS, recognise, stamp_of
from mien_models.errors import AmbiguousError, ModelError
from mien_models.onnx_format.graph import GraphDescription, read_graph
from mien_models.specs.network import IMAGENET_OUTPUT, UNIT_OUTPUT, EmbedSpec, SwapSpec
from mien_models.specs.templates import TEMPLATES

Shapes = Mapping[str, Sequence[int | str]]


def graph_of(
    inputs: Shapes,
    outputs: Shapes,
    constants: Sequence[tuple[int, ...]] = (),
    operators: Sequence[str] = (),
    stamps: dict[str, str] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> GraphDescription:
    """Describe a file of such an outline; its constants are empty promises, which nobody reads here.

    The attributes are those of every node.
    """
    taken, given = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in some.items()]
        for some in (inputs, outputs)
    )
    small = [numpy_helper.from_array(np.zeros(1, np.float32), f"c{index}") for index in range(len(constants))]
    for tensor, shape in zip(small, constants, strict=True):
        del tensor.dims[:]
        tensor.dims.extend(shape)
    nodes = [
        helper.make_node(operator, ["a"], [f"o{index}"], **(attributes or {}))
        for index, operator in enumerate(operators)
    ]
    model = helper.make_model(helper.make_graph(nodes, "outline", taken, given, small))
    helper.set_model_props(model, stamps or {})
    return read_graph(model.SerializeToString(), "net.onnx")


def swapper(side_px: int, **more: Sequence[int | str]) -> Shapes:
    return {"target": [1, 3, side_px, side_px], "source": [1, 512], **more}


def picture(side_px: int, name: str = "output") -> Shapes:
    return {name: [1, 3, side_px, side_px]}


UP = ["ConvTranspose"] * 7
OUTLINES: dict[str, list[GraphDescription]] = {
    "inswapper": [
        graph_of(swapper(128), picture(128), [(128, 3, 7, 7), (2048, 512), (512, 512)]),
        graph_of(swapper(256), picture(256), [(128, 3, 7, 7), (512, 2048)]),
    ],
    "hyperswap": [
        graph_of(swapper(256), {**picture(256), "mask": [1, 1, 256, 256]}, [(4096, 512, 3, 3)], ["ConvTranspose"] * 9)
    ],
    "ghost": [graph_of(swapper(256), picture(256, "1165"), [(512, 1024, 2, 2), (1, 1024, 1, 1)], UP)],
    "simswap": [
        graph_of(swapper(224), picture(224), [(64, 3, 7, 7), (1024, 512)]),
        graph_of(swapper(256), picture(256), [(64, 3, 7, 7), (1024, 512)]),
        graph_of({"input": [1, 3, 512, 512], "onnx::Gemm_1": [1, 512]}, picture(512), [(32, 3, 7, 7), (1024, 512)]),
    ],
    "hififace": [graph_of(swapper(256), picture(256), [(64, 3, 3, 3), (1024, 512)])],
    "blendswap": [graph_of({"target": [1, 3, 256, 256], "source": [1, 3, 112, 112]}, picture(256))],
    "uniface": [graph_of({"source": [1, 3, 256, 256], "target": [1, 3, 256, 256]}, picture(256))],
    "mobilefaceswap": [graph_of({"input": [1, 3, 224, 224]}, {**picture(224), "mask": [1, 1, 224, 224]})],
    "dfm": [
        graph_of(
            {"in_face:0": ["n", 224, 224, 3], **more},
            {
                "out_face_mask:0": ["n", 224, 224, 1],
                "out_celeb_face:0": ["n", 224, 224, 3],
                "out_celeb_face_mask:0": ["n", 224, 224, 1],
            },
        )
        for more in ({}, {"morph_value:0": [1]})
    ],
    "arcface": [
        graph_of({"input.1": ["None", 3, 112, 112]}, {"683": [1, 512]}),
        graph_of({"input": [1, 3, 112, 112]}, {"output": [1, 512]}, operators=["Sigmoid"]),
    ],
    "crossface": [graph_of({"input": [1, 512]}, {"output": [1, 512]})],
}
STRANGERS = {
    "an enhancer": graph_of({"input": [1, 3, 512, 512]}, picture(512)),
    "a detector": graph_of({"input": [1, 3, 640, 640]}, {"boxes": [1, 100, 4], "scores": [1, 100]}),
    "a parser": graph_of({"input": [1, 3, 512, 512]}, {"classes": [1, 19, 512, 512]}),
}
KNOWN = [(family, graph) for family, graphs in OUTLINES.items() for graph in graphs]


def test_every_family_has_an_outline() -> None:
    assert set(OUTLINES) == set(ARCHITECTURES.names())


@pytest.mark.parametrize(("family", "graph"), KNOWN)
def test_its_own_family_finds_more_that_speaks_for_a_file_than_any_other(family: str, graph: GraphDescription) -> None:
    answers = {name: ARCHITECTURES.load(name).recognise(graph) for name in ARCHITECTURES.names()}
    found = {name: len(answer.marks) for name, answer in answers.items() if answer is not None}
    assert [name for name, count in found.items() if count == max(found.values())] == [family]
    assert found[family] > 0


def test_where_nothing_speaks_for_one_family_more_than_for_another_the_user_is_asked() -> None:
    background = graph_of(swapper(256), picture(256))
    with pytest.raises(AmbiguousError, match=r"--as ghost\|hififace\|hyperswap\|inswapper\|simswap") as refusal:
        recognise(background, "net.onnx")
    assert set(refusal.value.families) == {"ghost", "hififace", "hyperswap", "inswapper", "simswap"}
    for family in refusal.value.families:
        specs = recognise(background, "net.onnx", family=family).specs.values()
        assert {spec.architecture for spec in specs} == {family}
    both = graph_of(swapper(256), picture(256), [(128, 3, 7, 7), (512, 1024, 2, 2)])
    with pytest.raises(AmbiguousError, match="ghost or inswapper"):
        recognise(both, "net.onnx")


def test_a_hyperswap_whose_mask_says_no_shape_is_no_ghost() -> None:
    outputs = {**picture(256), "mask": ["a", "b", "c", "d"]}
    graph = graph_of(swapper(256), outputs, [(1, 1024, 1, 1), (4096, 512, 3, 3)], ["ConvTranspose"] * 9)
    assert {spec.architecture for spec in recognise(graph, "net").specs.values()} == {"hyperswap"}
    maskless = graph_of(swapper(256), picture(256), [(1, 1024, 1, 1), (4096, 512, 3, 3)], ["ConvTranspose"] * 9)
    assert {spec.architecture for spec in recognise(maskless, "net").specs.values()} == {"hyperswap"}


def test_a_simswap_that_ends_without_tanh_gives_imagenets_numbers() -> None:
    graph = graph_of(swapper(224), picture(224), [(64, 3, 7, 7), (1024, 512)])
    for maker, output in (("Conv", IMAGENET_OUTPUT), ("Div", UNIT_OUTPUT)):
        specs = recognise(dataclasses.replace(graph, makers={"output": maker}), "net").specs
        assert set(specs) == {"own", "crossface"}
        for spec in specs.values():
            assert isinstance(spec, SwapSpec)
            assert spec.output == output
            assert (spec.crop.offset == (0, 0, 0)) == (maker == "Div")


@pytest.mark.parametrize(
    ("more", "side_px"), [([(64, 3, 7, 7)], 224), ([(32, 3, 7, 7)], 512), ([(64, 3, 7, 7), (512, 512, 3, 3)], 512)]
)
def test_a_simswap_of_free_side_is_cut_out_as_its_depth_says(more: list[tuple[int, ...]], side_px: int) -> None:
    graph = graph_of(
        {"target": ["n", 3, "h", "w"], "source": ["n", 512]},
        {"output": ["n", 3, "h", "w"]},
        [*more, (1024, 512), *[(512, 512, 3, 3)] * 18],
    )
    specs = recognise(graph, "net").specs.values()
    assert {spec.crop.size_px for spec in specs if isinstance(spec, SwapSpec)} == {side_px}


def test_a_face_in_landmarks_is_no_identity() -> None:
    with pytest.raises(ModelError, match="it takes input"):
        recognise(graph_of({"input": [1, 3, 112, 112]}, {"output": [1, 136]}), "pfld.onnx")


@pytest.mark.parametrize(("family", "graph"), KNOWN)
def test_what_is_said_of_it_can_be_used(family: str, graph: GraphDescription) -> None:
    found = recognise(graph, "net")
    assert (len(found.specs) > 1) == bool(found.question)
    assert found.terms == UNKNOWN_TERMS
    for answer, spec in found.specs.items():
        assert answer in found.question
        assert spec.architecture == family
        pictures = [spec.crop, spec.identity.picture] if isinstance(spec, SwapSpec) else []
        pictures += [spec.picture] if isinstance(spec, EmbedSpec) else []
        assert all(one.template in TEMPLATES for one in pictures if one is not None)
        if isinstance(spec, SwapSpec):
            names = [spec.names.target, spec.names.source, spec.names.morph]
            assert {name for name in names if name} == set(graph.inputs)
            assert {spec.names.output, *spec.names.masks} <= set(graph.outputs)


@pytest.mark.parametrize("kind", STRANGERS)
def test_another_network_is_refused_with_what_it_takes(kind: str) -> None:
    with pytest.raises(ModelError, match=r"it takes input \[1, 3, \d+, \d+\]"):
        recognise(STRANGERS[kind], "net.onnx")


@pytest.mark.parametrize(("family", "graph"), KNOWN)
def test_a_stamp_needs_no_question(family: str, graph: GraphDescription) -> None:
    spec = next(iter(recognise(graph, "net").specs.values()))
    inputs = {name: info.shape for name, info in graph.inputs.items()}
    outputs = {name: info.shape for name, info in graph.outputs.items()}
    terms = '{"name": "MIT", "sentence": "Do as you like."}'
    stamped = graph_of(inputs, outputs, stamps={STAMP: stamp_of(spec), LICENCE_STAMP: terms})
    found = recognise(stamped, "net")
    assert list(found.specs.values()) == [spec]
    assert found.terms.name == "MIT"
    assert spec.architecture == family


def test_a_damaged_stamp_is_named() -> None:
    graph = graph_of(swapper(128), picture(128), stamps={STAMP: '{"kind": "swapper", "architecture": 3}'})
    with pytest.raises(ModelError, match=r"mien\.network"):
        recognise(graph, "net.onnx")


def test_a_stamp_that_names_what_is_not_there_is_refused() -> None:
    spec = next(iter(recognise(OUTLINES["inswapper"][0], "net").specs.values()))
    graph = graph_of({"x": [1, 3, 128, 128]}, picture(128), stamps={STAMP: stamp_of(spec)})
    with pytest.raises(ModelError, match="'target'"):
        recognise(graph, "net.onnx")


def test_a_stamp_of_an_unknown_family_or_with_a_licence_that_a_terminal_would_obey_is_not_believed() -> None:
    spec = recognise(OUTLINES["dfm"][0], "net").specs[""]
    graph = OUTLINES["dfm"][0]
    stamps = {STAMP: stamp_of(dataclasses.replace(spec, architecture="\x1b[31m"))}
    with pytest.raises(ModelError, match="which is unknown") as refusal:
        recognise(dataclasses.replace(graph, stamps=stamps), "net")
    assert str(refusal.value).isprintable()
    stamps = {STAMP: stamp_of(spec), LICENCE_STAMP: '{"name": "free", "sentence": "\\u001b[2J"}'}
    assert recognise(dataclasses.replace(graph, stamps=stamps), "net").terms == UNKNOWN_TERMS


@pytest.mark.parametrize(
    ("operators", "epsilon", "answers"),
    [
        (["BatchNormalization", "PRelu"], 1e-5, [""]),
        (["BatchNormalization", "PRelu"], 2e-5, ["insightface", "magface", "adaface"]),
        (["Sub", "BatchNormalization", "PRelu"], 2e-5, [""]),
        (["PRelu"], 0, [""]),
        (["Mul", "Add"] * 9 + ["PRelu"], 0, ["insightface", "magface", "adaface"]),
        (["BatchNormalization", "MaxPool", "PRelu"], 1e-5, ["insightface", "magface", "adaface"]),
        (["BatchNormalization", "Relu", "Sigmoid", "PRelu"], 1e-5, ["insightface", "magface", "adaface"]),
        (["BatchNormalization", "Sigmoid", "PRelu"], 2e-5, [""]),
    ],
)
def test_how_an_identity_network_sees_a_face_is_asked_where_its_layers_do_not_tell(
    operators: list[str], epsilon: float, answers: list[str]
) -> None:
    attributes = {"epsilon": epsilon} if epsilon else {}
    graph = graph_of({"input.1": [1, 3, 112, 112]}, {"683": [1, 512]}, (), operators, attributes=attributes)
    found = recognise(graph, "net.onnx")
    assert list(found.specs) == answers
    assert bool(found.question) == (len(answers) > 1)
    pictures = [spec.picture for spec in found.specs.values() if isinstance(spec, EmbedSpec)]
    assert len({(one.colour, one.scale, one.offset) for one in pictures}) == len(answers)


MXNETS = ["Sub", "Mul", "BatchNormalization", "PRelu"]


def test_what_mxnet_made_takes_bytes_as_they_are() -> None:
    graph = graph_of({"data": [1, 3, 112, 112]}, {"fc1": [1, 512]}, (), MXNETS, attributes={"epsilon": 2e-5})
    (spec,) = recognise(graph, "net.onnx").specs.values()
    assert isinstance(spec, EmbedSpec)
    assert (spec.picture.scale, spec.picture.offset) == ((1, 1, 1), (0, 0, 0))
