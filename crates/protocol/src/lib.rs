//! How a message is trusted: string to sign, signatures, keys, headers, time window, response-code registry; signs, verifies and explains with the same code.
