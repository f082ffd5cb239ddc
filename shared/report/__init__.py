"""Reports: tables and pictures, as pure functions of records."""
