"""What people say of results in doubt."""
