"""Use cases: what each RPC means. Knows no protobuf, no Redis command, no tensor."""
