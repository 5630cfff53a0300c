"""How each package is used, as its documentation says."""
