"""pg8000, native and DB-API. Prints what it received."""

from __future__ import annotations

import io
import sys

import pg8000.dbapi
import pg8000.native

LOGIN = {"host": "127.0.0.1", "port": int(sys.argv[1]), "user": "person_ada", "password": "person_ada"}

native = pg8000.native.Connection(database="demo", **LOGIN)
print(native.run("SELECT id, email, balance, born FROM users WHERE id < :top ORDER BY id", top=4))
prepared = native.prepare("SELECT total FROM orders WHERE id = :id")
print([prepared.run(id=number) for number in (1, 2, 3)])
prepared.close()
native.run("COPY journal (line) FROM STDIN", stream=io.BytesIO(b"one\ntwo\n"))
print(native.run("SELECT * FROM journal ORDER BY id"))
try:
    native.run("SELECT nope")
except pg8000.native.DatabaseError as error:
    print(error)
native.close()

connection = pg8000.dbapi.connect(database="demo", **LOGIN)
cursor = connection.cursor()
cursor.execute("UPDATE users SET balance = %s WHERE id = %s", (5, 1))
connection.rollback()
cursor.execute("SELECT balance FROM users WHERE id = 1")
print(cursor.fetchall())
connection.commit()
connection.close()
