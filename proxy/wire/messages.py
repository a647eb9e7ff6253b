"""The messages of the PostgreSQL v3 protocol that need thought, both directions: the door of their codecs."""

from __future__ import annotations

from proxy.wire.backend_messages import (
    SCRAM_SHA_256_PLUS,
    AuthenticationRequest,
    BackendKeyData,
    CommandComplete,
    ErrorResponse,
    NegotiateProtocolVersion,
    NoticeResponse,
    ParameterStatus,
    ReadyForQuery,
    fatal,
)
from proxy.wire.frontend_messages import Close, Describe, FunctionCall, Parse, Query, bind_names, execute_portal

__all__ = [
    "SCRAM_SHA_256_PLUS",
    "AuthenticationRequest",
    "BackendKeyData",
    "Close",
    "CommandComplete",
    "Describe",
    "ErrorResponse",
    "FunctionCall",
    "NegotiateProtocolVersion",
    "NoticeResponse",
    "ParameterStatus",
    "Parse",
    "Query",
    "ReadyForQuery",
    "bind_names",
    "execute_portal",
    "fatal",
]
