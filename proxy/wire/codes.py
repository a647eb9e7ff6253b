"""PostgreSQL's own names and values, one class per list, and nothing else.

Sources: src/include/libpq/protocol.h, src/include/libpq/pqcomm.h, src/include/postgres_ext.h (PG_DIAG_*),
src/backend/utils/errcodes.txt. The tests hold each class against the server's own copy of its list. A code means one
thing per direction (`D` is Describe from the frontend and DataRow from the backend), hence two classes. Code that is
dispatched on a hot path compares integers: the members are the byte values.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final


class FrontendCode(IntEnum):
    """First byte of a message that the client sends (protocol.h, PqMsg_*)."""

    BIND = ord("B")
    CLOSE = ord("C")
    DESCRIBE = ord("D")
    EXECUTE = ord("E")
    FUNCTION_CALL = ord("F")
    FLUSH = ord("H")
    PARSE = ord("P")
    QUERY = ord("Q")
    SYNC = ord("S")
    TERMINATE = ord("X")
    COPY_FAIL = ord("f")
    PASSWORD_MESSAGE = ord("p")
    """Also GSSResponse, SASLInitialResponse and SASLResponse: one byte for all answers to an authentication request."""
    COPY_DONE = ord("c")
    COPY_DATA = ord("d")


class BackendCode(IntEnum):
    """First byte of a message that the server sends (protocol.h, PqMsg_*)."""

    PARSE_COMPLETE = ord("1")
    BIND_COMPLETE = ord("2")
    CLOSE_COMPLETE = ord("3")
    NOTIFICATION_RESPONSE = ord("A")
    COMMAND_COMPLETE = ord("C")
    DATA_ROW = ord("D")
    ERROR_RESPONSE = ord("E")
    COPY_IN_RESPONSE = ord("G")
    COPY_OUT_RESPONSE = ord("H")
    EMPTY_QUERY_RESPONSE = ord("I")
    BACKEND_KEY_DATA = ord("K")
    NOTICE_RESPONSE = ord("N")
    AUTHENTICATION_REQUEST = ord("R")
    PARAMETER_STATUS = ord("S")
    ROW_DESCRIPTION = ord("T")
    FUNCTION_CALL_RESPONSE = ord("V")
    COPY_BOTH_RESPONSE = ord("W")
    READY_FOR_QUERY = ord("Z")
    NO_DATA = ord("n")
    PORTAL_SUSPENDED = ord("s")
    PARAMETER_DESCRIPTION = ord("t")
    NEGOTIATE_PROTOCOL_VERSION = ord("v")
    COPY_DONE = ord("c")
    COPY_DATA = ord("d")


class AuthenticationCode(IntEnum):
    """What an AuthenticationRequest asks for (protocol.h, AUTH_REQ_*)."""

    OK = 0
    KRB4 = 1
    KRB5 = 2
    PASSWORD = 3
    CRYPT = 4
    MD5 = 5
    GSS = 7
    GSS_CONT = 8
    SSPI = 9
    SASL = 10
    SASL_CONT = 11
    SASL_FIN = 12


class TransactionStatus(IntEnum):
    """The byte of ReadyForQuery (documentation: Message Formats)."""

    IDLE = ord("I")
    IN_TRANSACTION = ord("T")
    FAILED = ord("E")


class DiagnosticField(StrEnum):
    """Fields of ErrorResponse and NoticeResponse (postgres_ext.h, PG_DIAG_*)."""

    SEVERITY = "S"
    SEVERITY_NONLOCALIZED = "V"
    SQLSTATE = "C"
    MESSAGE_PRIMARY = "M"
    MESSAGE_DETAIL = "D"
    MESSAGE_HINT = "H"
    STATEMENT_POSITION = "P"
    INTERNAL_POSITION = "p"
    INTERNAL_QUERY = "q"
    CONTEXT = "W"
    SCHEMA_NAME = "s"
    TABLE_NAME = "t"
    COLUMN_NAME = "c"
    DATATYPE_NAME = "d"
    CONSTRAINT_NAME = "n"
    SOURCE_FILE = "F"
    SOURCE_LINE = "L"
    SOURCE_FUNCTION = "R"


class Severity(StrEnum):
    """Severities that the wire knows (documentation: Error and Notice Message Fields)."""

    ERROR = "ERROR"
    FATAL = "FATAL"
    PANIC = "PANIC"
    WARNING = "WARNING"
    NOTICE = "NOTICE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    LOG = "LOG"


class SqlState(StrEnum):
    """The SQLSTATEs that this project raises or recognizes; names are errcodes.txt's, without ERRCODE_."""

    SUCCESSFUL_COMPLETION = "00000"
    CONNECTION_EXCEPTION = "08000"
    SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION = "08001"
    CONNECTION_DOES_NOT_EXIST = "08003"
    SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION = "08004"
    CONNECTION_FAILURE = "08006"
    PROTOCOL_VIOLATION = "08P01"
    FEATURE_NOT_SUPPORTED = "0A000"
    CHARACTER_NOT_IN_REPERTOIRE = "22021"
    INVALID_PARAMETER_VALUE = "22023"
    INVALID_TEXT_REPRESENTATION = "22P02"
    IN_FAILED_SQL_TRANSACTION = "25P02"
    INVALID_SQL_STATEMENT_NAME = "26000"
    INVALID_AUTHORIZATION_SPECIFICATION = "28000"
    INVALID_PASSWORD = "28P01"  # noqa: S105 - a condition's name, not a password
    INVALID_CURSOR_NAME = "34000"
    INSUFFICIENT_PRIVILEGE = "42501"
    SYNTAX_ERROR = "42601"
    UNDEFINED_TABLE = "42P01"
    TOO_MANY_CONNECTIONS = "53300"
    CONFIGURATION_LIMIT_EXCEEDED = "53400"
    PROGRAM_LIMIT_EXCEEDED = "54000"
    STATEMENT_TOO_COMPLEX = "54001"
    QUERY_CANCELED = "57014"
    ADMIN_SHUTDOWN = "57P01"
    CRASH_SHUTDOWN = "57P02"
    CANNOT_CONNECT_NOW = "57P03"
    IDLE_SESSION_TIMEOUT = "57P05"
    SYSTEM_ERROR = "58000"
    IO_ERROR = "58030"
    INTERNAL_ERROR = "XX000"


CANCEL_REQUEST_CODE: Final = (1234 << 16) | 5678
NEGOTIATE_SSL_CODE: Final = (1234 << 16) | 5679
NEGOTIATE_GSS_CODE: Final = (1234 << 16) | 5680
MAX_STARTUP_PACKET_LENGTH: Final = 10_000
"""Bytes of a packet before the session, its length word left out (pqcomm.h)."""
MAX_CANCEL_KEY_LENGTH: Final = 256
"""Bytes (documentation: BackendKeyData)."""
PROTOCOL_MAJOR: Final = 3
LATEST_PROTOCOL_MINOR: Final = 2
"""PG_PROTOCOL_LATEST is 3.2."""


class ProtocolViolation(Exception):  # noqa: N818 - named after SQLSTATE 08P01, as PostgreSQL reports it
    """The peer sent what the protocol does not allow: the peer's fault, and all that this room raises for bytes.

    The message is worded as PostgreSQL's: lower case, no full stop.
    """

    def __init__(
        self, message: str, sqlstate: SqlState = SqlState.PROTOCOL_VIOLATION, *, detail: str | None = None
    ) -> None:
        """`detail` is a sentence, or None."""
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.detail = detail
