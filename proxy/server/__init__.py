"""The only room that listens, reads the clock or draws chance. This module is its door."""

from proxy.server.config import ServerConfig
from proxy.server.supervisor import ConfigurationError, serve

__all__ = ["ConfigurationError", "ServerConfig", "serve"]
