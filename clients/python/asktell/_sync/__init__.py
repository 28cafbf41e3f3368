"""The synchronous client. Its twin is `asktell._async`: the same files, the same names."""
