"""Wires to peers: a `Peer` above, WebSockets or memory below."""
