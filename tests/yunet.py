"""A face detector with the inputs and outputs of YuNet, made of CenterFace, to test that YuNet
fits.

YuNet's own file is no part of the repository. Here CenterFace's graph is given YuNet's form. Of
each four cells of CenterFace, 4 px wide, the likeliest becomes a cell of 8 px. Nothing is found at
the strides of 16 and 32 px.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from analytics.detection.detections import Floats
from analytics.detection.face_detector import YUNET_STRIDES_PX

_HEADS = (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
_IR_VERSION, _OPSET = 7, 13
"""CenterFace's operators mean the same in this set as in its own, the ninth."""
_EACH_CELL = (1, 4, 1, 1, 1)
_SWAP_Y_X = [index ^ 1 for index in range(10)]


class _Graph:
    """Nodes that are added one after the other, each with one output."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.proto, self._made = graph, 0

    def add(self, operator: str, *inputs: str | Floats, **attributes: int | list[int]) -> str:
        output = self._name()
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        node = helper.make_node(operator, names, [output])
        node.attribute.extend(helper.make_attribute(*one) for one in attributes.items())
        self.proto.node.append(node)
        return output

    def pick(self, values: str, order: list[int]) -> str:
        """The channels of `values` in this order."""
        return self.add("Gather", values, np.array(order, np.int64), axis=1)

    def _constant(self, value: Floats) -> str:
        name = self._name()
        self.proto.initializer.append(numpy_helper.from_array(value, name))
        return name

    def _name(self) -> str:
        self._made += 1
        return f"yunet_{self._made}"


def make_yunet(centerface: Path, file: Path) -> Path:
    """Writes `file`, which takes pictures of any size whose sides are multiples of 32 px."""
    model = onnx.load(str(centerface))
    model.ir_version, model.opset_import[0].version = _IR_VERSION, _OPSET
    graph = _Graph(model.graph)
    heat, size, offset, points = (output.name for output in model.graph.output)
    _swap_blue_and_red(graph)
    likeliest = _likeliest_of_four(graph, heat)
    score, sides = (
        _chosen(graph, heat, 1, likeliest),
        graph.pick(_chosen(graph, size, 2, likeliest), [1, 0]),
    )
    shift = graph.pick(_chosen(graph, offset, 2, likeliest), [1, 0])
    parts = graph.pick(_chosen(graph, points, 10, likeliest), _SWAP_Y_X)
    centre = _centre_in_cells(graph, shift, likeliest)
    halved = graph.add("Sub", sides, np.array(np.log(2), np.float32))
    from_centre = graph.add("Sub", parts, np.array(0.5, np.float32))
    tiled_sides = graph.add("Tile", graph.add("Exp", halved), np.array([1, 5, 1, 1], np.int64))
    tiled_centre = graph.add("Tile", centre, np.array([1, 5, 1, 1], np.int64))
    landmarks = graph.add("Add", graph.add("Mul", from_centre, tiled_sides), tiled_centre)
    box = graph.add("Concat", centre, halved, axis=1)
    del model.graph.output[:]
    for (name, count), values in zip(_HEADS, (score, score, box, landmarks), strict=True):
        for stride_px in YUNET_STRIDES_PX:
            at_stride = values if stride_px == 8 else _nothing(graph, values, stride_px // 8)
            _give(graph, at_stride, f"{name}_{stride_px}", count)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
    return file


def _swap_blue_and_red(graph: _Graph) -> None:
    """CenterFace wants red first, YuNet gets blue first."""
    (given,) = [one for one in graph.proto.input if one.name not in _initialised(graph)]
    inner = f"{given.name}_red_first"
    for node in graph.proto.node:
        node.input[:] = [inner if name == given.name else name for name in node.input]
    order = numpy_helper.from_array(np.array([2, 1, 0], np.int64), "red_first")
    graph.proto.initializer.append(order)
    swap = helper.make_node("Gather", [given.name, "red_first"], [inner], axis=1)
    graph.proto.node.insert(0, swap)


def _initialised(graph: _Graph) -> set[str]:
    return {one.name for one in graph.proto.initializer}


def _likeliest_of_four(graph: _Graph, heat: str) -> str:
    """(1, 4, 1, h, w): 1 for the likeliest of each four cells, 0 for the others."""
    best = graph.add("ArgMax", graph.add("SpaceToDepth", heat, blocksize=2), axis=1, keepdims=0)
    hot = graph.add("OneHot", best, np.array(4, np.int64), np.array([0, 1], np.float32), axis=1)
    return graph.add("Unsqueeze", hot, np.array([2], np.int64))


def _chosen(graph: _Graph, values: str, channels: int, likeliest: str) -> str:
    """(1, channels, h, w) of the likeliest cells."""
    blocks = graph.add("SpaceToDepth", values, blocksize=2)
    shape = graph.add("Shape", blocks)
    sides = graph.add("Slice", shape, np.array([2], np.int64), np.array([4], np.int64))
    apart = graph.add("Concat", np.array([1, 4, channels], np.int64), sides, axis=0)
    each = graph.add("Mul", graph.add("Reshape", blocks, apart), likeliest)
    return graph.add("ReduceSum", each, np.array([1], np.int64), keepdims=0)


def _centre_in_cells(graph: _Graph, shift: str, likeliest: str) -> str:
    """(1, 2, h, w): the middle of the face, from the corner of its cell of 8 px, as x, y."""
    axes = []
    for of_four in ([0, 1, 0, 1], [0, 0, 1, 1]):
        place = np.array(of_four, np.float32).reshape(_EACH_CELL)
        axes.append(
            graph.add(
                "ReduceSum", graph.add("Mul", likeliest, place), np.array([1], np.int64), keepdims=0
            )
        )
    moved = graph.add("Add", graph.add("Concat", *axes, axis=1), shift)
    return graph.add(
        "Mul", graph.add("Add", moved, np.array(0.5, np.float32)), np.array(0.5, np.float32)
    )


def _nothing(graph: _Graph, values: str, cells: int) -> str:
    """Zeros, of as many cells as a larger stride has."""
    fewer = graph.add("MaxPool", values, kernel_shape=[cells, cells], strides=[cells, cells])
    return graph.add("Mul", fewer, np.array(0, np.float32))


def _give(graph: _Graph, values: str, name: str, count: int) -> None:
    """(1, cells, count), cells row by row, as the output of this name."""
    rows = graph.add("Transpose", values, perm=[0, 2, 3, 1])
    flat = graph.add("Reshape", rows, np.array([1, -1, count], np.int64))
    graph.proto.node.append(helper.make_node("Identity", [flat], [name]))
    value = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, None, count])
    graph.proto.output.append(value)
