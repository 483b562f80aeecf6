"""The kinds of swapper networks; one file each says how a file of it is recognised and used."""
