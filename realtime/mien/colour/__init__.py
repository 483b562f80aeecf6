"""How a crop takes the light of a frame; one pure function a file."""
