"""Photos that somebody wants repainted: from acceptance through the queue to the answer."""
