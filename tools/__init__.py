"""What makes the examples, the weights, the sheets of results and the recording anew."""
