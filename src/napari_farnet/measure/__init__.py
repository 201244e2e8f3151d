"""The dock "Measure": angles, distances and ratios of the landmarks in the viewer, live."""
