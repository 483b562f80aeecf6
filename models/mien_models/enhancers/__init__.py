"""Networks that make a face clearer, one file each; their weights are the user's."""
