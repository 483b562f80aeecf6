"""The live loop: threads, slots and states from the source to the sinks."""
