"""What a network is and how to run one: contracts, weights, sessions and swappers. numpy in, numpy out."""
