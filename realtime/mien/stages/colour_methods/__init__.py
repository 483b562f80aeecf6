"""How a new face takes the light of the frame; one file each."""
