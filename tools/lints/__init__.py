"""Lints of our own, over the syntax tree: ``python -m tools.lints``.

One module per rule, each with a ``check(source)`` that yields findings. An exemption is a line in
``exemptions.py`` with its reason; there is no comment that switches a rule off.
"""
