"""A ledger in this process's memory, for tests only: it keeps nothing, and no other server can share it."""

from asktell_server.store.memory.ledger import MemoryLedger

__all__ = ["MemoryLedger"]
