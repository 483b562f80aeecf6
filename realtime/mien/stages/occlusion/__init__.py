"""What is in front of a face, found by what the face looked like before."""
