"""OpenVINO, which runs the networks, without its converter and without its telemetry.

Importing it imports the converter, which forks the process to tell Google Analytics so. Nothing may
leave the bot but to Telegram; and the fork, which knows only one of the threads, can wait for ever
for a lock of another one's, and then outlives the bot with all of its memory.
"""

import sys
from typing import Any

_CONVERTER, _TELEMETRY = "openvino.tools.ovc", "openvino_telemetry"
sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # importing it fails, which is provided for
sys.modules[_CONVERTER] = None  # type: ignore[assignment]

import openvino as ov  # type: ignore[import-untyped]  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

del sys.modules[_CONVERTER]

__all__ = ["converted", "ops", "ov"]


def converted(network: Any, example_input: Any) -> Any:
    """The model of a torch network, traced with the example. Loads the converter."""
    from openvino.tools.ovc import convert_model  # type: ignore[import-untyped]

    return convert_model(network, example_input=example_input)
