"""Stand-ins for the processors of telemetry, on one loopback port, a path prefix for each.

They answer, limit and deduplicate like the vendors (as far as that is known) and record every
request. They share no code with the services. A further processor is one more module that
implements `processor.Processor` and one line in `app.PROCESSORS`.
"""
