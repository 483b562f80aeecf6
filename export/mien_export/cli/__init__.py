"""The command line of the exporter: one file a command, put together in `app`."""
