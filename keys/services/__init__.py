"""The only writes of key batches and key pairs, and the only way to a private key."""
