"""What was understood of the photos of a face, as a picture and in words."""
