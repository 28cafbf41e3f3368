"""The ledger on Redis or Valkey: each method is one script, run on the server that has the study's keys."""

from asktell_server.store.redis_ledger.ledger import RedisLedger

__all__ = ["RedisLedger"]
