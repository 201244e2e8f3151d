"""The dock "Detect landmarks": one image of the viewer, or a stack of them."""
