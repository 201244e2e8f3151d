"""Models for other programs: an ONNX graph with the decoding inside, in float32 or for CPUs in 8-bit integers."""
