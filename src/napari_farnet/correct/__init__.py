"""The dock "Correct landmarks": look at each landmark, move, place or dismiss it, and lose nothing."""
