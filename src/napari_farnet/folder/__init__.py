"""The dock "Detect in a folder": many radiographs, one after another, into one table."""
