"""The quick network by name: what those who build it and those who run it know."""

WIDTHS = (16, 32, 64, 128)  # channels at the full size, at a half, a quarter, an eighth
COARSE_BLOCKS, FINE_BLOCKS = 3, 2  # residual blocks at an eighth and at a quarter
STRIDE = 8  # both sides of an image must be multiples of it
MARGIN = 96  # pixels; no farther does the network see around a pixel

# The inputs of the exported network, and where it keeps the names of its styles.
INPUTS = ("image", "shares")
STYLES = "styles"
