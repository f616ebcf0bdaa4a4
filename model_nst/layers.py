"""The first 11 layers of VGG16 by name: what those who build the network and those who run it know.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014).
"""

CHANNELS = {"conv1_1": 64, "conv1_2": 64, "conv2_1": 128, "conv2_2": 128, "conv3_1": 256}
POOLED = (1, 3)  # pooling follows conv1_2 and conv2_2
PIXELS = (1, 1, 4, 4, 16)  # of the image, to one of each layer
CONTENT = 3  # the content image is compared after conv2_2
MARGIN = 24  # pixels; no farther does a pixel reach on the way to conv3_1 and back

# The inputs and outputs of the exported network.
SUMS = tuple(f"gram_sum_{name}" for name in CHANNELS)
BY_GRAM = tuple(f"by_gram_{name}" for name in CHANNELS)
TARGETS = tuple(f"target_{name}" for name in CHANNELS)
INPUTS = ("image", "area", "style_map", "content", "content_weight", "gram_weights", *TARGETS)
OUTPUTS = ("features", *SUMS, *BY_GRAM, "content_error", "gradient")
