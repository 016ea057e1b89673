CREATE TABLE meeting (
    id BYTEA PRIMARY KEY CHECK (octet_length(id) = 16),
    admission_key BYTEA NOT NULL CHECK (octet_length(admission_key) = 32),
    host_fingerprint BYTEA NOT NULL CHECK (octet_length(host_fingerprint) = 16),
    sealed_meta BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX meeting_expiry ON meeting (expires_at);
