"""Messages of `asktell.v1` to domain values and back; one module per noun."""
