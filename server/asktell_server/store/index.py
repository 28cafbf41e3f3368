"""The list of studies per project, in a slot of its own; it can always be rebuilt from the studies."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.names import StudyName
from asktell_server.store.driver import translated
from asktell_server.store.keys import META_PATTERN, index_key, meta_key, name_of_meta_key
from asktell_server.store.link import Link

_PAGE = 500


class ProjectIndex:
    """Names of studies in the order of their ids. A name may be there without its study, and is then skipped.

    A study's keys and the index are different slots, which no script can write in one step. So a name is added before
    its study is created and again afterwards, and taken out after its study is deleted and put back if there is one
    again: whatever creates and deletes at the same time, no study stays without its name.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    async def add(self, name: StudyName) -> None:
        """Lists a study."""
        key = index_key(name.project)
        with translated("the project index", self._link.name):
            await self._link.write(key, "ZADD", key, 0, name.study_id)

    async def remove(self, name: StudyName) -> None:
        """Takes a deleted study out, unless it exists again."""
        key = index_key(name.project)
        with translated("the project index", self._link.name):
            await self._link.write(key, "ZREM", key, name.study_id)
            exists = await self._link.read("EXISTS", meta_key(name))
        if exists:
            await self.add(name)

    async def page(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """Up to `limit` studies of a project from behind `after` on."""
        names: list[StudyName] = []
        while len(names) < limit:
            low = f"({after}" if after else "-"
            count = min(limit - len(names), _PAGE)
            with translated("the project index", self._link.name):
                page = await self._link.read("ZRANGEBYLEX", index_key(project), low, "+", "LIMIT", 0, count)
                if not page:
                    break
                found = [StudyName(project=project, study_id=study_id.decode()) for study_id in page]
                present = await self._link.read_many([("EXISTS", meta_key(name)) for name in found])
            names += [name for name, exists in zip(found, present, strict=True) if exists]
            after = found[-1].study_id
        return names

    async def rebuild(self) -> int:
        """Lists all studies that a scan of the whole store finds; how many there are."""
        count = 0
        with translated("the scan for studies", self._link.name):
            for node in (await self._link.masters()).values():
                cursor = -1
                while cursor != 0:
                    cursor, keys = await node.execute_command(
                        "SCAN", max(cursor, 0), "MATCH", META_PATTERN, "COUNT", 1000
                    )
                    for key in keys:
                        await self.add(name_of_meta_key(key.decode()))
                        count += 1
        return count
