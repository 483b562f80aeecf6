"""What tells others that a picture was changed: label, watermark, signature, log."""
