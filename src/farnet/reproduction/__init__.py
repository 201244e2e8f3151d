"""The paper's tables, trained and evaluated anew and set beside the published figures: `farnet reproduce`."""
