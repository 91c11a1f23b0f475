"""A client for batch endpoints, on the standard library alone: it imports nothing of the rest of batchware."""

from .actions import Action, ActionFailed, BadAnswer, ClientError, Headers, Raw, Result

__all__ = ["Action", "ActionFailed", "BadAnswer", "ClientError", "Headers", "Raw", "Result"]
