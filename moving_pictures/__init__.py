"""Clips of a few seconds, GIFs and videos: read, repainted frame by frame, written as MP4."""
