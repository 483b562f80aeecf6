"""What was understood of a photo, as a picture and in words."""
