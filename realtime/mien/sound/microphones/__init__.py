"""Where sound comes from; one file for each kind, with `PLUGIN`."""
