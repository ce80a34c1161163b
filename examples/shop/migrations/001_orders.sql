CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    bytes integer NOT NULL
);
