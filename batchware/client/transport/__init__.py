"""A transport for httpx2 and httpx that sends as batches what a program asks for concurrently."""

from .gathering import BatchTransport

__all__ = ["BatchTransport"]
