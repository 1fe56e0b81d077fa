-- The next free slots of a specialization.
\set specialization random(0, 24)
SELECT * FROM booking.next_available(specialization => 'Specialization ' || :specialization::text);
