"""The swap on another machine: what both sides say, how pictures travel, the side that sends, the side that swaps."""
