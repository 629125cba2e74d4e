"""Cases that were stored before the search was there get their words."""

import asyncio

from pymongo import UpdateOne

from kit.mongo import Database, Document, MongoError, is_transient
from services.testcases.adapters.mongo.scriptforms import script_of
from services.testcases.adapters.mongo.testcases import TEST_CASES, test_case
from services.testcases.domain.searchwords import case_words, script_words

_BATCH = 200
_PAUSE_SECONDS = 5.0


class MissingWords:
    """Looks once for cases without words, of all tenants; whoever changes one meanwhile wins."""

    def __init__(self, database: Database) -> None:
        self._cases = database[TEST_CASES]

    async def run(self) -> None:
        """Add what is missing, whatever happens to the database meanwhile."""
        while True:
            try:
                await self.add()
            except MongoError as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def add(self) -> None:
        """Add the words of every case that has none."""
        # a change alone writes the words of one part: then they are no list yet
        without: Document = {"search.words": {"$exists": False}}
        while rows := await self._cases.find(without, {"outbox": 0}).limit(_BATCH).to_list(_BATCH):
            await self._cases.bulk_write([_words(row) for row in rows], ordered=False)


def _words(row: Document) -> UpdateOne:
    parts = case_words(test_case(row)), script_words(script_of(row["script"]))
    return UpdateOne(
        {"_id": row["_id"], "tenant": row["tenant"], "rev": row["rev"]},
        {"$set": {"search": [{"words": words} for words in parts]}},
    )
