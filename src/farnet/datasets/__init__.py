"""Readers of published data sets: each gives radiographs and the landmarks that observers placed on them."""
