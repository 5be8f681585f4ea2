"""HTTP only: routes, wire models, authentication, and the table from domain error to problem."""
