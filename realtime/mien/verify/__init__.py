"""`mien verify`: whether a picture or video says that Mien changed it, and on what basis."""
