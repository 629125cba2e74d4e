"""A stand-in for Jira Cloud: the host side of Connect and Forge, strict, on one port.

It plays the outside world and shares no code with the services or their chassis. Behaviour that no
source confirms is listed by `GET /control/assumptions`.
"""
