"""What every model of an answer of Jira's has in common."""

from pydantic import BaseModel, ConfigDict


class Bean(BaseModel):
    """Takes in the fields that it names and no others; a fault in one does not quote the answer."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
