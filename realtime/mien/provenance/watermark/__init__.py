"""The invisible mark: `scheme` and `payload` say what it is, `embed` puts it in, the rest finds it again.

The package knows nothing of the rest of the program; docs/livemark.md describes it for other implementations.
"""
