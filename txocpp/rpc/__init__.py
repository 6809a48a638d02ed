"""How it is said: OCPP-J frames and conversations, without network, role, version or clock."""
