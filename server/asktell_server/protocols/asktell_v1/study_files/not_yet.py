"""Keys that are agreed and not there yet: they are refused by name. To turn a feature on, take its key away."""

from __future__ import annotations

from collections.abc import Mapping

NOT_YET: Mapping[str, str] = {}
