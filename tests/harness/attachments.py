"""What the vendor says a list of attachments is (component AttachmentList)."""

ATTACHMENTS = {
    "type": "object",
    "required": ["attachments"],
    "properties": {
        "attachments": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}
