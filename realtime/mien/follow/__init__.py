"""Finding faces, following them and telling them apart."""
