"""The type of grpc's call context."""

from __future__ import annotations

from typing import Any

import grpc

Context = grpc.aio.ServicerContext[Any, Any]
"""Every handler gets one; ours never look into the messages through it."""
