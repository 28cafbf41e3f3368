"""What the results of a study say: the use cases of analysis, and the answers that are kept for them."""
