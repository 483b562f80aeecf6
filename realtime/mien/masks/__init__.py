"""Mask methods: one plug-in each; the file's name is what `--mask` takes."""
