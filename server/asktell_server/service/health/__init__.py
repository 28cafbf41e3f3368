"""The health of a study: what its owner should know, by small pure functions over its trials and what its model believes."""
