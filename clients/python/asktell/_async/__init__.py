"""The asynchronous client. Its twin is `asktell._sync`: the same files, the same names."""
