"""Ours against its peers, measured side by side."""
