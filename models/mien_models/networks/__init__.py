"""Networks by what they do: find faces, place landmarks, tell persons apart, make faces clearer."""
