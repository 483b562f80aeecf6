"""A frame, the interfaces of what handles it, and the runners that carry it from source to sinks."""
