"""What commands show to people, as Rich renderables."""
