"""What the model of a study says to people: questions, and the model as they see it."""
