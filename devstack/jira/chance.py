"""Identifiers and secrets: reproducible from a seed where a test asks for one."""

import random
import string
import uuid

_SECRET_ALPHABET = string.ascii_letters + string.digits + "-_"


class Chance:
    """Without a seed the system's generator is used."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 -- reproducible on purpose

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def secret(self, length: int = 64) -> str:
        return "".join(self._random.choice(_SECRET_ALPHABET) for _ in range(length))

    def hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(digits * 4):0{digits}x}"

    def uniform(self, least: float, most: float) -> float:
        return self._random.uniform(least, most)
