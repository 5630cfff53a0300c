"""How long a herd of cold processes waits behind a slow token endpoint."""
