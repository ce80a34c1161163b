ALTER TABLE orders ADD COLUMN dealt_with_by text;
