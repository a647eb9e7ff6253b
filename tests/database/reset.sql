-- The same state before each conversation: equal rows, equal sequences, and no object gets a new OID.
TRUNCATE users, orders, journal, secret.users RESTART IDENTITY;
INSERT INTO users SELECT n, 'user' || n || '@example.org', n * 1.5, date '1990-01-01' + n FROM generate_series(1, 20) n;
INSERT INTO orders SELECT n, 1 + n % 20, n * 9.99, repeat('x', n % 7) FROM generate_series(1, 60) n;
INSERT INTO secret.users SELECT n, 'secret' || n FROM generate_series(1, 5) n;
