"""The READMEs of the clients, done as they say: from an empty project to a study that is complete."""
