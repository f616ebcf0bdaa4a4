"""What a step of style transfer costs: `python -m benchmarks.step [--out FILE]`.

A step is one evaluation of the loss and its gradient. First its arithmetic by layer is told, for
each pixel of the image; then, by size, its milliseconds and which share of the processor's peak it
reaches: on the whole, and while a convolution runs. Peak is what the same processor reaches in the
best of a large product of matrices and three plain stacks of convolutions, in the same precision.
Where the time goes is told by kind of operation, as OpenVINO counts it.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from engines import core, native_precision
from inference import ops, ov
from model_nst.layers import CHANNELS, PIXELS
from model_nst.openvino_engine import STEP, cut_network

SIDES = (96, 192, 384, 512)
ARITHMETIC = ("Convolution", "MatMul", "FullyConnected")  # kinds that `flops` counts


def flops_by_layer() -> dict[str, dict[str, float]]:
    """For each pixel of the image, there and back."""
    layers, previous = {}, 3
    for (name, channels), pixels in zip(CHANNELS.items(), PIXELS, strict=True):
        convolution = 2 * 9 * previous * channels / pixels
        gram = 2 * channels**2 / pixels
        layers[name] = {
            "features": convolution,
            "back to the image": convolution,
            "Gram matrix": gram,
            "gradient by it": gram,
        }
        previous = channels
    return layers


def flops(side: int) -> float:
    return side**2 * sum(sum(parts.values()) for parts in flops_by_layer().values())


def seconds(run: Callable[[], object], repeats: int = 7) -> float:
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return median(times)


def compiled(model: ov.Model) -> ov.CompiledModel:
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": native_precision()}
    return core().compile_model(model, "CPU", {**hints, "PERF_COUNT": "YES"})


def peak() -> float:
    """Floating point operations a second."""
    side = 4096
    matrix = np.full((side, side), 1 / side, np.float32)
    rows = ops.parameter([side, side], np.float32)
    product = ops.matmul(rows, ops.constant(matrix), False, False)
    request = compiled(ov.Model([product], [rows])).create_infer_request()
    best = 2 * side**3 / seconds(lambda: request.infer([matrix]))
    # Layers like those of the network, eight in a row.
    for channels, side in ((64, 128), (128, 128), (256, 128)):
        image = ops.parameter([1, channels, side, side], np.float32)
        kernel = np.full((channels, channels, 3, 3), 1 / (9 * channels), np.float32)
        x = image
        for _ in range(8):
            x = ops.convolution(x, ops.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
        model = ov.Model([ops.reduce_mean(x, np.array([2, 3]))], [image])
        request = compiled(model).create_infer_request()
        pixels = np.ones((1, channels, side, side), np.float32)
        work = 8 * 2 * 9 * channels**2 * side**2
        best = max(best, work / seconds(lambda r=request, p=pixels: r.infer([p])))  # type: ignore[misc]
    return best


def measure(side: int, best: float) -> dict[str, object]:
    network = compiled(cut_network(STEP, side, side, native_precision()))
    request = network.create_infer_request()
    halves = {"f16": np.float16}
    inputs = [
        np.full(port.shape, 0.5, halves.get(port.element_type.get_type_name(), np.float32))
        for port in network.inputs
    ]
    each = seconds(lambda: request.infer(inputs, share_inputs=True))
    kinds: Counter[str] = Counter()
    for operation in request.profiling_info:
        kinds[operation.node_type] += operation.real_time.total_seconds()
    whole = sum(kinds.values())
    arithmetic = sum(kinds[kind] for kind in ARITHMETIC)
    return {
        "side": side,
        "ms": each * 1e3,
        "gflop": flops(side) / 1e9,
        "share_of_peak": flops(side) / each / best,
        "share_while_calculating": flops(side) / (each * arithmetic / whole) / best,
        "time": {kind: part / whole for kind, part in kinds.most_common(8)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step", description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    sys.stdout.write("FLOP for each pixel of the image\n")
    for name, parts in flops_by_layer().items():
        told = ", ".join(f"{part} {value:7,.0f}" for part, value in parts.items())
        sys.stdout.write(f"{name}: {told}\n")
    best = peak()
    sys.stdout.write(f"{native_precision()}, peak: {best / 1e9:.0f} GFLOP/s\n")
    rows = [measure(side, best) for side in SIDES]
    for row in rows:
        assert isinstance(row["time"], dict)
        times = ", ".join(f"{kind} {share:.0%}" for kind, share in row["time"].items())
        sys.stdout.write(
            f"{row['side']:4} px {row['ms']:7.1f} ms {row['gflop']:6.1f} GFLOP"
            f" {row['share_of_peak']:4.0%} of peak, {row['share_while_calculating']:4.0%} while"
            f" calculating; {times}\n"
        )
    if arguments.out:
        facts = {
            "precision": native_precision(),
            "peak": best,
            "flop_by_pixel": flops_by_layer(),
            "steps": rows,
        }
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
