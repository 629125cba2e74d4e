"""The webhook sender: who wants to know, what waits, how it is sent and tried again."""
