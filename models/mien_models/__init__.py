"""What a network is and how to run one: contracts, weights, sessions and swappers. numpy in, numpy out."""

from mien_models.system.telemetry import switch_off_telemetry

# Here and nowhere later: whatever of Mien is imported first, ONNX Runtime comes after it.
switch_off_telemetry()
