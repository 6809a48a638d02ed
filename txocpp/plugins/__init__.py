"""The twistd command lines of the roles: options, configuration file, service."""
