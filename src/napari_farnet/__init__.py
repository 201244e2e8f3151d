"""The napari plugin of farnet; every part is named in the manifest, napari.yaml, and imported when first used."""
