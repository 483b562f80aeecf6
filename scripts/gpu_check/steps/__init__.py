"""What is measured: a program each, so that none can take another down with it."""
