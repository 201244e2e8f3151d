"""What every dock is made of; none of it knows a dock."""
