"""The dock "Evaluate landmarks": two layers, files, a model on a data set, or observers; table, curves and boxes."""
