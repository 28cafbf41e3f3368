"""Domain values of tuning: search spaces, studies, trials. Imports nothing of the other layers."""
