"""Calls: the doors that bring them (gRPC, HTTP), the edge they all pass, errors to status codes. It knows no protocol's messages."""
