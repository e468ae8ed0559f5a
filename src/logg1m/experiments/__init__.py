"""An MVP file → variants → runs → verdict."""
