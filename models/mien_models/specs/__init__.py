"""What a network expects and gives, as data: templates, manifests."""
