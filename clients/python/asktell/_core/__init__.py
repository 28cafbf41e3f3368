"""What both clients share: every decision and conversion; no I/O of its own."""
