\set user random(1, 20)
\set amount random(1, 100)
SELECT email, balance FROM users WHERE id = :user;
SELECT sum(total) FROM orders WHERE user_id = :user AND total > :amount;
SELECT :amount::int + 1;
