"""Measurements, one command each; ``python -m bench`` runs them all.

Every figure is a ratio against a plain baseline in the same run: machines are shared and noisy, so
absolute times prove nothing. The baselines (``bench/baselines``) import nothing of kit or services.
"""
