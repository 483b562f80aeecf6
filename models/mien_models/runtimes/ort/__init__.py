"""ONNX Runtime: which provider really runs a network, engines, memory bound to a card."""
