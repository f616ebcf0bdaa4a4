"""CycleGAN between summer and winter (Zhu et al., 2017, https://arxiv.org/abs/1703.10593)."""
