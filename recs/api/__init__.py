"""What the storefront's HTTP routes are made of: what is asked, what is told, and how both are written."""
