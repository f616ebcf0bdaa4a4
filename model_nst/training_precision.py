"""In which precision networks are trained: bfloat16 where the device calculates in it."""

import torch


def mixed_precision(device: str = "cpu") -> torch.autocast:
    """Autocast to bfloat16; on a CPU without it, where it takes four times as long, to nothing."""
    enabled = device != "cpu" or bool(torch.cpu.get_capabilities()["avx512_bf16"])
    return torch.autocast(device, torch.bfloat16, enabled=enabled)
