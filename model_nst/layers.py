"""The first 11 layers of VGG16 by name: what those who build the network and those who run it know.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014).
"""

CHANNELS = {"conv1_1": 64, "conv1_2": 64, "conv2_1": 128, "conv2_2": 128, "conv3_1": 256}
POOLED = (1, 3)  # pooling follows conv1_2 and conv2_2
PIXELS = (1, 1, 4, 4, 16)  # of the image, to one of each layer
CONTENT = 3  # the content image is compared after conv2_2
MARGIN = 24  # pixels; no farther does a pixel reach on the way to conv3_1 and back

# The inputs and outputs of the exported network; the last ones for each region of the image.
REGIONS = (1, 2)
SUMS, BY_GRAM, TARGETS = (
    {region: tuple(f"{what}_{name}_{region}" for name in CHANNELS) for region in REGIONS}
    for what in ("gram_sum", "by_gram", "target")
)
STYLE_MAP, GRAM_WEIGHTS = (
    {region: f"{what}_{region}" for region in REGIONS} for what in ("style_map", "gram_weights")
)
INPUTS = (
    *("image", "area", "content", "content_weight"),
    *(
        name
        for region in REGIONS
        for name in (STYLE_MAP[region], GRAM_WEIGHTS[region], *TARGETS[region])
    ),
)
OUTPUTS = (
    *("features", "content_error", "gradient"),
    *(name for region in REGIONS for name in (*SUMS[region], *BY_GRAM[region])),
)
