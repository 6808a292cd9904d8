"""How fast the shop is answered, against the libraries it would use otherwise."""
