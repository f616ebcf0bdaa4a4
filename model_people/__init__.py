"""Faces and persons in a photo, by mediapipe's networks (https://arxiv.org/abs/1907.05047)."""
