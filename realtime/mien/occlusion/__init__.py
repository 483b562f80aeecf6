"""What is in front of a face, told from the face's own history."""
