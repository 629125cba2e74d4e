"""HTTP: the application factory, error rendering, pages, authentication, calls between services."""
