"""The base of every contract model."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Immutable; readers accept fields they do not know, so that producers can go first."""

    model_config = ConfigDict(frozen=True, extra="ignore")
