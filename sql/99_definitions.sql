-- Comes last: the tables are as they are going to be. An upgrade script does it again.
INSERT INTO booking.table_definitions (name, definition) SELECT name, definition FROM booking.define_tables();
