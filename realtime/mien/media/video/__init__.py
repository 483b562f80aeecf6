"""What a video file holds: its packets, times, orientation, sound and fields, as FFmpeg gives them."""
