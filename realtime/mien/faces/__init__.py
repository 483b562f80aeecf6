"""The faces library: whose face it is, by what right, for what and until when; its photos are encrypted."""
