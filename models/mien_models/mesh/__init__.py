"""The textured face mesh: its topology, its rasteriser and what they need."""
