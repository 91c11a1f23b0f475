"""Bytes to actions, outcomes to bytes: one module for each dialect, and what they share."""
