"""A stand-in for Jira Cloud: the host side of Connect, strict, on one loopback port.

It plays the outside world and shares no code with the services or their chassis. Behaviour that no
source confirms is listed by `GET /control/assumptions`.
"""
