"""What `asktell explain` gathers of a study, and how it is shown: in a terminal, as JSON and as a page."""
