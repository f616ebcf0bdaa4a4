"""torchvision's weights and transforms beside a torch that was built for CPUs alone.

torchvision's import registers shape rules for two operators of its compiled part, and fails where
that part does not fit torch. Declaring the operators first is enough; nothing here calls them.
Import this module before torchvision. For training, export and tests only.
"""

import torch

DECLARATIONS: list[torch.library.Library] = []  # a declaration ends with its object

if not torch.cuda.is_available():
    declared = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        declared.define(operator + signature)  # type: ignore[no-untyped-call]
    DECLARATIONS.append(declared)
