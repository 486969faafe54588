"""What is known of the libraries, as data: TOML tables and the catalog that reads them."""
