"""Ways to put one face in the place of another; one file each."""
