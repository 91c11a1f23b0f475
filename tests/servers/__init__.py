"""The contract on real servers, over loopback: what they add to it, from framing to signals, and what they need."""
