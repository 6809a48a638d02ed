"""The role at the plug: an OCPP charge point with any number of connectors."""
