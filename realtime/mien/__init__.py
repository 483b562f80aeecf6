"""The live program: sources, stages and sinks of the face-swap camera."""
