"""Stores what an import brings, marked with it: who goes on never takes others' for its own."""

from collections.abc import Sequence

from kit.errors import Conflict
from kit.mongo import Collection, Document, insert_new

MARK = "imported"
"""Field of what was imported: the id of the import."""


async def insert_marked(collection: Collection, rows: Sequence[Document], ident: str) -> None:
    """Insert rows; one that the same import stored stays. ``Conflict`` for somebody else's."""
    marked = [{**row, MARK: ident} for row in rows]
    there = [marked[at]["_id"] for at in await insert_new(collection, marked)]
    if not there:
        return
    ours = await collection.count_documents({"_id": {"$in": there}, MARK: ident})
    if ours != len(there):
        raise Conflict("The project has something that the archive brings; it was made meanwhile.")
